/**
 * One Python process that serves an interpreter: joins its three ways of speaking (messages, output
 * pipes, and the keeper's word that it has ended) into the `Worker` that engines provide.
 */
import { join } from 'node:path'
import { v4 as uuid } from 'uuid'
import type { Channel } from '../../channel/channel.js'
import {
  decodeMessage,
  decodeOutput,
  encodeMessage,
  type NodeMessage,
  type ReadyMessage,
  type ReplyMessage,
  type WorkerMessage,
} from '../../channel/protocol.js'
import { CheckpointError, EngineError, InitCodeError, StartError } from '../../errors.js'
import type {
  Checkpoint,
  CheckpointPolicy,
  Exit,
  FigureFormat,
  HostFunction,
  LimitName,
  ModuleRules,
  OutputEvent,
  ResourceLimits,
  Restored,
  ResumeOptions,
  RunOutcome,
  RunReply,
  RunRequest,
  Sandbox,
  StartedBy,
  UnenforcedLimits,
  VariablesRequest,
  Worker,
  WorkerListener,
} from '../engine.js'
import { AskedByRun } from './asked-by-run.js'
import type { Cgroup, Counts } from './cgroup.js'
import { cpuSeconds } from './cpu-time.js'
import { readCrashReport } from './crash-report.js'
import { inTime } from './in-time.js'
import type { Copy, Exit as KeeperExit, Keeper } from './keeper.js'
import { workerLimits } from './limits.js'
import { LocalCheckpoint } from './local-checkpoint.js'
import { residentSetSize } from './memory.js'
import { OutputOrder, type OrderedEvent } from './output-order.js'
import { OutputPipe } from './output-pipe.js'
import { pythonPackage } from './python-package.js'
import { readWorkerFile, type WorkerFolder } from './worker-file.js'

type StreamName = 'stdout' | 'stderr'

const STREAMS: readonly StreamName[] = ['stdout', 'stderr']
const MAX_STARTUP_TEXT = 4000
/**
 * How long output waits in the pipes at the start of a run. A run that has ended by then has woken
 * Node once, with its reply, rather than with each mark and text; one that fills a pipe before waits.
 */
const WATCH_AFTER_MS = 5
const FORK_TIMEOUT_MS = 5_000
/** Of displays that are not complete. One that is larger could not be a text in Node. */
const MAX_PART_BYTES = 256 * 1024 * 1024
/** What it takes to keep a part, and to know whose it is. */
const PART_OVERHEAD = 256
/** Where a worker says why it has no checkpoint. */
const TROUBLE_FILE = 'no-checkpoint'
/** Completes "The Python process". */
const OUT_OF_MEMORY = 'was killed because its session went over its limit of memory'
/** What a process writes before it has started any run, be it `initCode`. */
const BEFORE_ANY_RUN = -1

/** Nobody answers anything. */
const NOBODY = { onInput: null, onCall: null }

/** What a worker is started with. */
export interface WorkerStart {
  readonly keeper: Keeper
  readonly channel: Channel
  readonly python: string
  /** The template or checkpoint to fork from; null: a new program. */
  readonly source: string | null
  /** How it goes on from a checkpoint; null: from none. */
  readonly resume: ResumeOptions | null
  /** How it is started, for those who list it. */
  readonly startedBy: StartedBy
  /** A folder with pyzmq, for a Python that has none. */
  readonly pyzmqPath: string | null
  readonly env: Readonly<Record<string, string>>
  readonly workdir: string
  readonly initCode: string | null
  readonly modules: ModuleRules | null
  readonly hostFunctions: readonly HostFunction[]
  readonly figures: FigureFormat | null
  readonly checkpoint: CheckpointPolicy
  readonly sandbox: Sandbox | null
  readonly limits: ResourceLimits
  readonly unenforcedLimits: UnenforcedLimits
  /** The control group that it is to be in; null: it stays in that of its source. */
  readonly cgroup: Cgroup | null
  readonly timeoutMs: number
  /** Aborted when the worker is not needed any more before it is ready. */
  readonly signal: AbortSignal
}

