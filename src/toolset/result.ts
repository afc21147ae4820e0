/** What `runPythonCode` answers: what is known of a finished run, in the words of the tool. */
import { writeFile } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { v4 as uuid } from 'uuid'
import type { JsonValue, LimitName, RunError, RunUsage } from '../engine/engine.js'
import { inFolder, type OpenFolder } from '../files/inside.js'
import type { FileChange } from '../files/recording.js'
import type { LiveStream } from '../live-stream.js'
import { onOneLine } from '../interpreter/bounded-text.js'
import type { WholeOutput } from '../interpreter/whole-output.js'
import type { KeptOutput } from '../interpreter/output-log.js'
import type { Limit } from '../interpreter/clocks.js'
import type { Exceeded } from '../interpreter/limit-watch.js'
import type { FinishedRun, SessionState, SetBack } from '../interpreter/run.js'
import type { Execution, LateOutput, LiveOutput } from '../interpreter/execution.js'
import type { Secrets } from '../interpreter/secrets.js'
import { chartOf, type Chart } from './charts.js'
import { hintFor } from './hints.js'
import { withoutSecrets } from './redaction.js'

/** What went wrong in a run. */
export interface ErrorOutput extends RunError {
  readonly type: 'error'
}

/** A sentence that a reader of the result should not miss. */
export interface NoticeOutput {
  readonly type: 'notice'
  readonly text: string
}

/** What a run says, as it says it. */
export type RunOutput = LiveOutput | ErrorOutput | NoticeOutput

/**
 * The result of one run. `success` tells whether there is an `error`. `Value` is what `result` can be:
 * JSON, or with `resultAs: 'js'` {@link JsValue}.
 */
export type RunResult<Value = JsonValue> = RunFields<Value> & (Succeeded | Failed)

/** What a run says, as it says it, and its result. */
export type RunStream = LiveStream<RunOutput, RunResult>

interface Succeeded {
  /** The code ran to its end, and its value, if one was asked for, is there. */
  success: true
  error?: undefined
}

interface Failed {
  success: false
  /** Why the code did not run to its end, or why its value could not be answered. */
  error: RunError
}

/** The fields of every result. Those that do not apply are absent. */
export interface RunFields<Value = JsonValue> {
  /** The value of `result_var_name`; null without one. docs/values.md lists the mappings. */
  result: Value
  /** The Python type of `result`, e.g. `pandas.DataFrame`. */
  result_type?: string
  /** What was printed, echoed values in their place. */
  stdout: string
  stderr: string
  /**
   * All that the run said, in its order: text, displays, values and the error. Displays are as the
   * last update left them.
   */
  outputs: (KeptOutput | ErrorOutput)[]
  interpreter_id: string
  /** The run's number in its interpreter; `<run N>` in tracebacks. */
  execution_count: number
  duration_ms: number
  /** How long the run had to wait for others before it. */
  queued_ms?: number
  /** What the run has used of the machine; absent where it goes on. */
  usage?: RunUsage
  /** No code was run: a model has made up what it might have said. */
  simulated?: true
  /** A time limit was reached. */
  timed_out?: true
  /** The limit of its session that the run went over, where that is known. */
  limit?: LimitName
  /** The run goes on without this call, whose result is what was known until then. */
  detached?: true
  /** What `peek`, `wait` and `stop` know a detached run by. */
  execution_id?: string
  /** The last figure's file, relative to the workdir. */
  fig_storage_path?: string
  /** All figures' files, in the order in which they were shown. */
  fig_storage_paths?: string[]
  /** All figures as data URIs, in the same order. */
  base64_uri?: string[]
  /** What each figure shows, as data, in the same order; a model should read it by `toModelText`. */
  charts?: Chart[]
  /**
   * Files below the workdir that were created or changed while the run executed, by path; `docs/files.md`
   * tells which are not seen.
   */
  files?: FileChange[]
  /** Fields that are too long to be worth a model's attention, or of no use to it. */
  hidden_to_model: ('outputs' | 'base64_uri' | 'charts' | 'usage')[]
  /** The Python process died in this run. */
  interpreter_crashed?: true
  /** A new process has taken over, in this run or before it. */
  interpreter_restarted?: boolean
  /** What became of the old process. */
  restart_reason?: string
  /**
   * What became of the session's variables: `kept`; `restored` as they were after an earlier run; or
   * `lost` but for what `initCode` makes.
   */
  state: SessionState
  /** The `execution_count` of that earlier run; 0: as after `initCode`. */
  restored_to?: number
  /** What threads, tasks and child processes of earlier runs wrote since. */
  late_outputs?: LateOutput[]
  /** Processes that this run started and an interrupt did not end. */
  survivors?: string[]
  /** What would mend a failure that is often met; made of what it is, never of its text. */
  hint?: string
  /** Sentences that a reader of the result should not miss. */
  notices?: string[]
}

