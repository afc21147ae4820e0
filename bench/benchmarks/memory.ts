import type { Benchmark } from '../benchmark.js'
import { ipykernelMemory } from '../contenders/ipykernel.js'
import { pyodideMemory } from '../contenders/pyodide.js'
import { keeperMemory, toolsetMemory } from '../contenders/toolset.js'
import { IPYKERNEL, OURS, PYODIDE } from '../names.js'

/** Resident memory of one idle interpreter that has run `1`. */
export const memory: Benchmark = {
  title: 'memory of an idle interpreter, RSS',
  unit: 'MB',
  rounds: 1,
  reference: OURS,
  contenders: {
    [OURS]: toolsetMemory(),
    [`${OURS}, keeper (one per engine)`]: keeperMemory(),
    [IPYKERNEL]: ipykernelMemory(),
    [`${PYODIDE}, no packages, with its Node`]: pyodideMemory(),
  },
  goals: [],
}
