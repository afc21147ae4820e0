/** Node's side of `ipykernel_bench.py`: one command at a time, one JSON line each way. */
import { execa } from 'execa'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { z } from 'zod'

const SCRIPT = join(import.meta.dirname, '../ipykernel_bench.py')
const ANSWER_MS = 60_000

const hello = z.object({ versions: z.record(z.string(), z.string()) })
const answer = z.object({ samples: z.array(z.number()), pids: z.array(z.number()).default([]) })

export type Command =
  /** Starts kernels; answers the ms from start to first result (or reply) of each, and their pids. */
  | { do: 'open'; kernels: number; wait_for_ready: boolean }
  /** Runs `1` in the first kernel; answers the ms of each run. */
  | { do: 'run'; times: number }
  /** Runs `1` in all kernels in parallel for some time; answers runs per second. */
  | { do: 'throughput'; seconds: number }
  /** Ends all kernels. */
  | { do: 'close' }

/** A Python process that drives ipykernel through jupyter_client. */
export class IpykernelDriver {
  /** Of Python and its packages, by name. */
  readonly versions: Readonly<Record<string, string>>
  readonly #process: ReturnType<typeof startDriver>
  readonly #lines: AsyncIterator<string>

  private constructor(
    process: ReturnType<typeof startDriver>,
    lines: AsyncIterator<string>,
    versions: Record<string, string>,
  ) {
    this.#process = process
    this.#lines = lines
    this.versions = versions
  }

  static async start(python: string): Promise<IpykernelDriver> {
    const process = startDriver(python)
    process.catch(() => undefined) // how it ended is told where its next line is missing
    const lines = createInterface({ input: process.stdout })[Symbol.asyncIterator]()
    const { versions } = hello.parse(await nextLine(process, lines))
    return new IpykernelDriver(process, lines, versions)
  }

  async ask(command: Command): Promise<z.infer<typeof answer>> {
    this.#process.stdin.write(`${JSON.stringify(command)}\n`)
    return answer.parse(await nextLine(this.#process, this.#lines))
  }

  /** Ends the driver and its kernels. */
  async close(): Promise<void> {
    this.#process.stdin.end()
    await this.#process.catch(() => undefined)
  }
}

function startDriver(python: string) {
  return execa(python, [SCRIPT], {
    stdin: 'pipe',
    stdout: 'pipe',
    stderr: 'inherit',
    buffer: false,
    // When Node ends, so does its input, and it closes its kernels and removes its files.
    cleanup: false,
    // It ends its kernels itself when asked to end; this is for when it does not.
    forceKillAfterDelay: 5_000,
  })
}

async function nextLine(
  process: ReturnType<typeof startDriver>,
  lines: AsyncIterator<string>,
): Promise<unknown> {
  const timer = setTimeout(() => process.kill(), ANSWER_MS)
  try {
    const line = await lines.next()
    if (line.done !== true) return JSON.parse(line.value)
  } finally {
    clearTimeout(timer)
  }
  throw new Error('ipykernel_bench.py ended; what it wrote above says why.')
}
