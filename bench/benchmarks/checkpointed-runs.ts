import type { Benchmark } from '../benchmark.js'
import { toolsetCheckpointedRuns } from '../contenders/checkpoints.js'
import { OURS } from '../names.js'

const AUTO = `${OURS}, checkpoint: 'auto'`
const OFF = `${OURS}, checkpoint: 'off'`
const TIMES = 300

/** What checkpoints cost runs that follow each other at once. */
export const checkpointedRuns: Benchmark = {
  title: 'trivial runs back to back',
  unit: 'ms',
  rounds: 10,
  reference: OFF,
  contenders: {
    [AUTO]: toolsetCheckpointedRuns('auto', TIMES),
    [OFF]: toolsetCheckpointedRuns('off', TIMES),
  },
  goals: [{ of: AUTO, statistic: 'p50', limit: { times: 1.3, of: OFF } }],
}
