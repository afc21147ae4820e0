/** Python for the AI SDK: `generateText`, `streamText`, `ToolLoopAgent`. */
import type { Tool as AiTool } from 'ai'
import type { ToolAnswer } from '../toolset/model-text.js'
import type { Tool } from '../toolset/tool.js'
import {
  clientIdIn,
  modelAnswer,
  toolContext,
  type AdapterOptions,
  type PythonTools,
} from './adapter.js'
import { soFarAndAnswer, soFarText, type RunSoFar } from './run-so-far.js'

export type { RunSoFar } from './run-so-far.js'

/** What the AI SDK tells a tool of a call. */
export type AiSdkCall = Parameters<NonNullable<AiTool['execute']>>[1]

/** Options of {@link aiSdkTools}. */
export type AiSdkOptions = AdapterOptions<AiSdkCall>

/** A tool whose preliminary results are what its run has printed so far. */
export type AiSdkTool = AiTool<unknown, ToolAnswer | RunSoFar>

/**
 * The tools of a toolset, by name, for the AI SDK. A model sees their text and images, the program their
 * whole answers. Calls use the session that `experimental_context` (AI SDK 6) or the tool's context (7)
 * names as `client_id`.
 */
export function aiSdkTools(
  toolset: PythonTools,
  options: AiSdkOptions = {},
): Record<string, AiSdkTool> {
  return Object.fromEntries(toolset.tools().map((tool) => [tool.name, adapted(tool, options)]))
}

function adapted(tool: Tool<ToolAnswer>, options: AiSdkOptions): AiSdkTool {
  return {
    description: tool.description,
    inputSchema: tool.inputSchema,
    execute: (input, call) =>
      soFarAndAnswer((onOutput) => {
        const client_id = clientIdIn(call.experimental_context) ?? clientIdIn(contextOf(call))
        const { abortSignal: signal } = call
        const context = toolContext(options, { context: call, client_id, signal, onOutput })
        return tool.execute(input, context)
      }),
    toModelOutput: ({ output }) => {
      if (isRunSoFar(output)) return textOutput(soFarText(output))
      const { text, images } = modelAnswer(tool, output, options)
      // Services without images in tool results get text alone as text, and all else as JSON.
      if (images.length === 0) return textOutput(text)
      const shown = images.map((image) => ({
        type: 'image-data' as const,
        data: image.base64,
        mediaType: image.mediaType,
      }))
      return { type: 'content' as const, value: [{ type: 'text' as const, text }, ...shown] }
    },
  }
}

/** Of AI SDK 7. */
function contextOf(call: object): unknown {
  return Reflect.get(call, 'context')
}

/** A detached run that was waited for is `running` too, but was answered. */
function isRunSoFar(output: object): output is RunSoFar {
  return 'running' in output && !('success' in output)
}

function textOutput(value: string) {
  return { type: 'text' as const, value }
}
