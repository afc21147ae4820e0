/** Python for any service with function calling: definitions in JSON Schema, and calls by name. */
import type { ToolAnswer } from '../toolset/model-text.js'
import type { ToolContext } from '../toolset/tool.js'
import { modelAnswer, type ModelAnswer, type PythonTools } from './adapter.js'
import { inputSchema, type InputSchema } from './input-schema.js'

export type { ModelAnswer, ModelImage } from './adapter.js'
export type { InputSchema } from './input-schema.js'

/** Options of {@link functionTools}. */
export interface FunctionToolsOptions {
  /**
   * Whether the schemas are for services that force a model to keep to them: all properties are
   * required, and null where there is nothing to say. @default false
   */
  readonly strict?: boolean
  /** Whether answers have images beside the text. @default true */
  readonly images?: boolean
}

/** A function as a service is told of it. */
export interface FunctionDefinition {
  readonly name: string
  readonly description: string
  readonly parameters: InputSchema
}

/** What a call answers. */
export interface FunctionAnswer extends ModelAnswer {
  /** The whole answer of the tool; absent where no tool was called. */
  readonly result?: ToolAnswer
}

/** Functions for a model to call. */
export interface FunctionTools {
  readonly definitions: readonly FunctionDefinition[]
  /**
   * Carries out a model's call. Whatever the model typed is answered, also arguments that are no JSON and
   * functions that do not exist.
   *
   * @param input - as the service gives it: JSON, or already parsed
   * @param context - whose session it is, what aborts the call, and who hears its output
   * @throws AbortedError, and what `onOutput` throws
   */
  readonly call: (name: string, input: unknown, context?: ToolContext) => Promise<FunctionAnswer>
}

/** The tools of a toolset as functions, for the API of any model. */
export function functionTools(
  toolset: PythonTools,
  options: FunctionToolsOptions = {},
): FunctionTools {
  const tools = toolset.tools()
  return {
    definitions: tools.map((tool) => ({
      name: tool.name,
      description: tool.description,
      parameters: inputSchema(tool, options),
    })),
    call: async (name, input, context = {}) => {
      const tool = tools.find((one) => one.name === name)
      if (tool === undefined) {
        const names = tools.map((one) => one.name).join(' and ')
        return refusal(`There is no function ${JSON.stringify(name)}. There are ${names}.`)
      }
      const parsed = parsedJson(input)
      if ('problem' in parsed) {
        return refusal(`The arguments of ${name} are not valid JSON: ${parsed.problem}`)
      }
      const result = await tool.execute(parsed.value, context)
      return { ...modelAnswer(tool, result, options), result }
    },
  }
}

function refusal(sentence: string): FunctionAnswer {
  return { text: `error:\n${sentence}`, images: [], failed: true }
}

function parsedJson(input: unknown): { value: unknown } | { problem: string } {
  if (typeof input !== 'string') return { value: input }
  try {
    return { value: JSON.parse(input) }
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) }
  }
}
