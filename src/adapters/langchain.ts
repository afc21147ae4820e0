/** Python for LangChain.js and LangGraph.js. */
import { ToolMessage, type MessageContent } from '@langchain/core/messages'
import type { ToolCall } from '@langchain/core/messages/tool'
import { StructuredTool, ToolInputParsingException } from '@langchain/core/tools'
import type {
  StructuredToolCallInput,
  ToolReturnType,
  ToolRunnableConfig,
} from '@langchain/core/tools'
import type { OnOutput } from '../toolset/output-listener.js'
import type { ToolAnswer } from '../toolset/model-text.js'
import type { Tool } from '../toolset/tool.js'
import { modelAnswer, toolContext, type AdapterOptions, type PythonTools } from './adapter.js'

/** What LangChain tells a tool of a call: the config of the run. */
export type LangChainCall = ToolRunnableConfig

/** Options of {@link langChainTools}. */
export type LangChainOptions = AdapterOptions<LangChainCall>

/**
 * The tools of a toolset as LangChain tools. The content of their messages is what a model sees, text and
 * images; the artifact is the whole answer. Calls use the session of `configurable.thread_id`.
 */
export function langChainTools(
  toolset: PythonTools,
  options: LangChainOptions = {},
): StructuredTool[] {
  return toolset.tools().map((tool) => new PythonTool(tool, options))
}

class PythonTool extends StructuredTool {
  readonly name: string
  readonly description: string
  readonly schema: StructuredTool['schema']
  override readonly responseFormat = 'content_and_artifact'
  readonly #tool: Tool<ToolAnswer>
  readonly #options: LangChainOptions

  constructor(tool: Tool<ToolAnswer>, options: LangChainOptions) {
    super()
    this.name = tool.name
    this.description = tool.description
    this.schema = tool.inputSchema as StructuredTool['schema']
    this.#tool = tool
    this.#options = options
  }

  static override lc_name(): string {
    return 'PythonTool'
  }

  /** Answers also what a model mistypes, which LangChain throws: not every loop would catch that. */
  override async invoke<
    Input extends StructuredToolCallInput,
    Config extends ToolRunnableConfig | undefined,
  >(input: Input, config?: Config): Promise<ToolReturnType<Input, Config, unknown>> {
    try {
      return (await super.invoke(input, config)) as ToolReturnType<Input, Config, unknown>
    } catch (error) {
      if (!(error instanceof ToolInputParsingException)) throw error
      const call = isToolCall(input) ? input : config?.toolCall
      const [content, artifact] = await this._call(call?.args ?? input, undefined, config)
      const { name } = this
      const message = { content, artifact, name, status: 'error' as const }
      const answer = call?.id ? new ToolMessage({ ...message, tool_call_id: call.id }) : content
      return answer as ToolReturnType<Input, Config, unknown>
    }
  }

  protected override async _call(
    input: unknown,
    _run: unknown,
    config: LangChainCall = {},
  ): Promise<[content: MessageContent, artifact: ToolAnswer]> {
    const answer = await this.#tool.execute(
      input,
      toolContext(this.#options, {
        context: config,
        client_id: config.configurable?.['thread_id'],
        signal: config.signal,
        onOutput: writerOf(config),
      }),
    )
    const { text, images } = modelAnswer(this.#tool, answer, this.#options)
    const shown = images.map(({ mediaType, base64 }) => ({
      type: 'image_url',
      image_url: { url: `data:${mediaType};base64,${base64}` },
    }))
    return [shown.length === 0 ? text : [{ type: 'text', text }, ...shown], answer]
  }
}

function isToolCall(input: unknown): input is ToolCall {
  return typeof input === 'object' && input !== null && Reflect.get(input, 'type') === 'tool_call'
}

/** LangGraph's way to stream what comes from within a node. */
function writerOf(config: object): OnOutput | undefined {
  const writer: unknown = Reflect.get(config, 'writer')
  return isWriter(writer) ? (output) => writer(output) : undefined
}

function isWriter(value: unknown): value is (chunk: unknown) => void {
  return typeof value === 'function'
}
