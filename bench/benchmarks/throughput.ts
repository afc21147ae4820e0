import type { Benchmark } from '../benchmark.js'
import { echoThroughput } from '../contenders/echo.js'
import { ipykernelThroughput } from '../contenders/ipykernel.js'
import { toolsetThroughput } from '../contenders/toolset.js'
import { ECHO, IPYKERNEL, OURS } from '../names.js'

const SESSIONS = 16
const SECONDS = 0.7
const RUNS_PER_SECOND = 10_000

/** Trivial runs per second of many sessions at once. */
export const throughput: Benchmark = {
  title: `${SESSIONS} sessions in parallel`,
  unit: 'runs/s',
  rounds: 5,
  reference: ECHO,
  contenders: {
    [ECHO]: echoThroughput(SESSIONS, SECONDS),
    [OURS]: toolsetThroughput(SESSIONS, SECONDS),
    [IPYKERNEL]: ipykernelThroughput(SESSIONS, SECONDS),
  },
  goals: [{ of: OURS, statistic: 'p50', limit: RUNS_PER_SECOND }],
}
