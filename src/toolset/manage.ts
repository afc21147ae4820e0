/** `manageInterpreters`: what can be done to interpreters, and what is answered. */
import type { Checkpoint, UnenforcedLimits } from '../engine/engine.js'
import type { KeptCheckpoint } from '../interpreter/checkpoints.js'
import type { Interpreter, InterpreterStatus } from '../interpreter/interpreter.js'
import { interrupt, meantRun, peek, stop, wait } from './control.js'
import type { PeekAnswer, StopAnswer, WaitOptions } from './control.js'
import type { InterpreterOptions, Interpreters } from './interpreters.js'
import { redacted } from './redaction.js'
import type { ResultSettings } from './result.js'
import { listVariables, type VariableInfo } from './variables.js'

/** What `checkpoint` takes. */
export interface CheckpointOptions extends InterpreterOptions {
  /** By which it can be found beside its id. */
  readonly name?: string | null | undefined
}

/** What `rollback` takes. */
export interface RollbackOptions extends InterpreterOptions {
  /** The id or name of a checkpoint. Default: the newest from before the last run. */
  readonly checkpoint?: string | null | undefined
}

/** What `branch` takes. */
export interface BranchOptions extends InterpreterOptions {
  /** The id or name of a checkpoint. Default: the present state. */
  readonly checkpoint?: string | null | undefined
  /** Whether the branch has random sequences of its own, rather than the same. @default false */
  readonly reseed?: boolean | null | undefined
  /** Whose the branch is; its session, if that client has none yet. @default the same client */
  readonly new_client_id?: string | undefined
}

/** What `dropCheckpoint` takes. */
export interface DropOptions extends InterpreterOptions {
  /** The id or name of a checkpoint. */
  readonly checkpoint: string
}

/** What `manageInterpreters` is asked. */
export type ManageOptions = CheckpointOptions &
  BranchOptions &
  WaitOptions & {
    readonly operation:
      | 'create'
      | 'list'
      | 'delete'
      | 'restart'
      | 'interrupt'
      | 'checkpoint'
      | 'rollback'
      | 'branch'
      | 'drop'
      | 'peek'
      | 'wait'
      | 'stop'
      | 'variables'
  }

/** One checkpoint as `list` shows it. */
export interface CheckpointInfo {
  id: string
  /** Absent where it was given none. */
  name?: string
  /** The last run that it knows of; 0: only `initCode`. */
  execution_count: number
  /** ISO 8601. */
  created_at: string
  /** Its proportional share of memory (PSS); null where unknown. */
  memory_bytes: number | null
}

/** One interpreter as `list` shows it. */
export interface InterpreterInfo {
  id: string
  status: InterpreterStatus
  client_id: string
  /** The operating system's process id; null while there is no process. */
  pid: number | null
  execution_count: number
  /** ISO 8601. */
  created_at: string
  /** ISO 8601. */
  last_used_at: string
  /**
   * When it will be ended, if it stays idle until then; absent while it is busy, and without
   * `sessionIdleMs`. ISO 8601.
   */
  expires_at?: string
  /** Resident memory of the process; null where unknown. */
  memory_bytes: number | null
  /** How the process was started: forked from a template or checkpoint, or spawned; or not yet. */
  started_by: 'fork' | 'checkpoint' | 'spawn' | null
  /** Why it was spawned, not forked. */
  spawn_reason?: string
  /** Limits that were asked for with `bestEffort` and that nothing holds, and why. */
  unenforced_limits?: UnenforcedLimits
  /** What it can go back to, oldest first. */
  checkpoints: CheckpointInfo[]
  /** Why the state that it is in has no checkpoint. */
  no_checkpoint_reason?: string
}

/** What an operation on checkpoints answers. */
export interface CheckpointAnswer {
  success: true
  /** The interpreter that it was done to; that of a `branch` is the new one. */
  interpreter_id: string
  checkpoint_id: string
  /** The last run that the checkpoint knows of. */
  execution_count: number
}

/** What `manageInterpreters` answers. */
export type ManageResult =
  | ({ success: true; interpreters?: InterpreterInfo[]; variables?: VariableInfo[] } & Partial<
      CheckpointAnswer & PeekAnswer & StopAnswer
    >)
  | { success: false; error: string }

type Request = Omit<ManageOptions, 'client_id' | 'signal'>

/** Who asks. */
export interface Caller {
  /** Whose session is meant where no id is given. */
  readonly client: string
  /** Restricts what is seen and touched to this client; undefined: all. */
  readonly only: string | undefined
  /** Aborts a wait, be it for a run that `variables` waits for. */
  readonly signal: AbortSignal | undefined
}

/** What `wait` and the results of detached runs need. */
export interface WaitSettings {
  /** How long a wait is that names no limit, in ms; 0 for as long as it takes. */
  readonly timeoutMs: number
  readonly results: ResultSettings
}

const NO_SESSION =
  'There is no session yet: the first run of code starts one. To name an interpreter, pass its interpreter_id.'
const DROP_WHAT =
  'Which checkpoint? Pass its id or name as checkpoint; the operation "list" ' +
  'shows those that there are.'

