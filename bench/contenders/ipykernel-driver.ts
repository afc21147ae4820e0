/** Node's side of `ipykernel_bench.py`: one command at a time, one JSON line each way. */
import { join } from 'node:path'
import { z } from 'zod'
import { LineProcess } from './line-process.js'

const SCRIPT = join(import.meta.dirname, '../ipykernel_bench.py')

const hello = z.object({ versions: z.record(z.string(), z.string()) })
const answer = z.object({ samples: z.array(z.number()), pids: z.array(z.number()).default([]) })

export type Command =
  /**
   * Starts kernels that import modules, then run `1`; answers the ms from start to first result (or
   * reply) of each, and the pids of all that run.
   */
  | { do: 'open'; kernels: number; wait_for_ready: boolean; imports: readonly string[] }
  /** Runs `1` in the first kernel, with a pause before each run; answers the ms of each run. */
  | { do: 'run'; times: number; pause_ms: number }
  /** Runs `1` in all kernels in parallel for some time; answers runs per second. */
  | { do: 'throughput'; seconds: number }
  /** Ends all kernels. */
  | { do: 'close' }

/** A Python process that drives ipykernel through jupyter_client. */
export class IpykernelDriver {
  /** Of Python and its packages, by name. */
  readonly versions: Readonly<Record<string, string>>
  readonly #process: LineProcess

  private constructor(process: LineProcess, versions: Record<string, string>) {
    this.#process = process
    this.versions = versions
  }

  static async start(python: string): Promise<IpykernelDriver> {
    const process = new LineProcess('ipykernel_bench.py', python, [SCRIPT])
    const { versions } = hello.parse(await process.next())
    return new IpykernelDriver(process, versions)
  }

  async ask(command: Command): Promise<z.infer<typeof answer>> {
    return answer.parse(await this.#process.ask(JSON.stringify(command)))
  }

  /** Ends the driver and its kernels. */
  close(): Promise<void> {
    return this.#process.close()
  }
}
