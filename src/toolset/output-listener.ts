/** A programmer's `onOutput`, called so that neither what it throws nor its pace harms a run. */
import type { RunOutput } from './result.js'

/** Hears what a run says; a promise that it answers is waited for before it hears more. */
export type OnOutput = (output: RunOutput) => void | Promise<void>

/** Calls one function until it throws or rejects. */
export class OutputListener {
  readonly #onOutput: OnOutput
  #failure: { readonly error: unknown } | null = null

  constructor(onOutput: OnOutput) {
    this.#onOutput = onOutput
  }

  hear(output: RunOutput): Promise<void> | undefined {
    if (this.#failure !== null) return undefined
    const fail = (error: unknown) => {
      this.#failure = { error }
    }
    try {
      const answer: unknown = this.#onOutput(output)
      // That of `outputs.push(output)` is a number.
      return isThenable(answer) ? Promise.resolve(answer).then(() => undefined, fail) : undefined
    } catch (error) {
      fail(error)
      return undefined
    }
  }

  /** Throws what the function has thrown. */
  rethrow(): void {
    if (this.#failure !== null) throw this.#failure.error
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value
}
