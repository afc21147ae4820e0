import type { Benchmark } from '../benchmark.js'
import { ipykernelAdditionalMemory } from '../contenders/ipykernel.js'
import { pyodideAdditionalMemory } from '../contenders/pyodide.js'
import { toolsetAdditionalMemory } from '../contenders/toolset.js'
import { IPYKERNEL_LOADED, OURS_LOADED, PYODIDE } from '../names.js'

const SESSIONS = 25
const KERNELS = 2
const LIMIT_MB = 6

/**
 * What one more idle interpreter that has run `1` adds to the proportional memory of all: what they
 * share, they share. All processes that an engine has for its sessions count.
 */
export const additionalMemory: Benchmark = {
  title: 'memory per additional idle session, PSS',
  unit: 'MB',
  rounds: 1,
  reference: OURS_LOADED,
  contenders: {
    [OURS_LOADED]: toolsetAdditionalMemory(SESSIONS),
    [IPYKERNEL_LOADED]: ipykernelAdditionalMemory(KERNELS),
    [`${PYODIDE}, no packages, with its Node`]: pyodideAdditionalMemory(),
  },
  goals: [{ of: OURS_LOADED, statistic: 'p50', limit: LIMIT_MB }],
}
