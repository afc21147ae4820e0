import type { Benchmark } from '../benchmark.js'
import { toolsetForks } from '../contenders/toolset.js'

/** So often a round, so that also the median of few sessions is one of many samples. */
const TIMES = { 1: 50, 10: 5, 100: 1, 500: 1 } as const

/** What the start of each session takes up to the result of `1` where so many are made in a row. */
export const scaling: Benchmark = {
  title: 'start of each of N forked sessions in one engine',
  unit: 'ms',
  rounds: 2,
  reference: sessions(1),
  contenders: Object.fromEntries(
    Object.entries(TIMES).map(([n, times]) => [sessions(n), toolsetForks(Number(n), times)]),
  ),
  goals: [{ of: sessions(500), statistic: 'p50', limit: { times: 2, of: sessions(1) } }],
}

function sessions(n: number | string): string {
  return `N = ${n}`
}
