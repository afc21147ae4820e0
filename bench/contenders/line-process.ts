/** A child process that is driven by lines of text: one is written, and one of JSON comes back. */
import { execa } from 'execa'
import { createInterface } from 'node:readline'

const ANSWER_MS = 60_000

export class LineProcess {
  readonly #process: ReturnType<typeof startProcess>
  readonly #lines: AsyncIterator<string>
  readonly #name: string

  /** @param name - what an error says that has ended */
  constructor(name: string, file: string, args: readonly string[]) {
    this.#name = name
    this.#process = startProcess(file, args)
    this.#process.catch(() => undefined) // how it ended is told where its next line is missing
    this.#lines = createInterface({ input: this.#process.stdout })[Symbol.asyncIterator]()
  }

  get pid(): number {
    if (this.#process.pid === undefined) throw new Error(`${this.#name} could not be started.`)
    return this.#process.pid
  }

  /** The next line that it writes. */
  async next(): Promise<unknown> {
    const timer = setTimeout(() => this.#process.kill(), ANSWER_MS)
    try {
      const line = await this.#lines.next()
      if (line.done !== true) return JSON.parse(line.value)
    } finally {
      clearTimeout(timer)
    }
    throw new Error(`${this.#name} ended; what it wrote above says why.`)
  }

  /** Writes a line; answers the one that comes back. */
  async ask(line: string): Promise<unknown> {
    this.#process.stdin.write(`${line}\n`)
    return this.next()
  }

  /** Ends it, and what it has started. */
  async close(): Promise<void> {
    this.#process.stdin.end()
    await this.#process.catch(() => undefined)
  }
}

function startProcess(file: string, args: readonly string[]) {
  return execa(file, args, {
    cwd: import.meta.dirname, // from where Node finds packages for code that is no file
    stdin: 'pipe',
    stdout: 'pipe',
    stderr: 'inherit',
    buffer: false,
    // When Node ends, so does its input, and it ends what it has started and removes its files.
    cleanup: false,
    // It does that itself when asked to end; this is for when it does not.
    forceKillAfterDelay: 5_000,
  })
}
