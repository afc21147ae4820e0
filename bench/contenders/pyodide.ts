/**
 * Pyodide, CPython as WebAssembly in Node's own process, as contender in each benchmark: the core as
 * npm installs it, without packages. The process is a child that measures itself, so that ours keeps
 * the memory and the threads that it has without Pyodide.
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import type { Contender } from '../benchmark.js'
import { pssOf, rssOf } from '../memory.js'
import { LineProcess } from './line-process.js'

const SCRIPT = join(import.meta.dirname, '../pyodide-bench.ts')

const samplesLine = z.array(z.number())

/** Trivial runs in one process, `times` a round, with a pause before each. */
export function pyodideRuns(times: number, pauseMs = 0) {
  return withPyodide(async ({ process }) =>
    samplesLine.parse(await process.ask(`${times} ${pauseMs}`)),
  )
}

/** From the loading of Pyodide in a fresh Node process to the first result. */
export function pyodideStart() {
  return (): Promise<Contender> => {
    const round = async () => {
      const { process, startSamples } = await start()
      await process.close()
      return startSamples
    }
    return Promise.resolve({ round, close: () => Promise.resolve() })
  }
}

/** The memory of a process that has run something. */
export function pyodideMemory() {
  return withPyodide(async ({ process }) => [await rssOf(process.pid)])
}

/** What a second process adds to the memory of both. */
export function pyodideAdditionalMemory() {
  return withPyodide(async ({ process: first }) => {
    const once = await pssOf([first.pid])
    const { process: second } = await start()
    try {
      return [(await pssOf([first.pid, second.pid])) - once]
    } finally {
      await second.close()
    }
  })
}

interface Started {
  readonly process: LineProcess
  readonly startSamples: number[]
}

function withPyodide(round: (started: Started) => Promise<number[]>) {
  return async (): Promise<Contender> => {
    const started = await start()
    return { round: () => round(started), close: () => started.process.close() }
  }
}

async function start(): Promise<Started> {
  const script = await readFile(SCRIPT, 'utf8')
  const args = ['--input-type=module', '--eval', script]
  const child = new LineProcess('pyodide-bench.ts', process.execPath, args)
  return { process: child, startSamples: samplesLine.parse(await child.next()) }
}
