/**
 * One interpreter's life: what it is asked for, one after another, and what comes of each run. Does not
 * know frames, sockets or Python's internals: it speaks to whatever worker its engine provides. Which
 * process that is, is the matter of `live-process.ts`.
 */
import { AbortedError, BusyError, ClosedError } from '../errors.js'
import type {
  Checkpoint,
  Engine,
  Inputs,
  InterpreterSpec,
  Output,
  OutputEvent,
  RunOutcome,
  RunUsage,
  StartedBy,
  UnenforcedLimits,
  Worker,
} from '../engine/engine.js'
import type { FileChanges } from '../files/recording.js'
import type { KeptCheckpoint } from './checkpoints.js'
import { Clocks, type Limit } from './clocks.js'
import { DetachedRun, DetachedRuns, Unseen } from './detached.js'
import { Execution, LateOutputs, type LiveListener } from './execution.js'
import { keepAlive } from './keep-alive.js'
import { LimitWatch, type Exceeded } from './limit-watch.js'
import { Queue, type Task, type Waiting } from './queue.js'
import { LiveProcess } from './live-process.js'
import type { ExecuteRequest, FinishedRun } from './run.js'
import { RedactedOutputs } from './redacted-outputs.js'
import type { Secrets } from './secrets.js'
import { settlesWithin } from './settles-within.js'
import { KILL_REASONS, Stop, type StopReason } from './stop.js'

/** Characters of an interpreter's id that tell it from others well enough. */
const SHORT_ID = 8

/** `running` means alive and idle. */
export type InterpreterStatus = 'starting' | 'running' | 'busy' | 'dead'

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
  /** How long a run may take in all, be it detached, in ms; 0 for no such limit. */
  readonly maxTimeoutMs: number
  /** What nobody is to read in what code says; null for nothing. */
  readonly secrets: Secrets | null
  /** How many runs it may have before it starts afresh; 0 for any number. */
  readonly maxRuns: number
  /** Hears of each detached run that has ended. */
  readonly onDetachedRunEnd: (interpreter: Interpreter, run: FinishedRun) => void
}

/** What came of an attempt to end a run. */
export interface Interrupted {
  readonly executionCount: number
  /** All that is known of it; null if it still runs. */
  readonly finished: FinishedRun | null
}

/** Serves one namespace through one live process at a time; its id survives restarts. */
export class Interpreter {
  readonly createdAt = new Date()
  lastUsedAt = this.createdAt
  readonly #settings: InterpreterSettings
  readonly #late: LateOutputs
  /** Null where there are no secrets. */
  readonly #redacted: RedactedOutputs | null
  readonly #process: LiveProcess
  readonly #queue = new Queue()
  #executionCount = 0
  /** Runs of code since it started afresh. */
  #runs = 0
  /** The run that executes now. */
  #current: CurrentRun | null = null
  /** What will be known of it. */
  #finished: Promise<FinishedRun> | null = null
  readonly #detached = new DetachedRuns()
  /** Aborted when no process is needed any more. */
  readonly #unneeded = new AbortController()

