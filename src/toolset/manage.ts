/** `manageInterpreters`: what can be done to interpreters, and what is answered. */
import type { Interpreter, InterpreterStatus } from '../interpreter/interpreter.js'
import type { Interpreters } from './interpreters.js'

/** What `manageInterpreters` is asked. */
export interface ManageOptions {
  readonly operation: 'create' | 'list' | 'delete' | 'restart' | 'interrupt'
  readonly interpreter_id?: string | null | undefined
  /** Restricts the call to this client's interpreters. */
  readonly client_id?: string | undefined
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
  /** Resident memory of the process; null where unknown. */
  memory_bytes: number | null
  /** How the process was started: forked from a warm template, or spawned; null without one. */
  started_by: 'fork' | 'spawn' | null
  /** Why it was spawned, not forked. */
  spawn_reason?: string
}

/** What `manageInterpreters` answers. */
export type ManageResult =
  | { success: true; interpreter_id?: string; interpreters?: InterpreterInfo[] }
  | { success: false; error: string }

const INTERRUPTED_NOTHING =
  'Nothing is running in this interpreter, so there was nothing to interrupt.'
const NO_SESSION =
  'There is no session yet: the first run of code starts one. To name an interpreter, pass its interpreter_id.'

/**
 * Carries out one operation.
 *
 * @param client - whose session is meant where no id is given
 * @param only - restricts what is seen and touched to this client; undefined: all
 * @throws UnknownInterpreterError, and what the engine throws when no process can be started
 */
export async function manage(
  interpreters: Interpreters,
  { operation, interpreter_id: id }: Pick<ManageOptions, 'operation' | 'interpreter_id'>,
  client: string,
  only: string | undefined,
): Promise<ManageResult> {
  if (id != null && (operation === 'create' || operation === 'list')) {
    return { success: false, error: `The operation ${operation} takes no interpreter_id.` }
  }
  if (operation === 'create') return answer(await interpreters.create(client))
  if (operation === 'list') {
    return { success: true, interpreters: await Promise.all(interpreters.all(only).map(info)) }
  }
  const interpreter = id == null ? interpreters.existingSession(client) : interpreters.get(id, only)
  if (interpreter === undefined) return { success: false, error: NO_SESSION }
  if (operation === 'restart') await interpreter.restart()
  else if (operation === 'delete') await interpreters.delete(interpreter)
  else if (!interpreter.interrupt()) return { success: false, error: INTERRUPTED_NOTHING }
  return answer(interpreter)
}

function answer(interpreter: Interpreter): ManageResult {
  return { success: true, interpreter_id: interpreter.id }
}

async function info(interpreter: Interpreter): Promise<InterpreterInfo> {
  const { startedBy } = interpreter
  return {
    id: interpreter.id,
    status: interpreter.status,
    client_id: interpreter.clientId,
    pid: interpreter.pid,
    execution_count: interpreter.executionCount,
    created_at: interpreter.createdAt.toISOString(),
    last_used_at: interpreter.lastUsedAt.toISOString(),
    memory_bytes: await interpreter.memoryBytes(),
    started_by: startedBy?.method ?? null,
    ...(startedBy?.method === 'spawn' ? { spawn_reason: startedBy.reason } : {}),
  }
}
