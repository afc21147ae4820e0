/** Node's end of one named pipe that a worker and its children write to. */
import { closeSync, constants, openSync, rmSync, writeSync } from 'node:fs'
import { Socket } from 'node:net'
import { OutputParser, type FrameEvent } from './output-parser.js'
import { Utf8Decoder } from './utf8.js'

/** What a pipe says, in the order in which it says it; nothing follows `closed`. */
export type PipeEvent =
  | Exclude<FrameEvent, { type: 'bytes' | 'drained' }>
  | { type: 'text'; run: number; text: string }
  | { type: 'closed' }

/** Reads a named pipe until its last writer has closed it, without keeping Node alive. */
export class OutputPipe {
  readonly #path: string
  readonly #nonce: string
  readonly #socket: Socket
  readonly #emit: (event: PipeEvent) => void
  readonly #decoders = new Map<number, Utf8Decoder>()
  #closed = false

  /** Opens the pipe at `path`; events belong to `run` until the first mark says otherwise. */
  constructor(path: string, nonce: string, run: number, emit: (event: PipeEvent) => void) {
    this.#path = path
    this.#nonce = nonce
    this.#emit = emit
    const parser = new OutputParser(nonce, run, (event) => this.#decode(event))
    const descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
    this.#socket = new Socket({ fd: descriptor, readable: true, writable: false })
    this.#socket.on('data', (chunk) => parser.write(chunk))
    this.#socket.on('error', () => this.#close())
    this.#socket.on('close', () => this.#close())
    this.#socket.unref()
  }

  /**
   * Reads what is in the pipe now, then closes it: for the pipe of a worker that has died, which
   * somebody else may still hold open.
   */
  drain(): void {
    if (this.#closed) return
    // A pipe keeps order: when this mark has been read, so has everything before.
    const mark = `\x1e${this.#nonce}X0:0\n`
    try {
      const descriptor = openSync(this.#path, constants.O_WRONLY | constants.O_NONBLOCK)
      try {
        writeSync(descriptor, mark)
      } finally {
        closeSync(descriptor)
      }
    } catch (error) {
      // Full: reading goes on and makes room. Any other error: there is nothing to read from.
      if ((error as NodeJS.ErrnoException).code === 'EAGAIN') setImmediate(() => this.drain())
      else this.#close()
    }
  }

  #close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#socket.destroy()
    rmSync(this.#path, { force: true })
    this.#endTexts()
    this.#emit({ type: 'closed' })
  }

  #decode(event: FrameEvent): void {
    if (event.type === 'bytes') {
      const decoder = this.#decoders.get(event.run) ?? new Utf8Decoder()
      this.#decoders.set(event.run, decoder)
      this.#emitText(event.run, decoder.write(event.bytes))
      return
    }
    if (event.type === 'drained') {
      this.#close()
      return
    }
    if (event.type === 'end') this.#endTexts()
    this.#emit(event)
  }

  #endTexts(): void {
    for (const [run, decoder] of this.#decoders) this.#emitText(run, decoder.end())
    this.#decoders.clear()
  }

  #emitText(run: number, text: string): void {
    if (text !== '') this.#emit({ type: 'text', run, text })
  }
}