/** The worker ended before it was ready; `exit` and `output` say why. */
export class EndedBeforeReady extends Error {
  constructor(
    readonly exit: Exit,
    readonly output: string,
  ) {
    super(`The Python process ${exit.description} before it was ready.\n${output}`.trim())
  }
}

interface PendingRun {
  readonly run: number
  readonly resolve: (outcome: RunOutcome) => void
  readonly release: () => void
  /** Resolves when an interrupt can reach the run, or needs not any more. */
  readonly startedOrEnded: Promise<void>
  /** How often the limits of its control group had been reached before. */
  readonly before: Counts | null
  readonly onStart: () => void
  started: boolean
  endedStreams: number
  reply: RunReply | null
  readonly asked: AskedByRun
}

/** A checkpoint that was asked for. */
interface PendingCheckpoint {
  readonly id: string
  readonly resolve: (checkpoint: Checkpoint) => void
  readonly reject: (error: Error) => void
}

export class LocalWorker implements Worker {
  readonly exited: Promise<Exit>
  readonly #id = uuid()
  // Whoever knows it can speak as this worker; unlike the id, it is told to nobody else.
  readonly #identity = uuid()
  readonly #nonce = uuid().replaceAll('-', '')
  readonly #start: WorkerStart
  /** The worker's own part of the private folder. */
  readonly #folder: WorkerFolder
  readonly #listener: WorkerListener
  readonly #output = new OutputOrder((pipe, event) => this.#onPipeEvent(pipe, event))
  /** What each pipe is for the code that writes to it. */
  readonly #streams = new Map<OutputPipe, StreamName>()
  /** The two pipes that runs write to now. */
  #runPipes: OutputPipe[] = []
  #watchTimer: NodeJS.Timeout | undefined
  readonly #parts = new Map<string, Buffer[]>()
  #partBytes = 0
  #pid: number | null = null
  #pending: PendingRun | null = null
  #pendingCheckpoint: PendingCheckpoint | null = null
  #restored: Restored | null = null
  #lastRun = BEFORE_ANY_RUN
  #attached = false
  #startupText = ''
  #letGo: () => void = () => undefined
  #onReady: (message: ReadyMessage) => void = () => undefined
  #isReady = false
  /** Checkpoints that it has been asked for and has not answered yet. */
  #owedCheckpoints = 0
  #killReason: string | null = null
  #exit: Exit | null = null
  #lastTrouble = ''
  #resolveExited: (exit: Exit) => void = () => undefined

