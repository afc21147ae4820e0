/** The clocks that bound a run. */

/** What `setTimeout` can do. */
const MAX_MS = 2 ** 31 - 1
/**
 * What code may take to start beyond its limits: more than a checkpoint that was being made just then.
 * Only where even the start is hindered, by a thread that holds Python's lock, is this ever over.
 */
const START_MS = 5_000

/** A limit, and which of a run's clocks it is for: that of the whole run, or that of its silence. */
export interface Limit {
  readonly clock: 'run' | 'silence'
  readonly ms: number
}

/** The limits of a run, in milliseconds; 0 for none. */
export interface RunLimits {
  readonly timeoutMs: number
  /** How long it may show nothing. */
  readonly idleTimeoutMs: number
}

/** Both clocks of one run; the first limit that is reached stops both. */
export class Clocks {
  readonly #limits: RunLimits
  readonly #reached: (limit: Limit) => void
  #run: NodeJS.Timeout | undefined
  #silence: NodeJS.Timeout | undefined
  #startedAt = performance.now()

  /** @param reached - hears which limit was reached */
  constructor(limits: RunLimits, reached: (limit: Limit) => void) {
    this.#limits = limits
    this.#reached = reached
    this.#set(START_MS)
  }

  /** The code starts: both clocks begin here. */
  start(): void {
    this.stop()
    this.#startedAt = performance.now()
    this.#set(0)
  }

  /**
   * The run has shown something.
   *
   * @param taken - until then, the run is not silent but held back
   */
  heard(taken: Promise<void> | undefined): void {
    if (this.#silence === undefined) return
    const before = this.#silence.refresh()
    if (taken === undefined) return
    clearTimeout(before)
    void taken.then(() => {
      if (this.#silence === before) this.#silence = this.#silenceTimer(0)
    })
  }

  /** Leaves a single limit, reckoned from the start of the code; 0 for none. */
  only(timeoutMs: number): void {
    this.stop()
    if (timeoutMs === 0) return
    const left = this.#startedAt + timeoutMs - performance.now()
    this.#run = this.#timer({ clock: 'run', ms: timeoutMs }, Math.max(0, left))
  }

  stop(): void {
    clearTimeout(this.#run)
    clearTimeout(this.#silence)
    this.#run = this.#silence = undefined
  }

  #set(extraMs: number): void {
    const { timeoutMs: ms } = this.#limits
    this.#run = ms === 0 ? undefined : this.#timer({ clock: 'run', ms }, ms + extraMs)
    this.#silence = this.#silenceTimer(extraMs)
  }

  #silenceTimer(extraMs: number): NodeJS.Timeout | undefined {
    const { idleTimeoutMs: ms } = this.#limits
    return ms === 0 ? undefined : this.#timer({ clock: 'silence', ms }, ms + extraMs)
  }

  #timer(limit: Limit, ms: number): NodeJS.Timeout {
    const reach = () => {
      this.stop()
      this.#reached(limit)
    }
    return setTimeout(reach, Math.min(ms, MAX_MS))
  }
}
