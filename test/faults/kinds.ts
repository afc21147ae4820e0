/** The kinds of faults, and how each is done to a session. */
import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { eventually } from '../helpers/processes.js'
import { Ambush } from './ambush.js'
import { childrenOf, markOf } from './family.js'
import { ASLEEP_IN_C, DEADLY, ENDLESS, OUT_OF_MEMORY, waitingToBeKilled } from './faulty-code.js'
import { Violation } from './ledger.js'
import type { Expectation, Session } from './session.js'

/** Done to a session; answers false where it could not be done now. */
type Fault = (session: Session) => Promise<boolean>

interface Kind {
  readonly fault: Fault
  /** How often it is done, beside the others. */
  readonly weight: number
  /** Its victims might be another session's, where several share a keeper. */
  readonly alone?: boolean
  /** Only where processes are forked from a template. */
  readonly forks?: boolean
}

const TIMEOUT_MS = 150
/** What a checkpoint is tried, should what goes on from it die. */
const TRIES = 2

const sameSteps = (steps: number | null) => steps

function dying(code: string): Fault {
  return async (session) => {
    const { result } = await session.run(code, sameSteps, { dies: true })
    requireDeath(session, result.stdout)
    return true
  }
}

function requireDeath(session: Session, stdout: string): void {
  if (!stdout.startsWith('begun')) {
    throw new Violation(`What was printed before the death is lost: ${stdout}`)
  }
  session.say(`  back at run ${session.ledger.present}`)
}

async function pidOf(session: Session): Promise<number | null> {
  return (await session.list()).pid
}

async function keeperOf(session: Session): Promise<number | null> {
  const pid = await pidOf(session)
  return pid === null ? null : session.house.keeperOf(pid)
}

async function endless(session: Session): Promise<boolean> {
  await timedOut(session, ENDLESS, { dies: true })
  return true
}

async function asleepInC(session: Session): Promise<boolean> {
  await timedOut(session, ASLEEP_IN_C, {})
  return true
}

/** Runs what only its time limit ends, unless a session of the same house kills the keeper before. */
async function timedOut(session: Session, code: string, expectation: Expectation): Promise<void> {
  const { house } = session
  const before = house.keeperKills
  const options = { timeout_ms: TIMEOUT_MS }
  const { result } = await session.run(code, sameSteps, expectation, options)
  if (result.timed_out !== true && house.keeperKills === before) {
    throw new Violation('It was not timed out.')
  }
}

async function outOfMemory(session: Session): Promise<boolean> {
  const { result } = await session.run(OUT_OF_MEMORY)
  if (result.state === 'kept' && result.error?.name !== 'MemoryError') {
    throw new Violation(`No MemoryError, but ${result.error?.name ?? 'success'}`)
  }
  return true
}

async function inARow(session: Session): Promise<boolean> {
  const times = session.dice.between(2, 4)
  for (let i = 0; i < times; i += 1) {
    await dying(session.dice.pick(Object.values(DEADLY)))(session)
  }
  return true
}

async function killMidRun(session: Session): Promise<boolean> {
  const pid = await pidOf(session)
  if (pid === null) return false
  const file = join(session.tenant.tools.workdir, 'begun')
  const run = session.run(waitingToBeKilled(file), sameSteps, { dies: true })
  const begun = eventually('the code runs', () => existsSync(file), 20_000)
  await Promise.race([run, begun])
  session.house.kill(pid)
  await run
  await rm(file, { force: true })
  return true
}

/** Kills the process while it is idle; whether it has a checkpoint by then is known from the list. */
async function killBetween(session: Session): Promise<boolean> {
  const { pid } = await session.listCheckpoints()
  if (pid === null || !session.house.kill(pid)) return false
  await session.step({ begins: false, dies: true })
  return true
}

/** Kills the process as soon as it has replied, when it makes its checkpoint. */
async function killInFork(session: Session): Promise<boolean> {
  const pid = await pidOf(session)
  if (pid === null) return false
  await session.step()
  if (session.dice.chance(0.5)) await turns(session.dice.between(1, 40))
  if (!session.house.kill(pid)) return false
  await session.look({ begins: false, dies: true })
  return true
}

/** Kills a checkpoint that is just being made. */
async function killNewCopy(session: Session): Promise<boolean> {
  const keeper = await keeperOf(session)
  if (keeper === null) return false
  const ambush = new Ambush(session.house, keeper, 1)
  await session.step()
  await turns(100)
  ambush.stop()
  session.ledger.harmed()
  await session.look()
  return true
}

