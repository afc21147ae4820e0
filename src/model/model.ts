/** Which model is meant: one of the AI SDK's, or one of a service named by its URL. */
import type { MetadataExtractor } from '@ai-sdk/openai-compatible'
import type { LanguageModel } from 'ai'
import { InvalidOptionError } from '../errors.js'

/** A model of a service that speaks the OpenAI chat completions format. */
export interface ServiceModel {
  /** The model's name, as the service knows it, e.g. `anthropic/claude-sonnet-4.5`. */
  readonly model: string
  /** Where the service is, up to `/v1`. @default OpenRouter's */
  readonly baseURL?: string | undefined
  /**
   * @default `OPENROUTER_API_KEY` of the environment, if the service is OpenRouter; else `API_KEY`, if
   * there is one
   */
  readonly apiKey?: string | undefined
}

/** A model object of the AI SDK, or a service. */
export type AgentModel = LanguageModel | ServiceModel

const OPENROUTER = 'https://openrouter.ai/api/v1'
/** Under which name the metadata of an answer has what {@link refusalIn} finds. */
const METADATA = 'pythonInterpreterToolset'

/** Whether it can be one, as far as its form tells. */
export function isModel(value: unknown): value is AgentModel {
  if (typeof value === 'string') return value !== ''
  if (typeof value !== 'object' || value === null) return false
  if ('specificationVersion' in value) return true
  const { model, baseURL, apiKey } = value as Record<string, unknown>
  const texts = [baseURL, apiKey].every((text) => text === undefined || typeof text === 'string')
  return (
    texts && typeof model === 'string' && (typeof baseURL !== 'string' || URL.canParse(baseURL))
  )
}

/**
 * Prepares a model, which is loaded when it is asked for.
 *
 * @param what - wants it, for the error
 * @throws InvalidOptionError where a service wants a key and there is none
 */
export function modelLoader(model: AgentModel, what: string): () => Promise<LanguageModel> {
  if (!isService(model)) return () => Promise.resolve(model)
  const { baseURL = OPENROUTER } = model
  const apiKey = model.apiKey ?? keyFor(baseURL)
  if (apiKey === undefined && baseURL === OPENROUTER) {
    throw new InvalidOptionError(
      `${what}: model: there is no key for OpenRouter (${OPENROUTER}). Set OPENROUTER_API_KEY or ` +
        'API_KEY in the environment, or pass apiKey; for another service, pass baseURL.',
    )
  }
  return async () => {
    const { createOpenAICompatible } = await importClient()
    const service = createOpenAICompatible({
      name: new URL(baseURL).hostname,
      baseURL,
      ...(apiKey === undefined ? {} : { apiKey }),
      includeUsage: true,
      metadataExtractor: REFUSALS,
    })
    return service(model.model)
  }
}

/** Why the model will not do what it was asked for; empty where it did not say that. */
export function refusalIn(metadata: Readonly<Record<string, unknown>> | undefined): string {
  const own = metadata?.[METADATA]
  const refusal: unknown = typeof own === 'object' && own !== null && Reflect.get(own, 'refusal')
  return typeof refusal === 'string' ? refusal : ''
}

function isService(model: AgentModel): model is ServiceModel {
  return typeof model === 'object' && !('specificationVersion' in model)
}

/** A key of OpenRouter's goes to nobody else. */
function keyFor(baseURL: string): string | undefined {
  const { OPENROUTER_API_KEY, API_KEY } = process.env
  const key = baseURL === OPENROUTER ? OPENROUTER_API_KEY || API_KEY : API_KEY
  return key === '' ? undefined : key
}

async function importClient() {
  try {
    return await import('@ai-sdk/openai-compatible')
  } catch (error) {
    throw new InvalidOptionError(
      'A model that is named by its service needs the package @ai-sdk/openai-compatible: ' +
        `npm install @ai-sdk/openai-compatible; or pass a model object of the AI SDK. (${String(error)})`,
    )
  }
}

/** Refusals have a field of their own in that format, which the AI SDK's client does not read. */
const REFUSALS: MetadataExtractor = {
  extractMetadata: ({ parsedBody }) =>
    Promise.resolve({ [METADATA]: { refusal: refusalOf(parsedBody, 'message') } }),
  createStreamExtractor: () => {
    let refusal = ''
    return {
      processChunk: (chunk) => (refusal += refusalOf(chunk, 'delta')),
      buildMetadata: () => ({ [METADATA]: { refusal } }),
    }
  },
}

interface WithChoices {
  readonly choices?: readonly Partial<
    Record<'delta' | 'message', { readonly refusal?: unknown } | null>
  >[]
}

function refusalOf(body: unknown, part: 'delta' | 'message'): string {
  const refusal = (body as WithChoices | null)?.choices?.[0]?.[part]?.refusal
  return typeof refusal === 'string' ? refusal : ''
}