/** What a run has emitted: the fields of its result that are about that. */
export type EmittedFields = FigureFields &
  Pick<RunFields, 'stdout' | 'stderr' | 'outputs' | 'hidden_to_model' | 'notices'>

/** What `run_python_code` answers to an input that cannot be run. */
export interface RefusedRun {
  success: false
  error: RunError
}

/** Where figures go. */
export interface FigureFolder {
  readonly workdir: string
  /** Relative to the workdir. */
  readonly folder: string
}

/** What the results of a toolset are made with. */
export interface ResultSettings extends FigureFolder {
  /** What no result may have; null for nothing. */
  readonly secrets: Secrets | null
  /** Nothing runs: a model plays Python. */
  readonly isSimulated: boolean
  /** What no run may take longer than, in ms, whatever it asks for; 0: any may take as long as it asks. */
  readonly mostMs: number
}

type Restored = Extract<SetBack, { state: 'restored' }>

/** Variables named to a model after a restore, and characters of each name. */
const MAX_NAMES = 20
const MAX_NAME = 50
/** Characters of a hint. */
const MAX_HINT = 500

/** Makes the result of a run that has ended or was detached, writing its figures to files. */
export async function runResult(
  interpreterId: string,
  run: FinishedRun,
  settings: ResultSettings,
): Promise<RunResult> {
  const { execution, reply } = run
  const error = runError(run)
  const late = run.late.map(lateOutput).filter(({ stdout, stderr }) => stdout + stderr !== '')
  const figures = await saveFigures(run, settings)
  const notices = [
    ...detachedNotices(run),
    ...restartNotices(run),
    ...limitNotices(run),
    ...endNotices(run),
    ...lastNotices(run),
    ...figures.notices,
    ...(reply?.notices ?? []),
    ...truncationNotices(execution, settings.workdir),
    ...run.files.notices,
  ]
  const hint = error === null ? null : hintFor(run, settings.mostMs)
  const fields: RunFields = {
    result: error === null ? (reply?.value ?? null) : null,
    ...(error === null && reply?.valueType !== undefined ? { result_type: reply.valueType } : {}),
    stdout: execution.stdout.toString(),
    stderr: execution.stderr.toString(),
    outputs: [
      ...execution.log.toArray(),
      ...(error === null ? [] : [{ type: 'error' as const, ...error }]),
    ],
    interpreter_id: interpreterId,
    execution_count: execution.executionCount,
    duration_ms: Math.round(run.durationMs * 1000) / 1000,
    ...(run.queuedMs < 1 ? {} : { queued_ms: Math.round(run.queuedMs * 1000) / 1000 }),
    ...(run.usage === null ? {} : { usage: run.usage }),
    ...(settings.isSimulated ? { simulated: true as const } : {}),
    ...(limitOf(run) === null ? {} : { timed_out: true as const }),
    ...(run.exceeded === null ? {} : { limit: run.exceeded.limit }),
    ...(run.goesOn === null ? {} : { detached: true as const }),
    ...(run.executionId === null ? {} : { execution_id: run.executionId }),
    ...figures.fields,
    hidden_to_model: [...hiddenToModel(figures.fields), 'usage'],
    ...(run.files.files.length === 0 ? {} : { files: [...run.files.files] }),
    ...(crashed(run) ? { interpreter_crashed: true as const } : {}),
    ...(run.restart === null
      ? {}
      : {
          interpreter_restarted: run.restart.restarted,
          restart_reason: `The Python process ${run.restart.reason}.`,
        }),
    state: stateOf(run),
    ...(run.restart !== null && run.setBack?.state === 'restored'
      ? { restored_to: run.setBack.to }
      : {}),
    ...(late.length === 0 ? {} : { late_outputs: late }),
    ...(reply === null || reply.survivors.length === 0 ? {} : { survivors: [...reply.survivors] }),
    ...(hint === null ? {} : { hint }),
    ...(notices.length === 0 ? {} : { notices }),
  }
  // Spread last: an object that begins with a spread is slow to make, a hundredth of a trivial run.
  const result: RunResult =
    error === null ? { success: true, ...fields } : { success: false, error, ...fields }
  const told = withoutSecrets(result, settings.secrets)
  // Not before: half a secret would not be found.
  if (told.hint !== undefined) told.hint = told.hint.slice(0, MAX_HINT)
  return told
}

