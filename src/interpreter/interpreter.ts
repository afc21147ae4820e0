/**
 * One interpreter's life: start, execute, interrupt, go back, restart, close. Does not know frames,
 * sockets or Python's internals: it speaks to whatever worker its engine provides.
 */
import { AbortedError, CheckpointError, ClosedError } from '../errors.js'
import type {
  Checkpoint,
  EchoMode,
  Engine,
  Exit,
  InterpreterSpec,
  OutputEvent,
  Restored,
  ResumeOptions,
  RunOutcome,
  RunReply,
  StartedBy,
  Worker,
  WorkerListener,
} from '../engine/engine.js'
import { Checkpoints, type KeptCheckpoint } from './checkpoints.js'
import { Execution, LateOutputs, type LiveListener } from './execution.js'
import { keepAlive } from './keep-alive.js'

/** Characters of an interpreter's id that tell it from others well enough. */
const SHORT_ID = 8

/** `running` means alive and idle. */
export type InterpreterStatus = 'starting' | 'running' | 'busy' | 'dead'

/**
 * What became of the session's variables: they are as they were, as after an earlier run, or none
 * but those of `initCode`.
 */
export type SessionState = 'kept' | 'restored' | 'lost'

/** One run as the toolset asks for it. */
export interface ExecuteRequest {
  readonly code: string
  readonly echo: EchoMode
  readonly resultVarName: string | null
  /** Milliseconds from when the code starts; 0 for no limit. */
  readonly timeoutMs: number
  readonly signal: AbortSignal | undefined
  /** Hears what the run emits while it goes on; null: nobody does. */
  readonly onOutput: LiveListener | null
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

/** What a new process has of the variables of the old one. */
export type SetBack =
  | {
      readonly state: 'restored'
      /** The last run that the new process knows of; 0: only `initCode`. */
      readonly to: number
      /** The last run that the old one knew of. */
      readonly from: number
      readonly restored: Restored | null
    }
  | {
      readonly state: 'lost'
      /** Why there was no checkpoint: completes "because"; empty where that is not known. */
      readonly noCheckpoint: string
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
  /** What a replaced process cost; null if none was, or none has taken its place. */
  readonly setBack: SetBack | null
}

/** Settings that all interpreters of a toolset share. */
export interface InterpreterSettings {
  /** How long an interrupted run may take to stop before its process is killed, in ms. */
  readonly interruptGraceMs: number
  /** Bytes kept of each output stream of a run. */
  readonly maxOutputBytes: number
  /** The folder for output that is longer. */
  readonly outputFolder: string
  /** Checkpoints kept of those that are made by themselves. */
  readonly checkpoints: number
}

/** Serves one namespace through one live process at a time; its id survives restarts. */
export class Interpreter {
  readonly createdAt = new Date()
  lastUsedAt = this.createdAt
  readonly #engine: Engine
  readonly #settings: InterpreterSettings
  readonly #late: LateOutputs
  readonly #checkpoints: Checkpoints
  #worker: Worker | null = null
  #starting: Promise<Worker> | null = null
  #queue: Promise<unknown> = Promise.resolve()
  #executionCount = 0
  /** The last run that the present state knows of. */
  #stateOf = 0
  #current: Execution | null = null
  #stopCurrent: ((reason: StopReason) => void) | null = null
  #restart: Restart | null = null
  /** What that cost, as long as no result has told of it. */
  #setBack: SetBack | null = null
  /** The process that is to be replaced. */
  #dead: Worker | null = null
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
    this.#late = new LateOutputs(settings.maxOutputBytes)
    this.#checkpoints = new Checkpoints(settings.checkpoints)
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

  /** All checkpoints, oldest first. */
  get checkpoints(): readonly KeptCheckpoint[] {
    return this.#checkpoints.all()
  }

  async memoryBytes(): Promise<number | null> {
    return (await this.#worker?.memoryBytes()) ?? null
  }

  /** Why the present state has no checkpoint: completes "because"; empty where it has one. */
  async noCheckpointReason(): Promise<string> {
    const newest = this.#checkpoints.newestFirst()[0]
    if (newest?.executionCount === this.#stateOf) return ''
    if (this.#worker === null) return 'it has no process now'
    const trouble = await this.#worker.checkpointTrouble()
    if (trouble !== '') return trouble
    return this.spec.checkpoint === 'off' ? "checkpoint: 'off' was asked for" : 'none is due yet'
  }

  /** Starts the process now rather than at the first run. */
  async start(): Promise<void> {
    await this.#enqueue(undefined, () => this.#liveWorker())
  }

  /**
   * Starts as a branch of another interpreter.
   *
   * @throws CheckpointError
   */
  async startFrom(checkpoint: Checkpoint, reseed: boolean): Promise<void> {
    await this.#enqueue(undefined, async () => {
      this.#executionCount = checkpoint.executionCount
      await this.#adopt((listener) => this.#resume(checkpoint, { branch: true, reseed }, listener))
    })
  }

  /**
   * Makes a checkpoint of the present state that is kept until it is dropped.
   *
   * @throws CheckpointError
   */
  checkpoint(name: string | null): Promise<Checkpoint> {
    return this.#enqueue(undefined, async () => {
      this.#checkpoints.requireRoom(name)
      const checkpoint = await (await this.#liveWorker()).checkpoint()
      this.#checkpoints.keep(checkpoint, name)
      return checkpoint
    })
  }

