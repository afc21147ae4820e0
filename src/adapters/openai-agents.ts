/** Python for the OpenAI Agents SDK. */
import { getCurrentTrace, tool as openAiTool, type FunctionTool } from '@openai/agents'
import type { RunContext } from '@openai/agents'
import type { ToolAnswer } from '../toolset/model-text.js'
import type { Tool } from '../toolset/tool.js'
import {
  clientIdIn,
  modelAnswer,
  toolContext,
  type AdapterOptions,
  type PythonTools,
} from './adapter.js'
import { inputSchema, type InputSchema } from './input-schema.js'

/** What the Agents SDK tells a tool of a call. */
export interface OpenAIAgentsCall {
  readonly runContext: RunContext | undefined
  /** The id of the model's call. */
  readonly callId: string | undefined
}

/** Options of {@link openAIAgentsTools}. */
export type OpenAIAgentsOptions = AdapterOptions<OpenAIAgentsCall>

/**
 * The tools of a toolset as function tools, in strict mode. A model sees their text and images. Calls use
 * the session that the run's `context` names as `client_id`, or that of its `groupId`, which is part of the
 * trace and is not known where tracing is off.
 */
export function openAIAgentsTools(
  toolset: PythonTools,
  options: OpenAIAgentsOptions = {},
): FunctionTool<unknown, InputSchema>[] {
  return toolset.tools().map((tool) => adapted(tool, options))
}

function adapted(tool: Tool<ToolAnswer>, options: OpenAIAgentsOptions) {
  return openAiTool({
    name: tool.name,
    description: tool.description,
    // Not as zod: the SDK would tell a model only that something is wrong with its input.
    parameters: inputSchema(tool, { strict: true }),
    execute: async (input, runContext, details) => {
      const call = { runContext, callId: details?.toolCall?.callId }
      const context = toolContext(options, {
        context: call,
        client_id: clientIdIn(runContext?.context) ?? getCurrentTrace()?.groupId,
        signal: details?.signal,
      })
      const { text, images } = modelAnswer(tool, await tool.execute(input, context), options)
      if (images.length === 0) return text
      const shown = images.map(({ mediaType, base64 }) => ({
        type: 'image' as const,
        image: `data:${mediaType};base64,${base64}`,
      }))
      return [{ type: 'text' as const, text }, ...shown]
    },
  })
}
