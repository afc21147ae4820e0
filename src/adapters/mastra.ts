/** Python for Mastra. */
import { createTool } from '@mastra/core/tools'
import type { Tool as MastraTool, ToolExecutionContext, ValidationError } from '@mastra/core/tools'
import type { ToolAnswer } from '../toolset/model-text.js'
import type { OnOutput } from '../toolset/output-listener.js'
import type { Tool } from '../toolset/tool.js'
import { modelAnswer, toolContext, type AdapterOptions, type PythonTools } from './adapter.js'

/** What Mastra tells a tool of a call. */
export type MastraCall = Pick<
  ToolExecutionContext,
  'agent' | 'workflow' | 'abortSignal' | 'writer' | 'requestContext'
>

/** Options of {@link mastraTools}. */
export type MastraOptions = AdapterOptions<MastraCall>

/**
 * The tools of a toolset, by name, for agents and workflows of Mastra. A model sees their text and images,
 * the program their whole answers. Calls use the session of the thread, else of the resource, else of the
 * workflow's run. The writer gets each output, as `data-python-output` with the id of the call.
 */
export function mastraTools(
  toolset: PythonTools,
  options: MastraOptions = {},
): Record<string, MastraTool> {
  return Object.fromEntries(toolset.tools().map((tool) => [tool.name, adapted(tool, options)]))
}

function adapted(tool: Tool<ToolAnswer>, options: MastraOptions) {
  return createTool({
    id: tool.name,
    description: tool.description,
    inputSchema: tool.inputSchema,
    execute: (input, call) => {
      const { agent, workflow } = call
      const context = toolContext(options, {
        context: call,
        client_id: agent?.threadId ?? agent?.resourceId ?? workflow?.runId,
        signal: call.abortSignal,
        onOutput: writerOf(call),
      })
      return tool.execute(input, context)
    },
    toModelOutput: (output) => {
      if (isRefusal(output)) return { type: 'text', value: output.message }
      const { text, images } = modelAnswer(tool, output as ToolAnswer, options)
      if (images.length === 0) return { type: 'text', value: text }
      const shown = images.map(({ mediaType, base64 }) => ({
        type: 'media',
        data: base64,
        mediaType,
      }))
      return { type: 'content', value: [{ type: 'text', text }, ...shown] }
    },
  })
}

/** What Mastra answers in place of the tool to input that does not match its schema. */
function isRefusal(output: unknown): output is ValidationError {
  return typeof output === 'object' && output !== null && Reflect.get(output, 'error') === true
}

function writerOf({ writer, agent }: MastraCall): OnOutput | undefined {
  if (writer === undefined) return undefined
  const toolCallId = agent?.toolCallId
  return (output) => writer.custom({ type: 'data-python-output', data: { toolCallId, output } })
}
