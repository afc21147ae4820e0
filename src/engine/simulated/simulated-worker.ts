/** One session of simulated Python: the runs so far are its memory. */
import {
  stepCountIs,
  streamText,
  type LanguageModel,
  type ModelMessage,
  type TextStreamPart,
  type ToolSet,
} from 'ai'
import { v4 as uuid } from 'uuid'
import type { ZodType } from 'zod'
import { modelError } from '../../model/model-errors.js'
import { refusalIn } from '../../model/model.js'
import type {
  Checkpoint,
  Exit,
  InterpreterSpec,
  JsonValue,
  Output,
  Restored,
  RunError,
  RunOutcome,
  RunReply,
  RunRequest,
  Worker,
  WorkerListener,
} from '../engine.js'
import { DISPLAY_CALL, ERROR_CALL, roleOf, STREAM_CALL, toolsOf, VALUE_CALL } from './role.js'

export interface SimulationSettings {
  readonly loadModel: () => Promise<LanguageModel>
  readonly maxHistoryLength: number
  readonly includeOutputs: boolean
  readonly maxRetries: number
}

/** A run that the session remembers: the code, and the calls by which the model has shown what it does. */
interface RememberedRun {
  readonly code: ModelMessage
  readonly shown: readonly ModelMessage[]
}

/** What the calls of a run have come to. */
interface Played {
  error: RunError | null
  value: { readonly json: JsonValue; readonly type: string } | null
  shown: readonly ModelMessage[]
}

const NOT_REMEMBERED =
  'The session does not remember this run: its variables are as they were before it.'
const NOTHING_RESTORED: Restored = { variables: [], variableCount: 0, threads: [] }

/** The model did not play its role. */
class SimulationFailure extends Error {
  override readonly name = 'SimulationError'
}

/** The memory of a session as it was after one of its runs. */
export class SimulatedCheckpoint implements Checkpoint {
  static #made = 0
  readonly id = uuid()
  readonly number = (SimulatedCheckpoint.#made += 1)
  readonly createdAt = new Date()
  gone = false

  constructor(
    readonly executionCount: number,
    readonly history: readonly RememberedRun[],
  ) {}

  memoryBytes(): Promise<null> {
    return Promise.resolve(null)
  }

  drop(): void {
    this.gone = true
  }
}

export class SimulatedWorker implements Worker {
  readonly pid = null
  readonly startedBy = null
  readonly unenforcedLimits = {}
  readonly restored: Restored | null
  readonly exited: Promise<Exit>
  readonly #settings: SimulationSettings
  readonly #spec: InterpreterSpec
  readonly #listener: WorkerListener
  #history: readonly RememberedRun[]
  #executionCount: number
  /** Stops what is played now. */
  #stop: AbortController | null = null
  #exit: Exit | null = null
  #resolveExited: (exit: Exit) => void = () => undefined

