/** Tools as the AI SDK wants them. */
import { dynamicTool, jsonSchema, type JSONSchema7, type ToolSet as ModelTools } from 'ai'
import { z } from 'zod'
import type { Tool } from '../toolset/tool.js'

/** What a call has come to. */
export interface Answered {
  readonly answer: object
  /** What the model reads of it. */
  readonly text: string
}

/** Carries out a call of a tool. */
export type Perform = (
  tool: Tool,
  input: unknown,
  call: { readonly id: string; readonly signal: AbortSignal | undefined },
) => Promise<Answered>

/** Makes tools for a model, whose calls `perform` carries out. */
export function modelTools(tools: Iterable<Tool>, perform: Perform): ModelTools {
  return Object.fromEntries([...tools].map((tool) => [tool.name, modelTool(tool, perform)]))
}

function modelTool(tool: Tool, perform: Perform) {
  return dynamicTool({
    description: tool.description,
    // Not the schema itself: what does not fit it is answered by the tool, in words for a model.
    inputSchema: jsonSchema(z.toJSONSchema(tool.inputSchema) as JSONSchema7),
    execute: (input, { toolCallId: id, abortSignal: signal }) =>
      perform(tool, input, { id, signal }),
    toModelOutput: ({ output }) => {
      const { answer, text } = output as Answered
      return { type: hasFailed(answer) ? 'error-text' : 'text', value: text }
    },
  })
}

/** Whether an answer says that what the model wanted did not work. */
export function hasFailed(answer: object): boolean {
  return 'success' in answer && answer.success === false
}
