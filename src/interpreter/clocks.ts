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
  readonly #reached: (limit: Limit) => void
  readonly #run: Clock
  readonly #silence: Clock

  /** @param reached - hears which limit was reached */
  constructor({ timeoutMs, idleTimeoutMs }: RunLimits, reached: (limit: Limit) => void) {
    this.#reached = reached
    this.#run = new Clock(timeoutMs, START_MS, () => this.#reach('run'))
    this.#silence = new Clock(idleTimeoutMs, START_MS, () => this.#reach('silence'))
  }

  /** The code starts: both clocks begin here. */
  start(): void {
    this.#run.restart()
    this.#silence.restart()
  }

  /**
   * The run has shown something.
   *
   * @param taken - until then, the run is not silent but held back
   */
  heard(taken: Promise<void> | undefined): void {
    if (taken === undefined) this.#silence.restart()
    else this.#silence.pauseUntil(taken)
  }

  /** Leaves a single limit, reckoned from the start of the code; 0 for none. */
  only(timeoutMs: number): void {
    this.#silence.stop()
    this.#run.change(timeoutMs)
  }

  stop(): void {
    this.#run.stop()
    this.#silence.stop()
  }

  #reach(clock: Limit['clock']): void {
    const { ms } = clock === 'run' ? this.#run : this.#silence
    this.stop()
    this.#reached({ clock, ms })
  }
}

/**
 * Tells once when a time has passed since it was last restarted. That is cheap: its timer is left as it
 * is, and looks again when it is due.
 */
class Clock {
  #ms: number
  readonly #onDue: () => void
  #from = performance.now()
  #extraMs: number
  #timer: NodeJS.Timeout | undefined
  #dueAtMs = 0
  /** What it waits for before it goes on. */
  #pause: Promise<void> | undefined

  /** @param extraMs - what is given beyond `ms` until the first restart */
  constructor(ms: number, extraMs: number, onDue: () => void) {
    this.#ms = ms
    this.#extraMs = extraMs
    this.#onDue = onDue
    if (ms > 0) this.#set(ms)
  }

  /** 0 if it never tells. */
  get ms(): number {
    return this.#ms
  }

  restart(): void {
    this.#from = performance.now()
    this.#extraMs = 0
    // One that waited for the start would look too late.
    if (this.#timer !== undefined && this.#dueAtMs > this.#from + this.#ms) {
      this.stop()
      this.#set(this.#ms)
    }
  }

  pauseUntil(taken: Promise<void>): void {
    this.#pause = taken
    void taken.then(() => {
      if (this.#pause !== taken) return
      this.#pause = undefined
      this.restart()
    })
  }

  /** Has it tell at another time; 0 for never. */
  change(ms: number): void {
    this.stop()
    this.#ms = ms
    if (ms > 0) this.#look()
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #look(): void {
    const leftMs = this.#from + this.#ms + this.#extraMs - performance.now()
    if (this.#pause !== undefined) this.#set(this.#ms)
    else if (leftMs > 0) this.#set(leftMs)
    else this.#onDue()
  }

  #set(ms: number): void {
    this.#dueAtMs = performance.now() + ms
    // Rounded up: setTimeout rounds down, and would be early.
    this.#timer = setTimeout(() => this.#look(), Math.min(Math.ceil(ms), MAX_MS))
  }
}