/** Makes the part of a result that says what a run has emitted, writing figures to files. */
export async function emitted(
  execution: Execution,
  settings: ResultSettings,
): Promise<EmittedFields> {
  const figures = await saveFigures({ execution, late: [] }, settings)
  const notices = [...figures.notices, ...truncationNotices(execution, settings.workdir)]
  const fields = {
    stdout: execution.stdout.toString(),
    stderr: execution.stderr.toString(),
    outputs: [...execution.log.toArray()],
    ...figures.fields,
    hidden_to_model: hiddenToModel(figures.fields),
    ...(notices.length === 0 ? {} : { notices }),
  }
  return withoutSecrets(fields, settings.secrets)
}

function hiddenToModel({ base64_uri: uris }: FigureFields): RunFields['hidden_to_model'] {
  return uris === undefined ? ['outputs'] : ['outputs', 'base64_uri', 'charts']
}

export function stateOf({ restart, setBack }: FinishedRun): SessionState {
  return restart === null ? 'kept' : (setBack?.state ?? 'lost')
}

/** Whether the process died of this run, not because somebody wanted it to end. */
function crashed({ death, stopped }: FinishedRun): boolean {
  return death !== null && stopped?.type !== 'restart' && stopped?.type !== 'close'
}

/** The limit that the run has reached; null if it has reached none. */
export function limitOf({ goesOn, stopped }: FinishedRun): Limit | null {
  return goesOn ?? (stopped?.type === 'timeout' ? stopped : null)
}

function limitWords({ clock, ms }: Limit): string {
  return clock === 'run' ? `time limit of ${ms} ms` : `limit of ${ms} ms without output`
}

/** What went wrong in a run; null if nothing did. */
export function runError(run: FinishedRun): RunError | null {
  const { reply, stopped, goesOn } = run
  if (goesOn !== null) return stillRunning(run, goesOn)
  if (reply === null) return deathError(run)
  if (reply.error === null) return null
  const { name, value, traceback } = reply.error
  if (reply.interrupted && stopped?.type === 'timeout') {
    const value = `The run was stopped after its ${limitWords(stopped)}.`
    return { name: 'TimeoutError', value, traceback }
  }
  if (reply.interrupted && stopped?.type === 'limit') {
    const value = `The run was stopped because it went over ${exceededWords(stopped)}.`
    return { name: limitErrorName(stopped), value, traceback }
  }
  if (name === 'KeyboardInterrupt' && stopped !== null) {
    return { name, value: 'The run was interrupted on request.', traceback }
  }
  return { name, value, traceback }
}

function stillRunning({ execution, executionId }: FinishedRun, limit: Limit): RunError {
  const value =
    `Run ${execution.executionCount} reached its ${limitWords(limit)} and goes on without this call. ` +
    'Until it ends, its interpreter runs no other code. Use manage_interpreters to look at it ' +
    `(peek), to wait for its result (wait) or to end it (stop); its execution_id is ${executionId ?? ''}.`
  return { name: 'StillRunning', value, traceback: '' }
}

function deathError({ stopped, restart, death }: FinishedRun): RunError {
  const died = `The Python process ${restart?.reason ?? 'ended'}.`
  const traceback = death?.traceback ?? ''
  switch (stopped?.type) {
    case 'timeout':
      return {
        name: 'TimeoutError',
        value: `The run exceeded its ${limitWords(stopped)}. ${died}`,
        traceback,
      }
    case 'limit':
      return {
        name: limitErrorName(stopped),
        value: `The run went over ${exceededWords(stopped)}. ${died}`,
        traceback,
      }
    case 'stop':
      return {
        name: 'KeyboardInterrupt',
        value: `The run was stopped on request. ${died}`,
        traceback,
      }
    case 'restart':
      return { name: 'InterpreterRestarted', value: died, traceback }
    case 'close':
      return { name: 'InterpreterClosed', value: died, traceback }
    default:
      return { name: 'InterpreterCrashed', value: died, traceback }
  }
}

