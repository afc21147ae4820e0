/**
 * Splits the bytes of one output pipe into plain text and control frames, and tells which run each
 * belongs to. The frames are described in `protocol.py`.
 */

const MARK = 0x1e
const MAX_HEADER = 64
const HEADER = /^([SETWdDX])(\d{1,16}):(\d{1,4})$/

/** What a pipe says, in the order in which it says it. */
export type FrameEvent =
  /** Plain bytes, or text that is framed because it belongs to another run than its neighbours. */
  | { type: 'bytes'; run: number; bytes: Buffer }
  | { type: 'start' | 'end'; run: number }
  /** Python code wrote to the other pipe before; `number` counts that in both pipes. */
  | { type: 'switch'; number: number }
  /** A part of an output that is no text; `name` joins the parts. */
  | { type: 'part'; run: number; name: string; part: Buffer; last: boolean }
  /** The process has died, and this was all it wrote. */
  | { type: 'drained' }

/** Parses one pipe; fed with its bytes in order. */
export class OutputParser {
  readonly #mark: Buffer
  readonly #emit: (event: FrameEvent) => void
  #rest: Buffer = Buffer.alloc(0)
  #run: number

  /**
   * @param nonce - the secret that control frames carry, 32 characters
   * @param run - the run that plain bytes belong to before any mark
   */
  constructor(nonce: string, run: number, emit: (event: FrameEvent) => void) {
    this.#mark = Buffer.concat([Buffer.of(MARK), Buffer.from(nonce)])
    this.#run = run
    this.#emit = emit
  }

  write(chunk: Buffer): void {
    const bytes = this.#rest.length > 0 ? Buffer.concat([this.#rest, chunk]) : chunk
    let plainFrom = 0
    let searchFrom = 0
    for (;;) {
      const at = bytes.indexOf(MARK, searchFrom)
      const size = at === -1 ? 0 : this.#frameSize(bytes, at)
      if (at === -1 || size === 'incomplete') {
        const end = at === -1 ? bytes.length : at
        this.#plain(bytes.subarray(plainFrom, end))
        this.#rest = Buffer.from(bytes.subarray(end))
        return
      }
      if (size === 0) {
        searchFrom = at + 1 // the byte happens to be part of the text
        continue
      }
      this.#plain(bytes.subarray(plainFrom, at))
      this.#frame(bytes.subarray(at + this.#mark.length, at + size))
      plainFrom = searchFrom = at + size
    }
  }

  /** The size of the control frame at `at`; 0 if there is none. */
  #frameSize(bytes: Buffer, at: number): number | 'incomplete' {
    const mark = bytes.subarray(at, at + this.#mark.length)
    if (!mark.equals(this.#mark.subarray(0, mark.length))) return 0
    const headerFrom = at + this.#mark.length
    const length = bytes.subarray(headerFrom, headerFrom + MAX_HEADER + 1).indexOf(0x0a)
    if (length === -1) return bytes.length - headerFrom > MAX_HEADER ? 0 : 'incomplete'
    const header = HEADER.exec(bytes.toString('latin1', headerFrom, headerFrom + length))
    if (header === null) return 0
    const end = headerFrom + length + 1 + Number(header[3])
    return end > bytes.length ? 'incomplete' : end - at
  }

  #frame(frame: Buffer): void {
    const newline = frame.indexOf(0x0a)
    const [, kind, runText] = HEADER.exec(frame.toString('latin1', 0, newline)) ?? []
    const run = Number(runText)
    const payload = frame.subarray(newline + 1)
    if (kind === 'S' || kind === 'E') {
      this.#run = run
      this.#emit({ type: kind === 'S' ? 'start' : 'end', run })
    } else if (kind === 'T') {
      this.#emit({ type: 'bytes', run, bytes: payload })
    } else if (kind === 'W') {
      const number = Number(payload.toString('latin1'))
      // Any other would be waited for in vain.
      if (Number.isSafeInteger(number)) this.#emit({ type: 'switch', number })
    } else if (kind === 'X') {
      this.#emit({ type: 'drained' })
    } else {
      const nameEnd = payload.indexOf(0x0a)
      const name = payload.toString('latin1', 0, nameEnd)
      const part = payload.subarray(nameEnd + 1)
      this.#emit({ type: 'part', run, name, part, last: kind === 'D' })
    }
  }

  #plain(bytes: Buffer): void {
    if (bytes.length === 0) return
    this.#emit({ type: 'bytes', run: this.#run, bytes })
  }
}