  /**
   * @param predecessor - what became of the process that its client had before, for the first result to
   *   tell; null if there was none
   */
  constructor(
    readonly id: string,
    readonly clientId: string,
    engine: Engine,
    readonly spec: InterpreterSpec,
    settings: InterpreterSettings,
    predecessor: string | null,
  ) {
    this.#settings = settings
    this.#late = new LateOutputs(settings.maxOutputBytes)
    this.#redacted = settings.secrets && new RedactedOutputs(settings.secrets)
    this.#process = new LiveProcess({
      engine,
      spec,
      listener: {
        onStart: (executionCount) => this.#onStart(executionCount),
        onOutput: (event) => this.#onOutput(event),
      },
      checkpoints: settings.checkpoints,
      unneeded: this.#unneeded.signal,
      closedError: () => this.#closedError(),
      predecessor,
    })
  }

  get status(): InterpreterStatus {
    if (this.#current !== null) return 'busy'
    if (this.#process.isStarting) return 'starting'
    return this.#process.worker === null ? 'dead' : 'running'
  }

  /**
   * Since when it has had nothing to do, on the clock of `performance.now()`; null while a run executes
   * or anything waits for it.
   */
  get idleSinceMs(): number | null {
    return this.#queue.idleSinceMs
  }

  /** Whether its end would be a loss: it has a state, or one to go back to. */
  get hasState(): boolean {
    return this.#process.hasState
  }

  get pid(): number | null {
    return this.#process.worker?.pid ?? null
  }

  /** How its process was started; null while there is none. */
  get startedBy(): StartedBy | null {
    return this.#process.worker?.startedBy ?? null
  }

  /** The limits that nothing holds; none while it has no process. */
  get unenforcedLimits(): UnenforcedLimits {
    return this.#process.worker?.unenforcedLimits ?? {}
  }

  /** The number of the last run. */
  get executionCount(): number {
    return this.#executionCount
  }

  /** All checkpoints, oldest first. */
  get checkpoints(): readonly KeptCheckpoint[] {
    return this.#process.checkpoints.all()
  }

  async memoryBytes(): Promise<number | null> {
    return (await this.#process.worker?.memoryBytes()) ?? null
  }

  /** Why the present state has no checkpoint: completes "because"; empty where it has one. */
  noCheckpointReason(): Promise<string> {
    return this.#process.noCheckpointReason()
  }

  /** Starts the process now rather than at the first run. */
  async start(): Promise<void> {
    await this.#enqueue(() => this.#process.live())
  }

  /**
   * Starts as a branch of another interpreter.
   *
   * @throws CheckpointError
   */
  async startFrom(checkpoint: Checkpoint, reseed: boolean): Promise<void> {
    await this.#enqueue(async () => {
      this.#executionCount = checkpoint.executionCount
      await this.#process.startFrom(checkpoint, reseed)
    })
  }

  /**
   * Makes a checkpoint of the present state that is kept until it is dropped.
   *
   * @throws CheckpointError, BusyError
   */
  checkpoint(name: string | null): Promise<Checkpoint> {
    return this.#enqueue(async () => {
      this.#process.checkpoints.requireRoom(name)
      const checkpoint = await (await this.#process.live()).checkpoint()
      this.#process.checkpoints.keep(checkpoint, name)
      return checkpoint
    })
  }

  /**
   * Makes a checkpoint of the present state like those that are made by themselves, and uses it
   * before a next run can put another in its place.
   *
   * @throws CheckpointError, BusyError
   */
  usePresentState<T>(use: (checkpoint: Checkpoint) => Promise<T>): Promise<T> {
    return this.#enqueue(async () => use(await (await this.#process.live()).checkpoint()))
  }

  /** @throws CheckpointError unless there is one with this id or name */
  findCheckpoint(idOrName: string): Checkpoint {
    return this.#process.checkpoints.find(idOrName)
  }

  /**
   * Goes back to a checkpoint, by its id or name, or, for null, to the newest from before the last
   * run. The process that is left ends.
   *
   * @throws CheckpointError, BusyError
   */
  rollback(idOrName: string | null): Promise<Checkpoint> {
    return this.#enqueue(() => this.#process.goBack(idOrName))
  }

  /** @throws CheckpointError unless there is one with this id or name */
  drop(idOrName: string): Checkpoint {
    const checkpoint = this.#process.checkpoints.find(idOrName)
    this.#process.checkpoints.drop(checkpoint)
    return checkpoint
  }

  /**
   * Executes code after all runs asked for before have ended. Resolves when it has ended, or has been
   * detached.
   *
   * @throws AbortedError, BusyError, ClosedError, and what the engine throws when no process can be
   *   started
   */
  execute(request: ExecuteRequest): Promise<FinishedRun> {
    const askedAt = performance.now()
    const { witness } = request
    let hasBegun = false
    const task: Task<FinishedRun> = async (answer) => {
      const queuedMs = performance.now() - askedAt
      hasBegun = true
      try {
        const finished = await (this.#finished = this.#execute(request, queuedMs, answer))
        witness?.ended(finished)
        if (finished.lastOf !== null) {
          answer(finished)
          await this.#useUp(finished.lastOf)
        }
        return finished
      } catch (error) {
        witness?.failed(this.#closedErrorOr(error), this.#executionCount)
        throw error
      } finally {
        this.#finished = null
      }
    }
    const call = this.#enqueue(task, request)
    if (witness === null) return call
    return call.catch((error: unknown) => {
      if (!hasBegun) witness.failed(error, null)
      throw error
    })
  }

  /** A detached run, by its `execution_id`, or the last one; undefined if it is not known. */
  findDetached(executionId: string | null): DetachedRun | undefined {
    return this.#detached.find(executionId)
  }

  /**
   * Interrupts the run that executes now, and waits for what comes of that, but no longer than the
   * grace period. Null if there is none.
   */
  async interrupt(): Promise<Interrupted | null> {
    const [current, finished] = [this.#current, this.#finished]
    if (current === null || finished === null) return null
    current.stop.request({ type: 'interrupt' })
    const { interruptGraceMs } = this.#settings
    await settlesWithin(current.stop.interrupted, interruptGraceMs)
    await settlesWithin(finished, interruptGraceMs)
    const stillRuns = this.#current === current
    return { executionCount: current.executionCount, finished: stillRuns ? null : await finished }
  }

  /** Interrupts the run that executes now, and kills it after the grace period. Null if there is none. */
  async stop(): Promise<Interrupted | null> {
    const [current, finished] = [this.#current, this.#finished]
    if (current === null || finished === null) return null
    current.stop.request({ type: 'stop' })
    return { executionCount: current.executionCount, finished: await finished }
  }

  /** Replaces the process by a fresh one, ending a run that executes. */
  async restart(): Promise<void> {
    const old = this.#process.worker
    this.#current?.stop.request({ type: 'restart' })
    const task = async () => {
      this.#runs = 0
      // A run that was killed for this has got a fresh process already.
      await this.#process.restart(old)
    }
    await this.#enqueue(task, { always: true })
  }

  /** Ends the process; a run that executes ends with it, and those that wait are rejected. */
  async close(): Promise<void> {
    const release = keepAlive()
    this.#unneeded.abort()
    this.#current?.run.execution.mute()
    this.#current?.stop.request({ type: 'close' })
    await this.#process.end(KILL_REASONS.close)
    await this.#queue.done()
    this.#process.checkpoints.dropAll()
    release()
  }

  #enqueue<T>(task: Task<T>, waiting?: Waiting): Promise<T> {
    return this.#queue.add<T>(async (answer) => {
      try {
        this.#requireOpen()
        return await task(answer)
      } catch (error) {
        throw this.#closedErrorOr(error)
      }
    }, waiting)
  }

  #requireOpen(): void {
    if (this.#unneeded.signal.aborted) throw this.#closedError()
  }

  /** What to say where something failed: if it is closed, nothing else matters. */
  #closedErrorOr(error: unknown): unknown {
    return this.#unneeded.signal.aborted ? this.#closedError() : error
  }

  #closedError(): ClosedError {
    return new ClosedError(`The interpreter ${this.id}`)
  }

  async #execute(
    request: ExecuteRequest,
    queuedMs: number,
    answer: (run: FinishedRun) => void,
  ): Promise<FinishedRun> {
    this.lastUsedAt = new Date()
    if (request.asks === null) this.#executionCount += 1
    const executionCount = this.#executionCount
    const run: AskedRun = {
      request,
      execution: this.#newExecution(executionCount, request.onOutput),
      unseen: request.onTimeout === 'detach' ? this.#newUnseen(executionCount) : null,
      startedAtMs: performance.now(),
      queuedMs,
      answer,
      detached: null,
    }
    let attempt = await this.#runOnce(run)
    if (isUntouched(attempt.outcome) && attempt.stopped === null && run.detached === null) {
      // It had died before: none of the code has run, so that it can run on a new process.
      this.#process.noteDeath(attempt.outcome.exit.description)
      attempt = await this.#runOnce(run)
    }
    const replied = attempt.outcome.type === 'reply'
    if (replied && request.asks === null) this.#process.stateOf = executionCount
    const finished = await this.#finish(run, attempt)
    if (run.detached !== null) this.#endDetached(run.detached, finished)
    return finished
  }

  #newExecution(executionCount: number, listener: LiveListener | null): Execution {
    const { maxOutputBytes, outputFolder: folder } = this.#settings
    const name = `${this.id.slice(0, SHORT_ID)}-run-${executionCount}`
    return new Execution(executionCount, { maxOutputBytes, folder }, name, listener)
  }

  #newUnseen(executionCount: number): Unseen {
    return new Unseen(executionCount, this.#settings.maxOutputBytes)
  }

  async #runOnce(run: AskedRun): Promise<Attempt> {
    const { inputs, recording } = run.request
    const encoded = inputs === null ? null : await inputs()
    const worker = await this.#process.live()
    await recording?.begin()
    try {
      return await this.#runOn(worker, run, encoded)
    } finally {
      await recording?.end()
    }
  }

  async #runOn(worker: Worker, run: AskedRun, inputs: Inputs | null): Promise<Attempt> {
    const { request, execution } = run
    if (request.signal?.aborted === true) throw new AbortedError(request.signal.reason)
    const stop = new Stop(worker, execution, this.#settings.interruptGraceMs)
    const startedAtMs = performance.now()
    const abort = () => {
      // A call that has been answered cannot be aborted.
      if (run.detached !== null) return
      execution.mute()
      stop.request({ type: 'abort' })
    }
    const clocks = new Clocks(request, (limit) => this.#reachLimit(run, stop, clocks, limit))
    const watch = this.#watch(request, stop)
    request.signal?.addEventListener('abort', abort, { once: true })
    this.#current = { executionCount: execution.executionCount, run, stop, clocks, watch }
    try {
      if (watch !== null) await watch.begin(worker)
      const { executionCount } = execution
      const { code, echo, resultVarName, resultForm, asks, onInput, onCall } = request
      const outcome =
        asks === null
          ? await worker.run({
              executionCount,
              code,
              echo,
              resultVarName,
              resultForm,
              inputs,
              onInput,
              onCall,
            })
          : await worker.variables({ executionCount, ...asks })
      const usage = usageOf(outcome, performance.now() - startedAtMs)
      await stop.delivered()
      for (const output of this.#redacted?.end(executionCount) ?? []) {
        void this.#take(executionCount, output)
      }
      await execution.end()
      if (watch !== null) await watch.lookAgain()
      const exceeded = this.#exceeded(outcome, stop.reason, watch)
      return { outcome, stopped: stop.reason, exceeded, usage }
    } finally {
      clocks.stop()
      watch?.stop()
      stop.end()
      request.signal?.removeEventListener('abort', abort)
      this.#current = null
      this.lastUsedAt = new Date()
    }
  }

  /** What looks after the limits that no process can hold; null where there are none. */
  #watch(request: ExecuteRequest, stop: Stop): LimitWatch | null {
    const { limits, workdir } = this.spec
    const { cpuSeconds, diskBytes, outputBytes } = limits
    const isNone = (cpuSeconds ?? diskBytes ?? outputBytes) === undefined
    if (isNone || request.asks !== null) return null
    return new LimitWatch(limits, workdir, (exceeded) =>
      stop.request({ type: 'limit', ...exceeded }),
    )
  }

  #exceeded(
    outcome: RunOutcome,
    stopped: StopReason | null,
    watch: LimitWatch | null,
  ): Exceeded | null {
    const { limits } = this.spec
    const { wallMs } = limits
    const limit = outcome.type === 'reply' ? outcome.reply.limit : (outcome.exit.limit ?? null)
    const bound = limit === null ? undefined : limits[limit]
    if (limit !== null && bound !== undefined) return { limit, bound }
    const isOver = stopped?.type === 'timeout' && stopped.clock === 'run'
    if (isOver && wallMs !== undefined && stopped.ms >= wallMs) {
      return { limit: 'wallMs', bound: wallMs }
    }
    return watch?.exceeded ?? null
  }

  #reachLimit(run: AskedRun, stop: Stop, clocks: Clocks, limit: Limit): void {
    const { unseen, detached } = run
    const { maxTimeoutMs } = this.#settings
    const isOver = limit.clock === 'run' && maxTimeoutMs > 0 && limit.ms >= maxTimeoutMs
    if (unseen === null || detached !== null || stop.isCertain || isOver) {
      stop.request({ type: 'timeout', ...limit })
    } else {
      void this.#detach(run, unseen, clocks, limit)
    }
  }

  /** Answers the call of a run that goes on, unheard; until it ends, all else is refused. */
  async #detach(run: AskedRun, unseen: Unseen, clocks: Clocks, limit: Limit): Promise<void> {
    const { execution } = run
    const detached = new DetachedRun(execution.executionCount, unseen, run.startedAtMs)
    run.detached = detached
    this.#detached.add(detached)
    clocks.only(this.#settings.maxTimeoutMs)
    execution.mute()
    this.#queue.refuse(
      () => new BusyError(detached.executionCount, detached.id, detached.startedAt),
    )
    const durationMs = durationOf(run)
    const nothing = { reply: null, stopped: null, exceeded: null, death: null, usage: null }
    const soFar = this.#report(run, { ...nothing, goesOn: limit, durationMs }, true)
    run.answer({ ...soFar, execution: await unseen.look() })
  }

  #endDetached(detached: DetachedRun, finished: FinishedRun): void {
    this.#queue.accept()
    detached.finish(finished)
    this.#settings.onDetachedRunEnd(this, finished)
  }

  async #finish(
    run: AskedRun,
    { outcome, stopped, exceeded, usage }: Attempt,
  ): Promise<FinishedRun> {
    // The promise of a call that was aborted has been rejected; one that was detached, resolved.
    const aborted = run.detached === null && run.request.signal?.aborted === true
    const durationMs = durationOf(run)
    if (run.request.hasResult) this.#runs += 1
    if (outcome.type === 'died') {
      if (stopped?.type === 'restart') this.#process.checkpoints.startAfresh()
      this.#process.noteDeath(outcome.exit.description)
      if (!aborted && !this.#unneeded.signal.aborted) await this.#process.revive()
    }
    const end = {
      reply: outcome.type === 'reply' ? outcome.reply : null,
      stopped,
      exceeded,
      death: outcome.type === 'died' ? outcome.exit : null,
      goesOn: null,
      durationMs,
      usage,
    }
    return this.#report(run, end, !aborted && run.detached === null && run.request.hasResult)
  }

  /**
   * All that is known of a run now.
   *
   * @param heard - whether it answers a call; else the session's next result tells of all that the
   *   session has been through
   */
  #report(run: AskedRun, end: RunEnd, heard: boolean): FinishedRun {
    return {
      execution: run.execution,
      late: heard ? this.#takeLate(run.execution.executionCount) : [],
      queuedMs: run.queuedMs,
      executionId: run.detached?.id ?? null,
      files: run.request.recording?.changes ?? NO_CHANGES,
      lastOf: this.#isUsedUp && end.goesOn === null ? this.#settings.maxRuns : null,
      ...end,
      ...this.#process.losses(heard),
      ended: heard ? this.#detached.takeEnds() : [],
    }
  }

  get #isUsedUp(): boolean {
    const { maxRuns } = this.#settings
    return maxRuns > 0 && this.#runs >= maxRuns
  }

  /** Ends the process, with all that there is to go back to: what comes next starts afresh. */
  async #useUp(maxRuns: number): Promise<void> {
    const reason = `was ended after all the runs that it may have (maxRunsPerSession: ${maxRuns})`
    await this.#process.useUp(reason)
    this.#runs = 0
  }

  /** What has come of runs that have ended, until now. */
  #takeLate(current: number): Execution[] {
    for (const { executionCount, output } of this.#redacted?.endOthers(current) ?? []) {
      this.#late.add(executionCount, output)
    }
    return this.#late.take()
  }

  #onStart(executionCount: number): void {
    if (executionCount === this.#current?.executionCount) this.#current.clocks.start()
  }

  #onOutput(event: OutputEvent): Promise<void> | undefined {
    const { executionCount, output } = event
    if (this.#redacted === null) return this.#take(executionCount, output)
    const taken = this.#redacted.add(event).map((redacted) => this.#take(executionCount, redacted))
    const slow = taken.filter((promise) => promise !== undefined)
    // What is held back is none of its silence.
    if (taken.length === 0 && executionCount === this.#current?.executionCount) {
      this.#current.clocks.heard(undefined)
    }
    return slow.length === 0 ? undefined : Promise.all(slow).then(() => undefined)
  }

  #take(executionCount: number, output: Output): Promise<void> | undefined {
    const current = this.#current
    if (executionCount !== current?.executionCount || !current.run.request.hasResult) {
      this.#late.add(executionCount, output)
      return undefined
    }
    const { run, clocks, watch } = current
    run.unseen?.add(output)
    watch?.heard(output)
    const taken = run.execution.add(output)
    clocks.heard(taken)
    return taken
  }
}

