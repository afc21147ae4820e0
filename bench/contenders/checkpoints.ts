/** This project where it keeps checkpoints of its sessions: what they cost, and what they save. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { CheckpointPolicy, PythonInterpreterToolSet } from 'python-interpreter-toolset'
import type { Contender, Setting } from '../benchmark.js'
import { openWithTemplate, timedRun } from './toolset.js'

/** As rows of 10 numbers. */
const ROWS = 1_000_000
const BYTES = ROWS * 10 * 8

const MAKE_FRAME = `import numpy, pandas
df = pandas.DataFrame(numpy.random.default_rng(0).random((${ROWS}, 10)))
int(df.memory_usage(index=False).sum())`

const SEGFAULT = 'import ctypes; ctypes.string_at(0)'

/** Between a result and the next crash; a model takes longer than that to write its next run. */
const THINKING_MS = 100

/** Trivial runs back to back in one forked session, `times` a round. */
export function toolsetCheckpointedRuns(checkpoint: CheckpointPolicy, times: number) {
  return async (setting: Setting): Promise<Contender> => {
    const { toolset, close } = await openWithTemplate(setting, { checkpoint })
    const round = async () => {
      const samples: number[] = []
      for (let i = 0; i < times; i += 1) samples.push(await timedRun(toolset))
      return samples
    }
    return { round, close }
  }
}

/**
 * From a run that segfaults, in a session with 80 MB of DataFrame, to the result of the next run,
 * which looks at the DataFrame; `times` a round.
 */
export function toolsetRecoveries(times: number) {
  return async (setting: Setting): Promise<Contender> => {
    const { toolset, close } = await openWithTemplate(setting)
    const round = async () => {
      const samples: number[] = []
      for (let i = 0; i < times; i += 1) {
        await sleep(THINKING_MS)
        samples.push(await timedRecovery(toolset))
      }
      return samples
    }
    try {
      const { stdout } = await toolset.runPythonCode(MAKE_FRAME)
      if (stdout !== `${BYTES}\n`)
        throw new Error(`The DataFrame has not ${BYTES} bytes: ${stdout}`)
    } catch (error) {
      await close()
      throw error
    }
    return { round, close }
  }
}

async function timedRecovery(toolset: PythonInterpreterToolSet): Promise<number> {
  const startedAt = performance.now()
  const crash = await toolset.runPythonCode(SEGFAULT)
  const next = await toolset.runPythonCode('len(df)')
  const ms = performance.now() - startedAt
  if (crash.interpreter_crashed !== true) throw new Error('The segfault crashed nothing.')
  const states: readonly string[] = [crash.state, next.state]
  if (!states.includes('restored')) {
    const found = `state is '${crash.state}' in its result and '${next.state}' in the next`
    throw new Error(`The session was not restored after a segfault: ${found}.`)
  }
  if (next.stdout !== `${ROWS}\n`) {
    throw new Error(`The restored session has not its DataFrame: ${next.stdout}${next.stderr}`)
  }
  return ms
}
