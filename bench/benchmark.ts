/**
 * What a benchmark is, and how one is measured: its contenders take turns, in rounds, so that the
 * noise of the machine hits all alike.
 */

/** One way of doing what a benchmark measures. */
export interface Contender {
  /** Measures a bit more and answers the samples; called once a round. */
  round(): Promise<number[]>
  close(): Promise<void>
}

/** A number that a contender should reach: at least or at most, as the benchmark's unit has it. */
export interface Goal {
  readonly of: string
  readonly statistic: 'p50' | 'p99'
  /** A number of the benchmark's unit, or so many times another contender's same statistic. */
  readonly limit: number | { readonly times: number; readonly of: string }
}

/** The units, and whether less of it is better. */
export const UNITS = { ms: 'less', MB: 'less', 'runs/s': 'more' } as const

export interface Benchmark {
  readonly title: string
  readonly unit: keyof typeof UNITS
  readonly rounds: number
  /** The contender that the table's ratios are relative to. */
  readonly reference: string
  /** By the name that the table shows; each is opened before the first round. */
  readonly contenders: Readonly<Record<string, (setting: Setting) => Promise<Contender>>>
  readonly goals: readonly Goal[]
}

/** Where all contenders run. */
export interface Setting {
  /** The Python executable that all use. */
  readonly python: string
  /** A temporary folder for all files. */
  readonly folder: string
}

/** The samples of one benchmark: by contender, then by round. */
export interface Measurement {
  readonly benchmark: Benchmark
  readonly rounds: ReadonlyMap<string, number[][]>
}

/** Measures one benchmark; its contenders are closed when this settles. */
export async function measure(benchmark: Benchmark, setting: Setting): Promise<Measurement> {
  const open: [string, Contender][] = []
  const rounds = new Map<string, number[][]>()
  try {
    for (const [name, start] of Object.entries(benchmark.contenders)) {
      open.push([name, await start(setting)])
      rounds.set(name, [])
    }
    for (let round = 0; round < benchmark.rounds; round += 1) {
      for (const [name, contender] of rotated(open, round)) {
        rounds.get(name)?.push(await contender.round())
      }
    }
    return { benchmark, rounds }
  } finally {
    await Promise.all(open.map(([, contender]) => contender.close()))
  }
}

/** Another one begins each round, so that none always follows the same. */
function rotated<T>(items: readonly T[], by: number): T[] {
  const at = by % items.length
  return [...items.slice(at), ...items.slice(0, at)]
}