/** A run in its turn. */
interface AskedRun {
  readonly request: ExecuteRequest
  readonly execution: Execution
  /** What its call has not answered yet, and nobody has looked at; null if it cannot be detached. */
  readonly unseen: Unseen | null
  readonly startedAtMs: number
  readonly queuedMs: number
  readonly answer: (run: FinishedRun) => void
  detached: DetachedRun | null
}

/** A run that a process executes. */
interface CurrentRun {
  readonly executionCount: number
  readonly run: AskedRun
  readonly stop: Stop
  readonly clocks: Clocks
  readonly watch: LimitWatch | null
}

interface Attempt {
  readonly outcome: RunOutcome
  readonly stopped: StopReason | null
  readonly exceeded: Exceeded | null
  readonly usage: RunUsage | null
}

type RunEnd = Pick<
  FinishedRun,
  'reply' | 'stopped' | 'exceeded' | 'death' | 'goesOn' | 'durationMs' | 'usage'
>

function durationOf({ startedAtMs }: AskedRun): number {
  return performance.now() - startedAtMs
}

/** Whether the process died before it had begun with the code. */
function isUntouched(outcome: RunOutcome): outcome is Extract<RunOutcome, { type: 'died' }> {
  return outcome.type === 'died' && !outcome.started
}

/** What is known of what a run has used, which took `wallMs` as it is seen from here. */
function usageOf(outcome: RunOutcome, wallMs: number): RunUsage | null {
  if (outcome.type === 'reply') return outcome.reply.usage
  return outcome.started ? { wall_ms: Math.round(wallMs * 1000) / 1000 } : null
}

const NO_CHANGES: FileChanges = { files: [], notices: [] }
