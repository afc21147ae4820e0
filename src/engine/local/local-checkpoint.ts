/** A copy of a worker that sleeps, and from which others can be forked. */
import type { Checkpoint } from '../engine.js'
import type { Cgroup } from './cgroup.js'
import type { Copy, Keeper } from './keeper.js'
import { proportionalSetSize } from './memory.js'

export class LocalCheckpoint implements Checkpoint {
  readonly id: string
  readonly executionCount: number
  readonly number: number
  readonly createdAt = new Date()
  readonly keeper: Keeper
  /** The control group that it is in. */
  readonly cgroup: Cgroup | null
  readonly #pid: number
  #gone = false

  constructor(copy: Copy, keeper: Keeper, cgroup: Cgroup | null) {
    this.id = copy.id
    this.executionCount = copy.run
    this.number = copy.number
    this.keeper = keeper
    this.#pid = copy.pid
    this.cgroup = cgroup
    const letGo = cgroup?.hold()
    keeper.watchCopy(copy, () => {
      this.#gone = true
      letGo?.()
    })
  }

  get gone(): boolean {
    return this.#gone
  }

  memoryBytes(): Promise<number | null> {
    return proportionalSetSize(this.#pid)
  }

  drop(): void {
    if (!this.#gone) this.keeper.drop(this.id)
    this.#gone = true
  }
}
