/** The line in which all that is asked of an interpreter waits its turn. */
import { AbortedError } from '../errors.js'
import { keepAlive } from './keep-alive.js'

const ABORTED_BEFORE = 'The call was aborted by its signal before it began. Nothing has been run.'

/** Does something, and may answer it before all is done. */
export type Task<T> = (answer: (value: T) => void) => Promise<T>

/** How a task waits. */
export interface Waiting {
  /** Rejects the call while it has not been answered; a task that waits is then never begun. */
  readonly signal?: AbortSignal | undefined
  /** Whether it waits also where others are refused. */
  readonly always?: boolean
}

/** Does one task at a time, in order: each begins when those before it are done, be they answered or not. */
export class Queue {
  #last: Promise<unknown> = Promise.resolve()
  /** Tasks that are not done yet. */
  #pending = 0
  #doneAtMs = performance.now()
  #refusal: (() => Error) | null = null
  /** Rejects a call that waits; only those that can be refused. */
  readonly #refuse = new Set<(error: Error) => void>()

  /** Since when there has been nothing to do, on the clock of `performance.now()`; null while there is. */
  get idleSinceMs(): number | null {
    return this.#pending === 0 ? this.#doneAtMs : null
  }

  /** Does the task in its turn. Node stays alive until it is done. */
  add<T>(task: Task<T>, { signal, always = false }: Waiting = {}): Promise<T> {
    if (this.#refusal !== null && !always) return Promise.reject(this.#refusal())
    const release = keepAlive()
    const before = this.#last
    this.#pending += 1
    return new Promise<T>((resolve, reject) => {
      let isWanted = true
      let hasBegun = false
      const refuse = (error: Error) => {
        isWanted = false
        reject(error)
      }
      const abort = () =>
        refuse(new AbortedError(signal?.reason, hasBegun ? undefined : ABORTED_BEFORE))
      const answer = (value: T) => {
        signal?.removeEventListener('abort', abort)
        resolve(value)
      }
      signal?.addEventListener('abort', abort, { once: true })
      if (signal?.aborted === true) abort()
      if (!always) this.#refuse.add(refuse)
      this.#last = before.then(async () => {
        this.#refuse.delete(refuse)
        hasBegun = true
        try {
          if (isWanted) answer(await task(answer))
        } catch (error) {
          refuse(error as Error)
        } finally {
          signal?.removeEventListener('abort', abort)
          release()
          this.#pending -= 1
          this.#doneAtMs = performance.now()
        }
      })
    })
  }

  /** Rejects the tasks that wait, and from now on all that come, with the errors that it is given. */
  refuse(refusal: () => Error): void {
    this.#refusal = refusal
    for (const refuse of this.#refuse) refuse(refusal())
    this.#refuse.clear()
  }

  /** Ends that. */
  accept(): void {
    this.#refusal = null
  }

  /** Resolves when all that has been added is done. */
  async done(): Promise<void> {
    await this.#last
  }
}
