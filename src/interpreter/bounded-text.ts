/** Text of any length in bounded memory: its head and its tail. */

const CUT_AT = 4096

/** Keeps the first and the last half of `limit` bytes (UTF-8) of what is appended. */
export class BoundedText {
  readonly #headRoom: number
  readonly #tailRoom: number
  #head = ''
  #headBytes = 0
  #tail = ''
  #bytes = 0

  /** @param limit - bytes kept at most */
  constructor(limit: number) {
    this.#headRoom = Math.ceil(limit / 2)
    this.#tailRoom = limit - this.#headRoom
  }

  /** Bytes appended so far. */
  get bytes(): number {
    return this.#bytes
  }

  /** Bytes that {@link toString} leaves out. */
  get leftOut(): number {
    return this.#isWhole ? 0 : this.#bytes - this.#headBytes - Buffer.byteLength(this.#end)
  }

  append(text: string): void {
    this.#bytes += Buffer.byteLength(text)
    // What did not fit once closes the head, even if something shorter would.
    const head = this.#tail === '' ? firstBytes(text, this.#headRoom - this.#headBytes) : ''
    this.#head += head
    this.#headBytes += Buffer.byteLength(head)
    if (head.length === text.length) return
    this.#tail += text.slice(head.length)
    // Not at each append: cutting copies, and only the order of magnitude matters until the end.
    if (this.#tail.length > 4 * this.#tailRoom + CUT_AT) this.#tail = this.#end
  }

  /** The whole text, or its head and tail with a line between that says how much is left out. */
  toString(): string {
    if (this.#isWhole) return this.#head + this.#tail
    return joinHeadAndTail(this.#head, this.#end, `${this.leftOut} bytes`)
  }

  get #isWhole(): boolean {
    return this.#bytes <= this.#headRoom + this.#tailRoom
  }

  get #end(): string {
    return lastBytes(this.#tail, this.#tailRoom)
  }
}

/** `text` itself, or its head and tail if it is longer than `limit` characters. */
export function cutMiddle(text: string, limit: number): string {
  if (text.length <= limit) return text
  // A surrogate pair that the cut went through would be two broken characters.
  const head = text.slice(0, Math.ceil(limit / 2)).replace(/[\ud800-\udbff]$/, '')
  const tail = text.slice(text.length - Math.floor(limit / 2)).replace(/^[\udc00-\udfff]/, '')
  return joinHeadAndTail(head, tail, `${text.length - head.length - tail.length} characters`)
}

/** `text` with a question mark in place of each line break and other character that is not shown. */
export function onOneLine(text: string): string {
  return text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '?')
}

/** As many whole characters from the beginning of `text` as have at most so many bytes. */
function firstBytes(text: string, limit: number): string {
  const bytes = Buffer.from(text)
  if (bytes.length <= limit) return text
  let end = limit
  while (isContinuation(bytes[end])) end -= 1
  return bytes.toString('utf8', 0, end)
}

/** As many whole characters from the end of `text` as have at most so many bytes. */
function lastBytes(text: string, limit: number): string {
  const bytes = Buffer.from(text)
  if (bytes.length <= limit) return text
  let start = bytes.length - limit
  while (isContinuation(bytes[start])) start += 1
  return bytes.toString('utf8', start)
}

function isContinuation(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) === 0x80
}

function joinHeadAndTail(head: string, tail: string, leftOut: string): string {
  return `${head}\n[... ${leftOut} left out ...]\n${tail}`
}
