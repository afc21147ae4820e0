/** Text of any length in bounded memory: its head and its tail. */

const CUT_AT = 4096

/** Keeps the first and the last half of `limit` characters of what is appended. */
export class BoundedText {
  readonly #headRoom: number
  readonly #tailRoom: number
  #head = ''
  #tail = ''
  #length = 0

  /** @param limit - characters kept at most */
  constructor(limit: number) {
    this.#headRoom = Math.ceil(limit / 2)
    this.#tailRoom = limit - this.#headRoom
  }

  /** Characters appended so far. */
  get length(): number {
    return this.#length
  }

  /** Characters that {@link toString} leaves out. */
  get leftOut(): number {
    return Math.max(0, this.#length - this.#headRoom - this.#tailRoom)
  }

  append(text: string): void {
    this.#length += text.length
    const room = this.#headRoom - this.#head.length
    this.#head += text.slice(0, room)
    const rest = text.slice(Math.max(0, room))
    if (rest === '') return
    this.#tail += rest
    // Not at each append: cutting copies, and only the order of magnitude matters until the end.
    if (this.#tail.length > 4 * this.#tailRoom + CUT_AT)
      this.#tail = lastOf(this.#tail, this.#tailRoom)
  }

  /** The whole text, or its head and tail with a line between that says how much is left out. */
  toString(): string {
    if (this.leftOut === 0) return this.#head + this.#tail
    return joinHeadAndTail(this.#head, lastOf(this.#tail, this.#tailRoom), this.leftOut)
  }
}

/** `text` itself, or its head and tail if it is longer than `limit` characters. */
export function cutMiddle(text: string, limit: number): string {
  const bounded = new BoundedText(limit)
  bounded.append(text)
  return bounded.toString()
}

function lastOf(text: string, length: number): string {
  return text.slice(text.length - Math.min(length, text.length))
}

function joinHeadAndTail(head: string, tail: string, leftOut: number): string {
  // A surrogate pair that the cut went through would be two broken characters.
  const wholeHead = /[\ud800-\udbff]$/.test(head) ? head.slice(0, -1) : head
  const wholeTail = /^[\udc00-\udfff]/.test(tail) ? tail.slice(1) : tail
  const more = leftOut + head.length - wholeHead.length + tail.length - wholeTail.length
  return `${wholeHead}\n[... ${more} characters left out ...]\n${wholeTail}`
}
