/** Ending interpreters that have been idle for too long. */
import type { Interpreter } from '../interpreter/interpreter.js'

/** Ends what has been idle for a certain time, by one timer, which does not keep Node alive. */
export class Expiry {
  readonly #idleMs: number
  readonly #all: () => readonly Interpreter[]
  readonly #end: (interpreter: Interpreter) => void
  #timer: NodeJS.Timeout | undefined

  /**
   * @param idleMs - how long an interpreter may be idle; 0: for ever
   * @param all - those that there are
   * @param end - ends one
   */
  constructor(
    idleMs: number,
    all: () => readonly Interpreter[],
    end: (interpreter: Interpreter) => void,
  ) {
    this.#idleMs = idleMs
    this.#all = all
    this.#end = end
  }

  /** Takes a new interpreter into account. */
  watch(): void {
    // None that is busy or new can expire before a timer that is set, which looks at all of them.
    if (this.#idleMs > 0) this.#timer ??= this.#set(this.#idleMs)
  }

  /** When it will be ended, if it stays idle; null while it is busy, or if it never is. */
  expiresAt(interpreter: Interpreter): Date | null {
    const { idleSinceMs } = interpreter
    if (this.#idleMs === 0 || idleSinceMs === null) return null
    return new Date(Date.now() + this.#left(idleSinceMs))
  }

  close(): void {
    clearTimeout(this.#timer)
  }

  #look(): void {
    this.#timer = undefined
    let nextMs = Infinity
    for (const interpreter of this.#all()) {
      const { idleSinceMs } = interpreter
      const leftMs = idleSinceMs === null ? this.#idleMs : this.#left(idleSinceMs)
      if (leftMs <= 0) this.#end(interpreter)
      else nextMs = Math.min(nextMs, leftMs)
    }
    if (nextMs < Infinity) this.#timer = this.#set(nextMs)
  }

  #set(ms: number): NodeJS.Timeout {
    // Upwards, for a timer may come a part of a millisecond early.
    return setTimeout(() => this.#look(), Math.ceil(ms)).unref()
  }

  #left(idleSinceMs: number): number {
    return idleSinceMs + this.#idleMs - performance.now()
  }
}
