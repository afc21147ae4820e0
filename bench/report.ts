/** The measurements as a table for people, and as JSON for programs. */
import { UNITS, type Benchmark, type Goal, type Measurement } from './benchmark.js'
import { judge, summarize, type Verdict } from './statistics.js'

const NAME_WIDTH = 60
const NUMBER_WIDTH = 10

/** The lines of one benchmark's part of the table. */
export function table(measurement: Measurement): string {
  const { benchmark } = measurement
  const summaries = summarize(measurement)
  const lines = [
    row(`${benchmark.title} (${benchmark.unit})`, ['p50', 'p99', 'samples', 'p50 ratio']),
    '-'.repeat(NAME_WIDTH + 4 * NUMBER_WIDTH),
  ]
  for (const [name, { p50, p99, samples, ratio }] of summaries) {
    lines.push(row(`  ${name}`, [digits(p50), digits(p99), String(samples), digits(ratio)]))
  }
  for (const verdict of judge(benchmark, summaries)) {
    lines.push(`  ${sentence(verdict, benchmark)}`)
  }
  return lines.join('\n')
}

/** The same as plain data, with each round's p50. */
export function asJson(measurement: Measurement) {
  const { benchmark } = measurement
  const summaries = summarize(measurement)
  return {
    title: benchmark.title,
    unit: benchmark.unit,
    reference: benchmark.reference,
    contenders: Object.fromEntries(summaries),
    goals: judge(benchmark, summaries),
  }
}

function sentence(verdict: Verdict, { unit, rounds }: Benchmark): string {
  const { goal, reached, value, byRound, roundsReached } = verdict
  const written = isFraction(goal) ? fraction : digits
  const judgement = `${reached ? 'REACHED' : 'NOT REACHED'} (${written(value)})`
  const first = `goal: ${goal.statistic} of ${goal.of} ${wanted(goal, unit)}: ${judgement}`
  if (byRound === null || roundsReached === null || rounds === 1) return first
  // Where rounds disagree, the machine decided as much as the code did.
  const range = byRound.map(written).join(' to ')
  return `${first}\n        in ${roundsReached} of ${rounds} rounds alone, which gave ${range}`
}

function wanted(goal: Goal, unit: keyof typeof UNITS): string {
  const { limit } = goal
  const bound = UNITS[unit] === 'less' ? 'at most' : 'at least'
  if (typeof limit === 'number') return `${bound} ${limit} ${unit}`
  if (isFraction(goal)) return `${bound} 1/${Math.round(1 / limit.times)} of ${limit.of}`
  return `${bound} ${limit.times} times ${limit.of}`
}

/** Whether the goal is a part of another contender's number: 1/100 reads better than 0.01 times. */
function isFraction({ limit }: Goal): boolean {
  return typeof limit === 'object' && limit.times < 1
}

function fraction(value: number): string {
  return `1/${digits(1 / value)}`
}

function row(name: string, cells: readonly string[]): string {
  return name.padEnd(NAME_WIDTH) + cells.map((cell) => cell.padStart(NUMBER_WIDTH)).join('')
}

/** Three significant digits, but never fewer than the integer part has. */
function digits(value: number): string {
  if (Math.abs(value) >= 100) return value.toFixed(0)
  return value.toPrecision(3)
}
