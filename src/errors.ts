/**
 * Every error this package throws on purpose. Python's own exceptions are never among them: they
 * are part of a result.
 */

/** What `PythonInterpreterError.code` can be; stable across releases. */
export type ErrorCode =
  | 'ABORTED'
  | 'BUSY'
  | 'CHECKPOINT'
  | 'CLOSED'
  | 'ENGINE'
  | 'FILE'
  | 'INIT_CODE'
  | 'INVALID_OPTION'
  | 'LIMIT'
  | 'MODEL'
  | 'NO_FILE'
  | 'NO_PYTHON'
  | 'NO_PYZMQ'
  | 'OUTSIDE_WORKDIR'
  | 'START'
  | 'SANDBOX'
  | 'TOO_MANY_SESSIONS'
  | 'UNKNOWN_EXECUTION'
  | 'UNKNOWN_INTERPRETER'
  | 'UNKNOWN_VARIABLE'
  | 'VALUE_NOT_EXPRESSIBLE'
  | 'VARIABLES'

/** The base of all errors below: `code` tells them apart, also across two installed copies. */
export class PythonInterpreterError extends Error {
  /** Tells the error's kind without `instanceof`. */
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
    this.name = new.target.name
  }
}

/** An option or argument has the wrong type or value; nothing was started. */
export class InvalidOptionError extends PythonInterpreterError {
  constructor(message: string) {
    super('INVALID_OPTION', message)
  }
}

/** The toolset, engine or interpreter was closed before or during the call. */
export class ClosedError extends PythonInterpreterError {
  constructor(what: string) {
    super('CLOSED', `${what} is closed. Create a new one to run more code.`)
  }
}

/** The call's `AbortSignal` was aborted; `cause` is the signal's reason. */
export class AbortedError extends PythonInterpreterError {
  constructor(
    reason: unknown,
    message = 'The call was aborted by its signal. Its code has been interrupted, if it had begun.',
  ) {
    super('ABORTED', message, { cause: reason })
    // The name that AbortController's own rejections have, which callers look for.
    this.name = 'AbortError'
  }
}

/** No interpreter with this id exists, or it belongs to another client. */
export class UnknownInterpreterError extends PythonInterpreterError {
  /** @param why - there is none any more: completes "its Python process"; empty where that is not known */
  constructor(id: string, why = '') {
    const gone = why === '' ? '' : ` any more: its Python process ${why}`
    super(
      'UNKNOWN_INTERPRETER',
      `There is no interpreter with the id ${JSON.stringify(id)}${gone}. ` +
        'The operation "list" shows those that there are.',
    )
  }
}

/** There are as many interpreters as there may be, and none that may be ended for another one. */
export class TooManySessionsError extends PythonInterpreterError {
  constructor(maxSessions: number, why: string) {
    super(
      'TOO_MANY_SESSIONS',
      `There are ${maxSessions} interpreters already, the most that there may be (maxSessions)${why}. ` +
        'End one that is not needed any more (the operation "delete"), or try again later.',
    )
  }
}

/** A variable that was asked for does not exist; the message names it. */
export class UnknownVariableError extends PythonInterpreterError {
  constructor(message: string) {
    super('UNKNOWN_VARIABLE', message)
  }
}

/** A value has no counterpart in the other language; `path` is where in the value that is. */
export class ValueNotExpressibleError extends PythonInterpreterError {
  /** Such as `inputs.a.b[3]`; empty where it is Python that refused, whose message names the place. */
  readonly path: string

  constructor(path: string, problem: string) {
    super('VALUE_NOT_EXPRESSIBLE', path === '' ? problem : `${path} ${problem}.`)
    this.path = path
  }
}

/** Variables could not be set or read: the Python process died of it, or it took too long. */
export class VariablesError extends PythonInterpreterError {
  constructor(message: string) {
    super('VARIABLES', message)
  }
}

/** No detached run is known by this `execution_id`, or there is none at all. */
export class UnknownExecutionError extends PythonInterpreterError {
  constructor(message: string) {
    super('UNKNOWN_EXECUTION', message)
  }
}

