/**
 * One interpreter's life: start, execute, interrupt, restart, close. Does not know frames, sockets
 * or Python's internals: it speaks to whatever worker its engine provides.
 */
import { AbortedError, ClosedError } from '../errors.js'
import type {
  EchoMode,
  Engine,
  Exit,
  InterpreterSpec,
  OutputEvent,
  RunOutcome,
  RunReply,
  StartedBy,
  Worker,
} from '../engine/engine.js'
import { Execution, LateOutputs } from './execution.js'
import { keepAlive } from './keep-alive.js'

/** `running` means alive and idle. */
export type InterpreterStatus = 'starting' | 'running' | 'busy' | 'dead'

/** What a run finds of the session's variables: as they were, or none but those of `initCode`. */
export type SessionState = 'kept' | 'lost'

/** One run as the toolset asks for it. */
export interface ExecuteRequest {
  readonly code: string
  readonly echo: EchoMode
  readonly resultVarName: string | null
  /** Milliseconds from when the code starts; 0 for no limit. */
  readonly timeoutMs: number
  readonly signal: AbortSignal | undefined
}

/** A process was replaced by a new one. */
export interface Restart {
  /** What became of the old one: "was killed by SIGSEGV". */
  readonly reason: string
  /** Whether a new process serves now. */
  readonly restarted: boolean
  /** Why none does. */
  readonly trouble?: string
}

/** All that is known of a finished run. */
export interface FinishedRun {
  readonly execution: Execution
  readonly late: readonly Execution[]
  /** Null if the process died in this run. */
  readonly reply: RunReply | null
  readonly durationMs: number
  /** Why the run was asked to stop before its end; null if it was not. */
  readonly stopped: StopReason | null
  /** How the process died in this run; null if it did not. */
  readonly death: Exit | null
  /** A replaced process: in this run, or since the one before. */
  readonly restart: Restart | null
  readonly state: SessionState
}

/** Settings that all interpreters of a toolset share. */
export interface InterpreterSettings {
  /** How long an interrupted run may take to stop before its process is killed, in ms. */
  readonly interruptGraceMs: number
  /** Characters kept of each output stream of a run. */
  readonly maxOutput: number
}

/** Serves one namespace through one live process at a time; its id survives restarts. */
export class Interpreter {
  readonly createdAt = new Date()
  lastUsedAt = this.createdAt
  readonly #engine: Engine
  readonly #settings: InterpreterSettings
  readonly #late: LateOutputs
  #worker: Worker | null = null
  #starting: Promise<Worker> | null = null
  #queue: Promise<unknown> = Promise.resolve()
  #executionCount = 0
  #current: Execution | null = null
  #stopCurrent: ((reason: StopReason) => void) | null = null
  #restart: Restart | null = null
  /** Aborted when no process is needed any more. */
  readonly #unneeded = new AbortController()

  constructor(
    readonly id: string,
    readonly clientId: string,
    engine: Engine,
    readonly spec: InterpreterSpec,
    settings: InterpreterSettings,
  ) {
    this.#engine = engine
    this.#settings = settings
    this.#late = new LateOutputs(settings.maxOutput)
  }

