/** Many runs over many sessions with faults mixed in, and what that costs in the end: nothing. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { residentSetSize } from '../../src/engine/local/memory.js'
import { Dice } from '../faults/dice.js'
import { childrenOf } from '../faults/family.js'
import { House } from '../faults/house.js'
import { openDescriptors } from '../helpers/descriptors.js'
import { Client } from './client.js'

const MB = 1024 * 1024
/** Sessions that act at the same time. */
const AT_ONCE = 4
const SAMPLES = 20
/**
 * By so much may the mean of the last quarter of the samples be above that of the second. In the first, V8
 * and the allocators get warm; `test/leaks.test.ts` has V8 keep nothing, and so is exact about the heap.
 */
const MOST_GROWTH: Readonly<Record<Measured, number>> = {
  heap: 4 * MB,
  node: 64 * MB,
  template: 8 * MB,
  keeper: 4 * MB,
  descriptors: 20,
  processes: 20,
}

type Measured = 'heap' | 'node' | 'template' | 'keeper' | 'descriptors' | 'processes'
export type Sample = Readonly<Record<Measured, number>>

export interface SoakOptions {
  readonly python: string
  readonly seed: number
  readonly runs: number
  readonly sessions: number
  /** No sample is begun later than this, in ms of `performance.now()`. */
  readonly deadline: number
  readonly onSample?: (runs: number, sample: Sample) => void
}

export interface SoakReport {
  readonly runs: number
  readonly samples: readonly Sample[]
  readonly done: Readonly<Record<string, number>>
  /** What is wrong, each with a reason. */
  readonly violations: readonly string[]
}

/** Runs until there were enough runs, or it is too late; leaves nothing behind. */
export async function soak(options: SoakOptions): Promise<SoakReport> {
  const { python, seed, runs, sessions, deadline, onSample } = options
  const dice = new Dice(seed)
  const house = await House.build('fork')
  const { tools } = await house.moveIn(python, 'auto', true)
  const clients = Array.from(
    { length: sessions },
    (_, index) => new Client(`client-${index}`, dice.split(), house, tools),
  )
  const samples: Sample[] = []
  const violations: string[] = []
  let done = 0
  try {
    while (done < runs && violations.length === 0 && performance.now() < deadline) {
      const share = Math.min(Math.ceil(runs / SAMPLES), runs - done)
      await actInLanes(clients, share, (error) => violations.push(told(error)))
      done += share
      const sample = await measure(house)
      samples.push(sample)
      onSample?.(done, sample)
    }
    await house.requireTidy()
  } catch (error) {
    violations.push(told(error))
  }
  await house.close().catch((error: unknown) => violations.push(told(error)))
  const all: Record<string, number> = {}
  for (const client of clients) {
    for (const [what, times] of Object.entries(client.done)) all[what] = (all[what] ?? 0) + times
  }
  return { runs: done, samples, done: all, violations: [...violations, ...growth(samples)] }
}

/** Has sessions do so many things, some of them at the same time, and no session two. */
async function actInLanes(
  clients: readonly Client[],
  count: number,
  onError: (error: unknown) => void,
): Promise<void> {
  let left = count
  const lanes = Array.from({ length: AT_ONCE }, (_, lane) =>
    clients.filter((__, index) => index % AT_ONCE === lane),
  )
  const act = async (lane: readonly Client[]) => {
    for (let turn = 0; left > 0 && lane.length > 0; turn += 1) {
      left -= 1
      await lane[turn % lane.length]?.act()
    }
  }
  const ended = await Promise.allSettled(lanes.map(act))
  for (const end of ended) if (end.status === 'rejected') onError(end.reason)
}

async function measure(house: House): Promise<Sample> {
  collectGarbage()
  const { heapUsed, rss } = process.memoryUsage()
  const keeper = await house.keeper()
  const [template] = keeper === null ? [] : await house.templates(keeper)
  return {
    heap: heapUsed,
    node: rss,
    template: (await residentSetSize(template ?? 0)) ?? 0,
    keeper: (await residentSetSize(keeper ?? 0)) ?? 0,
    descriptors: (await openDescriptors()).length,
    processes: keeper === null ? 0 : childrenOf(keeper).length,
  }
}

function growth(samples: readonly Sample[]): string[] {
  const quarter = Math.floor(samples.length / 4)
  if (quarter === 0) return []
  return Object.entries(MOST_GROWTH).flatMap(([name, most]) => {
    const mean = (of: readonly Sample[]) => {
      // One that could not be taken, as a template was just being made, is none.
      const values = of.map((sample) => sample[name as Measured]).filter((value) => value > 0)
      return values.reduce((sum, value) => sum + value, 0) / values.length
    }
    const warm = mean(samples.slice(quarter, 2 * quarter))
    const last = mean(samples.slice(-quarter))
    return last - warm <= most ? [] : [`${name} has grown from ${warm} to ${last}.`]
  })
}

/** What is still used can only be told when what is not has been collected. */
function collectGarbage(): void {
  setFlagsFromString('--expose-gc')
  ;(runInNewContext('gc') as () => void)()
}

function told(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const cause = error.cause === undefined ? '' : `: ${told(error.cause)}`
  return `${error.message}${cause}`
}