/** The interpreter executes a detached run, and can do nothing else until that has ended. */
export class BusyError extends PythonInterpreterError {
  constructor(
    executionCount: number,
    /** The `execution_id` of that run. */
    readonly executionId: string,
    /** When it began. */
    readonly since: Date,
  ) {
    const seconds = Math.round((Date.now() - since.getTime()) / 1000)
    super(
      'BUSY',
      `The interpreter is busy with run ${executionCount}, which was detached and has been running ` +
        `for ${seconds} s, since ${since.toISOString()}. Look at it (peek), wait for its end (wait) or ` +
        'end it (stop); or use another interpreter.',
    )
  }
}

/** A checkpoint cannot be made, does not exist, or cannot be gone back to. */
export class CheckpointError extends PythonInterpreterError {
  constructor(message: string, options?: ErrorOptions) {
    super('CHECKPOINT', message, options)
  }
}

/** A limit was asked for that nothing on this machine can enforce; no process was started. */
export class LimitError extends PythonInterpreterError {
  constructor(
    /** The option's name, such as `processes`. */
    readonly limit: string,
    why: string,
  ) {
    super(
      'LIMIT',
      `limits.${limit} cannot be enforced here because ${why}. Leave it out; or pass ` +
        'limits: { bestEffort: true } to go without what cannot be enforced.',
    )
  }
}

/** No Python 3.9 or later was found where it was looked for. */
export class NoPythonError extends PythonInterpreterError {
  constructor(message: string, options?: ErrorOptions) {
    super('NO_PYTHON', message, options)
  }
}

/** The chosen Python lacks pyzmq, and installing it into the private cache failed. */
export class NoPyzmqError extends PythonInterpreterError {
  constructor(message: string, options?: ErrorOptions) {
    super('NO_PYZMQ', message, options)
  }
}

/** A Python process could not be started, or ended before it was ready. */
export class StartError extends PythonInterpreterError {
  constructor(message: string, options?: ErrorOptions) {
    super('START', message, options)
  }
}

/** There cannot be a sandbox here, or not as it was asked for. */
export class SandboxError extends PythonInterpreterError {
  constructor(message: string, options?: ErrorOptions) {
    super('SANDBOX', message, options)
  }
}

/** The code given as `initCode` raised; `traceback` is Python's. */
export class InitCodeError extends PythonInterpreterError {
  readonly traceback: string

  constructor(traceback: string) {
    super('INIT_CODE', `initCode failed; correct it, or pass null for none.\n${traceback}`)
    this.traceback = traceback
  }
}

/** The engine itself failed: its keeper process ended or answered out of turn. */
export class EngineError extends PythonInterpreterError {
  constructor(message: string, options?: ErrorOptions) {
    super('ENGINE', message, options)
  }
}

/** The service of a model could not be reached, refused the request, or broke its answer off. */
export class ModelError extends PythonInterpreterError {
  constructor(
    message: string,
    /** The HTTP status that it answered with; null where there was none but 200. */
    readonly status: number | null,
    options?: ErrorOptions,
  ) {
    super('MODEL', message, options)
  }
}

/** A path leads out of the workdir, as it is written or through a symbolic link. */
export class OutsideWorkdirError extends PythonInterpreterError {
  constructor(path: string) {
    super(
      'OUTSIDE_WORKDIR',
      `The path ${JSON.stringify(path)} leads out of the workdir. Use one that stays in it.`,
    )
  }
}

/** There is no such file or folder in the workdir. */
export class NoFileError extends PythonInterpreterError {
  constructor(path: string, options?: ErrorOptions) {
    super(
      'NO_FILE',
      `There is no ${JSON.stringify(path)} in the workdir. files.list() shows what there is.`,
      options,
    )
  }
}

/** A file or folder of the workdir cannot be used so; `cause` is the system's error, if there is one. */
export class FileError extends PythonInterpreterError {
  constructor(path: string, why: string, options?: ErrorOptions) {
    super('FILE', `${JSON.stringify(path)} cannot be used: ${why}.`, options)
  }
}
