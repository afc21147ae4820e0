/** Stopping a run before its end. */
import type { Worker } from '../engine/engine.js'
import type { Limit } from './clocks.js'
import type { Execution } from './execution.js'
import type { Exceeded } from './limit-watch.js'

/** Why a run was asked to stop. */
export type StopReason =
  | { readonly type: 'interrupt' | 'stop' | 'abort' | 'restart' | 'close' }
  | ({ readonly type: 'timeout' } & Limit)
  | ({ readonly type: 'limit' } & Exceeded)

/** What is said of a process that had to be killed, by what its run was stopped for. */
export const KILL_REASONS: Record<StopReason['type'], string> = {
  timeout: 'was killed because its run did not stop at the time limit, nor when interrupted',
  limit: 'was killed because its run went over a limit and did not stop when interrupted',
  stop: 'was killed because its run was to be stopped, and did not stop when interrupted',
  abort: 'was killed because its run was aborted and did not stop when interrupted',
  interrupt: 'was killed',
  restart: 'was restarted on request',
  close: 'was ended because its interpreter was closed or deleted',
}

/**
 * Stops one run: interrupts it, and if that does not help in time, gives up what it waits for: who
 * hears its output, or else its process.
 */
export class Stop {
  /** The first reason, whatever came after. */
  reason: StopReason | null = null
  readonly #worker: Worker
  readonly #execution: Execution
  readonly #graceMs: number
  #interrupted: Promise<void> = Promise.resolve()
  #insistTimer: NodeJS.Timeout | undefined
  #ended = false

  constructor(worker: Worker, execution: Execution, graceMs: number) {
    this.#worker = worker
    this.#execution = execution
    this.#graceMs = graceMs
  }

  /** Whether it has been asked for so that it will not be without effect. */
  get isCertain(): boolean {
    return this.reason !== null && this.reason.type !== 'interrupt'
  }

  /** Resolves when the interrupts asked for so far have been sent. */
  get interrupted(): Promise<void> {
    return this.#interrupted
  }

  request(reason: StopReason): void {
    // Who interrupts by hand may look and decide; all else must end the run.
    if (reason.type !== 'interrupt') {
      this.#insistTimer ??= setInterval(() => this.#insist(reason), this.#graceMs)
    }
    if (this.#ended) return
    const ends = reason.type === 'restart' || reason.type === 'close'
    if (this.isCertain && !ends) return
    this.reason = reason
    if (ends) void this.#worker.kill(KILL_REASONS[reason.type])
    else {
      this.#interrupted = Promise.all([this.#interrupted, this.#worker.interrupt()]).then(() => {
        // The grace begins when the code can know.
        if (!this.#ended) this.#insistTimer?.refresh()
      })
    }
  }

  /** Resolves when no interrupt is on its way any more: only then may the next run be sent. */
  delivered(): Promise<void> {
    this.#ended = true
    return this.#interrupted
  }

  /** Has nobody given up from now on. */
  end(): void {
    this.#ended = true
    clearInterval(this.#insistTimer)
  }

  #insist({ type }: StopReason): void {
    // Code that has obeyed cannot end before its output is read.
    if (this.#execution.isWaiting) this.#execution.mute()
    else if (!this.#ended) void this.#worker.kill(KILL_REASONS[type])
  }
}
