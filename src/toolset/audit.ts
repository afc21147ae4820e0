/** Who ran what, when, and what came of it: an event per run, for a listener and for a logger. */
import { hash } from 'node:crypto'
import type { LimitName, RunUsage } from '../engine/engine.js'
import { PythonInterpreterError, type ErrorCode } from '../errors.js'
import type { Interpreter } from '../interpreter/interpreter.js'
import type { FinishedRun, Restart, RunWitness, SessionState } from '../interpreter/run.js'
import type { Secrets } from '../interpreter/secrets.js'
import { redacted } from './redaction.js'
import { limitOf, runError, stateOf } from './result.js'

/** One run that was asked for, and what came of it. It has a hash of the code, never the code itself. */
export interface AuditEvent {
  readonly client_id: string
  /** Null where none was found or made. */
  readonly interpreter_id: string | null
  /** Null where its turn never came. */
  readonly execution_count: number | null
  /** When its turn came; of one whose turn never came, when it was asked for. ISO 8601. */
  readonly started_at: string
  /** SHA-256 of the code in UTF-8, in hexadecimal digits. */
  readonly code_sha256: string
  /** Bytes of the code in UTF-8. */
  readonly code_bytes: number
  /**
   * `success` and `error`: as its result says; `aborted`: its call was, before its turn or while it ran;
   * `refused`: it did not run, because of what was asked; `not_started`: it did not run, because there
   * was no process to run it.
   */
  readonly outcome: 'success' | 'error' | 'aborted' | 'refused' | 'not_started'
  /** The name of what went wrong, such as `ZeroDivisionError` or `BusyError`. */
  readonly error?: string
  /** A time limit was reached. */
  readonly timed_out?: true
  /** The limit of its session that it went over, where that is known. */
  readonly limit?: LimitName
  /** What a run that was detached is known by. Its event comes when it has ended. */
  readonly execution_id?: string
  /** What has become of the session's variables; absent where nothing has run, or it is not known yet. */
  readonly state?: SessionState
  /** What became of a process that was replaced, in this run or before it. */
  readonly restart_reason?: string
  /** What it has used; absent where nothing has run. */
  readonly usage?: RunUsage
}

/** Hears of each run when it has ended, or will never begin. */
export type AuditListener = (event: AuditEvent) => void | Promise<void>

/** What can be logged to: an object as pino makes them, or `console`. */
export interface Logger {
  debug(details: object, message: string): void
  info(details: object, message: string): void
  warn(details: object, message: string): void
  error(details: object, message: string): void
}

/** Errors for which the cause is what was asked, or when. */
const REFUSALS: readonly ErrorCode[] = [
  'BUSY',
  'CLOSED',
  'INVALID_OPTION',
  'TOO_MANY_SESSIONS',
  'UNKNOWN_INTERPRETER',
  'VALUE_NOT_EXPRESSIBLE',
]

/** Makes the events of a toolset. What listener and logger throw is told, and breaks no run. */
export class Audit {
  readonly #listener: AuditListener | undefined
  readonly #logger: Logger | undefined
  readonly #secrets: Secrets | null
  /** Those that a line warns of: several runs may tell of the same one. */
  readonly #warned = new WeakSet<Restart>()

  constructor(
    listener: AuditListener | undefined,
    logger: Logger | undefined,
    secrets: Secrets | null,
  ) {
    this.#listener = listener
    this.#logger = logger
    this.#secrets = secrets
  }

