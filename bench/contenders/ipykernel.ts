/** ipykernel through jupyter_client, as contender in each benchmark. */
import { DEFAULT_PRELOAD } from 'python-interpreter-toolset'
import type { Contender, Setting } from '../benchmark.js'
import { pssOf, rssOf, withDescendants } from '../memory.js'
import { IpykernelDriver, type Command } from './ipykernel-driver.js'

/** Trivial runs in one kernel, `times` a round, with a pause before each. */
export function ipykernelRuns(times: number, pauseMs = 0) {
  return withKernels(1, async (ask) => {
    const { samples } = await ask({ do: 'run', times, pause_ms: pauseMs })
    return samples
  })
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
 * What each additional kernel adds to the memory of all: the difference between so many and twice as
 * many that have imported what our templates do.
 */
export function ipykernelAdditionalMemory(kernels: number) {
  return withDriver(async (driver) => {
    const totals: number[] = []
    for (let opened = 0; opened < 2; opened += 1) {
      const { pids } = await driver.ask(open(kernels, { imports: DEFAULT_PRELOAD }))
      totals.push(await pssOf(await withDescendants(pids)))
    }
    await driver.ask({ do: 'close' })
    const [once = NaN, twice = NaN] = totals
    return [(twice - once) / kernels]
  })
}

interface KernelOptions {
  /**
   * By the client's own `wait_for_ready`, as documented; without, the run is sent at once and only
   * its reply is waited for: its output may be lost, for the client does not listen to it in time.
   * @default true
   */
  readonly waitForReady?: boolean
  /** What the first run imports before. @default [] */
  readonly imports?: readonly string[]
}

/** From the start of a kernel to its first result. */
export function ipykernelStart({ waitForReady = true, imports = [] }: KernelOptions = {}) {
  return withDriver(async (driver) => {
    const { samples } = await driver.ask(open(1, { waitForReady, imports }))
    await driver.ask({ do: 'close' })
    return samples
  })
}

type Ask = (command: Command) => ReturnType<IpykernelDriver['ask']>

function withKernels(
  kernels: number,
  round: (ask: Ask, pids: readonly number[]) => Promise<number[]>,
) {
  return async ({ python }: Setting): Promise<Contender> => {
    const driver = await IpykernelDriver.start(python)
    const { pids } = await driver.ask(open(kernels))
    await driver.ask({ do: 'run', times: 1, pause_ms: 0 })
    return {
      round: () => round((command) => driver.ask(command), pids),
      close: () => driver.close(),
    }
  }
}

/** With a driver that has no kernel yet. */
function withDriver(round: (driver: IpykernelDriver) => Promise<number[]>) {
  return async ({ python }: Setting): Promise<Contender> => {
    const driver = await IpykernelDriver.start(python)
    return { round: () => round(driver), close: () => driver.close() }
  }
}

function open(kernels: number, { waitForReady = true, imports = [] }: KernelOptions = {}): Command {
  return { do: 'open', kernels, wait_for_ready: waitForReady, imports }
}
