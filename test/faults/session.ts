/** One session of a campaign: makes its steps, and checks each result against what is known. */
import { isDeepStrictEqual } from 'node:util'
import type { InterpreterInfo, RunOptions, RunResult } from '../../src/index.js'
import { eventually } from '../helpers/processes.js'
import type { Dice } from './dice.js'
import type { House, Tenant } from './house.js'
import { Ledger, Violation, type Settled } from './ledger.js'
import { LOOK, setUp, STEP, type Look, type Profile } from './python-session.js'
import type { Reference } from './reference.js'

/** Any call has to settle within this, in ms. */
const BOUND_MS = 20_000
const TRAIL = 14

const SAME = (steps: number | null) => steps
const ONE_MORE = (steps: number | null) => (steps === null ? null : steps + 1)

/** What is known of the process when a run is asked for. */
export interface Expectation {
  /** It is alive, and nobody is about to kill it before the code begins. */
  readonly begins?: boolean
  /** It must not live on. */
  readonly dies?: boolean
}

export class Session {
  readonly ledger: Ledger
  /** What has happened last, for the report of what went wrong. */
  readonly trail: string[] = []
  readonly #reference: Reference
  /** Kills of the keeper that the results have told of. */
  #keeperKills: number
  /** The keeper was killed, but whether the last run was before or after that is not known. */
  #isKeeperKillOpen = false
  /** Whether the process has made the child, the server and the threads that it has. */
  #hasResources = false

  constructor(
    readonly house: House,
    readonly tenant: Tenant,
    readonly profile: Profile,
    readonly dice: Dice,
    reference: Reference,
  ) {
    this.#reference = reference
    this.#keeperKills = house.keeperKills
    // A thread that computes may stand in the way of a checkpoint: there, only the list is sure.
    this.ledger = new Ledger(tenant.policy === 'always' && profile !== 'resources')
  }

  /** Makes a step; or all that the session holds, where it has lost that. */
  async step(expectation: Expectation = {}): Promise<void> {
    const isNew = this.ledger.steps === null
    const code = isNew ? setUp(this.profile) : STEP
    const { result, settled } = await this.run(code, isNew ? () => 0 : ONE_MORE, expectation)
    if (result.interpreter_crashed === true) return
    if (!result.success) throw new Violation(`A step failed: ${result.error.traceback}`)
    await this.#compare(result, settled, isNew || this.#hasResources)
    this.#hasResources = settled.steps !== null
  }

  /** Checks all values, and changes none. */
  async look(expectation: Expectation = {}): Promise<void> {
    const { result, settled } = await this.run(LOOK, SAME, expectation)
    if (result.interpreter_crashed === true) return
    if (!result.success) throw new Violation(`A look failed: ${result.error.traceback}`)
    await this.#compare(result, settled, this.#hasResources)
  }

  /** Runs code that changes no value, unless its process dies. */
  async run(
    code: string,
    change = SAME,
    { begins = true, dies = false }: Expectation = {},
    options: RunOptions = {},
  ): Promise<{ result: RunResult; settled: Settled }> {
    const killed = this.house.keeperKills
    const mustBeLost = this.house.keeperDeaths > this.#keeperKills && !this.#isKeeperKillOpen
    const result = await this.#within(this.tenant.tools.runPythonCode(code, options))
    this.#note(result)
    const mayBeLost = this.house.keeperKills > this.#keeperKills || this.#isKeeperKillOpen
    if (mayBeLost) this.ledger.lostAll()
    if (mustBeLost && result.state !== 'lost') {
      throw new Violation(`The keeper is dead, but the state is ${result.state}.`)
    }
    this.#isKeeperKillOpen =
      this.house.keeperKills > killed || (mayBeLost && result.state !== 'lost')
    this.#keeperKills = this.house.keeperKills
    if (dies && result.state === 'kept') throw new Violation('The process ought to have died.')
    const settled = this.ledger.settle(result, change, begins && !mayBeLost)
    if (settled.replaced) this.#hasResources = false
    return { result, settled }
  }

  /** What the list says of this session. */
  async list(): Promise<InterpreterInfo> {
    const answer = await this.#within(this.tenant.tools.manageInterpreters({ operation: 'list' }))
    const info = answer.success ? answer.interpreters?.[0] : undefined
    if (info === undefined) throw new Violation('The session is not in the list.')
    return info
  }

  /** What the list says, now that it is known which checkpoints there are. */
  async listCheckpoints(): Promise<InterpreterInfo> {
    const info = await this.list()
    this.ledger.seen(info.checkpoints.map((checkpoint) => checkpoint.execution_count))
    return info
  }

  /** Waits until the present state has a checkpoint, as it must get one where nothing goes on. */
  async untilCheckpoint(): Promise<void> {
    let info: InterpreterInfo | null = null
    await eventually(
      `there is a checkpoint of run ${this.ledger.present}`,
      async () => {
        info = await this.listCheckpoints()
        // Killed together with its keeper, it gets none.
        if (info.pid === null) return true
        return info.checkpoints.at(-1)?.execution_count === this.ledger.present
      },
      BOUND_MS,
    ).catch((error: unknown) => {
      throw new Violation(`${String(error)}: ${JSON.stringify(info)}`)
    })
  }

  /** Starts another interpreter beside this one, and deletes it. */
  async startAnother(): Promise<void> {
    const { tools } = this.tenant
    const made = await this.#within(tools.manageInterpreters({ operation: 'create' }))
    if (!made.success) throw new Violation(`Another could not be started: ${made.error}`)
    const interpreter_id = made.interpreter_id ?? ''
    const { stdout } = await this.#within(tools.runPythonCode('print(6 * 7)', { interpreter_id }))
    if (stdout !== '42\n') throw new Violation(`Another does not work: ${stdout}`)
    await this.#within(tools.manageInterpreters({ operation: 'delete', interpreter_id }))
  }

  say(what: string): void {
    this.trail.push(what)
    if (this.trail.length > TRAIL) this.trail.shift()
  }

  async #compare(result: RunResult, { steps }: Settled, hasResources: boolean): Promise<void> {
    if (steps === null) {
      if (result.stdout !== '') throw new Violation(`It ought to hold nothing: ${result.stdout}`)
      return
    }
    const look = JSON.parse(result.stdout) as Look
    const expected = await this.#reference.after(steps, this.profile)
    if (!isDeepStrictEqual(look.values, expected)) {
      const [was, ought] = [JSON.stringify(look.values), JSON.stringify(expected)]
      throw new Violation(`After ${steps} steps, it holds\n${was} and not\n${ought}`)
    }
    const resources = this.profile !== 'resources' ? 'none' : hasResources ? 'alive' : 'dead'
    if (look.resources !== resources) {
      throw new Violation(`Its own resources are ${look.resources}, not ${resources}.`)
    }
  }

  #note({ execution_count, state, restored_to, restart_reason, error }: RunResult): void {
    const to = restored_to === undefined ? '' : ` to ${restored_to}`
    const why = restart_reason === undefined ? '' : `: ${restart_reason}`
    this.say(`  run ${execution_count}: ${state}${to}${why} ${error?.name ?? ''}`)
  }

  async #within<T>(call: Promise<T>): Promise<T> {
    let timer: NodeJS.Timeout | undefined
    const tooLong = new Promise<never>((_, reject) => {
      const error = new Violation(`A call has not settled within ${BOUND_MS / 1000} s.`)
      timer = setTimeout(() => reject(error), BOUND_MS)
    })
    try {
      return await Promise.race([call, tooLong])
    } finally {
      clearTimeout(timer)
    }
  }
}
