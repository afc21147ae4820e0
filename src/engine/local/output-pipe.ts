/** Node's end of one named pipe that a worker and its children write to. */
import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { Socket, type ConnectOpts, type SocketConstructorOpts } from 'node:net'
import { OutputParser, type FrameEvent } from './output-parser.js'
import { Utf8Decoder } from './utf8.js'
import { openWorkerFile, type WorkerFolder } from './worker-file.js'

/** What a pipe says, in the order in which it says it; nothing follows `closed`. */
export type PipeEvent =
  | Exclude<FrameEvent, { type: 'bytes' | 'drained' }>
  | { type: 'text'; run: number; text: string }
  | { type: 'closed' }

/** Hears what pipes say. */
export interface PipeListener {
  push(pipe: OutputPipe, event: PipeEvent): void
  /** All that was read at once has been pushed. */
  flush(): void
}

/** What is read at once: a pipe holds no more. One for all: nobody keeps a part beyond a call. */
const CHUNK = Buffer.alloc(1 << 16)
/** Runs whose text may end in the middle of a character; then what there is of it is taken as it is. */
const MOST_DECODERS = 100

/** Reads a named pipe until its last writer has closed it, without keeping Node alive. */
export class OutputPipe {
  readonly #path: string
  readonly #nonce: string
  readonly #descriptor: number
  readonly #parser: OutputParser
  readonly #socket: Socket
  readonly #listener: PipeListener
  readonly #decoders = new Map<number, Utf8Decoder>()
  #closed = false
  #isDraining = false

  /** Opens the pipe of this name; events belong to `run` until the first mark says otherwise. */
  constructor(
    folder: WorkerFolder,
    name: string,
    nonce: string,
    run: number,
    listener: PipeListener,
  ) {
    this.#path = join(folder.path, name)
    this.#nonce = nonce
    this.#listener = listener
    this.#parser = new OutputParser(nonce, run, (event) => this.#decode(event))
    this.#descriptor = openWorkerFile(folder, name)
    const options: SocketConstructorOpts & ConnectOpts = {
      fd: this.#descriptor,
      readable: true,
      writable: false,
      onread: { buffer: CHUNK, callback: (length) => this.#parse(length) },
    }
    this.#socket = new Socket(options)
    this.#socket.on('error', () => this.#close())
    this.#socket.on('close', () => this.#close())
    this.#socket.unref()
  }

  /** Reads whatever comes, as soon as it comes; so it is from the beginning. */
  watch(): void {
    this.#socket.resume()
  }

  /** Lets what comes wait in the pipe, until `read` or `watch`. */
  unwatch(): void {
    this.#socket.pause()
  }

  /** Reads what waits in the pipe; if that is much, only its beginning. */
  read(): void {
    // The descriptor of a destroyed socket may be another file's by now.
    if (this.#socket.destroyed) return
    let length = 0
    try {
      length = readSync(this.#descriptor, CHUNK)
    } catch {
      // There is nothing in it. Should there be worse, watching tells.
    }
    this.#parse(length)
  }

  /**
   * Reads what is in the pipe now, then closes it: for the pipe of a worker that has died, which
   * somebody else may still hold open.
   */
  drain(): void {
    if (this.#closed) return
    this.#isDraining = true
    this.watch()
    // A pipe keeps order: when this mark has been read, so has everything before.
    const mark = `\x1e${this.#nonce}X0:0\n`
    try {
      const descriptor = this.#openWriteEnd()
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

  /** Of this very pipe, whatever has its name now; only Linux has a path for that. */
  #openWriteEnd(): number {
    const { O_WRONLY, O_NONBLOCK, O_NOFOLLOW } = constants
    if (process.platform !== 'linux')
      return openSync(this.#path, O_WRONLY | O_NONBLOCK | O_NOFOLLOW)
    return openSync(`/proc/self/fd/${this.#descriptor}`, O_WRONLY | O_NONBLOCK)
  }

  #close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#socket.destroy()
    this.#endTexts()
    this.#listener.push(this, { type: 'closed' })
    this.#listener.flush()
  }

  #parse(length: number): boolean {
    this.#parser.write(CHUNK.subarray(0, length))
    this.#listener.flush()
    return true
  }

  #decode(event: FrameEvent): void {
    if (event.type === 'bytes') {
      if (this.#decoders.size === MOST_DECODERS) this.#endTexts()
      const decoder = this.#decoders.get(event.run) ?? new Utf8Decoder()
      this.#decoders.set(event.run, decoder)
      this.#emitText(event.run, decoder.write(event.bytes))
      return
    }
    if (event.type === 'drained') {
      // Only user code that meddles says so of a process that lives.
      if (this.#isDraining) this.#close()
      return
    }
    if (event.type === 'end') this.#endTexts()
    this.#listener.push(
      this,
      event.type === 'part' ? { ...event, part: Buffer.from(event.part) } : event,
    )
  }

  #endTexts(): void {
    for (const [run, decoder] of this.#decoders) this.#emitText(run, decoder.end())
    this.#decoders.clear()
  }

  #emitText(run: number, text: string): void {
    if (text !== '') this.#listener.push(this, { type: 'text', run, text })
  }
}
