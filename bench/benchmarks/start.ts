import type { Benchmark } from '../benchmark.js'
import { ipykernelStart } from '../contenders/ipykernel.js'
import {
  toolsetColdStart,
  toolsetColdStartInFreshNode,
  toolsetNextInterpreter,
} from '../contenders/toolset.js'
import { IPYKERNEL, OURS } from '../names.js'

const NEW_ENGINE = `${OURS}, new engine`
const FRESH_NODE = `${OURS}, new engine in fresh Node`
const COLD_START_MS = 150

/** From asking for an interpreter to its first result. */
export const start: Benchmark = {
  title: 'start to first result',
  unit: 'ms',
  rounds: 12,
  reference: NEW_ENGINE,
  contenders: {
    [NEW_ENGINE]: toolsetColdStart(),
    [FRESH_NODE]: toolsetColdStartInFreshNode(),
    [`${OURS}, running engine, spawned`]: toolsetNextInterpreter({ start: 'spawn' }),
    [`${OURS}, running engine, forked, pandas loaded`]: toolsetNextInterpreter({ start: 'fork' }),
    [IPYKERNEL]: ipykernelStart(true),
    'ipykernel, reply only, output may be lost': ipykernelStart(false),
  },
  goals: [NEW_ENGINE, FRESH_NODE].map((of) => ({ of, statistic: 'p50', limit: COLD_START_MS })),
}
