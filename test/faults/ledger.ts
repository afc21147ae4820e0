/**
 * What is known of one session's states and checkpoints, and what a result may therefore say. Does
 * not know what a state consists of: only how many steps made it.
 */
import type { RunResult } from '../../src/index.js'

/** The toolset said something that cannot be, or did not do what it must. */
export class Violation extends Error {}

/** What a result was, by its own words. */
export interface Settled {
  /** Steps that have made the present state; null: it holds nothing. */
  readonly steps: number | null
  /** The process is another than before the run. */
  readonly replaced: boolean
}

export class Ledger {
  /** Whether each state has a checkpoint when the next run starts. */
  readonly #strict: boolean
  /** By run: the steps that have made the state after it. */
  readonly #steps = new Map<number, number | null>([[0, null]])
  /** The run after which the present state is. */
  #present = 0
  /** The newest run that certainly has a checkpoint; null: it may be that none has. */
  #sure: number | null = null
  /** Whether nobody has killed the checkpoint of the present state. */
  #unharmed = true

  constructor(strict: boolean) {
    this.#strict = strict
  }

  get present(): number {
    return this.#present
  }

  /** Steps that have made the present state; null: it holds nothing. */
  get steps(): number | null {
    return this.#steps.get(this.#present) ?? null
  }

  /** These runs have checkpoints, as the list says. */
  seen(runs: readonly number[]): void {
    if (runs.length > 0) this.#sure = Math.max(this.#sure ?? 0, ...runs)
  }

  /** Checkpoints were killed, and only those of these runs are left. */
  left(runs: readonly number[]): void {
    this.#sure = runs.length > 0 ? Math.max(...runs) : null
    if (!runs.includes(this.#present)) this.#unharmed = false
  }

  /** The checkpoint of the present state, if there is one, may have been killed. */
  harmed(): void {
    this.#unharmed = false
  }

  /** Nothing is left. */
  lostAll(): void {
    this.#sure = null
  }

  /**
   * Takes a result.
   *
   * @param change - what the run does to the number of steps, if it ends
   * @param begun - whether its code has begun to run, in the process of the state that was present
   * @throws {@link Violation}
   */
  settle(
    result: RunResult,
    change: (steps: number | null) => number | null,
    begun: boolean,
  ): Settled {
    if (begun) this.#runBegan()
    const replaced = result.state !== 'kept'
    if (result.state === 'restored') this.#restore(result.restored_to)
    if (result.state === 'lost') this.#lose()
    if (result.interpreter_crashed !== true) {
      // What ran in a new process ran after it had its checkpoint, or was made from one.
      if (replaced) this.#runBegan()
      this.#steps.set(result.execution_count, change(this.steps))
      this.#present = result.execution_count
      this.#unharmed = true
    } else if (!replaced) throw new Violation('A process that died cannot have kept its state.')
    return { steps: this.steps, replaced }
  }

  #runBegan(): void {
    if (this.#strict && this.#unharmed) this.#sure = this.#present
  }

  #restore(to: number | undefined): void {
    if (to === undefined) throw new Violation('The result does not say which run it went back to.')
    if (!this.#steps.has(to)) throw new Violation(`There was no state after run ${to}.`)
    if (to > this.#present) throw new Violation(`Run ${to} is later than run ${this.#present}.`)
    if (this.#sure !== null && to < this.#sure) {
      throw new Violation(`It went back to run ${to}, but run ${this.#sure} has a checkpoint.`)
    }
    this.#present = this.#sure = to
    this.#unharmed = true
  }

  #lose(): void {
    if (this.#sure !== null) {
      throw new Violation(`All is lost, but run ${this.#sure} has a checkpoint.`)
    }
    this.#present = 0
    this.#unharmed = true
  }
}
