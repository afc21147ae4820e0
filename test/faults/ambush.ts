/** Kills new children of a keeper as soon as they appear. */
import { childrenOf } from './family.js'
import type { House } from './house.js'

export class Ambush {
  #killed = 0
  #stopped = false
  readonly #house: House
  readonly #keeper: number
  readonly #most: number
  readonly #known: Set<number>

  /** Lies in wait until `most` were killed, or it is stopped. */
  constructor(house: House, keeper: number, most: number) {
    this.#house = house
    this.#keeper = keeper
    this.#most = most
    this.#known = new Set(childrenOf(keeper))
    this.#look()
  }

  /** Answers how many it has killed. */
  stop(): number {
    this.#stopped = true
    return this.#killed
  }

  #look(): void {
    if (this.#stopped) return
    for (const pid of childrenOf(this.#keeper)) {
      if (this.#known.has(pid) || this.#killed === this.#most || !this.#house.kill(pid)) continue
      this.#known.add(pid)
      this.#killed += 1
    }
    setImmediate(() => this.#look())
  }
}
