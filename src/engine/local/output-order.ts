/**
 * Puts what comes through a worker's output pipes into the order in which Python code wrote it, and
 * holds it back for as long as its listener is not ready for more.
 */
import type { OutputPipe, PipeEvent } from './output-pipe.js'

/** What a pipe says, but for what orders it among the others. */
export type OrderedEvent = Exclude<PipeEvent, { type: 'switch' }>

/** Hears of one event; until a promise that it answers resolves, it hears of no other. */
export type OrderedListener = (pipe: OutputPipe, event: OrderedEvent) => Promise<void> | undefined

/** The pipes of one worker. */
export class OutputOrder {
  readonly #listener: OrderedListener
  /** What each pipe has said and nobody has heard yet. */
  readonly #waiting = new Map<OutputPipe, PipeEvent[]>()
  #busy = false
  #held = false

  constructor(listener: OrderedListener) {
    this.#listener = listener
  }

  get pipes(): readonly OutputPipe[] {
    return [...this.#waiting.keys()]
  }

  add(pipe: OutputPipe): void {
    this.#waiting.set(pipe, [])
  }

  /** Takes what a pipe says, in its order. */
  push(pipe: OutputPipe, event: PipeEvent): void {
    this.#waiting.get(pipe)?.push(event)
  }

  /** Reads whatever comes, as soon as the listener is ready for it. */
  watch(): void {
    if (!this.#held) for (const pipe of this.#waiting.keys()) pipe.watch()
  }

  /** Has the listener hear what has been pushed, as far as it is ready for it. */
  flush(): void {
    if (this.#busy) return
    this.#busy = true
    try {
      while (!this.#held && (this.#tellOne() || this.#passSwitch()));
    } finally {
      this.#busy = false
    }
  }

  #tellOne(): boolean {
    for (const [pipe, events] of this.#waiting) {
      const event = events[0]
      if (event === undefined || event.type === 'switch') continue
      events.shift()
      if (event.type === 'closed') this.#waiting.delete(pipe)
      const ready = this.#listener(pipe, event)
      if (ready !== undefined) this.#hold(ready)
      return true
    }
    return false
  }

  /** Goes past the earliest switch, once all is read that was written to the others before it. */
  #passSwitch(): boolean {
    const [earliest] = [...this.#waiting].sort(([, a], [, b]) => numberOf(a) - numberOf(b))
    if (earliest === undefined || numberOf(earliest[1]) === Infinity) return false
    const unread = [...this.#waiting].filter(([, events]) => events.length === 0)
    // As much as a pipe can hold is read at once.
    for (const [pipe] of unread) pipe.read()
    if (unread.every(([, events]) => events.length === 0)) earliest[1].shift()
    return true
  }

  #hold(ready: Promise<void>): void {
    this.#held = true
    for (const pipe of this.#waiting.keys()) pipe.unwatch()
    const release = () => {
      this.#held = false
      this.watch()
      this.flush()
    }
    ready.then(release, release)
  }
}

/** The number of the switch that is next; infinite if none is. */
function numberOf([next]: readonly PipeEvent[]): number {
  return next?.type === 'switch' ? next.number : Infinity
}