  /** A run that is asked for; null where nobody wants to know. */
  run(clientId: string, code: string): AuditedRun | null {
    if (this.#listener === undefined && this.#logger === undefined) return null
    return new AuditedRun(clientId, code, (event, details) => this.#tell(event, details))
  }

  /** Logs that an interpreter was made. */
  made({ id, clientId }: Interpreter): void {
    this.#log('debug', { client_id: clientId, interpreter_id: id }, 'Python interpreter made')
  }

  /** Logs that an interpreter that was asked for by an operation could not be made. */
  notMade(clientId: string, { operation, interpreter_id }: Asked, error: unknown): void {
    const outcome = outcomeOf(error)
    const details = {
      client_id: clientId,
      operation,
      ...(interpreter_id == null ? {} : { interpreter_id }),
      outcome,
      error: redacted(String(error), this.#secrets),
    }
    const level = outcome === 'not_started' ? 'error' : 'info'
    this.#log(level, details, 'No Python interpreter could be made')
  }

  /** Logs that an interpreter was ended, and not on request. */
  ended({ id, clientId }: Interpreter, reason: string): void {
    const details = { client_id: clientId, interpreter_id: id, reason }
    this.#log('info', details, `The Python process ${reason}`)
  }

  #tell(known: AuditEvent, { restart, trouble }: Details): void {
    const { error } = known
    // User code names its exceptions.
    const event = error === undefined ? known : { ...known, error: redacted(error, this.#secrets) }
    void this.#hear(event)
    const { client_id, interpreter_id, execution_count, state } = event
    const whose = { client_id, interpreter_id, execution_count }
    this.#log('info', event, 'Python run')
    if (restart !== null && !this.#warned.has(restart)) {
      this.#warned.add(restart)
      const { reason } = restart
      this.#log('warn', { ...whose, state, reason }, `The Python process ${reason}`)
    }
    if (trouble !== null) {
      const details = { ...whose, error: redacted(trouble, this.#secrets) }
      this.#log('error', details, 'No Python process could be started')
    }
  }

  async #hear(event: AuditEvent): Promise<void> {
    try {
      await this.#listener?.(event)
    } catch (error) {
      if (this.#logger === undefined) warn('onAudit', error)
      else this.#log('error', { error: String(error) }, 'onAudit failed')
    }
  }

  #log(level: keyof Logger, details: object, message: string): void {
    try {
      this.#logger?.[level](details, message)
    } catch (error) {
      warn('The logger', error)
    }
  }
}

/** What an interpreter was asked for by. */
interface Asked {
  readonly operation: string
  /** The one that it was to go on from. */
  readonly interpreter_id?: string | null | undefined
}

/** What lines other than that of the run are made of. */
interface Details {
  /** The process that was replaced because of a fault. */
  readonly restart: Restart | null
  /** Why no process could be started. */
  readonly trouble: string | null
}

/** One run that is asked for, until its event is there. */
export class AuditedRun implements RunWitness {
  readonly #clientId: string
  readonly #code: string
  readonly #tell: (event: AuditEvent, details: Details) => void
  readonly #askedAt = Date.now()
  #interpreter: Interpreter | null = null

  constructor(clientId: string, code: string, tell: (event: AuditEvent, details: Details) => void) {
    this.#clientId = clientId
    this.#code = code
    this.#tell = tell
  }

  /** Says which interpreter it is to run on. */
  by(interpreter: Interpreter): void {
    this.#interpreter = interpreter
  }

  ended(run: FinishedRun): void {
    const error = runError(run)
    const { stopped } = run
    const isAborted = stopped?.type === 'abort'
    const isMeant =
      stopped?.type === 'restart' || stopped?.type === 'close' || run.restart?.isPlanned
    const { restart } = run
    // After an aborted call no process is started until one is needed.
    const isKnown = !isAborted || restart === null || run.setBack !== null
    this.#tell(
      {
        ...this.#asked(run.execution.executionCount, run.queuedMs),
        outcome: isAborted ? 'aborted' : error === null ? 'success' : 'error',
        ...(error === null ? {} : { error: error.name }),
        ...(limitOf(run) === null ? {} : { timed_out: true as const }),
        ...(run.exceeded === null ? {} : { limit: run.exceeded.limit }),
        ...(run.executionId === null ? {} : { execution_id: run.executionId }),
        ...(isKnown ? { state: stateOf(run) } : {}),
        ...(restart === null ? {} : { restart_reason: `The Python process ${restart.reason}.` }),
        ...(run.usage === null ? {} : { usage: run.usage }),
      },
      { restart: isMeant === true ? null : restart, trouble: restart?.trouble ?? null },
    )
  }

  failed(error: unknown, executionCount: number | null): void {
    const outcome = outcomeOf(error)
    this.#tell(
      {
        ...this.#asked(executionCount, 0),
        outcome,
        error: error instanceof Error ? error.name : 'Error',
      },
      { restart: null, trouble: outcome === 'not_started' ? String(error) : null },
    )
  }

  #asked(executionCount: number | null, queuedMs: number) {
    return {
      client_id: this.#interpreter?.clientId ?? this.#clientId,
      interpreter_id: this.#interpreter?.id ?? null,
      execution_count: executionCount,
      started_at: new Date(this.#askedAt + queuedMs).toISOString(),
      code_sha256: hash('sha256', this.#code, 'hex'),
      code_bytes: Buffer.byteLength(this.#code),
    }
  }
}

/** What came of what was asked for, where nothing has run. */
function outcomeOf(error: unknown): 'aborted' | 'refused' | 'not_started' {
  if (!(error instanceof PythonInterpreterError)) return 'not_started'
  if (error.code === 'ABORTED') return 'aborted'
  return REFUSALS.includes(error.code) ? 'refused' : 'not_started'
}

function warn(who: string, error: unknown): void {
  process.emitWarning(`${who} failed: ${String(error)}`, 'PythonInterpreterWarning')
}
