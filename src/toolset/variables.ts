/** Variables of a session without code: setting them, reading them, and seeing which there are. */
import type { Inputs, ValueForm } from '../engine/engine.js'
import {
  InvalidOptionError,
  UnknownVariableError,
  ValueNotExpressibleError,
  VariablesError,
} from '../errors.js'
import type { Interpreter } from '../interpreter/interpreter.js'
import type { ExecuteRequest, FinishedRun } from '../interpreter/run.js'
import { hasArrow } from '../values/arrow.js'
import { decodeValue, type JsValue } from '../values/decode.js'
import { encodeValues, type EncodedValues } from '../values/encode.js'
import type { InterpreterOptions } from './interpreters.js'
import type { RunResult } from './result.js'

/** Options of `setVariables`, `getVariables` and `variables`. */
export interface VariableOptions extends InterpreterOptions {
  /** Aborts the call while it waits for a run, and after. */
  readonly signal?: AbortSignal | undefined
}

/** What `setVariables` answers. */
export interface SetVariables {
  interpreter_id: string
  /** It counts as a run: checkpoints and `restored_to` name it by this number. */
  execution_count: number
}

/** What is told of a variable without running code; fields that do not apply are absent. */
export interface VariableInfo {
  name: string
  /** Its Python type, such as `pandas.DataFrame`. */
  type: string
  /** The number of its items, where it has a length. */
  length?: number
  /** Bytes of its data, without what that refers to. */
  size_bytes?: number
  /** Of an array or table. */
  shape?: number[]
  /** The type of an array's items. */
  dtype?: string
  /** A table's columns; of many the first 50. */
  columns?: { name: string; dtype: string }[]
  /** One line of at most 100 characters, for the types of Python itself, numpy, pandas and polars. */
  preview?: string
}

/** When a question is given up. */
export interface Patience {
  readonly timeoutMs: number
  readonly signal: AbortSignal | undefined
}

/** What is executed when variables are set or asked for. */
const WITHOUT_CODE: Omit<ExecuteRequest, keyof Patience> = {
  code: '',
  echo: 'none',
  resultVarName: null,
  resultForm: 'json',
  inputs: null,
  asks: null,
  hasResult: false,
  idleTimeoutMs: 0,
  onTimeout: 'interrupt',
  onOutput: null,
  onInput: null,
  onCall: null,
  witness: null,
  recording: null,
}

/** In which form values come from Python where JavaScript's own are wanted. */
export function jsForm(): ValueForm {
  return hasArrow() ? 'arrow' : 'columns'
}

/** Encodes variables for a run; `what` begins the path to what cannot be expressed. */
export function inputsOf(
  variables: Readonly<Record<string, unknown>>,
  what: string,
): () => Promise<Inputs> {
  const wrong = Object.keys(variables).find((name) => !IDENTIFIER.test(name))
  if (wrong !== undefined) {
    throw new InvalidOptionError(`${what}: ${JSON.stringify(wrong)} is no name of a variable.`)
  }
  const encoded: EncodedValues = encodeValues(variables, what)
  return async () => ({ json: encoded.json, frames: await encoded.frames() })
}

const IDENTIFIER = /^[\p{XID_Start}_][\p{XID_Continue}]*$/u

/** Sets variables, as a run that has no code. */
export async function setVariables(
  interpreter: Interpreter,
  variables: Readonly<Record<string, unknown>>,
  patience: Patience,
): Promise<SetVariables> {
  const inputs = inputsOf(variables, 'variables')
  const run = await interpreter.execute({ ...WITHOUT_CODE, inputs, ...patience })
  requireAnswer(run, 'set')
  return { interpreter_id: interpreter.id, execution_count: run.execution.executionCount }
}

/** Reads the values of variables. */
export async function getVariables(
  interpreter: Interpreter,
  names: readonly string[],
  patience: Patience,
): Promise<Record<string, JsValue>> {
  const run = await interpreter.execute({
    ...WITHOUT_CODE,
    asks: { names, form: jsForm() },
    ...patience,
  })
  const { value, frames } = requireAnswer(run, 'read')
  const values = await decodeValue(value ?? null, frames).catch((error: unknown) => {
    throw new ValueNotExpressibleError('', messageOf(error))
  })
  if (!Array.isArray(values)) throw malformed('read')
  return Object.fromEntries(names.map((name, at) => [name, (values as JsValue[])[at] ?? null]))
}

/** Tells what variables there are. */
export async function listVariables(
  interpreter: Interpreter,
  patience: Patience,
): Promise<VariableInfo[]> {
  const run = await interpreter.execute({
    ...WITHOUT_CODE,
    asks: { names: null, form: 'json' },
    ...patience,
  })
  const value: unknown = requireAnswer(run, 'listed').value
  if (!areDescribed(value)) throw malformed('listed')
  return value
}

/** Whether variables have what each has; only user code that meddles sends others. */
function areDescribed(value: unknown): value is VariableInfo[] {
  const isDescribed = (one: unknown) => {
    const { name, type } = (one ?? {}) as Partial<VariableInfo>
    return typeof name === 'string' && typeof type === 'string'
  }
  return Array.isArray(value) && value.every(isDescribed)
}

function malformed(done: Done): VariablesError {
  return new VariablesError(
    `The variables could not be ${done}: the Python process sent what are none. Restart it.`,
  )
}

/** The result of a run with its value as JavaScript's own, or the error that it is none. */
export async function withJsValue(
  result: RunResult,
  { reply }: FinishedRun,
): Promise<RunResult<JsValue>> {
  if (!result.success || reply?.value === undefined) return result
  try {
    return { ...result, result: await decodeValue(reply.value, reply.frames) }
  } catch (error) {
    const value = messageOf(error)
    const failed = { ...result, success: false as const, result: null }
    delete failed.result_type
    return { ...failed, error: { name: 'ValueNotExpressible', value, traceback: '' } }
  }
}

type Done = 'set' | 'read' | 'listed'

function requireAnswer(run: FinishedRun, done: Done) {
  const { reply, stopped, death } = run
  const failed = `The variables could not be ${done}`
  if (reply === null) {
    throw new VariablesError(
      `${failed}: the Python process ${death?.description ?? 'ended'}. The next result of a run ` +
        'says what became of the session.',
    )
  }
  if (reply.error === null) return reply
  const { name, value } = reply.error
  if (name === 'ValueNotExpressible') throw new ValueNotExpressibleError('', value)
  if (name === 'NameError' && done === 'read') throw new UnknownVariableError(`${value}.`)
  if (name === 'NameError') throw new InvalidOptionError(`variables: ${value}.`)
  const limit =
    stopped?.type === 'timeout' ? ` The time limit of ${stopped.ms} ms was reached.` : ''
  throw new VariablesError(`${failed}: ${name}: ${value}${limit}`)
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
