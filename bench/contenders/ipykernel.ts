/** ipykernel through jupyter_client, as contender in each benchmark. */
import type { Contender, Setting } from '../benchmark.js'
import { rssOf } from '../memory.js'
import { IpykernelDriver, type Command } from './ipykernel-driver.js'

/** Trivial runs in one kernel, `times` a round. */
export function ipykernelRuns(times: number) {
  return withKernels(1, async (ask) => (await ask({ do: 'run', times })).samples)
}

/** Runs per second of kernels in parallel. */
export function ipykernelThroughput(kernels: number, seconds: number) {
  return withKernels(kernels, async (ask) => (await ask({ do: 'throughput', seconds })).samples)
}

/** The memory of one idle kernel that has run something. */
export function ipykernelMemory() {
  return withKernels(1, (_, pids) => Promise.all(pids.map(rssOf)))
}

/**
 * From the start of a kernel to its first result.
 *
 * @param waitForReady - by the client's own `wait_for_ready`, as documented; without, the run is sent
 *   at once and only its reply is waited for: its output may be lost, for the client does not listen
 *   to it in time
 */
export function ipykernelStart(waitForReady: boolean) {
  return async ({ python }: Setting): Promise<Contender> => {
    const driver = await IpykernelDriver.start(python)
    return {
      async round() {
        const open = { do: 'open', kernels: 1, wait_for_ready: waitForReady } as const
        const { samples } = await driver.ask(open)
        await driver.ask({ do: 'close' })
        return samples
      },
      close: () => driver.close(),
    }
  }
}

type Ask = (command: Command) => ReturnType<IpykernelDriver['ask']>

function withKernels(
  kernels: number,
  round: (ask: Ask, pids: readonly number[]) => Promise<number[]>,
) {
  return async ({ python }: Setting): Promise<Contender> => {
    const driver = await IpykernelDriver.start(python)
    const { pids } = await driver.ask({ do: 'open', kernels, wait_for_ready: true })
    await driver.ask({ do: 'run', times: 1 })
    return {
      round: () => round((command) => driver.ask(command), pids),
      close: () => driver.close(),
    }
  }
}
