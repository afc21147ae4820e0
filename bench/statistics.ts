/** What samples come to. */
import { UNITS, type Benchmark, type Goal, type Measurement } from './benchmark.js'

/** One contender's numbers. */
export interface Summary {
  readonly samples: number
  readonly p50: number
  /** 99 of 100 samples are at least as good; with fewer than 100 samples, close to the worst. */
  readonly p99: number
  /** Its p50 relative to that of the benchmark's reference. */
  readonly ratio: number
  /** The p50 of each round. */
  readonly p50ByRound: readonly number[]
}

/** Whether a goal was reached. */
export interface Verdict {
  readonly goal: Goal
  readonly reached: boolean
  /** What was measured: a number of the unit, or a ratio where the goal is one. */
  readonly value: number
  /** The same of each round alone, the least and the greatest; null for a p99. */
  readonly byRound: readonly [number, number] | null
  /** In how many rounds alone it was reached; null for a p99. */
  readonly roundsReached: number | null
}

/** The numbers of all contenders of a benchmark, by name. */
export function summarize({ benchmark, rounds }: Measurement): Map<string, Summary> {
  const reference = quantile((rounds.get(benchmark.reference) ?? []).flat(), 0.5)
  const summaries = new Map<string, Summary>()
  for (const [name, samplesByRound] of rounds) {
    const samples = samplesByRound.flat()
    const p50 = quantile(samples, 0.5)
    summaries.set(name, {
      samples: samples.length,
      p50,
      p99: quantile(samples, UNITS[benchmark.unit] === 'less' ? 0.99 : 0.01),
      ratio: p50 / reference,
      p50ByRound: samplesByRound.map((round) => quantile(round, 0.5)),
    })
  }
  return summaries
}

/** Holds the goals of a benchmark against its numbers. */
export function judge(benchmark: Benchmark, summaries: ReadonlyMap<string, Summary>): Verdict[] {
  return benchmark.goals.map((goal) => {
    const { limit, statistic } = goal
    const own = find(summaries, goal.of)
    const other = typeof limit === 'number' ? null : find(summaries, limit.of)
    const value = own[statistic] / (other?.[statistic] ?? 1)
    const bound = typeof limit === 'number' ? limit : limit.times
    const byRound = own.p50ByRound.map((p50, round) => p50 / (other?.p50ByRound[round] ?? 1))
    const reaches = (measured: number) =>
      UNITS[benchmark.unit] === 'less' ? measured <= bound : measured >= bound
    return {
      goal,
      reached: reaches(value),
      value,
      byRound: statistic === 'p50' ? [Math.min(...byRound), Math.max(...byRound)] : null,
      roundsReached: statistic === 'p50' ? byRound.filter(reaches).length : null,
    }
  })
}

function find(summaries: ReadonlyMap<string, Summary>, name: string): Summary {
  const summary = summaries.get(name)
  if (summary === undefined) throw new Error(`A goal names ${name}, which does not take part.`)
  return summary
}

/** The value below which the given share of the samples lies, interpolated. */
export function quantile(samples: readonly number[], share: number): number {
  const sorted = [...samples].sort((a, b) => a - b)
  const at = share * (sorted.length - 1)
  const below = sorted[Math.floor(at)] ?? NaN
  const above = sorted[Math.ceil(at)] ?? NaN
  return below + (above - below) * (at - Math.floor(at))
}