const ON_AN_INTERPRETER = ['interpreter_id'] as const
const ON_A_RUN = ['interpreter_id', 'execution_id'] as const
const FIELDS = [
  'interpreter_id',
  'name',
  'checkpoint',
  'reseed',
  'new_client_id',
  'execution_id',
  'timeout_ms',
] as const
/** What each operation takes. */
const TAKES: Record<ManageOptions['operation'], readonly (keyof Request)[]> = {
  create: [],
  list: [],
  delete: ON_AN_INTERPRETER,
  restart: ON_AN_INTERPRETER,
  interrupt: ON_AN_INTERPRETER,
  checkpoint: ['interpreter_id', 'name'],
  rollback: ['interpreter_id', 'checkpoint'],
  branch: ['interpreter_id', 'checkpoint', 'reseed', 'new_client_id'],
  drop: ['interpreter_id', 'checkpoint'],
  peek: ON_A_RUN,
  wait: [...ON_A_RUN, 'timeout_ms'],
  stop: ON_A_RUN,
  variables: ON_AN_INTERPRETER,
}

/**
 * Carries out one operation.
 *
 * @throws UnknownInterpreterError, UnknownExecutionError, CheckpointError, VariablesError, BusyError,
 *   AbortedError, and what the engine throws when no process can be started
 */
export async function manage(
  interpreters: Interpreters,
  request: Request,
  { client, only, signal }: Caller,
  { timeoutMs, results }: WaitSettings,
): Promise<ManageResult> {
  const { operation, interpreter_id: id, checkpoint } = request
  const refused = refusal(request)
  if (refused !== null) return { success: false, error: refused }
  if (operation === 'create') return answer(await interpreters.create(client))
  if (operation === 'list') {
    const infos = interpreters.all(only).map((one) => info(one, interpreters.expiresAt(one)))
    return { success: true, interpreters: await Promise.all(infos) }
  }
  const meant = () => meantRun(interpreters, request, client, only)
  if (operation === 'peek') return peek(meant(), results)
  if (operation === 'stop') return stop(meant(), results)
  if (operation === 'wait') {
    return wait(meant(), { timeoutMs: request.timeout_ms ?? timeoutMs, signal }, results)
  }
  const interpreter = id == null ? interpreters.existingSession(client) : interpreters.get(id, only)
  if (interpreter === undefined) {
    return { success: false, error: noSession(interpreters.howSessionEnded(client)) }
  }
  switch (operation) {
    case 'restart':
      await interpreter.restart()
      return answer(interpreter)
    case 'delete':
      await interpreters.delete(interpreter)
      return answer(interpreter)
    case 'interrupt':
      return interrupt(interpreter)
    case 'checkpoint':
      return answerWith(interpreter, await interpreter.checkpoint(request.name ?? null))
    case 'rollback':
      return answerWith(interpreter, await interpreter.rollback(checkpoint ?? null))
    case 'drop':
      if (checkpoint == null) return { success: false, error: DROP_WHAT }
      return answerWith(interpreter, interpreter.drop(checkpoint))
    case 'variables':
      return {
        success: true,
        interpreter_id: interpreter.id,
        variables: redacted(
          await listVariables(interpreter, { timeoutMs, signal }),
          results.secrets,
        ),
      }
    case 'branch': {
      const owner = request.new_client_id ?? interpreter.clientId
      const branch = async (from: Checkpoint) =>
        answerWith(
          await interpreters.branch(interpreter, from, owner, request.reseed === true),
          from,
        )
      return checkpoint == null
        ? interpreter.usePresentState(branch)
        : branch(interpreter.findCheckpoint(checkpoint))
    }
  }
}

function refusal(request: Request): string | null {
  const { operation } = request
  const wrong = FIELDS.find((field) => request[field] != null && !TAKES[operation].includes(field))
  return wrong === undefined ? null : `The operation ${operation} takes no ${wrong}.`
}

function noSession(howEnded: string | undefined): string {
  return howEnded === undefined
    ? NO_SESSION
    : `There is no session any more: its Python process ${howEnded}. The next run of code starts a new one.`
}

function answer(interpreter: Interpreter): ManageResult {
  return { success: true, interpreter_id: interpreter.id }
}

function answerWith(interpreter: Interpreter, checkpoint: Checkpoint): CheckpointAnswer {
  return {
    success: true,
    interpreter_id: interpreter.id,
    checkpoint_id: checkpoint.id,
    execution_count: checkpoint.executionCount,
  }
}

async function info(interpreter: Interpreter, expiresAt: Date | null): Promise<InterpreterInfo> {
  const { startedBy, unenforcedLimits } = interpreter
  const noCheckpoint = await interpreter.noCheckpointReason()
  return {
    id: interpreter.id,
    status: interpreter.status,
    client_id: interpreter.clientId,
    pid: interpreter.pid,
    execution_count: interpreter.executionCount,
    created_at: interpreter.createdAt.toISOString(),
    last_used_at: interpreter.lastUsedAt.toISOString(),
    ...(expiresAt === null ? {} : { expires_at: expiresAt.toISOString() }),
    memory_bytes: await interpreter.memoryBytes(),
    started_by: startedBy?.method ?? null,
    ...(startedBy?.method === 'spawn' ? { spawn_reason: startedBy.reason } : {}),
    ...(Object.keys(unenforcedLimits).length === 0 ? {} : { unenforced_limits: unenforcedLimits }),
    checkpoints: await Promise.all(interpreter.checkpoints.map(checkpointInfo)),
    ...(noCheckpoint === '' ? {} : { no_checkpoint_reason: noCheckpoint }),
  }
}

async function checkpointInfo({ checkpoint, name }: KeptCheckpoint): Promise<CheckpointInfo> {
  return {
    id: checkpoint.id,
    ...(name === null ? {} : { name }),
    execution_count: checkpoint.executionCount,
    created_at: checkpoint.createdAt.toISOString(),
    memory_bytes: await checkpoint.memoryBytes(),
  }
}
