/** Progress bars as events: not each time that they are drawn, but always as they are now. */

/** What a terminal shows of a line, or some, that are written over again and again. */
export interface ProgressOutput {
  readonly type: 'progress'
  readonly name: 'stdout' | 'stderr'
  readonly text: string
  /** From 0 to 1, where the text has a percentage. */
  readonly fraction?: number | undefined
}

const EVERY_MS = 50
const PERCENTAGE = /(\d{1,3}(?:\.\d+)?) ?%/

/** Tells the newest progress, at most every 50 ms. */
export class Progress {
  readonly #tell: (output: ProgressOutput) => Promise<void> | undefined
  #next: ProgressOutput | null = null
  #isPausing = false

  /** @param tell - is not called again until a promise that it answers resolves */
  constructor(tell: (output: ProgressOutput) => Promise<void> | undefined) {
    this.#tell = tell
  }

  show(name: ProgressOutput['name'], text: string): void {
    const [, percentage] = PERCENTAGE.exec(text) ?? []
    const fraction = percentage === undefined ? undefined : Math.min(Number(percentage) / 100, 1)
    this.#next = { type: 'progress', name, text, ...(fraction === undefined ? {} : { fraction }) }
    if (!this.#isPausing) this.#tellNext()
  }

  /** Tells no more of what was shown on a stream: it is over. */
  stop(name: ProgressOutput['name']): void {
    if (this.#next?.name === name) this.#next = null
  }

  #tellNext(): void {
    const next = this.#next
    this.#isPausing = next !== null
    if (next === null) return
    this.#next = null
    const heard = this.#tell(next)
    setTimeout(() => void Promise.resolve(heard).then(() => this.#tellNext()), EVERY_MS).unref()
  }
}