function detachedNotices({ ended }: FinishedRun): string[] {
  return ended.map(({ id, executionCount, end }) => {
    const error = end === null ? null : runError(end)
    const how = error === null ? 'it ran to its end' : `it failed with ${bounded([error.name])}`
    return (
      `Run ${executionCount}, which was detached, has ended: ${how}. Its result is what wait answers ` +
      `for its execution_id ${id}.`
    )
  })
}

function restartNotices({ restart, death, setBack }: FinishedRun): string[] {
  if (restart === null) return []
  const when = death !== null ? 'During' : 'Before'
  const start = `${when} this run, the Python process ${restart.reason}`
  if (setBack?.state === 'restored') {
    return [`${start}; ${restoredSentence(setBack)}`, ...lost(setBack)]
  }
  const now = restart.restarted
    ? 'A fresh one has taken over: all variables and imports of earlier runs are lost'
    : 'All variables and imports of earlier runs are lost'
  const noCheckpoint = setBack?.noCheckpoint ?? ''
  const why = noCheckpoint === '' ? '' : ` (there was no checkpoint because ${noCheckpoint})`
  const trouble =
    restart.trouble === undefined ? [] : [`No new process could be started: ${restart.trouble}`]
  return [`${start}. ${now}${why}.`, ...trouble]
}

function restoredSentence({ to, from, restored }: Restored): string {
  const after = to === 0 ? 'before its first run' : `after run ${to}`
  const left = from > to ? ` (what runs after it have set, up to run ${from}, is gone)` : ''
  return `the session is restored to its state ${after}${left}${namesOf(restored)}.`
}

function namesOf(restored: Restored['restored']): string {
  if (restored === null || restored.variableCount === 0) return ', without any variables'
  const more = restored.variableCount - Math.min(restored.variables.length, MAX_NAMES)
  const names = bounded(restored.variables)
  return `, with the variables ${names}${more > 0 ? ` and ${more} more` : ''}`
}

/** What does not survive that a session goes on from a checkpoint. */
function lost({ restored }: Restored): string[] {
  const threads = restored?.threads ?? []
  if (threads.length === 0) return []
  return [`Threads do not survive that: ${bounded(threads)} ended.`]
}

/** Names that user code has given, on one line that is not too long. */
function bounded(names: readonly string[]): string {
  const shown = names.slice(0, MAX_NAMES).map((name) => name.slice(0, MAX_NAME))
  return onOneLine(shown.join(', '))
}

function lastNotices({ lastOf }: FinishedRun): string[] {
  if (lastOf === null) return []
  return [
    `This was the last run that the session may have (maxRunsPerSession: ${lastOf}): its variables are ` +
      'gone now, and the next run starts afresh.',
  ]
}

const LIMIT_WORDS: Record<LimitName, string> = {
  memory: 'bytes of memory',
  cpus: 'CPUs',
  cpuSeconds: 's of CPU time',
  processes: 'processes and threads',
  fileSize: 'bytes for each file',
  openFiles: 'open files for each process',
  diskBytes: 'bytes in the workdir',
  outputBytes: 'bytes of output',
  wallMs: 'ms',
}

/** Completes "went over". */
function exceededWords({ limit, bound }: Exceeded): string {
  return `its limit of ${bound} ${LIMIT_WORDS[limit]} (${limit})`
}

function limitErrorName({ limit }: Exceeded): string {
  return limit === 'cpuSeconds' ? 'TimeoutError' : 'LimitExceeded'
}

function limitNotices({ exceeded }: FinishedRun): string[] {
  return exceeded === null ? [] : [`The run went over ${exceededWords(exceeded)}.`]
}

function endNotices({ stopped, reply }: FinishedRun): string[] {
  if (reply?.completed === true && reply.error !== null) {
    return ['The code itself ran to its end; what failed came after it.']
  }
  if (stopped?.type !== 'timeout' || reply === null || reply.error !== null) return []
  return [
    `The run reached its ${limitWords(stopped)}, but its code caught the interrupt or was ` +
      'just done, and ran to its end.',
  ]
}

function truncationNotices(execution: Execution, workdir: string): string[] {
  const { richLeftOut, tooLong } = execution.log
  const formats = tooLong.map(
    (type) => `A display's ${type} was left out of the outputs: longer than maxOutputBytes.`,
  )
  const rich =
    richLeftOut === 0
      ? []
      : [
          `The last ${richLeftOut} figures and displays of the run were left out: too many or too large.`,
        ]
  const texts = (['stdout', 'stderr'] as const).flatMap((name) => {
    const { leftOut, bytes, whole } = execution[name]
    if (leftOut === 0) return []
    const where = whole === null ? '' : wholeSentence(whole, workdir)
    return [
      `${name} had ${bytes} bytes; ${leftOut} in its middle were left out of the result.${where}`,
    ]
  })
  return [...texts, ...rich, ...formats]
}

