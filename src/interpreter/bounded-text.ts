/** Text of any length in bounded memory: its head and its tail. */

/** Keeps the first and the last `limit / 2` characters of what is appended. */
export class BoundedText {
  readonly #half: number
  #head = ''
  #tail = ''
  #length = 0

  /** @param limit - characters kept at most */
  constructor(limit: number) {
    this.#half = Math.max(1, Math.floor(limit / 2))
  }

  /** Characters appended so far. */
  get length(): number {
    return this.#length
  }

  /** Characters that {@link toString} leaves out. */
  get leftOut(): number {
    return Math.max(0, this.#length - 2 * this.#half)
  }

  append(text: string): void {
    this.#length += text.length
    const room = this.#half - this.#head.length
    this.#head += text.slice(0, room)
    const rest = text.slice(Math.max(0, room))
    if (rest === '') return
    this.#tail += rest
    // Not at each append: cutting copies, and only the order of magnitude matters until the end.
    if (this.#tail.length > 4 * this.#half) this.#tail = this.#tail.slice(-this.#half)
  }

  /** The whole text, or its head and tail with a line between that says how much is left out. */
  toString(): string {
    if (this.leftOut === 0) return this.#head + this.#tail
    return joinHeadAndTail(this.#head, this.#tail.slice(-this.#half), this.leftOut)
  }
}

/** `text` itself, or its head and tail if it is longer than `limit` characters. */
export function cutMiddle(text: string, limit: number): string {
  const bounded = new BoundedText(limit)
  bounded.append(text)
  return bounded.toString()
}

function joinHeadAndTail(head: string, tail: string, leftOut: number): string {
  // A surrogate pair that the cut went through would be two broken characters.
  const wholeHead = /[\ud800-\udbff]$/.test(head) ? head.slice(0, -1) : head
  const wholeTail = /^[\udc00-\udfff]/.test(tail) ? tail.slice(1) : tail
  const more = leftOut + head.length - wholeHead.length + tail.length - wholeTail.length
  return `${wholeHead}\n[... ${more} characters left out ...]\n${wholeTail}`
}
