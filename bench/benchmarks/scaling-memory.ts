import type { Benchmark } from '../benchmark.js'
import { toolsetMemoryShare } from '../contenders/toolset.js'

const SIZES = [1, 10, 100, 500]

/**
 * The memory of all processes below the keeper, the template and its spare too, divided by the
 * number of sessions: where it grows linearly, this falls towards what one session adds.
 */
export const scalingMemory: Benchmark = {
  title: 'memory of N forked sessions, PSS of all / N',
  unit: 'MB',
  rounds: 1,
  reference: 'N = 1',
  contenders: Object.fromEntries(SIZES.map((n) => [`N = ${n}`, toolsetMemoryShare(n)])),
  goals: [],
}