  get status(): InterpreterStatus {
    if (this.#stopCurrent !== null) return 'busy'
    if (this.#starting !== null) return 'starting'
    return this.#worker === null ? 'dead' : 'running'
  }

  get pid(): number | null {
    return this.#worker?.pid ?? null
  }

  /** How its process was started; null while there is none. */
  get startedBy(): StartedBy | null {
    return this.#worker?.startedBy ?? null
  }

  /** The number of the last run. */
  get executionCount(): number {
    return this.#executionCount
  }

  async memoryBytes(): Promise<number | null> {
    return (await this.#worker?.memoryBytes()) ?? null
  }

  /** Starts the process now rather than at the first run. */
  async start(): Promise<void> {
    await this.#enqueue(undefined, () => this.#liveWorker())
  }

  /**
   * Executes code after all runs asked for before have ended.
   *
   * @throws AbortedError, ClosedError, and what the engine throws when no process can be started
   */
  execute(request: ExecuteRequest): Promise<FinishedRun> {
    return this.#enqueue(request.signal, () => this.#execute(request))
  }

  /** Interrupts the run that executes now; false if there is none. */
  interrupt(): boolean {
    this.#stopCurrent?.({ type: 'interrupt' })
    return this.#stopCurrent !== null
  }

  /** Replaces the process by a fresh one, ending a run that executes. */
  async restart(): Promise<void> {
    const old = this.#worker
    this.#stopCurrent?.({ type: 'restart' })
    await this.#enqueue(undefined, async () => {
      // A run that was killed for this has got a fresh process already.
      if (this.#worker === old) await this.#stopWorker(RESTARTED)
      await this.#liveWorker()
      this.#restart = null
    })
  }

  /** Ends the process; a run that executes ends with it, and those that wait are rejected. */
  async close(): Promise<void> {
    const release = keepAlive()
    this.#unneeded.abort()
    this.#stopCurrent?.({ type: 'close' })
    await this.#stopWorker(KILL_REASONS.close)
    await this.#queue
    release()
  }

  #enqueue<T>(signal: AbortSignal | undefined, task: () => Promise<T>): Promise<T> {
    const release = keepAlive()
    const before = this.#queue
    const result = new Promise<T>((resolve, reject) => {
      const abort = () => reject(new AbortedError(signal?.reason))
      signal?.addEventListener('abort', abort, { once: true })
      if (signal?.aborted === true) abort()
      this.#queue = before.then(async () => {
        try {
          this.#requireOpen()
          if (signal?.aborted !== true) resolve(await task())
        } catch (error) {
          reject(this.#unneeded.signal.aborted ? this.#closedError() : (error as Error))
        } finally {
          signal?.removeEventListener('abort', abort)
          release()
        }
      })
    })
    return result
  }

  #requireOpen(): void {
    if (this.#unneeded.signal.aborted) throw this.#closedError()
  }

  #closedError(): ClosedError {
    return new ClosedError(`The interpreter ${this.id}`)
  }

  async #execute(request: ExecuteRequest): Promise<FinishedRun> {
    this.lastUsedAt = new Date()
    const executionCount = (this.#executionCount += 1)
    const execution = new Execution(executionCount, this.#settings.maxOutput)
    const startedAt = performance.now()
    const run = () => this.#runOnce(request, execution)
    let { outcome, stopped } = await run()
    if (outcome.type === 'died' && !outcome.started && stopped === null) {
      // It had died before: none of the code has run, so that it can run on a new process.
      this.#noteDeath(outcome.exit.description)
      ;({ outcome, stopped } = await run())
    }
    return this.#finish(request, execution, outcome, stopped, performance.now() - startedAt)
  }

  async #runOnce(request: ExecuteRequest, execution: Execution): Promise<Attempt> {
    const worker = await this.#liveWorker()
    if (request.signal?.aborted === true) throw new AbortedError(request.signal.reason)
    const stop = new Stop(worker, this.#settings.interruptGraceMs)
    const abort = () => stop.request({ type: 'abort' })
    const timer =
      request.timeoutMs > 0
        ? setTimeout(
            () => stop.request({ type: 'timeout', ms: request.timeoutMs }),
            request.timeoutMs,
          )
        : undefined
    request.signal?.addEventListener('abort', abort, { once: true })
    this.#current = execution
    this.#stopCurrent = (reason) => stop.request(reason)
    try {
      const { code, echo, resultVarName } = request
      const outcome = await worker.run({
        executionCount: execution.executionCount,
        code,
        echo,
        resultVarName,
      })
      await stop.delivered()
      return { outcome, stopped: stop.reason }
    } finally {
      clearTimeout(timer)
      stop.end()
      request.signal?.removeEventListener('abort', abort)
      this.#current = null
      this.#stopCurrent = null
      this.lastUsedAt = new Date()
    }
  }

  async #finish(
    { signal }: ExecuteRequest,
    execution: Execution,
    outcome: RunOutcome,
    stopped: StopReason | null,
    durationMs: number,
  ): Promise<FinishedRun> {
    if (outcome.type === 'died') {
      this.#noteDeath(outcome.exit.description)
      if (signal?.aborted !== true && !this.#unneeded.signal.aborted) await this.#revive()
    }
    const restart = this.#restart
    // An aborted call's promise has been rejected: the session's next result tells of all this.
    const heard = signal?.aborted !== true
    // Where no new process could be started yet, the result after the next start tells of that.
    if (heard) {
      this.#restart =
        restart?.restarted === false ? { reason: restart.reason, restarted: true } : null
    }
    return {
      execution,
      late: heard ? this.#late.take() : [],
      reply: outcome.type === 'reply' ? outcome.reply : null,
      durationMs,
      stopped,
      death: outcome.type === 'died' ? outcome.exit : null,
      restart,
      state: restart === null ? 'kept' : 'lost',
    }
  }

  /** Starts the next process, so that the result can say whether one serves. */
  async #revive(): Promise<void> {
    const restart = this.#restart
    await this.#liveWorker().catch((error: unknown) => {
      this.#restart = { reason: restart?.reason ?? '', restarted: false, trouble: String(error) }
    })
  }

  #noteDeath(reason: string): void {
    this.#worker = null
    this.#restart = { reason, restarted: !this.#unneeded.signal.aborted }
  }

  async #liveWorker(): Promise<Worker> {
    if (this.#worker !== null) return this.#worker
    this.#requireOpen()
    this.#starting = this.#engine.start(
      this.spec,
      (event) => this.#onOutput(event),
      this.#unneeded.signal,
    )
    try {
      const worker = await this.#starting
      if (this.#unneeded.signal.aborted) {
        await worker.kill(KILL_REASONS.close)
        throw this.#closedError()
      }
      this.#worker = worker
      void worker.exited.then((exit) => {
        if (this.#worker === worker) this.#noteDeath(exit.description)
      })
      return worker
    } finally {
      this.#starting = null
    }
  }

  /** Ends the process on purpose: no restart to tell of. */
  async #stopWorker(reason: string): Promise<void> {
    await this.#worker?.kill(reason)
    this.#worker = null
  }

  #onOutput({ executionCount, output }: OutputEvent): void {
    if (executionCount === this.#current?.executionCount) this.#current.add(output)
    else this.#late.add(executionCount, output)
  }
}

