/**
 * Measures this project beside the raw ZeroMQ echo, ipykernel and Pyodide, all in one sitting.
 *
 * Usage: npm run bench [-- [--json FILE] [--rounds N]], where N rounds of each, at most, are enough
 * to see that everything works.
 *
 * PYTHON_FOR_TESTS names the Python, default `.venv/bin/python`. A new row is a contender in one of
 * `benchmarks/`; a new part of the table is a file there and its name below.
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { measure, type Measurement } from './benchmark.js'
import { additionalMemory } from './benchmarks/additional-memory.js'
import { arrayFromPython, arrayToPython } from './benchmarks/arrays.js'
import { checkpointedRuns } from './benchmarks/checkpointed-runs.js'
import { memory } from './benchmarks/memory.js'
import { pausedRun } from './benchmarks/paused-run.js'
import { recovery } from './benchmarks/recovery.js'
import { scaling } from './benchmarks/scaling.js'
import { scalingMemory } from './benchmarks/scaling-memory.js'
import { start } from './benchmarks/start.js'
import { throughput } from './benchmarks/throughput.js'
import { trivialRun } from './benchmarks/trivial-run.js'
import { load, machineFacts } from './machine.js'
import { asJson, table } from './report.js'

const BENCHMARKS = [
  start,
  trivialRun,
  pausedRun,
  checkpointedRuns,
  recovery,
  memory,
  additionalMemory,
  scaling,
  scalingMemory,
  throughput,
  arrayFromPython,
  arrayToPython,
]
const LIMIT_MS = 600_000

const { values: options } = parseArgs({
  options: { json: { type: 'string' }, rounds: { type: 'string' } },
})
const python = resolve(
  process.env['PYTHON_FOR_TESTS'] ?? join(import.meta.dirname, '../.venv/bin/python'),
)
if (!existsSync(python)) throw new Error(`${python} is missing. \`npm test\` makes it.`)

const startedAt = performance.now()
const folder = mkdtempSync(join(tmpdir(), 'python-interpreter-bench-'))
process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1))
// Ending Node ends everything: each child reads a pipe from it.
const limit = setTimeout(() => {
  console.error(`The benchmark did not end within ${LIMIT_MS / 1000} s.`)
  process.exit(1)
}, LIMIT_MS)

const facts = await machineFacts(python)
console.log(lines(facts))
const measurements = await measureAll()
clearTimeout(limit)

const ending = {
  'load average after': load(),
  seconds: ((performance.now() - startedAt) / 1000).toFixed(0),
}
console.log(`\n${lines(ending)}`)
if (options.json !== undefined) {
  const report = { facts: { ...facts, ...ending }, benchmarks: measurements.map(asJson) }
  await writeFile(options.json, `${JSON.stringify(report, null, 2)}\n`)
}

async function measureAll(): Promise<Measurement[]> {
  const done: Measurement[] = []
  for (const benchmark of BENCHMARKS) {
    const rounds = Math.min(benchmark.rounds, Number(options.rounds ?? Infinity))
    const measurement = await measure({ ...benchmark, rounds }, { python, folder })
    console.log(`\n${table(measurement)}`)
    done.push(measurement)
  }
  return done
}

function lines(values: Readonly<Record<string, string>>): string {
  return Object.entries(values)
    .map(([name, value]) => `${name}: ${value}`)
    .join('\n')
}
