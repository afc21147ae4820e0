import { DEFAULT_PRELOAD } from 'python-interpreter-toolset'
import type { Benchmark } from '../benchmark.js'
import { ipykernelStart } from '../contenders/ipykernel.js'
import { pyodideStart } from '../contenders/pyodide.js'
import {
  toolsetColdStart,
  toolsetColdStartInFreshNode,
  toolsetForks,
  toolsetSpawns,
} from '../contenders/toolset.js'
import { IPYKERNEL, IPYKERNEL_LOADED, OURS, OURS_LOADED, PYODIDE } from '../names.js'

const NEW_ENGINE = `${OURS}, new engine`
const SANDBOXED = `${OURS_LOADED}, sandboxed`
const FRESH_NODE = `${OURS}, new engine in fresh Node`
const COLD_START_MS = 150
const FORK_P50_MS = 8
const FORK_P99_MS = 25
const SANDBOXED_P50_MS = 15

/** From asking for an interpreter to its first result. The slow take few samples in few rounds. */
export const start: Benchmark = {
  title: 'start to first result',
  unit: 'ms',
  rounds: 5,
  reference: NEW_ENGINE,
  contenders: {
    [NEW_ENGINE]: toolsetColdStart(3),
    [FRESH_NODE]: toolsetColdStartInFreshNode(2),
    [`${OURS}, running engine, spawned`]: toolsetSpawns(3),
    [OURS_LOADED]: toolsetForks(1, 25),
    [SANDBOXED]: toolsetForks(1, 25, { sandbox: true }),
    [IPYKERNEL]: ipykernelStart(),
    'ipykernel, reply only, output may be lost': ipykernelStart({ waitForReady: false }),
    [IPYKERNEL_LOADED]: ipykernelStart({ imports: DEFAULT_PRELOAD }),
    [`${PYODIDE}, in fresh Node, no packages`]: pyodideStart(),
  },
  goals: [
    { of: NEW_ENGINE, statistic: 'p50', limit: COLD_START_MS },
    { of: FRESH_NODE, statistic: 'p50', limit: COLD_START_MS },
    { of: OURS_LOADED, statistic: 'p50', limit: FORK_P50_MS },
    { of: OURS_LOADED, statistic: 'p99', limit: FORK_P99_MS },
    { of: SANDBOXED, statistic: 'p50', limit: SANDBOXED_P50_MS },
    { of: OURS_LOADED, statistic: 'p50', limit: { times: 1 / 100, of: IPYKERNEL_LOADED } },
  ],
}