  private constructor(start: WorkerStart, listener: WorkerListener) {
    this.#start = start
    this.#folder = start.keeper.workerFolder(this.#id)
    this.#listener = listener
    this.exited = new Promise((resolve) => (this.#resolveExited = resolve))
  }

  /**
   * Starts a process and waits until it is ready: has run its `initCode` or, going on from a
   * checkpoint, an empty run.
   *
   * @throws EndedBeforeReady, {@link StartError} or {@link InitCodeError}
   */
  static async start(start: WorkerStart, listener: WorkerListener): Promise<LocalWorker> {
    const worker = new LocalWorker(start, listener)
    await worker.#begin()
    return worker
  }

  get pid(): number | null {
    return this.#pid
  }

  get startedBy(): StartedBy {
    return this.#start.startedBy
  }

  get restored(): Restored | null {
    return this.#restored
  }

  run(request: RunRequest): Promise<RunOutcome> {
    const { executionCount, code, echo, resultVarName, resultForm, inputs } = request
    const message: NodeMessage = {
      type: 'run',
      run: executionCount,
      code,
      echo,
      result_var_name: resultVarName,
      can_ask: request.onInput !== null,
    }
    if (resultForm !== 'json') message.value_form = resultForm
    if (inputs === null) return this.#perform(executionCount, request, message)
    message.inputs = true
    return this.#perform(executionCount, request, message, inputs.json, ...inputs.frames)
  }

  variables({ executionCount: run, names, form }: VariablesRequest): Promise<RunOutcome> {
    return this.#perform(run, NOBODY, { type: 'variables', run, names, value_form: form })
  }

  async interrupt(): Promise<void> {
    this.#output.watch() // for the start mark
    // Earlier, nothing listens to it yet: it would be lost.
    await this.#pending?.startedOrEnded
    const pending = this.#pending
    await this.#start.keeper.interrupt(this.#id)
    if (pending === null) return
    // Not before: the code would end with the error of a call. Threads that wait for one would keep it
    // from ending.
    pending.asked.interrupt()
  }

  kill(reason: string): Promise<Exit> {
    this.#killReason ??= reason
    this.#start.keeper.kill(this.#id)
    return this.exited
  }

  get unenforcedLimits(): UnenforcedLimits {
    return this.#start.unenforcedLimits
  }

  memoryBytes(): Promise<number | null> {
    return residentSetSize(this.#pid ?? 0)
  }

  cpuSeconds(): Promise<number | null> {
    return cpuSeconds(this.#pid ?? 0)
  }

  async checkpoint(): Promise<Checkpoint> {
    const { channel, keeper } = this.#start
    if (this.#exit !== null) throw noCheckpointOf(this.#exit)
    const id = uuid()
    const release = channel.expect()
    try {
      return await new Promise<Checkpoint>((resolve, reject) => {
        this.#pendingCheckpoint = { id, resolve, reject }
        keeper.expectCopy(id, ({ message }) => reject(noCheckpoint(message)))
        this.#owedCheckpoints += 1
        this.#send({ type: 'checkpoint', id })
      })
    } finally {
      this.#pendingCheckpoint = null
      keeper.unexpectCopy(id)
      release()
    }
  }

  checkpointsSettled(): Promise<void> {
    return this.#start.keeper.settle(this.#id)
  }

  checkpointTrouble(): Promise<string> {
    if (process.platform !== 'linux') return Promise.resolve('only Linux can have any')
    const ended = this.#exit !== null
    return Promise.resolve(ended ? this.#lastTrouble : readWorkerFile(this.#folder, TROUBLE_FILE))
  }

  async #perform(
    run: number,
    { onInput, onCall }: Pick<RunRequest, 'onInput' | 'onCall'>,
    message: NodeMessage,
    ...frames: (string | Uint8Array)[]
  ): Promise<RunOutcome> {
    if (this.#exit !== null) return { type: 'died', exit: this.#exit, started: false }
    this.#watchLater()
    const outcome = new Promise<RunOutcome>((resolve) => {
      this.#lastRun = run
      let onStart: () => void = () => undefined
      const startedOrEnded = new Promise<void>((resolveStart) => {
        onStart = resolveStart
      })
      this.#pending = {
        startedOrEnded,
        before: this.#start.cgroup?.counts() ?? null,
        onStart,
        run,
        resolve,
        release: this.#start.channel.expect(),
        started: false,
        endedStreams: 0,
        reply: null,
        asked: new AskedByRun({
          onInput,
          onCall,
          send: (answer, ...values) => this.#send(answer, ...values),
          kill: (reason) => void this.kill(reason),
        }),
      }
    })
    this.#send(message, ...frames)
    return outcome
  }

  #send(message: NodeMessage, ...frames: (string | Uint8Array)[]): void {
    // Where that fails, the engine is being closed, and the process's end settles what waits.
    const sent = this.#start.channel.send(this.#identity, encodeMessage(message), ...frames)
    sent.catch(() => undefined)
  }

  async #begin(): Promise<void> {
    const { channel, keeper, timeoutMs, signal, cgroup } = this.#start
    if (cgroup !== null) this.#letGo = cgroup.hold()
    channel.listen(this.#identity, (frames) => this.#hear(decodeMessage(frames), frames))
    const release = channel.expect()
    const abandon = () => void this.kill('was killed because it was not needed any more')
    signal.addEventListener('abort', abandon)
    const ready = new Promise<ReadyMessage>((resolve) => (this.#onReady = resolve))
    try {
      signal.throwIfAborted()
      const spawned = keeper.spawn(this.#spawnCommand(), this.#start.source, {
        onExited: (exit) => this.#end(exit),
        onCopy: (copy) => this.#addCheckpoint(copy),
        onStuck: () => this.#giveUpFork(),
      })
      // A fork whose request was lost with the process that had taken it is not waited for long.
      const forkMs = this.#start.source === null ? timeoutMs : FORK_TIMEOUT_MS
      const late = () => new EngineError(`No process was there within ${forkMs} ms.`)
      const readyToRun = inTime(spawned, forkMs, late).then((pid) => {
        this.#pid = pid
        this.#start.cgroup?.add(pid)
        this.#attach()
        return ready
      })
      const message = await this.#firstOf(readyToRun, timeoutMs)
      if (message.error !== null) throw new InitCodeError(message.error.traceback)
    } catch (error) {
      void this.kill('was killed because it could not be used')
      if (this.#pid === null) this.#removeTraces() // nobody will hear of its end
      throw error
    } finally {
      signal.removeEventListener('abort', abandon)
      release()
    }
  }

  #spawnCommand() {
    const {
      channel,
      python,
      pyzmqPath,
      env,
      workdir,
      initCode,
      modules,
      hostFunctions,
      figures,
      sandbox,
      resume,
    } = this.#start
    const { limits, unenforcedLimits, cgroup } = this.#start
    const { folder } = this.#start.keeper
    const control = join(folder, 'keeper')
    const checkpoint = { policy: this.#start.checkpoint, control }
    return {
      id: this.#id,
      secret: this.#identity,
      python,
      arguments: [pythonPackage],
      env,
      cwd: workdir,
      config: JSON.stringify({
        id: this.#id,
        endpoint: channel.endpoint,
        identity: this.#identity,
        nonce: this.#nonce,
        folder: join(folder, this.#id),
        pyzmq_path: pyzmqPath,
        init_code: initCode,
        modules,
        host_tools: hostFunctions,
        figures,
        checkpoint: process.platform === 'linux' ? checkpoint : null,
        sandbox: sandbox !== null,
        limits: workerLimits(limits, unenforcedLimits, cgroup),
        ...resume,
      }),
    }
  }

  #firstOf(ready: Promise<ReadyMessage>, timeoutMs: number): Promise<ReadyMessage> {
    const late = () => {
      const message =
        `Python was not ready within ${timeoutMs} ms (startTimeoutMs); ` +
        `an initCode that takes long needs more.\n${this.#startupText}`
      return new StartError(message.trim())
    }
    const ended = this.exited.then((exit) => {
      throw new EndedBeforeReady(exit, this.#startupText)
    })
    return inTime(Promise.race([ready, ended]), timeoutMs, late)
  }

  #hear(message: WorkerMessage | null, frames: readonly Buffer[]): void {
    if (message?.type === 'ready' && !this.#isReady) {
      this.#isReady = true
      this.#lastRun = 0
      this.#renewPipes(message.pipes)
      const { variables, variable_count: variableCount, threads } = message
      if (this.#start.resume !== null) this.#restored = { variables, variableCount, threads }
      this.#onReady(message)
    } else if (message?.type === 'checkpoint' && this.#owedCheckpoints > 0) {
      this.#owedCheckpoints -= 1
      // Without trouble, the keeper says when the copy is there, or has failed.
      const isMeant = message.id === this.#pendingCheckpoint?.id
      if (isMeant && message.trouble !== null) {
        this.#pendingCheckpoint?.reject(noCheckpoint(message.trouble))
      }
    } else if (
      message?.type === 'reply' &&
      message.run === this.#pending?.run &&
      this.#pending.reply === null
    ) {
      // The end marks were written before the reply; those behind much output are waited for. What
      // children of earlier runs have written by now comes with this result, too.
      for (const pipe of this.#output.pipes) pipe.read()
      if (this.#pending.endedStreams < STREAMS.length) this.#output.watch()
      this.#renewPipes(message.pipes)
      this.#pending.reply = runReply(message, frames.slice(1))
      this.#settleReply()
    } else if (
      (message?.type === 'input' || message?.type === 'call') &&
      message.run === this.#pending?.run &&
      this.#pending.asked.take(message, frames[0]?.length ?? 0)
    ) {
      return
    } else if (message?.type === 'cancel' && this.#start.hostFunctions.length > 0) {
      // The answer to it may be under way, and its run over.
      if (message.run === this.#pending?.run) this.#pending.asked.cancel(message.number)
    } else {
      // Only user code that meddles with the worker can cause this; nothing it says can be trusted.
      void this.kill('was killed because it sent a malformed message')
    }
  }

  /** Leaves output in the pipes until the reply comes, but not for long. */
  #watchLater(): void {
    for (const pipe of this.#runPipes) pipe.unwatch()
    this.#watchTimer ??= setTimeout(() => this.#output.watch(), WATCH_AFTER_MS).unref()
    this.#watchTimer.refresh()
  }

  #openPipes(suffix: string): void {
    this.#runPipes = STREAMS.map((stream) => {
      const name = stream + suffix
      const pipe = new OutputPipe(this.#folder, name, this.#nonce, this.#lastRun, this.#output)
      this.#output.add(pipe)
      this.#streams.set(pipe, stream)
      return pipe
    })
  }

  /** Reads the next run's output from new pipes; children left behind keep writing to the old ones. */
  #renewPipes(number: number | null): void {
    if (number === null) return
    this.#output.watch()
    try {
      this.#openPipes(`-${number}`)
    } catch (error) {
      // Removed by user code, or Node has too many files open: nothing it writes would be heard.
      void this.kill(`was killed because its output cannot be read: ${String(error)}`)
    }
  }

  #onPipeEvent(pipe: OutputPipe, event: OrderedEvent): Promise<void> | undefined {
    const run = 'run' in event ? event.run : null
    const pending = this.#pending?.run === run ? this.#pending : null
    switch (event.type) {
      case 'text':
        return this.#onText(event.run, this.#streams.get(pipe) ?? 'stdout', event.text)
      case 'part':
        return this.#collectPart(event)
      case 'start':
        if (pending === null) return undefined
        if (!pending.started) this.#listener.onStart(event.run)
        pending.started = true
        pending.onStart()
        return undefined
      case 'end':
        if (pending !== null) pending.endedStreams += 1
        this.#settleReply()
        return undefined
      case 'closed':
        this.#streams.delete(pipe)
        this.#settleDeath()
        return undefined
    }
  }

  #onText(run: number, name: StreamName, text: string): Promise<void> | undefined {
    if (run <= 0) this.#startupText = (this.#startupText + text).slice(-MAX_STARTUP_TEXT)
    return run === BEFORE_ANY_RUN ? undefined : this.#emit(run, { type: 'stream', name, text })
  }

  #collectPart({
    run,
    name,
    part,
    last,
  }: Extract<OrderedEvent, { type: 'part' }>): Promise<void> | undefined {
    this.#partBytes += part.length + PART_OVERHEAD
    if (this.#partBytes > MAX_PART_BYTES) {
      this.#forgetParts()
      void this.kill('was killed because what it displayed was larger than 256 MB')
      return undefined
    }
    const parts = this.#parts.get(name) ?? []
    parts.push(part)
    this.#parts.set(name, parts)
    if (!last) return undefined
    this.#parts.delete(name)
    for (const { length } of parts) this.#partBytes -= length + PART_OVERHEAD
    const output = decodeOutput(Buffer.concat(parts))
    return output === null ? undefined : this.#emit(run, output)
  }

  #forgetParts(): void {
    this.#parts.clear()
    this.#partBytes = 0
  }

  #emit(run: number, output: OutputEvent['output']): Promise<void> | undefined {
    // Only user code that meddles names a run that is yet to come.
    const executionCount = Math.min(run, Math.max(this.#lastRun, 0))
    return this.#listener.onOutput({ executionCount, output })
  }

  #settleReply(): void {
    const pending = this.#pending
    if (pending?.reply == null || pending.endedStreams < STREAMS.length) return
    this.#pending = null
    this.#forgetParts() // what an interrupt left incomplete
    pending.asked.end()
    pending.onStart()
    pending.release()
    const limit = pending.reply.limit ?? this.#exceededIn(pending)
    pending.resolve({ type: 'reply', reply: { ...pending.reply, limit } })
  }

  /** What the system knows that the session has gone over in this run, be it by a child process. */
  #exceededIn({ before }: PendingRun): LimitName | null {
    return before === null ? null : (this.#start.cgroup?.exceededSince(before) ?? null)
  }

  #giveUpFork(): void {
    // On a busy machine, Node may hear late that it hangs: a run that has begun shows that it has ended.
    for (const pipe of this.#output.pipes) pipe.read()
    if (this.#pending?.started === true) return
    void this.kill('was killed because its fork for a checkpoint did not end')
  }

  /** Starts to read what the worker writes; the keeper has kept the pipes open until now. */
  #attach(): void {
    if (this.#attached) return
    this.#attached = true
    try {
      this.#openPipes('')
    } finally {
      this.#start.keeper.attached(this.#id)
    }
  }

  #addCheckpoint(copy: Copy): void {
    const checkpoint = new LocalCheckpoint(copy, this.#start.keeper, this.#start.cgroup)
    this.#listener.onCheckpoint(checkpoint)
    if (copy.id === this.#pendingCheckpoint?.id) this.#pendingCheckpoint.resolve(checkpoint)
  }

  #end(exit: KeeperExit): void {
    this.#lastTrouble = readWorkerFile(this.#folder, TROUBLE_FILE)
    try {
      this.#attach() // it may have died so early that nobody has read its last words yet
    } catch {
      // There are none: the keeper's end took the pipes along.
    }
    const limit = this.#pending === null ? null : this.#exceededIn(this.#pending)
    const byLimit = limit === 'memory' ? OUT_OF_MEMORY : null
    this.#exit = {
      ...exit,
      // What else may have ended it at the same moment is told by another signal or an exit code.
      description:
        exit.signal === 'SIGKILL'
          ? (this.#killReason ?? byLimit ?? exit.description)
          : exit.description,
      limit,
      traceback: readCrashReport(this.#folder, exit.signal),
    }
    this.#start.channel.unlisten(this.#identity)
    for (const pipe of this.#output.pipes) pipe.drain()
    this.#settleDeath()
  }

  #removeTraces(): void {
    this.#letGo()
    this.#start.channel.unlisten(this.#identity)
    this.#start.keeper.removeFolder(this.#id)
  }

  #settleDeath(): void {
    if (this.#exit === null || this.#streams.size > 0) return
    this.#start.keeper.removeFolder(this.#id)
    this.#letGo()
    const pending = this.#pending
    this.#pending = null
    pending?.asked.end()
    pending?.onStart()
    pending?.release()
    pending?.resolve({ type: 'died', exit: this.#exit, started: pending.started })
    this.#pendingCheckpoint?.reject(noCheckpointOf(this.#exit))
    this.#resolveExited(this.#exit)
  }
}

function noCheckpoint(reason: string): CheckpointError {
  return new CheckpointError(`There cannot be a checkpoint now: ${reason}.`)
}

function noCheckpointOf({ description }: Exit): CheckpointError {
  return noCheckpoint(`the Python process ${description}`)
}

function runReply(message: ReplyMessage, frames: readonly Uint8Array[]): RunReply {
  const { completed, error, interrupted, notices, survivors, usage } = message
  const { value, value_type: valueType } = message
  return {
    completed,
    error,
    interrupted,
    notices,
    survivors,
    usage,
    limit: message.limit ?? null,
    frames,
    ...(message.hint === undefined ? {} : { hint: message.hint }),
    ...(value === undefined ? {} : { value }),
    ...(valueType === undefined ? {} : { valueType }),
  }
}
