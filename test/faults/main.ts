/**
 * A campaign of random faults at full size.
 *
 * Usage: npm run test:faults [-- --count 5000 --seed N --round 100 --minutes 60]
 *
 * To see one violation again: the seed that it names, and as many faults, with --count.
 */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { processesNaming } from '../helpers/processes.js'
import { campaign, type CampaignReport } from './campaign.js'

const COUNT = 5000
const FAULTS_PER_ROUND = 100
const MINUTES = 60
/** What the last round may take after the deadline. */
const LAST_ROUND_MS = 300_000

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: String(COUNT) },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 1e9)) },
    round: { type: 'string', default: String(FAULTS_PER_ROUND) },
    minutes: { type: 'string', default: String(MINUTES) },
  },
})
const [seed, count] = [Number(values.seed), Number(values.count)]
const limitMs = Number(values.minutes) * 60_000

const folder = mkdtempSync(join(tmpdir(), 'faults-'))
process.env['TMPDIR'] = folder
process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
setTimeout(() => {
  console.error('The campaign has not ended in time.')
  process.exit(1)
}, limitMs + LAST_ROUND_MS).unref()

console.log(`seed ${seed}, ${count} faults, ${values.round} in a round`)
let told = 0
const report = await campaign({
  python: resolve(
    process.env['PYTHON_FOR_TESTS'] ?? join(import.meta.dirname, '../../.venv/bin/python'),
  ),
  seed,
  count,
  faultsPerRound: Number(values.round),
  deadline: performance.now() + limitMs,
  onRound: ({ faults, violations }) => {
    console.log(`${seconds()} s: ${faults} faults, ${violations.length} violations`)
    for (const violation of violations.slice(told)) console.log(`\n${violation}\n`)
    told = violations.length
  },
})
const left = [...(await processesNaming(folder)), ...readdirSync(folder)]
console.log(summary(report))
if (left.length > 0) console.log(`Left behind: ${left.join(', ')}`)
const isWell = report.violations.length === 0 && left.length === 0 && report.faults === count
process.exit(isWell ? 0 : 1)

function summary({ faults, byKind, violations }: CampaignReport): string {
  const kinds = Object.entries(byKind).sort(([, a], [, b]) => b - a)
  const lines = kinds.map(([kind, times]) => `${String(times).padStart(6)}  ${kind}`)
  const end = `${faults} faults in ${seconds()} s, ${violations.length} violations, seed ${seed}`
  return [...lines, end].join('\n')
}

function seconds(): number {
  return Math.round(performance.now() / 1000)
}
