import type { Benchmark } from '../benchmark.js'
import { messageFromPython, messageToPython } from '../contenders/messages.js'
import { toolsetArrayFromPython, toolsetArrayToPython } from '../contenders/arrays.js'
import { MESSAGE, OURS } from '../names.js'

const NUMBERS = 12_500_000
const TIMES = 3
const ROUNDS = 8

/** What it takes to have a numpy array as a typed array. */
export const arrayFromPython: Benchmark = {
  title: '100 MB of float64 from Python to a Float64Array',
  unit: 'ms',
  rounds: ROUNDS,
  reference: MESSAGE,
  contenders: {
    [MESSAGE]: messageFromPython(NUMBERS, TIMES),
    [OURS]: toolsetArrayFromPython(NUMBERS, TIMES),
  },
  goals: [{ of: OURS, statistic: 'p50', limit: { times: 2, of: MESSAGE } }],
}

/** What it takes to have a typed array as a numpy array. */
export const arrayToPython: Benchmark = {
  title: '100 MB of float64 from a Float64Array to numpy',
  unit: 'ms',
  rounds: ROUNDS,
  reference: MESSAGE,
  contenders: {
    [MESSAGE]: messageToPython(NUMBERS, TIMES),
    [OURS]: toolsetArrayToPython(NUMBERS, TIMES),
  },
  goals: [{ of: OURS, statistic: 'p50', limit: { times: 2, of: MESSAGE } }],
}