function wholeSentence({ path, trouble, isFull }: WholeOutput, workdir: string): string {
  if (trouble !== null) return ` The whole could not be written to a file: ${trouble.message}`
  const file = relative(workdir, path).split(sep).join('/')
  return isFull ? ` The beginning is in ${file}, up to its limit.` : ` The whole is in ${file}.`
}

function lateOutput(late: FinishedRun['late'][number]): LateOutput {
  return {
    execution_count: late.executionCount,
    stdout: late.stdout.toString(),
    stderr: late.stderr.toString(),
  }
}

type FigureFields = Pick<
  RunResult,
  'fig_storage_path' | 'fig_storage_paths' | 'base64_uri' | 'charts'
>

/** The image of a figure, and what it shows. */
interface Figure {
  readonly extension: string
  readonly mimeType: string
  readonly base64: string
  readonly chart: Chart
  /** What the run has emitted: each of them is one figure. */
  readonly source: object
}

async function saveFigures(
  { execution, late }: Pick<FinishedRun, 'execution' | 'late'>,
  figureFolder: FigureFolder,
): Promise<{ fields: FigureFields; notices: string[] }> {
  // A figure that a thread shows after its run is not lost: it comes with the next result.
  const figures = [...late, execution].flatMap(figuresOf)
  if (figures.length === 0) return { fields: {}, notices: [] }
  const fields: FigureFields = {
    base64_uri: figures.map(({ mimeType, base64 }) => `data:${mimeType};base64,${base64}`),
    charts: figures.map(({ chart }) => chart),
  }
  try {
    const { workdir, folder } = figureFolder
    // Links in the place of folders, which user code may have made, are not followed.
    const paths = await inFolder(workdir, folder, true, (opened) =>
      Promise.all(figures.map((figure) => savedFigure(figure, folder, opened))),
    )
    const last = paths.at(-1)
    return {
      fields: {
        ...(last === undefined ? {} : { fig_storage_path: last }),
        fig_storage_paths: paths,
        ...fields,
      },
      notices: lateFigures(late),
    }
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    return { fields, notices: [`The figures could not be written to files: ${why}`] }
  }
}

/** The types of images that are listed; of those of one display the first only: they look alike. */
const EXTENSIONS = {
  'image/png': 'png',
  'image/jpeg': 'jpg',
  'image/svg+xml': 'svg',
  'image/gif': 'gif',
  'image/webp': 'webp',
} as const
const IMAGE_TYPES = Object.keys(EXTENSIONS) as (keyof typeof EXTENSIONS)[]

/** The figures of a run, and what else it has displayed as an image. */
function figuresOf({ log }: Execution): Figure[] {
  return log.rich.flatMap(({ data }): Figure[] => {
    const mimeType = IMAGE_TYPES.find((type) => typeof data[type] === 'string')
    if (mimeType === undefined) return []
    const content = data[mimeType] as string
    const isText = mimeType === 'image/svg+xml'
    const base64 = isText ? Buffer.from(content).toString('base64') : content
    const extension = EXTENSIONS[mimeType]
    return [{ extension, mimeType, base64, chart: chartOf(data), source: data }]
  })
}

function lateFigures(late: FinishedRun['late']): string[] {
  const count = late.flatMap(figuresOf).length
  return count === 0 ? [] : [`The first ${count} figures were shown by threads of earlier runs.`]
}

/** The files of figures that are saved: one that a run has shown so far is also in its result. */
const saved = new WeakMap<object, Promise<string>>()

function savedFigure(figure: Figure, folder: string, opened: OpenFolder): Promise<string> {
  const path = saved.get(figure.source) ?? saveFigure(figure, folder, opened)
  saved.set(figure.source, path)
  return path
}

async function saveFigure(
  { base64, extension }: Figure,
  folder: string,
  opened: OpenFolder,
): Promise<string> {
  const name = `${uuid()}.${extension}`
  await writeFile(opened.at(name), base64, { encoding: 'base64', flag: 'wx' })
  return join(folder, name)
}

/** Makes the figures' folder, but not the workdir: one that was removed is not ours to bring back. */
