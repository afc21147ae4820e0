/** What a run has written to one stream: in bounded memory, and, where that is too little, in a file. */
import { BoundedText } from './bounded-text.js'
import { TerminalText, type Written } from './terminal-text.js'
import { WholeOutput } from './whole-output.js'

export class StreamText {
  readonly #limit: number
  readonly #path: (() => string) | null
  readonly #terminal = new TerminalText()
  readonly #text: BoundedText
  #whole: WholeOutput | null = null

  /**
   * @param limit - bytes kept in memory
   * @param path - answers where all of it is written if there is more; null: nowhere
   */
  constructor(limit: number, path: (() => string) | null) {
    this.#limit = limit
    this.#path = path
    this.#text = new BoundedText(limit)
  }

  /** Bytes of text so far, but for a line without an end. */
  get bytes(): number {
    return this.#text.bytes
  }

  /** Bytes that {@link toString} leaves out. */
  get leftOut(): number {
    return this.#text.leftOut
  }

  /** The file with all of the text; null while there is none. */
  get whole(): WholeOutput | null {
    return this.#whole
  }

  write(text: string): Written {
    return this.#keep(this.#terminal.write(text))
  }

  /** Takes the last line as it is: nothing follows. */
  end(): Written {
    return this.#keep(this.#terminal.end())
  }

  toString(): string {
    return this.#text.toString() + this.#terminal.pending
  }

  #keep(written: Written): Written {
    const { lines } = written
    if (lines === '') return written
    const isTooMuch = this.#text.bytes + Buffer.byteLength(lines) > this.#limit
    if (isTooMuch && this.#path !== null) {
      this.#whole ??= new WholeOutput(this.#path(), this.#text.toString())
      this.#whole.append(lines)
    }
    this.#text.append(lines)
    return written
  }
}
