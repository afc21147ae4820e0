import type { Benchmark } from '../benchmark.js'
import { echoRuns } from '../contenders/echo.js'
import { ipykernelRuns } from '../contenders/ipykernel.js'
import { pyodideRuns } from '../contenders/pyodide.js'
import { toolsetRuns } from '../contenders/toolset.js'
import { ECHO, IPYKERNEL, OURS, PYODIDE } from '../names.js'

/** What one run of `1` takes, one after the other. */
export const trivialRun: Benchmark = {
  title: 'trivial run',
  unit: 'ms',
  rounds: 20,
  reference: ECHO,
  contenders: {
    [ECHO]: echoRuns(300),
    [OURS]: toolsetRuns(300),
    [IPYKERNEL]: ipykernelRuns(50),
    [PYODIDE]: pyodideRuns(100),
  },
  goals: [{ of: OURS, statistic: 'p50', limit: { times: 2.5, of: ECHO } }],
}
