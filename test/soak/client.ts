/** One session of a soak: counts its runs in Python, and checks that what it is told of that is true. */
import type { PythonInterpreterToolSet, RunOptions, RunResult } from '../../src/index.js'
import type { Dice } from '../faults/dice.js'
import { DEADLY } from '../faults/faulty-code.js'
import type { House } from '../faults/house.js'
import { Violation } from '../faults/ledger.js'

const TIMEOUT_MS = 100
/** Counts a run; a number that is lost begins anew. */
const COUNT = `n = globals().get('n', 0) + 1\nprint(n)`
const FIGURE = `import matplotlib.pyplot as plt
plt.plot([1, 2, n]); plt.show(); plt.close('all')`
const LONG = `print('x' * 3_000_000)`
const SPIN = `while True: pass`

type Action = (client: Client) => Promise<void>

const ACTIONS: readonly { readonly weight: number; readonly does: string; readonly act: Action }[] =
  [
    { weight: 800, does: 'counts', act: (client) => client.count() },
    { weight: 40, does: 'answers a value', act: (client) => client.answer() },
    { weight: 40, does: 'raises', act: (client) => client.fail('1 / 0', 'ZeroDivisionError') },
    { weight: 10, does: 'draws', act: (client) => client.count(FIGURE) },
    { weight: 10, does: 'prints much', act: (client) => client.count(LONG) },
    { weight: 10, does: 'runs out of time', act: (client) => client.spin() },
    { weight: 20, does: 'crashes', act: (client) => client.crash() },
    { weight: 10, does: 'is killed between runs', act: (client) => client.killBetween() },
    { weight: 10, does: 'rolls back', act: (client) => client.rollBack() },
    { weight: 10, does: 'is deleted and returns', act: (client) => client.leave() },
  ]
const WEIGHTED = ACTIONS.flatMap((action) => Array<typeof action>(action.weight).fill(action))

export class Client {
  /** How often it has done what. */
  readonly done: Record<string, number> = {}
  /** What the session has counted; null: some lower number, after it has gone back. */
  #count: number | null = 0
  /** It has not counted more than that. */
  #most = 0
  /** Its process was killed, which the next result tells. */
  #wasKilled = false

  constructor(
    readonly id: string,
    readonly dice: Dice,
    private readonly house: House,
    private readonly tools: PythonInterpreterToolSet,
  ) {}

  /** Does one thing. */
  async act(): Promise<void> {
    const { does, act } = this.dice.pick(WEIGHTED)
    this.done[does] = (this.done[does] ?? 0) + 1
    try {
      await act(this)
    } catch (error) {
      throw new Error(`${this.id} ${does}`, { cause: error })
    }
  }

  async count(more = ''): Promise<void> {
    const result = await this.#run(`${COUNT}\n${more}`)
    if (!result.success) {
      const { error, restart_reason: reason = '' } = result
      throw new Violation(`It failed: ${error.value} ${reason} ${error.traceback}`.trim())
    }
    this.#counted(result)
  }

  async answer(): Promise<void> {
    const result = await this.#run(COUNT, { result_var_name: 'n' })
    this.#counted(result)
    if (JSON.stringify(result.result) !== result.stdout.trim())
      throw new Violation('Another value.')
  }

  async fail(code: string, name: string): Promise<void> {
    const result = await this.#run(code)
    if (result.error?.name !== name) throw new Violation(`No ${name}: ${result.error?.value ?? ''}`)
    this.#settle(result)
  }

  async spin(): Promise<void> {
    const result = await this.#run(SPIN, { timeout_ms: TIMEOUT_MS })
    if (result.timed_out !== true) throw new Violation('It was not timed out.')
    this.#settle(result)
  }

  async crash(): Promise<void> {
    const result = await this.#run(this.dice.pick(Object.values(DEADLY)))
    if (result.interpreter_crashed !== true) throw new Violation('It lives on.')
    if (!result.stdout.startsWith('begun')) throw new Violation('Its last words are lost.')
    this.#settle(result)
  }

  async killBetween(): Promise<void> {
    const list = await this.tools.manageInterpreters({ operation: 'list', client_id: this.id })
    const pid = list.success ? list.interpreters?.[0]?.pid : null
    if (pid != null) this.#wasKilled = this.house.kill(pid)
    await this.count()
  }

  async rollBack(): Promise<void> {
    const answer = await this.tools.manageInterpreters({
      operation: 'rollback',
      client_id: this.id,
    })
    if (answer.success) this.#count = null
  }

  async leave(): Promise<void> {
    await this.tools.manageInterpreters({ operation: 'delete', client_id: this.id })
    this.#count = 0
    await this.count()
  }

  #run(code: string, options: RunOptions = {}): Promise<RunResult> {
    return this.tools.runPythonCode(code, { client_id: this.id, ...options })
  }

  #counted(result: RunResult): void {
    this.#settle(result)
    const count = Number(result.stdout.split('\n', 1)[0])
    const isTrue =
      this.#count === null ? count >= 1 && count <= this.#most + 1 : count === this.#count + 1
    if (!isTrue) {
      throw new Violation(`It counts ${count} after ${String(this.#count)}, state ${result.state}.`)
    }
    this.#count = count
    this.#most = Math.max(this.#most, count)
  }

  /** Takes what a result says of the state before the run that counts, or after one that does not. */
  #settle({ state, restart_reason: reason }: RunResult): void {
    if (this.#wasKilled && state === 'kept') throw new Violation('Its end was not told.')
    this.#wasKilled = false
    if (state === 'restored') this.#count = null
    if (state === 'lost') this.#count = 0
    if (state !== 'kept' && reason === undefined) throw new Violation('No reason is told.')
  }
}
