import type { Benchmark } from '../benchmark.js'
import { echoRuns } from '../contenders/echo.js'
import { ipykernelRuns } from '../contenders/ipykernel.js'
import { pyodideRuns } from '../contenders/pyodide.js'
import { toolsetRuns } from '../contenders/toolset.js'
import { ECHO, IPYKERNEL, OURS, PYODIDE } from '../names.js'

const PAUSE_MS = 10
const TIMES = 25

/** What one run of `1` takes where all have gone to sleep before, as between an agent's runs. */
export const pausedRun: Benchmark = {
  title: `trivial run, ${PAUSE_MS} ms between runs`,
  unit: 'ms',
  rounds: 10,
  reference: ECHO,
  contenders: {
    [ECHO]: echoRuns(TIMES, PAUSE_MS),
    [OURS]: toolsetRuns(TIMES, PAUSE_MS),
    [IPYKERNEL]: ipykernelRuns(TIMES, PAUSE_MS),
    [PYODIDE]: pyodideRuns(TIMES, PAUSE_MS),
  },
  goals: [
    { of: OURS, statistic: 'p50', limit: { times: 2, of: ECHO } },
    { of: OURS, statistic: 'p50', limit: { times: 1 / 10, of: IPYKERNEL } },
  ],
}
