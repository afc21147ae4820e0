import type { Benchmark } from '../benchmark.js'
import { toolsetRecoveries } from '../contenders/checkpoints.js'
import { OURS } from '../names.js'

/** What a crash costs a session that has something to lose. */
export const recovery: Benchmark = {
  title: "segfault to the next run's result, 80 MB of DataFrame",
  unit: 'ms',
  rounds: 4,
  reference: OURS,
  contenders: { [OURS]: toolsetRecoveries(10) },
  goals: [{ of: OURS, statistic: 'p50', limit: 25 }],
}
