/**
 * A soak at full size.
 *
 * Usage: npm run test:soak [-- --runs 100000 --sessions 50 --seed N --minutes 120]
 */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { processesNaming } from '../helpers/processes.js'
import { soak, type Sample } from './soak.js'

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '100000' },
    sessions: { type: 'string', default: '50' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 1e9)) },
    minutes: { type: 'string', default: '120' },
  },
})
const [runs, sessions, seed] = [Number(values.runs), Number(values.sessions), Number(values.seed)]

const folder = mkdtempSync(join(tmpdir(), 'soak-'))
process.env['TMPDIR'] = folder
process.once('exit', () => rmSync(folder, { recursive: true, force: true }))

console.log(`seed ${seed}, ${runs} runs over ${sessions} sessions; sizes in MB`)
const report = await soak({
  python: resolve(
    process.env['PYTHON_FOR_TESTS'] ?? join(import.meta.dirname, '../../.venv/bin/python'),
  ),
  runs,
  sessions,
  seed,
  deadline: performance.now() + Number(values.minutes) * 60_000,
  onSample: (done, sample) => console.log(`${seconds()} s: ${done} runs, ${line(sample)}`),
})
for (const [what, times] of Object.entries(report.done).sort(([, a], [, b]) => b - a)) {
  console.log(`${String(times).padStart(8)}  ${what}`)
}
const left = [...(await processesNaming(folder)), ...readdirSync(folder)]
if (left.length > 0) console.log(`Left behind: ${left.join(', ')}`)
for (const violation of report.violations) console.log(violation)
console.log(
  `${report.runs} runs in ${seconds()} s, ${report.violations.length} violations, seed ${seed}`,
)
const isWell = report.violations.length === 0 && left.length === 0 && report.runs === runs
process.exit(isWell ? 0 : 1)

function line(sample: Sample): string {
  return Object.entries(sample)
    .map(([name, value]) => `${name} ${value < 1e5 ? value : (value / 2 ** 20).toFixed(1)}`)
    .join(', ')
}

function seconds(): number {
  return Math.round(performance.now() / 1000)
}
