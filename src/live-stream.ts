/** Work as an async iterable of what it says, and a promise of what comes of it. */

/** Items that wait for the reader before the work is slowed down. */
const ROOM = 64

/**
 * What work says, as it says it. A reader that is slow slows the work down; one that stops to read
 * lets it go on, unheard. Iterating throws what the work rejects with.
 */
export class LiveStream<Item, Result> implements AsyncIterable<Item> {
  readonly #result: Promise<Result>
  #items: Item[] = []
  #ended = false
  /** Whether nobody is going to read. */
  #unheard = false
  #isRead = false
  #wakeReader: () => void = () => undefined
  #wakeWork: () => void = () => undefined

  /** @param work - starts the work, whose items go to the function that it is given */
  constructor(work: (emit: (item: Item) => void | Promise<void>) => Promise<Result>) {
    this.#result = work((item) => this.#push(item))
    const end = () => {
      this.#ended = true
      this.#wakeReader()
    }
    this.#result.then(end, end)
  }

  /**
   * What comes of the work. Who asks for it and does not read the items does not slow the work down:
   * what there is no room for is in the result only.
   */
  get result(): Promise<Result> {
    if (!this.#isRead) this.#stopHearing()
    return this.#result
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Item, void, undefined> {
    this.#isRead = true
    this.#unheard = false
    try {
      for (;;) {
        const items = this.#items.splice(0)
        this.#wakeWork()
        yield* items
        if (this.#items.length > 0) continue
        if (this.#ended) break
        await new Promise<void>((resolve) => (this.#wakeReader = resolve))
      }
      await this.#result
    } finally {
      this.#stopHearing()
    }
  }

  #push(item: Item): void | Promise<void> {
    if (this.#unheard && this.#items.length >= ROOM) return
    this.#items.push(item)
    this.#wakeReader()
    if (this.#unheard || this.#items.length < ROOM) return
    return new Promise((resolve) => (this.#wakeWork = resolve))
  }

  #stopHearing(): void {
    this.#unheard = true
    this.#wakeWork()
  }
}
