/** An engine where nothing runs: a model plays Python. */
import { z } from 'zod'
import { CheckpointError, ClosedError, InvalidOptionError } from '../../errors.js'
import { isModel, modelLoader, type AgentModel } from '../../model/model.js'
import { parse } from '../../parse-options.js'
import type {
  Checkpoint,
  Engine,
  InterpreterSpec,
  ResumeOptions,
  Worker,
  WorkerListener,
} from '../engine.js'
import { SimulatedCheckpoint, SimulatedWorker } from './simulated-worker.js'

const OPENAI = 'https://api.openai.com/v1'
const CONSTRUCTOR = 'new SimulatedEngine()'

/** Options of {@link SimulatedEngine}. */
export interface SimulatedEngineOptions {
  /**
   * The name of a model of OpenAI's, a model object of the AI SDK, or `{ model, baseURL, apiKey }` of an
   * OpenAI-compatible service. @default `AIPYTHON_MODEL` of the environment, else `gpt-4o-mini`
   */
  readonly model?: AgentModel
  /** The key of OpenAI, where the model is a name. @default `OPENAI_API_KEY` of the environment */
  readonly apiKey?: string
  /**
   * How many earlier runs of its session the model remembers.
   * @default `AIPYTHON_MAX_HISTORY_LENGTH` of the environment, else 20
   */
  readonly maxHistoryLength?: number
  /** Whether it remembers what it has shown for them, and not only their code. @default true */
  readonly includeOutputs?: boolean
  /** How often a request is made again that the model's service could not answer. @default 2 */
  readonly maxRetries?: number
}

const options = z.strictObject({
  model: z
    .custom<AgentModel>(isModel, 'must be a name, a model object, or { model, baseURL, apiKey }')
    .optional(),
  apiKey: z.string().min(1).optional(),
  maxHistoryLength: z.int().min(0).optional(),
  includeOutputs: z.boolean().default(true),
  maxRetries: z.int().min(0).default(2),
})

/**
 * Plays Python by a model: for teaching, prototypes and places where no Python can run. Results say
 * `simulated: true`; nothing in them is computed.
 */
export class SimulatedEngine implements Engine {
  readonly isSimulated = true
  readonly #settings: ConstructorParameters<typeof SimulatedWorker>[0]
  readonly #workers = new Set<SimulatedWorker>()
  #isClosed = false

  /** @throws InvalidOptionError, also where there is no key */
  constructor(given: SimulatedEngineOptions = {}) {
    const { model, apiKey, maxHistoryLength, ...rest } = parse(options, given, CONSTRUCTOR)
    const loadModel = modelLoader(modelOf(model, apiKey), CONSTRUCTOR)
    this.#settings = {
      ...rest,
      loadModel,
      maxHistoryLength: maxHistoryLength ?? historyLengthOfEnvironment(),
    }
  }

  async start(
    spec: InterpreterSpec,
    listener: WorkerListener,
    signal: AbortSignal,
  ): Promise<Worker> {
    return this.#serve(spec, listener, signal, null)
  }

  async resume(
    checkpoint: Checkpoint,
    _options: ResumeOptions,
    spec: InterpreterSpec,
    listener: WorkerListener,
    signal: AbortSignal,
  ): Promise<Worker> {
    if (!(checkpoint instanceof SimulatedCheckpoint) || checkpoint.gone) {
      throw new CheckpointError('The checkpoint has been dropped, or is none of this engine.')
    }
    return this.#serve(spec, listener, signal, checkpoint)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await Promise.all([...this.#workers].map((worker) => worker.kill('was closed')))
  }

  #serve(
    spec: InterpreterSpec,
    listener: WorkerListener,
    signal: AbortSignal,
    from: SimulatedCheckpoint | null,
  ): Promise<Worker> {
    if (this.#isClosed) return Promise.reject(new ClosedError('The engine'))
    if (spec.hostFunctions.length > 0) {
      // A model would make up what they answer.
      return Promise.reject(
        new InvalidOptionError('Simulated Python cannot call hostTools: leave them out.'),
      )
    }
    const worker = new SimulatedWorker(this.#settings, spec, listener, from)
    this.#workers.add(worker)
    void worker.exited.then(() => this.#workers.delete(worker))
    return Promise.resolve(worker)
  }
}

function modelOf(model: AgentModel | undefined, key: string | undefined): AgentModel {
  const { AIPYTHON_MODEL, OPENAI_API_KEY } = process.env
  const name = model ?? (AIPYTHON_MODEL || 'gpt-4o-mini')
  if (typeof name !== 'string') return name
  const apiKey = key ?? OPENAI_API_KEY
  if (apiKey === undefined || apiKey === '') {
    throw new InvalidOptionError(
      `${CONSTRUCTOR}: there is no key for OpenAI. Set OPENAI_API_KEY in the environment, or pass ` +
        'apiKey; for another service, pass model: { model, baseURL, apiKey }.',
    )
  }
  return { model: name, baseURL: OPENAI, apiKey }
}

function historyLengthOfEnvironment(): number {
  const { AIPYTHON_MAX_HISTORY_LENGTH: length = '' } = process.env
  if (length === '') return 20
  if (/^\d{1,9}$/.test(length)) return Number(length)
  throw new InvalidOptionError(
    `AIPYTHON_MAX_HISTORY_LENGTH must be a whole number; it is ${JSON.stringify(length)}.`,
  )
}
