/** A run as an async iterable of what it says. */
import type { OnOutput } from './output-listener.js'
import type { RunOutput, RunResult } from './result.js'

/** Outputs that wait for the reader before the run is slowed down. */
const ROOM = 64

/**
 * What a run says, as it says it. A reader that is slow slows the run down; one that stops to read
 * lets it go on, unheard. Iterating throws what the call would reject with.
 */
export class RunStream implements AsyncIterable<RunOutput> {
  readonly #result: Promise<RunResult>
  #outputs: RunOutput[] = []
  #ended = false
  /** Whether nobody is going to read. */
  #unheard = false
  #isRead = false
  #wakeReader: () => void = () => undefined
  #wakeRun: () => void = () => undefined

  /** @param run - starts the run, whose outputs go to the function that it is given */
  constructor(run: (onOutput: OnOutput) => Promise<RunResult>) {
    this.#result = run((output) => this.#push(output))
    const end = () => {
      this.#ended = true
      this.#wakeReader()
    }
    this.#result.then(end, end)
  }

  /**
   * The run's result. Who asks for it and does not read the outputs does not slow the run down: what
   * there is no room for is in the result only.
   */
  get result(): Promise<RunResult> {
    if (!this.#isRead) this.#stopHearing()
    return this.#result
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<RunOutput, void, undefined> {
    this.#isRead = true
    this.#unheard = false
    try {
      for (;;) {
        const outputs = this.#outputs.splice(0)
        this.#wakeRun()
        yield* outputs
        if (this.#outputs.length > 0) continue
        if (this.#ended) break
        await new Promise<void>((resolve) => (this.#wakeReader = resolve))
      }
      await this.#result
    } finally {
      this.#stopHearing()
    }
  }

  #push(output: RunOutput): void | Promise<void> {
    if (this.#unheard && this.#outputs.length >= ROOM) return
    this.#outputs.push(output)
    this.#wakeReader()
    if (this.#unheard || this.#outputs.length < ROOM) return
    return new Promise((resolve) => (this.#wakeRun = resolve))
  }

  #stopHearing(): void {
    this.#unheard = true
    this.#wakeRun()
  }
}
