/** What the adapters share: their options, the context of a call, and an answer as a model can see it. */
import type { ToolAnswer } from '../toolset/model-text.js'
import type { OnOutput } from '../toolset/output-listener.js'
import type { RunOutput } from '../toolset/result.js'
import type { Tool, ToolContext } from '../toolset/tool.js'

/** A `PythonInterpreterToolSet`, of which the adapters need no more. */
export interface PythonTools {
  tools(): readonly Tool<ToolAnswer>[]
}

/** Options of every adapter. `Context` is what its framework tells a tool of a call. */
export interface AdapterOptions<Context> {
  /**
   * Whose session the calls use. A function may answer undefined, as if there were no such option.
   * @default what the framework's context says, else one session for all
   */
  readonly client_id?: string | ((context: Context) => string | undefined) | undefined
  /** Hears what code says, as it says it. A promise that it answers slows the run down. */
  readonly onOutput?: ((output: RunOutput, context: Context) => void | Promise<void>) | undefined
  /** Whether images are passed to the model beside the text. @default true */
  readonly images?: boolean | undefined
}

/** What a framework tells of a call, in the toolset's terms. */
interface FrameworkCall<Context> {
  readonly context: Context
  /** Whose call it is, as far as the framework knows. */
  readonly client_id?: unknown
  readonly signal?: AbortSignal | null | undefined
  /** The framework's own way to pass on what comes while a tool executes. */
  readonly onOutput?: OnOutput | undefined
}

/** The context of a call for the toolset. */
export function toolContext<Context>(
  options: AdapterOptions<Context>,
  call: FrameworkCall<Context>,
): ToolContext {
  const { context, signal } = call
  const { client_id: option } = options
  const chosen = typeof option === 'function' ? option(context) : option
  const client_id = chosen ?? (isName(call.client_id) ? call.client_id : undefined)
  const onOutput = hearers(call.onOutput, options.onOutput, context)
  return {
    ...(client_id === undefined ? {} : { client_id }),
    ...(signal ? { signal } : {}),
    ...(onOutput === undefined ? {} : { onOutput }),
  }
}

/** The `client_id` in an object that a programmer passes through a framework to the tools. */
export function clientIdIn(value: unknown): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, 'client_id') : undefined
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}

function hearers<Context>(
  framework: OnOutput | undefined,
  programmer: AdapterOptions<Context>['onOutput'],
  context: Context,
): OnOutput | undefined {
  if (programmer === undefined) return framework
  return async (output) => {
    await framework?.(output)
    await programmer(output, context)
  }
}

/** An image in a form that model services take. */
export interface ModelImage {
  readonly mediaType: 'image/png' | 'image/jpeg' | 'image/gif' | 'image/webp'
  readonly base64: string
}

/** What a model is shown of an answer. */
export interface ModelAnswer {
  readonly text: string
  readonly images: readonly ModelImage[]
  /** Whether what was asked for failed. */
  readonly failed: boolean
}

/**
 * An answer as a model can see it. Services refuse a whole conversation for one image that they cannot
 * take; such images are left out, and the text says so.
 */
export function modelAnswer(
  tool: Tool<ToolAnswer>,
  answer: ToolAnswer,
  { images: shown = true }: { readonly images?: boolean | undefined } = {},
): ModelAnswer {
  const text = tool.toModelText(answer)
  const failed = !answer.success
  if (!shown) return { text, images: [], failed }
  const uris = imageUris(answer)
  const images = fitting(uris.flatMap(modelImage))
  const missing = uris.length - images.length
  if (missing === 0) return { text, images, failed }
  const notice = `NOTICE: ${missing} of ${uris.length} images are not shown to you: ${WHICH_ARE_SHOWN}`
  return { text: `${text}\n\n${notice}`, images, failed }
}

/** Images of one answer; more than these cost more than a model learns from them. */
const MAX_IMAGES = 10
/** Characters of their base64 together: services take no more in one image. */
const MAX_CHARACTERS = 5_000_000
const WHICH_ARE_SHOWN = `only PNG, JPEG, GIF and WebP are, at most ${MAX_IMAGES} and 5 MB together.`

/** How the base64 of each type begins. */
const BEGINNINGS: Readonly<Record<ModelImage['mediaType'], string>> = {
  'image/png': 'iVBORw0KGgo',
  'image/jpeg': '/9j/',
  'image/gif': 'R0lGOD',
  'image/webp': 'UklGR',
}

/** The images of a run, or of one that was waited for, looked at or stopped. */
function imageUris(answer: ToolAnswer): readonly string[] {
  if ('base64_uri' in answer) return answer.base64_uri ?? []
  if ('run' in answer) return answer.run.base64_uri ?? []
  return 'output' in answer ? (answer.output.base64_uri ?? []) : []
}

/** Code may display whatever it calls an image: its first bytes have to be those of its type. */
function modelImage(uri: string): ModelImage[] {
  const [, type = '', content = ''] = /^data:([^;,]+);base64,([^]*)$/.exec(uri) ?? []
  const base64 = content.replace(/\s/g, '')
  const isOne = (mediaType: string): mediaType is ModelImage['mediaType'] =>
    Object.hasOwn(BEGINNINGS, mediaType)
  if (!isOne(type) || !base64.startsWith(BEGINNINGS[type])) return []
  return [{ mediaType: type, base64 }]
}

function fitting(images: readonly ModelImage[]): ModelImage[] {
  let room = MAX_CHARACTERS
  const fit = images.filter(({ base64 }) => {
    const fits = base64.length <= room
    if (fits) room -= base64.length
    return fits
  })
  return fit.slice(0, MAX_IMAGES)
}
