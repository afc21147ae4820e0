/** Detached runs, and ending runs: what `peek`, `wait`, `stop` and `interrupt` do and answer. */
import { AbortedError, UnknownExecutionError } from '../errors.js'
import type { DetachedRun } from '../interpreter/detached.js'
import type { Interpreter, Interrupted } from '../interpreter/interpreter.js'
import type { FinishedRun, SessionState } from '../interpreter/run.js'
import { settlesWithin } from '../interpreter/settles-within.js'
import type { InterpreterOptions, Interpreters } from './interpreters.js'
import { emitted, runResult, stateOf } from './result.js'
import type { EmittedFields, ResultSettings, RunResult } from './result.js'

/** Which run is meant. */
export interface ExecutionOptions extends InterpreterOptions {
  /** A detached run. Default: the interpreter's last one; for `stop`: what it runs now. */
  readonly execution_id?: string | null | undefined
}

/** What `wait` takes. */
export interface WaitOptions extends ExecutionOptions {
  /** For how long, in ms; 0 for as long as it takes. @default the toolset's `timeoutMs` */
  readonly timeout_ms?: number | null | undefined
  /** Aborts the wait; the run goes on. */
  readonly signal?: AbortSignal | undefined
}

/** Where a detached run stands. */
export interface DetachedAnswer {
  success: true
  interpreter_id: string
  execution_id: string
  execution_count: number
  running: boolean
  /** ISO 8601. */
  started_at: string
  /** How long it has run, so far or in all. */
  duration_ms: number
  /** The same as a sentence. */
  message: string
}

/** What `peek` answers. */
export interface PeekAnswer extends DetachedAnswer {
  /** What the run has emitted since the last look; before the first, since its call was answered. */
  output: EmittedFields
}

/** What `wait` answers: the result or, where the run goes on, what `peek` does. */
export type WaitAnswer =
  (PeekAnswer & { running: true }) | (DetachedAnswer & { running: false; run: RunResult })

/** What came of ending a run. */
export interface EndAnswer {
  success: true
  interpreter_id: string
  execution_count: number
  /**
   * `stopped`: by the interrupt; `ended`: by itself, having caught the interrupt or being done;
   * `still_running`; `killed`: with its process, for it did not stop; `died`: its process did.
   */
  outcome: 'stopped' | 'ended' | 'still_running' | 'killed' | 'died'
  /** What has become of the session's variables. */
  state: SessionState
  /** The same as a sentence. */
  message: string
}

/** What `stop` answers. */
export interface StopAnswer extends EndAnswer {
  /** Of a run that was detached. */
  execution_id?: string
  /** The result of a run that was detached: that of another is what its call answers. */
  run?: RunResult
}

/** Where a run is looked for, and its `execution_id`; null: the last one there. */
export interface MeantRun {
  readonly interpreters: readonly Interpreter[]
  readonly executionId: string | null
}

interface FoundRun {
  readonly interpreter: Interpreter
  readonly run: DetachedRun
}

const NOTHING_RUNS = 'Nothing is running in this interpreter, so there was nothing to stop.'

/**
 * Which run is meant by what a caller names.
 *
 * @param client - whose session is meant where nothing is named
 * @param only - restricts what is seen to this client; undefined: all
 * @throws UnknownInterpreterError
 */
export function meantRun(
  interpreters: Interpreters,
  { interpreter_id: id, execution_id: executionId }: ExecutionOptions,
  client: string,
  only: string | undefined,
): MeantRun {
  if (id != null) {
    return { interpreters: [interpreters.get(id, only)], executionId: executionId ?? null }
  }
  if (executionId != null) return { interpreters: interpreters.all(only), executionId }
  const session = interpreters.existingSession(client)
  return { interpreters: session === undefined ? [] : [session], executionId: null }
}

/**
 * Answers what a detached run has emitted since the last look.
 *
 * @throws UnknownExecutionError
 */
export async function peek(meant: MeantRun, settings: ResultSettings): Promise<PeekAnswer> {
  return look(find(meant), settings)
}

/**
 * Waits for the end of a detached run, which goes on if it is not there in time.
 *
 * @throws UnknownExecutionError, AbortedError
 */
export async function wait(
  meant: MeantRun,
  { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal: AbortSignal | undefined },
  settings: ResultSettings,
): Promise<WaitAnswer> {
  const found = find(meant)
  const { finished } = found.run
  await unlessAborted(timeoutMs === 0 ? finished : settlesWithin(finished, timeoutMs), signal)
  const { end } = found.run
  if (end === null) return { ...(await look(found, settings)), running: true }
  return { ...standing(found), running: false, run: await result(found, end, settings) }
}

/**
 * Interrupts a run, killing it if it does not stop.
 *
 * @throws UnknownExecutionError where there is none
 */