  /**
   * Makes a checkpoint of the present state like those that are made by themselves, and uses it
   * before a next run can put another in its place.
   *
   * @throws CheckpointError
   */
  usePresentState<T>(use: (checkpoint: Checkpoint) => Promise<T>): Promise<T> {
    return this.#enqueue(undefined, async () => use(await (await this.#liveWorker()).checkpoint()))
  }

  /** @throws CheckpointError unless there is one with this id or name */
  findCheckpoint(idOrName: string): Checkpoint {
    return this.#checkpoints.find(idOrName)
  }

  /**
   * Goes back to a checkpoint, by its id or name, or, for null, to the newest from before the last
   * run. The process that is left ends.
   *
   * @throws CheckpointError
   */
  rollback(idOrName: string | null): Promise<Checkpoint> {
    return this.#enqueue(undefined, async () => {
      await this.#worker?.checkpointsSettled()
      const checkpoint =
        idOrName === null ? this.#checkpointBefore() : this.#checkpoints.find(idOrName)
      const old = this.#worker
      await this.#adopt((listener) => this.#resume(checkpoint, IN_ITS_PLACE, listener))
      this.#checkpoints.goBackTo(checkpoint)
      this.#forgetRestart()
      await old?.kill('was ended because its interpreter went back to a checkpoint')
      return checkpoint
    })
  }

  /** @throws CheckpointError unless there is one with this id or name */
  drop(idOrName: string): Checkpoint {
    const checkpoint = this.#checkpoints.find(idOrName)
    this.#checkpoints.drop(checkpoint)
    return checkpoint
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
      this.#checkpoints.startAfresh()
      this.#forgetRestart()
      this.#stateOf = 0
      await this.#liveWorker()
    })
  }

  /** Ends the process; a run that executes ends with it, and those that wait are rejected. */
  async close(): Promise<void> {
    const release = keepAlive()
    this.#unneeded.abort()
    this.#current?.mute()
    this.#stopCurrent?.({ type: 'close' })
    await this.#stopWorker(KILL_REASONS.close)
    await this.#queue
    this.#checkpoints.dropAll()
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
    const execution = this.#newExecution(executionCount, request.onOutput)
    const startedAt = performance.now()
    const run = () => this.#runOnce(request, execution)
    let { outcome, stopped } = await run()
    if (outcome.type === 'died' && !outcome.started && stopped === null) {
      // It had died before: none of the code has run, so that it can run on a new process.
      this.#noteDeath(outcome.exit.description)
      ;({ outcome, stopped } = await run())
    }
    if (outcome.type === 'reply') this.#stateOf = executionCount
    return this.#finish(request, execution, outcome, stopped, performance.now() - startedAt)
  }

  #newExecution(executionCount: number, listener: LiveListener | null): Execution {
    const { maxOutputBytes, outputFolder: folder } = this.#settings
    const name = `${this.id.slice(0, SHORT_ID)}-run-${executionCount}`
    return new Execution(executionCount, { maxOutputBytes, folder }, name, listener)
  }

  async #runOnce(request: ExecuteRequest, execution: Execution): Promise<Attempt> {
    const worker = await this.#liveWorker()
    if (request.signal?.aborted === true) throw new AbortedError(request.signal.reason)
    const stop = new Stop(worker, this.#settings.interruptGraceMs)
    const abort = () => {
      execution.mute()
      stop.request({ type: 'abort' })
    }
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
      await execution.end()
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
      if (stopped?.type === 'restart') this.#checkpoints.startAfresh()
      this.#noteDeath(outcome.exit.description)
      if (signal?.aborted !== true && !this.#unneeded.signal.aborted) await this.#revive()
    }
    const restart = this.#restart
    const setBack = this.#setBack
    // An aborted call's promise has been rejected: the session's next result tells of all this.
    const heard = signal?.aborted !== true
    // Where no new process could be started yet, the result after the next start tells of that.
    if (heard) {
      this.#forgetRestart()
      if (restart?.restarted === false) this.#restart = { reason: restart.reason, restarted: true }
    }
    return {
      execution,
      late: heard ? this.#late.take() : [],
      reply: outcome.type === 'reply' ? outcome.reply : null,
      durationMs,
      stopped,
      death: outcome.type === 'died' ? outcome.exit : null,
      restart,
      setBack,
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
    this.#dead = this.#worker ?? this.#dead
    this.#worker = null
    this.#restart = { reason, restarted: !this.#unneeded.signal.aborted }
  }

  #forgetRestart(): void {
    this.#restart = null
    this.#setBack = null
    this.#dead = null
  }

  async #liveWorker(): Promise<Worker> {
    if (this.#worker !== null) return this.#worker
    return this.#adopt((listener) =>
      this.#restart === null
        ? this.#engine.start(this.spec, listener, this.#unneeded.signal)
        : this.#replacement(listener),
    )
  }

  /** Starts the process that takes the place of one that has died. */
  async #replacement(listener: WorkerListener): Promise<Worker> {
    const from = this.#stateOf
    for (const checkpoint of this.#checkpoints.newestFirst()) {
      try {
        const worker = await this.#resume(checkpoint, IN_ITS_PLACE, listener)
        this.#checkpoints.goBackTo(checkpoint)
        this.#noteSetBack({
          state: 'restored',
          to: checkpoint.executionCount,
          from,
          restored: worker.restored,
        })
        return worker
      } catch (error) {
        // An older one may do. This one is given up only with what the session gives up for that.
        if (this.#unneeded.signal.aborted || !(error instanceof CheckpointError)) throw error
      }
    }
    this.#checkpoints.startAfresh()
    this.#stateOf = 0
    const worker = await this.#engine.start(this.spec, listener, this.#unneeded.signal)
    const noCheckpoint = (await this.#dead?.checkpointTrouble()) ?? ''
    this.#noteSetBack({ state: 'lost', noCheckpoint })
    return worker
  }

  /** Adds to what no result has told of yet: the worst of it is what the next one says. */
  #noteSetBack(setBack: SetBack): void {
    const before = this.#setBack
    if (before?.state === 'lost') return
    if (before?.state === 'restored' && setBack.state === 'restored') {
      const [to, from] = [Math.min(before.to, setBack.to), Math.max(before.from, setBack.from)]
      this.#setBack = { ...setBack, to, from }
    } else this.#setBack = setBack
  }

  async #resume(
    checkpoint: Checkpoint,
    options: ResumeOptions,
    listener: WorkerListener,
  ): Promise<Worker> {
    const { signal } = this.#unneeded
    const worker = await this.#engine.resume(checkpoint, options, this.spec, listener, signal)
    this.#stateOf = checkpoint.executionCount
    return worker
  }

  /** Makes what `start` starts the live process. */
  async #adopt(start: (listener: WorkerListener) => Promise<Worker>): Promise<Worker> {
    this.#requireOpen()
    let adopted: Worker | null = null
    // A worker's first checkpoint may be heard of before it is known to be ready.
    let early: Checkpoint[] | null = []
    this.#starting = start({
      onOutput: (event) => this.#onOutput(event),
      onCheckpoint: (checkpoint) => {
        if (early !== null) early.push(checkpoint)
        else if (adopted !== null && adopted === this.#worker) this.#checkpoints.add(checkpoint)
        else checkpoint.drop()
      },
    })
    try {
      const worker = await this.#starting
      if (this.#unneeded.signal.aborted) {
        await worker.kill(KILL_REASONS.close)
        throw this.#closedError()
      }
      adopted = this.#worker = worker
      for (const checkpoint of early.splice(0)) this.#checkpoints.add(checkpoint)
      void worker.exited.then((exit) => {
        if (this.#worker === worker) this.#noteDeath(exit.description)
      })
      return worker
    } finally {
      for (const checkpoint of early) checkpoint.drop()
      early = null
      this.#starting = null
    }
  }

  #checkpointBefore(): Checkpoint {
    const checkpoint = this.#checkpoints.before(this.#stateOf)
    if (checkpoint !== undefined) return checkpoint
    throw new CheckpointError(
      `There is no checkpoint from before run ${this.#stateOf}, the last one. The operation ` +
        '"list" shows those that there are.',
    )
  }

  /** Ends the process on purpose: no restart to tell of. */
  async #stopWorker(reason: string): Promise<void> {
    await this.#worker?.kill(reason)
    this.#worker = null
  }

  #onOutput({ executionCount, output }: OutputEvent): Promise<void> | undefined {
    if (executionCount === this.#current?.executionCount) return this.#current.add(output)
    this.#late.add(executionCount, output)
    return undefined
  }
}

interface Attempt {
  outcome: RunOutcome
  stopped: StopReason | null
}

/** How a process goes on for one that is gone, or is to go. */
const IN_ITS_PLACE: ResumeOptions = { branch: false, reseed: false }

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
