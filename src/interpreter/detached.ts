/** Runs that go on when their call has been answered, and what is kept of them when they have ended. */
import { v4 as uuid } from 'uuid'
import type { Output } from '../engine/engine.js'
import { Execution } from './execution.js'
import type { FinishedRun } from './run.js'

/** Detached runs that are kept when they have ended: the last ones of an interpreter. */
const MAX_KEPT = 10

/** What a run has emitted that nobody has looked at yet. */
export class Unseen {
  readonly #executionCount: number
  readonly #maxOutputBytes: number
  #outputs: Execution

  /** @param maxOutputBytes - kept of each stream */
  constructor(executionCount: number, maxOutputBytes: number) {
    this.#executionCount = executionCount
    this.#maxOutputBytes = maxOutputBytes
    this.#outputs = this.#none()
  }

  add(output: Output): void {
    void this.#outputs.add(output)
  }

  /** Answers what has been added since the last look. */
  async look(): Promise<Execution> {
    const seen = this.#outputs
    this.#outputs = this.#none()
    await seen.end()
    return seen
  }

  #none(): Execution {
    const limits = { maxOutputBytes: this.#maxOutputBytes, folder: null }
    return new Execution(this.#executionCount, limits, '', null)
  }
}

/** A run that goes on, or has gone on, without its call. */
export class DetachedRun {
  /** Its `execution_id`. */
  readonly id = uuid()
  readonly startedAt: Date
  /** Resolves when it has ended, with all that is known of it; never rejects. */
  readonly finished: Promise<FinishedRun>
  /** Whether somebody has been told that it has ended. */
  isEndTold = false
  #end: FinishedRun | null = null
  #resolve: (run: FinishedRun) => void = () => undefined

  /**
   * @param startedAtMs - on the clock of `performance.now()`
   */
  constructor(
    readonly executionCount: number,
    readonly unseen: Unseen,
    readonly startedAtMs: number,
  ) {
    this.startedAt = new Date(Date.now() - this.durationMs)
    this.finished = new Promise((resolve) => (this.#resolve = resolve))
  }

  /** All that is known of it, once it has ended; null while it runs. */
  get end(): FinishedRun | null {
    return this.#end
  }

  /** For how long it has run, until now or in all. */
  get durationMs(): number {
    return this.#end?.durationMs ?? performance.now() - this.startedAtMs
  }

  finish(run: FinishedRun): void {
    this.#end = run
    this.#resolve(run)
  }
}

/** The detached runs of one interpreter, of which one at a time executes. */
export class DetachedRuns {
  #runs: DetachedRun[] = []

  add(run: DetachedRun): void {
    this.#runs = [...this.#runs.slice(-MAX_KEPT), run]
  }

  /** By its `execution_id`, or the last one. */
  find(executionId: string | null): DetachedRun | undefined {
    return executionId === null
      ? this.#runs.at(-1)
      : this.#runs.find(({ id }) => id === executionId)
  }

  /** Answers those that have ended since anybody was told of an end; now they are told of. */
  takeEnds(): DetachedRun[] {
    const ends = this.#runs.filter(({ end, isEndTold }) => end !== null && !isEndTold)
    for (const run of ends) run.isEndTold = true
    return ends
  }
}
