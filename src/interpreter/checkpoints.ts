/**
 * Which checkpoints an interpreter keeps, and which of them it would go back to. Does not know how
 * they are made.
 */
import { CheckpointError } from '../errors.js'
import type { Checkpoint } from '../engine/engine.js'

/** Checkpoints that were asked for are kept until dropped, so there is a limit to them. */
const MAX_KEPT = 16

/** A checkpoint of an interpreter. */
export interface KeptCheckpoint {
  readonly checkpoint: Checkpoint
  /** Null unless it was given one. */
  name: string | null
  /** Whether it was asked for, and so stays until it is dropped. */
  asked: boolean
}

/** The checkpoints of one interpreter. */
export class Checkpoints {
  /** How many that were made by themselves are kept. */
  readonly #keep: number
  /** The past of the present state, oldest first. */
  #past: KeptCheckpoint[] = []
  /** Asked for, but of a state that was left by going back. */
  #aside: KeptCheckpoint[] = []

  constructor(keep: number) {
    this.#keep = keep
  }

  /** All that are there, oldest first. */
  all(): readonly KeptCheckpoint[] {
    this.#forgetGone()
    return [...this.#past, ...this.#aside].sort(
      (a, b) => a.checkpoint.createdAt.getTime() - b.checkpoint.createdAt.getTime(),
    )
  }

  /** Those that the present state comes from, newest first. */
  newestFirst(): readonly Checkpoint[] {
    this.#forgetGone()
    return this.#past.map(({ checkpoint }) => checkpoint).reverse()
  }

  /** Adds one of the present state, and drops the oldest that nobody asked for. */
  add(checkpoint: Checkpoint): void {
    this.#forgetGone()
    this.#past.push({ checkpoint, name: null, asked: false })
    // Copies that are made at the same time can be heard of in any order.
    this.#past.sort(byRun)
    const own = this.#past.filter(({ asked }) => !asked)
    for (const { checkpoint: old } of own.slice(0, -this.#keep)) this.drop(old)
  }

  /** @throws CheckpointError if another one cannot be kept under this name */
  requireRoom(name: string | null): void {
    const all = this.all()
    if (name !== null && all.some((kept) => kept.name === name || kept.checkpoint.id === name)) {
      throw new CheckpointError(
        `There is a checkpoint named ${JSON.stringify(name)} already. Drop it, or choose another name.`,
      )
    }
    if (all.filter(({ asked }) => asked).length >= MAX_KEPT) {
      throw new CheckpointError(
        `There are ${MAX_KEPT} checkpoints that were asked for already. Drop one of them.`,
      )
    }
  }

  /** Keeps one that has been added until it is dropped. */
  keep(checkpoint: Checkpoint, name: string | null): void {
    const kept = this.#past.find((one) => one.checkpoint === checkpoint)
    if (kept === undefined) return
    kept.name = name
    kept.asked = true
  }

  /** @throws CheckpointError unless there is one with this id or name */
  find(idOrName: string): Checkpoint {
    const all = this.all()
    const found =
      all.find(({ checkpoint }) => checkpoint.id === idOrName) ??
      all.find(({ name }) => name === idOrName)
    if (found !== undefined) return found.checkpoint
    throw new CheckpointError(
      `There is no checkpoint ${JSON.stringify(idOrName)}. The operation "list" ` +
        'shows those that there are.',
    )
  }

  /** The newest that knows nothing of this run and those after it; undefined if there is none. */
  before(executionCount: number): Checkpoint | undefined {
    return this.newestFirst().find((checkpoint) => checkpoint.executionCount < executionCount)
  }

  /** Makes one the present state: what came after it is no past of it any more. */
  goBackTo(checkpoint: Checkpoint): void {
    const at = this.#past.findIndex((kept) => kept.checkpoint === checkpoint)
    const aside = this.#aside.filter((kept) => kept.checkpoint === checkpoint)
    const left = at === -1 ? this.#past : this.#past.slice(at + 1)
    this.#past = at === -1 ? aside : this.#past.slice(0, at + 1)
    this.#aside = this.#aside.filter((kept) => !aside.includes(kept))
    this.#leave(left)
  }

  /** Nothing that there is now is the past of the present state any more. */
  startAfresh(): void {
    const left = this.#past
    this.#past = []
    this.#leave(left)
  }

  drop(checkpoint: Checkpoint): void {
    checkpoint.drop()
    this.#forgetGone()
  }

  dropAll(): void {
    for (const { checkpoint } of this.all()) this.drop(checkpoint)
  }

  #leave(left: readonly KeptCheckpoint[]): void {
    for (const kept of left) {
      if (kept.asked) this.#aside.push(kept)
      else kept.checkpoint.drop()
    }
  }

  #forgetGone(): void {
    const isThere = ({ checkpoint }: KeptCheckpoint) => !checkpoint.gone
    this.#past = this.#past.filter(isThere)
    this.#aside = this.#aside.filter(isThere)
  }
}

function byRun({ checkpoint: a }: KeptCheckpoint, { checkpoint: b }: KeptCheckpoint): number {
  return a.executionCount - b.executionCount || a.number - b.number
}