/** Kills some checkpoints, and then maybe the process, too. */
async function killCheckpoints(session: Session): Promise<boolean> {
  const { pid, checkpoints } = await session.listCheckpoints()
  const keeper = pid === null ? null : session.house.keeperOf(pid)
  if (keeper === null || checkpoints.length === 0) return false
  const processes = childrenOf(keeper)
  const victims = session.dice.pick([checkpoints, checkpoints.slice(-1), checkpoints.slice(0, 1)])
  for (const { id } of victims) {
    const victim = processes.find((process) => markOf(process) === id)
    if (victim !== undefined) session.house.kill(victim)
  }
  const left = checkpoints.filter((checkpoint) => !victims.includes(checkpoint))
  session.ledger.left(left.map((checkpoint) => checkpoint.execution_count))
  if (session.dice.chance(0.5)) {
    await dying(session.dice.pick(Object.values(DEADLY)))(session)
    return true
  }
  // Until Node has heard of it, the list shows those that were killed, which later would count.
  await eventually('it is known that they are gone', async () => {
    const { checkpoints: there } = await session.list()
    return !there.some(({ id }) => victims.some((victim) => victim.id === id))
  })
  return true
}

/** Kills what goes on from a checkpoint, before it has gone on. */
async function killInWake(session: Session): Promise<boolean> {
  await session.untilCheckpoint()
  const { pid, checkpoints } = await session.listCheckpoints()
  const keeper = pid === null ? null : session.house.keeperOf(pid)
  if (keeper === null || checkpoints.length < 2) return false
  const most = session.dice.between(1, TRIES + 1)
  const ambush = new Ambush(session.house, keeper, most)
  // The last one may be tried in vain; the one before it never: that would take twice as many.
  if (most >= TRIES) {
    session.ledger.left(checkpoints.slice(0, -1).map((checkpoint) => checkpoint.execution_count))
  }
  await session.run(DEADLY.exit, sameSteps, { dies: true }).finally(() => {
    session.say(`  ${ambush.stop()} killed`)
  })
  session.ledger.harmed()
  return true
}

async function killTemplate(session: Session): Promise<boolean> {
  const keeper = await keeperOf(session)
  if (keeper === null) return false
  const [template, spare] = await session.house.templates(keeper)
  if (template === undefined || spare === undefined) return false
  session.dice
    .pick([[template], [spare], [template, spare]])
    .forEach((victim) => session.house.kill(victim))
  if (session.dice.chance(0.5)) await session.startAnother()
  else await session.look()
  return true
}

async function killKeeper(session: Session): Promise<boolean> {
  const keeper = await keeperOf(session)
  if (keeper === null) return false
  const dead = session.house.killKeeper(keeper)
  if (session.dice.chance(0.5)) await dead
  await session.look({ begins: false })
  await dead
  return true
}

/** Lets Node go through its event loop so often. */
async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i += 1) await new Promise((resolve) => setImmediate(resolve))
}

/** All kinds of faults, by name. */
export const KINDS: Readonly<Record<string, Kind>> = {
  ...Object.fromEntries(
    Object.entries(DEADLY).map(([name, code]) => [name, { fault: dying(code), weight: 3 }]),
  ),
  'endless loop in C': { fault: endless, weight: 2 },
  'asleep in C': { fault: asleepInC, weight: 1 },
  'out of memory': { fault: outOfMemory, weight: 3 },
  'several in a row': { fault: inARow, weight: 3 },
  'kill in a run': { fault: killMidRun, weight: 5 },
  'kill between runs': { fault: killBetween, weight: 6 },
  'kill in a fork': { fault: killInFork, weight: 6 },
  'kill of a new copy': { fault: killNewCopy, weight: 4, alone: true },
  'kill of checkpoints': { fault: killCheckpoints, weight: 5 },
  'kill in a wake': { fault: killInWake, weight: 5, alone: true },
  'kill of the template': { fault: killTemplate, weight: 2, forks: true },
  'kill of the keeper': { fault: killKeeper, weight: 1 },
}

/** The names of those that can be done to a session, each as often as its weight says. */
export function kindsFor({ house }: Session): string[] {
  return Object.entries(KINDS).flatMap(([name, { weight, alone = false, forks = false }]) => {
    const isFit = !(alone && house.tenants.length > 1) && !(forks && house.start !== 'fork')
    return isFit ? Array<string>(weight).fill(name) : []
  })
}
