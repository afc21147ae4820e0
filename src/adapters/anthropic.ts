/** Python for the tool runner of the Anthropic SDK. */
import type {
  BetaRunnableTool,
  BetaToolRunContext,
} from '@anthropic-ai/sdk/lib/tools/BetaRunnableTool'
import { ToolError } from '@anthropic-ai/sdk/lib/tools/ToolError'
import type { ToolAnswer } from '../toolset/model-text.js'
import type { Tool } from '../toolset/tool.js'
import { modelAnswer, toolContext, type AdapterOptions, type PythonTools } from './adapter.js'
import { inputSchema } from './input-schema.js'

/** What the tool runner tells a tool of a call. */
export type AnthropicCall = BetaToolRunContext | undefined

/** Options of {@link anthropicTools}. */
export type AnthropicOptions = AdapterOptions<AnthropicCall>

/**
 * The tools of a toolset for `client.beta.messages.toolRunner()`. A model sees their text and images; what
 * failed is marked `is_error`. The SDK knows no conversations: `client_id` names the session.
 */
export function anthropicTools(
  toolset: PythonTools,
  options: AnthropicOptions = {},
): BetaRunnableTool[] {
  return toolset.tools().map((tool) => adapted(tool, options))
}

/** The service takes nothing but text in what is marked `is_error`. */
const NO_IMAGES = 'NOTICE: Its images are not shown to you, because an error can have none.'

function adapted(tool: Tool<ToolAnswer>, options: AnthropicOptions): BetaRunnableTool {
  return {
    type: 'custom',
    name: tool.name,
    description: tool.description,
    input_schema: inputSchema(tool),
    parse: (input) => input, // checked by the tool, which says more than an exception here would
    run: async (input, call) => {
      const context = toolContext(options, { context: call, signal: call?.signal })
      const answer = await tool.execute(input, context)
      const { text, images, failed } = modelAnswer(tool, answer, options)
      if (failed) throw new ToolError(images.length === 0 ? text : `${text}\n\n${NO_IMAGES}`)
      const shown = images.map(({ mediaType, base64 }) => ({
        type: 'image' as const,
        source: { type: 'base64' as const, media_type: mediaType, data: base64 },
      }))
      return [{ type: 'text' as const, text }, ...shown]
    },
  }
}
