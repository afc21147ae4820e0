/** This project, as contender in each benchmark. */
import { execa } from 'execa'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  DEFAULT_PRELOAD,
  LocalEngine,
  PythonInterpreterToolSet,
  type InterpreterInfo,
  type LocalEngineOptions,
  type PythonInterpreterToolSetOptions,
} from 'python-interpreter-toolset'
import type { Contender, Setting } from '../benchmark.js'
import { descendantsOf, parentOf, pssOf, rssOf } from '../memory.js'

const COLD_START = join(import.meta.dirname, '../cold-start.ts')
const CHILD_MS = 30_000

/** Until a start or an end has come to rest: the next spare, and what the last one took. */
const SETTLE_MS = 300

/** Trivial runs in one session, `times` a round, with a pause before each. */
export function toolsetRuns(times: number, pauseMs = 0) {
  return withToolset(async (toolset) => {
    const samples: number[] = []
    for (let i = 0; i < times; i += 1) {
      if (pauseMs > 0) await sleep(pauseMs)
      samples.push(await timedRun(toolset))
    }
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
export function toolsetColdStart(times: number) {
  return (setting: Setting) =>
    alone(async () => {
      const samples: number[] = []
      for (let i = 0; i < times; i += 1) samples.push(await coldStart(setting))
      return samples
    })
}

/** The same in a fresh Node process, from when that has loaded this package. */
export function toolsetColdStartInFreshNode(times: number) {
  return ({ python, folder }: Setting): Promise<Contender> => {
    const options = { cwd: join(import.meta.dirname, '..'), timeout: CHILD_MS } as const
    return alone(async () => {
      const command = ['--import', 'tsx', COLD_START, python, folder]
      const samples: number[] = []
      for (let i = 0; i < times; i += 1) {
        const { stdout } = await execa(process.execPath, command, options)
        samples.push(Number(stdout))
      }
      return samples
    })
  }
}

/** From the first call for a new session to its result, where the engine runs but has to spawn. */
export function toolsetSpawns(times: number) {
  return async (setting: Setting): Promise<Contender> => {
    const { toolset, close } = openWithEngine(setting, { start: 'spawn' })
    await timedRun(toolset)
    await deleteAll(toolset)
    return { round: () => startsOneByOne(toolset, { sessions: 1, times }), close }
  }
}

/**
 * The same where the engine forks: of each of so many sessions, which are started one after another
 * and deleted when all are there; that so many `times` a round.
 */
export function toolsetForks(
  sessions: number,
  times: number,
  options: PythonInterpreterToolSetOptions = {},
) {
  return async (setting: Setting): Promise<Contender> => {
    const { toolset, close } = await openWithTemplate(setting, options)
    return { round: () => startsOneByOne(toolset, { sessions, times }), close }
  }
}

/** The memory of one idle interpreter that has run something. */
export function toolsetMemory() {
  return withToolset(async (toolset) => [await rssOf(await pidOf(toolset))])
}

/** The memory of the keeper, of which an engine has one. */
export function keeperMemory() {
  return withToolset(async (toolset) => [await rssOf(await keeperOf(toolset))])
}

/**
 * What each additional forked session adds to the memory of all processes below the keeper: the
 * difference between so many sessions and twice as many.
 */
export function toolsetAdditionalMemory(sessions: number) {
  return withFreshTemplate(async (toolset) => {
    await startSessions(toolset, 0, sessions)
    const once = await memoryBelowKeeper(toolset)
    await startSessions(toolset, sessions, 2 * sessions)
    return [((await memoryBelowKeeper(toolset)) - once) / sessions]
  })
}

/** The memory of all processes below the keeper of so many forked sessions, divided by these. */
export function toolsetMemoryShare(sessions: number) {
  return withFreshTemplate(async (toolset) => {
    await startSessions(toolset, 0, sessions)
    return [(await memoryBelowKeeper(toolset)) / sessions]
  })
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

/** With an engine of its own for each round: what ran before leaves no memory behind. */
function withFreshTemplate(round: (toolset: PythonInterpreterToolSet) => Promise<number[]>) {
  return (setting: Setting) =>
    alone(async () => {
      const { toolset, close } = await openWithTemplate(setting)
      try {
        return await round(toolset)
      } finally {
        await close()
      }
    })
}

/** A contender that keeps nothing open from round to round. */
function alone(round: () => Promise<number[]>): Promise<Contender> {
  return Promise.resolve({ round, close: () => Promise.resolve() })
}

/** Forks sessions that have the modules loaded; the first has been, and is gone. */
export async function openWithTemplate(
  setting: Setting,
  options: PythonInterpreterToolSetOptions = {},
) {
  const { toolset, close } = openWithEngine(setting, { start: 'fork' }, options)
  try {
    const code = `set(${JSON.stringify(DEFAULT_PRELOAD)}) <= set(__import__("sys").modules)`
    const { stdout } = await toolset.runPythonCode(code)
    if (stdout !== 'True\n') throw new Error('The template has not imported the modules.')
    await deleteAll(toolset)
    return { toolset, close }
  } catch (error) {
    await close()
    throw error
  }
}

function openWithEngine(
  { python, folder }: Setting,
  engineOptions: LocalEngineOptions,
  options: PythonInterpreterToolSetOptions = {},
) {
  const engine = new LocalEngine(engineOptions)
  const toolset = new PythonInterpreterToolSet({ ...options, python, workdir: folder, engine })
  const close = async () => {
    await toolset.close()
    await engine.close()
  }
  return { toolset, close }
}

async function startsOneByOne(
  toolset: PythonInterpreterToolSet,
  { sessions, times }: { readonly sessions: number; readonly times: number },
): Promise<number[]> {
  const samples: number[] = []
  for (let i = 0; i < times; i += 1) {
    samples.push(...(await startSessions(toolset, 0, sessions)))
    await deleteAll(toolset)
  }
  return samples
}

/** Answers the ms from the first call for each new session to its result. */
async function startSessions(
  toolset: PythonInterpreterToolSet,
  from: number,
  to: number,
): Promise<number[]> {
  const samples: number[] = []
  for (let i = from; i < to; i += 1) samples.push(await timedRun(toolset, `client ${i}`))
  return samples
}

function openToolset({ python, folder }: Setting): PythonInterpreterToolSet {
  return new PythonInterpreterToolSet({ python, workdir: folder })
}

/** Runs `1` in a client's session; answers the ms up to its result. */
export async function timedRun(
  toolset: PythonInterpreterToolSet,
  client = 'default',
): Promise<number> {
  const startedAt = performance.now()
  await run(toolset, client)
  return performance.now() - startedAt
}

async function run(toolset: PythonInterpreterToolSet, client_id: string) {
  const result = await toolset.runPythonCode('1', { client_id })
  if (result.stdout !== '1\n') throw new Error(`Not the result of 1: ${JSON.stringify(result)}`)
  return result
}

/** Ends all sessions; the engine goes on. */
async function deleteAll(toolset: PythonInterpreterToolSet): Promise<void> {
  const ends = (await list(toolset)).map(({ id }) =>
    toolset.manageInterpreters({ operation: 'delete', interpreter_id: id }),
  )
  await Promise.all(ends)
}

/** Of templates, spares, workers, and whatever else the keeper has. */
async function memoryBelowKeeper(toolset: PythonInterpreterToolSet): Promise<number> {
  await sleep(SETTLE_MS)
  return pssOf(await descendantsOf(await keeperOf(toolset)))
}

/** The ancestor of all Python processes that is a child of this one. */
async function keeperOf(toolset: PythonInterpreterToolSet): Promise<number> {
  let pid = await pidOf(toolset)
  for (let parent = await parentOf(pid); parent !== process.pid; parent = await parentOf(pid)) {
    pid = parent
  }
  return pid
}

async function pidOf(toolset: PythonInterpreterToolSet): Promise<number> {
  const pid = (await list(toolset))[0]?.pid
  if (pid == null) throw new Error('The interpreter has no process.')
  return pid
}

async function list(toolset: PythonInterpreterToolSet): Promise<InterpreterInfo[]> {
  const answer = await toolset.manageInterpreters({ operation: 'list' })
  return 'interpreters' in answer ? answer.interpreters : []
}
