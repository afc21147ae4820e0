/** This project, as contender in each benchmark. */
import { execa } from 'execa'
import { join } from 'node:path'
import { LocalEngine, PythonInterpreterToolSet, type LocalEngineOptions } from '../../src/index.js'
import type { Contender, Setting } from '../benchmark.js'
import { parentOf, rssOf } from '../memory.js'

const COLD_START = join(import.meta.dirname, '../cold-start.ts')
const CHILD_MS = 30_000

/** Trivial runs in one session, `times` a round. */
export function toolsetRuns(times: number) {
  return withToolset(async (toolset) => {
    const samples: number[] = []
    for (let i = 0; i < times; i += 1) samples.push(await timedRun(toolset))
    return samples
  })
}

/** Runs per second of sessions in parallel. */
export function toolsetThroughput(sessions: number, seconds: number) {
  return async (setting: Setting): Promise<Contender> => {
    const toolset = openToolset(setting)
    const clients = Array.from({ length: sessions }, (_, index) => `client ${index}`)
    await Promise.all(clients.map((client) => timedRun(toolset, client)))
    return {
      async round() {
        const startedAt = performance.now()
        const deadline = startedAt + seconds * 1000
        let runs = 0
        const session = async (client: string) => {
          while (performance.now() < deadline) {
            await timedRun(toolset, client)
            runs += 1
          }
        }
        await Promise.all(clients.map(session))
        return [(runs * 1000) / (performance.now() - startedAt)]
      },
      close: () => toolset.close(),
    }
  }
}

/** From the making of a toolset, with an engine and a keeper of its own, to the first result. */
export function toolsetColdStart() {
  return (setting: Setting): Promise<Contender> =>
    Promise.resolve({ round: async () => [await coldStart(setting)], close: nothing })
}

/** The same in a fresh Node process, from when that has loaded this package. */
export function toolsetColdStartInFreshNode() {
  return ({ python, folder }: Setting): Promise<Contender> => {
    const options = { cwd: join(import.meta.dirname, '..'), timeout: CHILD_MS } as const
    const round = async () => {
      const command = ['--import', 'tsx', COLD_START, python, folder]
      const { stdout } = await execa(process.execPath, command, options)
      return [Number(stdout)]
    }
    return Promise.resolve({ round, close: nothing })
  }
}

/** From the first call for a new session to its result, in an engine that runs already. */
export function toolsetNextInterpreter(options: LocalEngineOptions) {
  return async ({ python, folder }: Setting): Promise<Contender> => {
    const engine = new LocalEngine(options)
    const toolset = new PythonInterpreterToolSet({ python, workdir: folder, engine })
    await timedRun(toolset)
    const round = async () => {
      const startedAt = performance.now()
      const { interpreter_id } = await run(toolset, 'another')
      const ms = performance.now() - startedAt
      await toolset.manageInterpreters({ operation: 'delete', interpreter_id })
      return [ms]
    }
    const close = async () => {
      await toolset.close()
      await engine.close()
    }
    return { round, close }
  }
}

/** The memory of one idle interpreter that has run something. */
export function toolsetMemory() {
  return withToolset(async (toolset) => [await rssOf(await pidOf(toolset))])
}

/** The memory of the keeper, of which an engine has one. */
export function keeperMemory() {
  return withToolset(async (toolset) => [await rssOf(await parentOf(await pidOf(toolset)))])
}

/** Makes a toolset, runs `1`, closes the toolset; answers the ms up to the result. */
export async function coldStart(setting: Setting): Promise<number> {
  const startedAt = performance.now()
  const toolset = openToolset(setting)
  try {
    await run(toolset, 'default')
    const ms = performance.now() - startedAt
    const { stdout } = await toolset.runPythonCode(`"matplotlib" in __import__("sys").modules`)
    if (stdout !== 'False\n') throw new Error('The cold start had imported matplotlib.')
    return ms
  } finally {
    await toolset.close()
  }
}

function withToolset(round: (toolset: PythonInterpreterToolSet) => Promise<number[]>) {
  return async (setting: Setting): Promise<Contender> => {
    const toolset = openToolset(setting)
    await timedRun(toolset)
    return { round: () => round(toolset), close: () => toolset.close() }
  }
}

function openToolset({ python, folder }: Setting): PythonInterpreterToolSet {
  return new PythonInterpreterToolSet({ python, workdir: folder })
}

async function timedRun(toolset: PythonInterpreterToolSet, client = 'default'): Promise<number> {
  const startedAt = performance.now()
  await run(toolset, client)
  return performance.now() - startedAt
}

async function run(toolset: PythonInterpreterToolSet, client_id: string) {
  const result = await toolset.runPythonCode('1', { client_id })
  if (result.stdout !== '1\n') throw new Error(`Not the result of 1: ${JSON.stringify(result)}`)
  return result
}

async function pidOf(toolset: PythonInterpreterToolSet): Promise<number> {
  const answer = await toolset.manageInterpreters({ operation: 'list' })
  const pid = 'interpreters' in answer ? answer.interpreters[0]?.pid : null
  if (pid == null) throw new Error('The interpreter has no process.')
  return pid
}

function nothing(): Promise<void> {
  return Promise.resolve()
}
