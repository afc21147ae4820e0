/** A campaign: rounds of faults, each in houses of its own, that end with nothing left behind. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LocalEngine, PythonInterpreterToolSet } from '../../src/index.js'
import { Dice } from './dice.js'
import { House } from './house.js'
import { KINDS, kindsFor } from './kinds.js'
import type { Profile } from './python-session.js'
import { Reference } from './reference.js'
import { Session } from './session.js'

const SESSIONS = 4
/** One session with much memory in so many rounds, and its faults. */
const ROUNDS_PER_BIG = 8
const FAULTS_OF_BIG = 4
/** Then it is known that something is wrong. */
const MOST_VIOLATIONS = 8

/** What a campaign is asked. */
export interface CampaignOptions {
  readonly python: string
  readonly seed: number
  /** How many faults. */
  readonly count: number
  readonly faultsPerRound: number
  /** No round starts later than this, in ms of `performance.now()`. */
  readonly deadline: number
  readonly onRound?: (report: CampaignReport) => void
}

/** What came of it. */
export interface CampaignReport {
  faults: number
  readonly byKind: Record<string, number>
  /** Each says what went wrong, and what to call to see it again. */
  readonly violations: string[]
}

/** Runs rounds until there were enough faults, or it is too late. */
export async function campaign(options: CampaignOptions): Promise<CampaignReport> {
  const { python, seed, count, faultsPerRound, deadline } = options
  const report: CampaignReport = { faults: 0, byKind: {}, violations: [] }
  const workdir = await mkdtemp(join(tmpdir(), 'reference-'))
  const engine = new LocalEngine({ start: 'spawn' })
  const calm = { python, workdir, engine, checkpoint: 'off', figures: false } as const
  const reference = new Reference(new PythonInterpreterToolSet(calm))
  try {
    for (let round = 0; report.faults < count && performance.now() < deadline; round += 1) {
      if (report.violations.length >= MOST_VIOLATIONS) break
      const faults = Math.min(faultsPerRound, count - report.faults)
      await runRound(python, seed + round, faults, reference, report)
      options.onRound?.(report)
    }
  } finally {
    await engine.close()
    await rm(workdir, { recursive: true, force: true })
  }
  return report
}

async function runRound(
  python: string,
  seed: number,
  faults: number,
  reference: Reference,
  report: CampaignReport,
): Promise<void> {
  const dice = new Dice(seed)
  const one = await House.build('fork')
  const two = await House.build('spawn')
  const shared = await House.build(dice.pick(['fork', 'spawn']))
  const houses = [one, two, shared]
  const profile = () => dice.pick<Profile>(['values', 'science', 'resources'])
  const first = seed % ROUNDS_PER_BIG === 0 ? 'big' : profile()
  const sessions = [
    new Session(one, await one.moveIn(python, 'always'), first, dice.split(), reference),
    new Session(two, await two.moveIn(python, 'always'), profile(), dice.split(), reference),
    new Session(shared, await shared.moveIn(python, 'always'), 'values', dice.split(), reference),
    new Session(shared, await shared.moveIn(python, 'auto'), profile(), dice.split(), reference),
  ]
  const fail = (session: Session | null, error: unknown) => {
    const where = session === null ? 'at its end' : `in session ${sessions.indexOf(session)}`
    const what = error instanceof Error ? (error.stack ?? error.message) : String(error)
    const trail = session === null ? '' : `\n${session.profile}:\n${session.trail.join('\n')}`
    report.violations.push(`seed ${seed}, ${faults} faults, ${where}: ${what}${trail}`)
  }
  const before = report.violations.length
  await Promise.all(
    sessions.map((session, index) => {
      const share = Math.floor(faults / SESSIONS) + (index < faults % SESSIONS ? 1 : 0)
      const own = session.profile === 'big' ? Math.min(share, FAULTS_OF_BIG) : share
      return endure(session, own, report).catch((error: unknown) => fail(session, error))
    }),
  )
  for (const house of houses) {
    // After a violation, nobody knows what ought to be there.
    if (report.violations.length === before) {
      await house.requireTidy().catch((error: unknown) => fail(null, error))
    }
  }
  for (const house of houses) await house.close().catch((error: unknown) => fail(null, error))
}

/** Has a session live through faults, with steps between them. */
async function endure(session: Session, faults: number, report: CampaignReport): Promise<void> {
  const { dice } = session
  await session.step()
  for (let done = 0; done < faults;) {
    const steps = dice.between(1, 3)
    for (let i = 0; i < steps; i += 1) await session.step()
    const name = dice.pick(kindsFor(session))
    if (dice.chance(0.3)) await session.untilCheckpoint()
    session.say(name)
    const isDone = await KINDS[name]?.fault(session)
    if (isDone === true) {
      done += 1
      report.faults += 1
      report.byKind[name] = (report.byKind[name] ?? 0) + 1
    }
    await session.look()
  }
}
