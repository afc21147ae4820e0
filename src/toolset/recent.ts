/** Remembering the last things that happened, in bounded memory. */

const MAX_KEPT = 10_000

/** Values by key, of which the oldest are forgotten. */
export class Recent<Value> {
  readonly #values = new Map<string, Value>()

  set(key: string, value: Value): void {
    this.#values.delete(key)
    this.#values.set(key, value)
    if (this.#values.size <= MAX_KEPT) return
    for (const oldest of this.#values.keys()) {
      this.#values.delete(oldest)
      return
    }
  }

  get(key: string): Value | undefined {
    return this.#values.get(key)
  }

  delete(key: string): void {
    this.#values.delete(key)
  }
}
