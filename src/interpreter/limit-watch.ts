/** The limits of a run that only Node can hold: it looks, and has the run stopped. */
import { availableParallelism } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import type { LimitName, Output, ResourceLimits, Worker } from '../engine/engine.js'
import { diskUsage } from '../files/disk-usage.js'

/** A limit that a run has gone over. */
export interface Exceeded {
  readonly limit: LimitName
  /** What was asked for, in the limit's unit. */
  readonly bound: number
}

/** Seconds of CPU time in which code can end by what the worker itself raises in it. */
const CPU_GRACE_SECONDS = 2
const MIN_PAUSE_MS = 200
/** Looking at the workdir takes no more than a part of the time: one in so many. */
const DISK_SHARE = 10

/** Watches one run. What is not limited costs nothing. */
export class LimitWatch {
  readonly #limits: ResourceLimits
  readonly #workdir: string
  readonly #over: (exceeded: Exceeded) => void
  readonly #ended = new AbortController()
  #exceeded: Exceeded | null = null
  #outputBytes = 0
  #diskBefore = 0

  /** @param over - hears of the first limit that the run goes over, before its end */
  constructor(limits: ResourceLimits, workdir: string, over: (exceeded: Exceeded) => void) {
    this.#limits = limits
    this.#workdir = workdir
    this.#over = over
  }

  /** What the run has gone over so far, as far as Node sees. */
  get exceeded(): Exceeded | null {
    return this.#exceeded
  }

  /** Begins to look; to be awaited before the code is sent. */
  async begin(worker: Worker): Promise<void> {
    const { cpuSeconds, diskBytes } = this.#limits
    if (diskBytes !== undefined) {
      this.#diskBefore = await diskUsage(this.#workdir)
      void this.#watchDisk(diskBytes)
    }
    if (cpuSeconds !== undefined) void this.#watchCpu(worker, cpuSeconds)
  }

  heard(output: Output): void {
    const { outputBytes } = this.#limits
    if (outputBytes === undefined || output.type !== 'stream') return
    this.#outputBytes += Buffer.byteLength(output.text)
    if (this.#outputBytes > outputBytes) this.#exceed({ limit: 'outputBytes', bound: outputBytes })
  }

  /** Looks for a last time, when the run has ended. */
  async lookAgain(): Promise<void> {
    this.stop()
    const { diskBytes } = this.#limits
    if (diskBytes !== undefined) await this.#lookAtDisk(diskBytes)
  }

  stop(): void {
    this.#ended.abort()
  }

  async #watchCpu(worker: Worker, bound: number): Promise<void> {
    const cpus = this.#limits.cpus ?? availableParallelism()
    // Not at once: most runs have ended by then, and need not be looked at.
    await this.#pause(MIN_PAUSE_MS)
    let before: number | null = null
    while (!this.#ended.signal.aborted && this.#exceeded === null) {
      const used = (await worker.cpuSeconds()) ?? 0
      before ??= used
      const left = bound + CPU_GRACE_SECONDS - (used - before)
      if (left <= 0) this.#exceed({ limit: 'cpuSeconds', bound })
      else await this.#pause((left / cpus) * 1000)
    }
  }

  async #watchDisk(bound: number): Promise<void> {
    let tookMs = 0
    while (!this.#ended.signal.aborted && this.#exceeded === null) {
      await this.#pause(tookMs * DISK_SHARE)
      const startedAtMs = performance.now()
      await this.#lookAtDisk(bound)
      tookMs = performance.now() - startedAtMs
    }
  }

  /** A run that leaves no more than it has found does not go over: it may be there to remove files. */
  async #lookAtDisk(bound: number): Promise<void> {
    const bytes = await diskUsage(this.#workdir)
    if (bytes > bound && bytes > this.#diskBefore) this.#exceed({ limit: 'diskBytes', bound })
  }

  #exceed(exceeded: Exceeded): void {
    if (this.#exceeded !== null) return
    this.#exceeded = exceeded
    if (!this.#ended.signal.aborted) this.#over(exceeded)
  }

  async #pause(ms: number): Promise<void> {
    const { signal } = this.#ended
    await sleep(Math.max(ms, MIN_PAUSE_MS), undefined, { signal }).catch(() => undefined)
  }
}