export async function stop(meant: MeantRun, settings: ResultSettings): Promise<StopAnswer> {
  const named = meant.executionId === null ? null : find(meant)
  const interpreter = named?.interpreter ?? meant.interpreters[0]
  if (interpreter === undefined) throw new UnknownExecutionError(NOTHING_RUNS)
  const stopped = named === null || named.run.end === null ? await interpreter.stop() : null
  const run = named?.run ?? interpreter.findDetached(null)
  if (run !== undefined && (stopped === null || stopped.executionCount === run.executionCount)) {
    // Where nothing was stopped, it had ended at that moment, or before.
    const finished = await run.finished
    const answer = ending(interpreter, { executionCount: run.executionCount, finished })
    const ended = await result({ interpreter, run }, finished, settings)
    return { ...answer, execution_id: run.id, run: ended }
  }
  if (stopped === null) throw new UnknownExecutionError(NOTHING_RUNS)
  return ending(interpreter, stopped)
}

/**
 * Interrupts what an interpreter runs, and answers what came of it within the grace period.
 *
 * @throws UnknownExecutionError where that is nothing
 */
export async function interrupt(interpreter: Interpreter): Promise<EndAnswer> {
  const interrupted = await interpreter.interrupt()
  if (interrupted === null) throw new UnknownExecutionError(NOTHING_RUNS)
  return ending(interpreter, interrupted)
}

function find({ interpreters, executionId }: MeantRun): FoundRun {
  for (const interpreter of interpreters) {
    const run = interpreter.findDetached(executionId)
    if (run !== undefined) return { interpreter, run }
  }
  throw new UnknownExecutionError(
    executionId === null
      ? 'No run has been detached here. One is if it was given on_timeout "detach" and reaches a ' +
          'time limit.'
      : `There is no detached run with the execution_id ${JSON.stringify(executionId)}. Of those that ` +
          'have ended, an interpreter keeps the last ten until it is deleted.',
  )
}

async function look(found: FoundRun, settings: ResultSettings): Promise<PeekAnswer> {
  return { ...standing(found), output: await emitted(await found.run.unseen.look(), settings) }
}

function standing({ interpreter, run }: FoundRun): DetachedAnswer {
  const running = run.end === null
  const seconds = Math.round(run.durationMs / 1000)
  if (!running) run.isEndTold = true
  return {
    success: true,
    interpreter_id: interpreter.id,
    execution_id: run.id,
    execution_count: run.executionCount,
    running,
    started_at: run.startedAt.toISOString(),
    duration_ms: Math.round(run.durationMs * 1000) / 1000,
    message: running
      ? `Run ${run.executionCount} still runs, for ${seconds} s now.`
      : `Run ${run.executionCount} has ended, after ${seconds} s. wait answers its result.`,
  }
}

function result(
  { interpreter, run }: FoundRun,
  end: FinishedRun,
  settings: ResultSettings,
): Promise<RunResult> {
  run.isEndTold = true
  return runResult(interpreter.id, end, settings)
}

function ending(interpreter: Interpreter, { executionCount, finished }: Interrupted): EndAnswer {
  return {
    success: true,
    interpreter_id: interpreter.id,
    execution_count: executionCount,
    ...(finished === null ? STILL_RUNNING : ended(finished)),
    message: `Run ${executionCount} ${finished === null ? HOW_TO_END : endWords(finished)}`,
  }
}

const STILL_RUNNING = { outcome: 'still_running', state: 'kept' } as const
const HOW_TO_END =
  'still runs: its code has caught the interrupt, or is in C code that does not take it yet. stop ' +
  'ends it, if need be with its process, and the session goes back to its last checkpoint; restart ' +
  'starts the interpreter afresh.'

function ended(run: FinishedRun): Pick<EndAnswer, 'outcome' | 'state'> {
  const { reply, death, stopped } = run
  if (reply !== null) {
    return { outcome: reply.interrupted && !reply.completed ? 'stopped' : 'ended', state: 'kept' }
  }
  const isMeant = stopped !== null && stopped.type !== 'interrupt' && death?.signal === 'SIGKILL'
  return { outcome: isMeant ? 'killed' : 'died', state: stateOf(run) }
}

function endWords(run: FinishedRun): string {
  const { outcome, state } = ended(run)
  const process = `the Python process ${run.restart?.reason ?? 'ended'}; the session's state is ${state}.`
  switch (outcome) {
    case 'stopped':
      return 'was stopped by the interrupt; the variables are kept.'
    case 'killed':
      return `did not stop by itself: ${process}`
    case 'died':
      return `has ended: ${process}`
    default:
      return run.reply?.completed === true
        ? 'ran to its end: it caught the interrupt, or was done before; the variables are kept.'
        : 'ended with an error of its own before the interrupt came; the variables are kept.'
  }
}

async function unlessAborted(
  promise: Promise<unknown>,
  signal: AbortSignal | undefined,
): Promise<void> {
  let abort = (): void => undefined
  const aborted = new Promise<never>((_, reject) => {
    abort = () =>
      reject(
        new AbortedError(signal?.reason, 'The wait was aborted by its signal. The run goes on.'),
      )
  })
  signal?.addEventListener('abort', abort, { once: true })
  if (signal?.aborted === true) abort()
  try {
    await Promise.race([promise, aborted])
  } finally {
    signal?.removeEventListener('abort', abort)
  }
}