interface Attempt {
  outcome: RunOutcome
  stopped: StopReason | null
}

const RESTARTED = 'was restarted on request'

/** What is said of a process that had to be killed, by what its run was stopped for. */
const KILL_REASONS: Record<StopReason['type'], string> = {
  timeout: 'was killed because its run did not stop at the time limit, nor when interrupted',
  abort: 'was killed because its run was aborted and did not stop when interrupted',
  interrupt: 'was killed',
  restart: RESTARTED,
  close: 'was ended because its interpreter was closed or deleted',
}

/** Why a run was asked to stop. */
export type StopReason =
  | { readonly type: 'interrupt' | 'abort' | 'restart' | 'close' }
  | { readonly type: 'timeout'; readonly ms: number }

/** Stops one run: interrupts it, and kills its process if that does not help in time. */
class Stop {
  /** The first reason, whatever came after. */
  reason: StopReason | null = null
  readonly #worker: Worker
  readonly #graceMs: number
  #interrupted: Promise<void> = Promise.resolve()
  #killTimer: NodeJS.Timeout | undefined
  #ended = false

  constructor(worker: Worker, graceMs: number) {
    this.#worker = worker
    this.#graceMs = graceMs
  }

  request(reason: StopReason): void {
    if (this.#ended) return
    const ends = reason.type === 'restart' || reason.type === 'close'
    if (this.reason !== null && this.reason.type !== 'interrupt' && !ends) return
    this.reason = reason
    if (ends) {
      void this.#worker.kill(KILL_REASONS[reason.type])
      return
    }
    this.#interrupted = Promise.all([this.#interrupted, this.#worker.interrupt()]).then(() => {
      // The grace begins when the code can know.
      if (!this.#ended) this.#killTimer?.refresh()
    })
    // Who interrupts by hand may look and decide; a limit and an abort must end the run.
    if (reason.type === 'interrupt') return
    this.#killTimer ??= setTimeout(
      () => void this.#worker.kill(KILL_REASONS[reason.type]),
      this.#graceMs,
    )
  }

  /** Resolves when no interrupt is on its way any more: only then may the next run be sent. */
  delivered(): Promise<void> {
    this.end()
    return this.#interrupted
  }

  end(): void {
    this.#ended = true
    clearTimeout(this.#killTimer)
  }
}