  constructor(
    settings: SimulationSettings,
    spec: InterpreterSpec,
    listener: WorkerListener,
    from: SimulatedCheckpoint | null,
  ) {
    this.#settings = settings
    this.#spec = spec
    this.#listener = listener
    this.#history = from?.history ?? []
    this.#executionCount = from?.executionCount ?? 0
    this.restored = from === null ? null : NOTHING_RESTORED
    this.exited = new Promise((resolve) => (this.#resolveExited = resolve))
    if (spec.checkpoint !== 'off') listener.onCheckpoint(this.#copy())
  }

  async run(request: RunRequest): Promise<RunOutcome> {
    if (this.#exit !== null) return { type: 'died', exit: this.#exit, started: false }
    const startedAt = performance.now()
    this.#listener.onStart(request.executionCount)
    const stop = new AbortController()
    this.#stop = stop
    const code: ModelMessage = {
      role: 'user',
      content: `In [${request.executionCount}]:\n${request.code}`,
    }
    let played: Played | null = null
    let failure: RunError | null = null
    try {
      played = await this.#play(request, code, stop.signal)
      this.#history = [...this.#history, { code, shown: played.shown }]
      this.#executionCount = request.executionCount
      if (this.#spec.checkpoint !== 'off') this.#listener.onCheckpoint(this.#copy())
    } catch (error) {
      failure = stop.signal.aborted ? INTERRUPTED : failureOf(error)
    }
    this.#stop = null
    // An exit may have come while the model spoke.
    const exit = this.#exit as Exit | null
    if (exit !== null) return { type: 'died', exit, started: true }
    const error = failure ?? played?.error ?? null
    const value = request.resultVarName === null ? null : (played?.value ?? null)
    const reply: RunReply = {
      completed: error === null,
      error: error ?? (value === null ? missingValue(request) : null),
      ...(value === null ? {} : { value: value.json, valueType: value.type }),
      frames: [],
      interrupted: failure === INTERRUPTED,
      notices: failure === null ? [] : [NOT_REMEMBERED],
      survivors: [],
      usage: { wall_ms: performance.now() - startedAt },
      limit: null,
    }
    return { type: 'reply', reply }
  }

  variables(): Promise<RunOutcome> {
    if (this.#exit !== null) {
      return Promise.resolve({ type: 'died', exit: this.#exit, started: false })
    }
    const reply = {
      completed: false,
      error: simulationError('Simulated Python has no variables that could be read.'),
      frames: [],
      interrupted: false,
      notices: [],
      survivors: [],
      usage: { wall_ms: 0 },
      limit: null,
    }
    return Promise.resolve({ type: 'reply', reply })
  }

  interrupt(): Promise<void> {
    this.#stop?.abort()
    return Promise.resolve()
  }

  kill(reason: string): Promise<Exit> {
    this.#exit ??= { code: null, signal: null, description: reason, traceback: '' }
    this.#stop?.abort()
    this.#resolveExited(this.#exit)
    return this.exited
  }

  memoryBytes(): Promise<null> {
    return Promise.resolve(null)
  }

  cpuSeconds(): Promise<null> {
    return Promise.resolve(null)
  }

  checkpoint(): Promise<Checkpoint> {
    const checkpoint = this.#copy()
    this.#listener.onCheckpoint(checkpoint)
    return Promise.resolve(checkpoint)
  }

  checkpointsSettled(): Promise<void> {
    return Promise.resolve()
  }

  checkpointTrouble(): Promise<string> {
    return Promise.resolve('')
  }

  #copy(): SimulatedCheckpoint {
    return new SimulatedCheckpoint(this.#executionCount, this.#history)
  }

  /** Has the model show what the code does. */
  async #play(request: RunRequest, code: ModelMessage, signal: AbortSignal): Promise<Played> {
    if (request.inputs !== null || request.resultForm !== 'json') {
      throw new SimulationFailure(
        "Simulated Python takes no inputs and answers no values with resultAs: 'js'.",
      )
    }
    const { loadModel, maxRetries } = this.#settings
    const played: Played = { error: null, value: null, shown: [] }
    const { fullStream } = streamText({
      model: await loadModel(),
      system: roleOf(request, this.#spec),
      messages: [...this.#remembered(), code],
      tools: toolsOf(request.resultVarName !== null),
      stopWhen: stepCountIs(1),
      maxRetries,
      abortSignal: signal,
      onError: () => undefined, // it is a part of the stream, too
      onStepFinish: ({ response }) => {
        played.shown = response.messages
      },
    })
    let reason = ''
    const calls = new CallsInOrder()
    for await (const part of fullStream) {
      if (part.type === 'error') throw part.error
      const call = calls.take(part)
      if (call !== null) await this.#show(request.executionCount, call, played)
      if (part.type === 'finish-step') {
        const refusal = refusalIn(part.providerMetadata)
        if (refusal !== '') throw new SimulationFailure(`The model refused: ${refusal}`)
        reason = part.finishReason
      }
    }
    if (reason !== 'stop' && reason !== 'tool-calls') {
      throw new SimulationFailure(`The model's answer was not whole (${reason || 'stopped'}).`)
    }
    return played
  }

  #remembered(): ModelMessage[] {
    const { maxHistoryLength, includeOutputs } = this.#settings
    const runs = maxHistoryLength === 0 ? [] : this.#history.slice(-maxHistoryLength)
    return runs.flatMap(({ code, shown }) => [code, ...(includeOutputs ? shown : [])])
  }

  /** Does what one call of the model says. */
  async #show(executionCount: number, { tool, input }: Call, played: Played): Promise<void> {
    // After an error nothing can come, whatever a model makes of that.
    if (played.error !== null) return
    switch (tool) {
      case 'error':
        played.error = ERROR_CALL.parse(input)
        return
      case 'value': {
        const { json, type } = VALUE_CALL.parse(input)
        played.value = { json: parsed(json), type }
        return
      }
      default:
        await this.#listener.onOutput({ executionCount, output: outputOf(tool, input) })
    }
  }
}

interface Call {
  readonly tool: string
  readonly input: unknown
}

/** The calls of an answer, each as soon as it is whole: the AI SDK tells of them at the answer's end. */
class CallsInOrder {
  /** Those that have begun and are not whole. */
  readonly #begun = new Map<string, { readonly tool: string; text: string }>()
  readonly #taken = new Set<string>()
  /** What comes after one that cannot be read waits for the end, which will say why. */
  #isReadable = true

  /** The call that is whole with this part of the answer; null where none is. */
  take(part: TextStreamPart<ToolSet>): Call | null {
    switch (part.type) {
      case 'tool-input-start':
        this.#begun.set(part.id, { tool: part.toolName, text: '' })
        return null
      case 'tool-input-delta': {
        const call = this.#begun.get(part.id)
        if (call === undefined) return null
        call.text += part.delta
        // No part of an object is an object.
        return part.delta.trimEnd().endsWith('}') ? this.#readWhole(part.id, call) : null
      }
      case 'tool-call': {
        if (this.#taken.has(part.toolCallId)) return null
        if ('invalid' in part && part.invalid === true) throw malformed(part.toolName)
        return { tool: part.toolName, input: part.input }
      }
      default:
        return null
    }
  }

  #readWhole(id: string, { tool, text }: { readonly tool: string; readonly text: string }) {
    if (!this.#isReadable) return null
    let input: unknown
    try {
      input = JSON.parse(text)
    } catch {
      return null // a brace in its middle
    }
    this.#isReadable = CALLS.get(tool)?.safeParse(input).success === true
    if (!this.#isReadable) return null
    this.#taken.add(id)
    return { tool, input }
  }
}

const CALLS = new Map<string, ZodType>([
  ['stdout', STREAM_CALL],
  ['stderr', STREAM_CALL],
  ['execute_result', STREAM_CALL],
  ['display', DISPLAY_CALL],
  ['error', ERROR_CALL],
  ['value', VALUE_CALL],
])

const INTERRUPTED: RunError = {
  name: 'KeyboardInterrupt',
  value: '',
  traceback: 'KeyboardInterrupt',
}

function outputOf(tool: string, input: unknown): Output {
  if (tool === 'display') {
    const { mime_type, content } = DISPLAY_CALL.parse(input)
    const data = { [mime_type]: mime_type === 'application/json' ? parsed(content) : content }
    return { type: 'display_data', data, metadata: {} }
  }
  const { text } = STREAM_CALL.parse(input)
  if (tool === 'execute_result') {
    return { type: 'execute_result', data: { 'text/plain': text }, metadata: {} }
  }
  return { type: 'stream', name: tool === 'stderr' ? 'stderr' : 'stdout', text }
}

function missingValue({ resultVarName: name }: RunRequest): RunError | null {
  return name === null ? null : simulationError(`The model gave no value for ${name}.`)
}

function parsed(json: string): JsonValue {
  try {
    return JSON.parse(json) as JsonValue
  } catch {
    throw new SimulationFailure(`The model gave a value that is no JSON: ${json.slice(0, 100)}`)
  }
}

function malformed(tool: string): SimulationFailure {
  return new SimulationFailure(`The model called ${tool} in a form that cannot be read.`)
}

function failureOf(error: unknown): RunError {
  if (error instanceof SimulationFailure) return simulationError(error.message)
  const { name, message } = modelError(error)
  return { name, value: message, traceback: '' }
}

function simulationError(value: string): RunError {
  return { name: 'SimulationError', value, traceback: '' }
}
