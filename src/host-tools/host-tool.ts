/** Tools of the host, in whichever of the usual shapes they come. */
import { z } from 'zod'
import { InvalidOptionError } from '../errors.js'
import type { JsonSchema } from './python-function.js'

/** What a tool is told beside its input. */
export interface HostToolContext {
  /** Whose code calls it. */
  readonly client_id: string
  readonly interpreter_id: string
  /** Aborted when the code does not wait for the answer any more. */
  readonly signal: AbortSignal
}

/** A function of TypeScript that Python code can call. */
export interface HostTool<Schema extends z.ZodType = z.ZodType> {
  /** The docstring of the Python function. */
  readonly description: string
  /** An object schema: its properties are the function's parameters. */
  readonly inputSchema: Schema
  /** Of what `execute` answers, for the function's return type. */
  readonly outputSchema?: z.ZodType | undefined
  /** What it answers goes to Python as `inputs` do; what it throws is raised in the code. */
  execute(input: z.output<Schema>, context: HostToolContext): unknown
}

/** Infers the type of a tool's input from its schema. */
export function hostTool<Schema extends z.ZodType>(tool: HostTool<Schema>): HostTool<Schema> {
  return tool
}

/** A tool object of an agent framework: of the AI SDK, LangChain, Mastra, OpenAI Agents or Anthropic. */
export type FrameworkTool = object

/** A tool in the one shape that calls need. */
export interface CallableTool {
  readonly description: string
  readonly schema: JsonSchema
  readonly answer: JsonSchema | null
  /** Answers the input as its schema makes it of what is given. */
  validate(given: unknown): Promise<unknown>
  /** Whether a person has to agree to this call, as the tool itself says of a valid input. */
  needsApproval(input: unknown, context: HostToolContext): Promise<boolean>
  call(input: ToolInput, context: HostToolContext): Promise<unknown>
}

/** What a tool is called with: some validate it themselves. */
export interface ToolInput {
  readonly given: unknown
  readonly valid: unknown
}

/**
 * Reads a tool, by its shape.
 *
 * @throws InvalidOptionError for what is none
 */
export function callableTool(name: string, tool: unknown): CallableTool {
  const fields = fieldsOf(tool)
  const { description, inputSchema, parameters, input_schema } = fields
  const schema = inputSchema ?? fields['schema'] ?? parameters ?? input_schema
  const call = callOf(tool)
  if (typeof description !== 'string' || call === null) throw noTool(name)
  return {
    description,
    schema: objectSchema(name, schema),
    answer: answerSchema(fields['outputSchema']),
    validate: (given) => validated(tool, schema, given),
    needsApproval: async (input, context) => {
      const needs = fields['needsApproval'] ?? fields['requireApproval']
      if (!isFunction(needs)) return needs === true
      // The AI SDK passes the input first, OpenAI Agents what it calls a run context.
      const isOfAgents = isFunction(fields['invoke'])
      const told = isOfAgents ? [{ context }, input] : [input, frameworkContext(context)]
      return Boolean(await Reflect.apply(needs, tool, told))
    },
    call: async (input, context) => lastOf(await call(input, context)),
  }
}

type Fields = Readonly<Record<string, unknown>>
type Call = (input: ToolInput, context: HostToolContext) => unknown

/** How a tool of this shape is called; null for what has no such shape. */
function callOf(tool: unknown): Call | null {
  const [execute, invoke, run] = ['execute', 'invoke', 'run'].map((name) => {
    const method = fieldsOf(tool)[name]
    return isFunction(method) ? method.bind(tool) : undefined
  })
  if (execute !== undefined) {
    return ({ valid }, context) => execute(valid, frameworkContext(context))
  }
  // OpenAI Agents: a text of JSON, which the tool validates.
  if (invoke !== undefined && fieldsOf(tool)['type'] === 'function') {
    return ({ given }, context) =>
      invoke({ context }, JSON.stringify(given), { signal: context.signal })
  }
  // LangChain, which validates too.
  if (invoke !== undefined) {
    return ({ given }, { client_id: thread, signal }) =>
      invoke(given, { signal, configurable: { thread_id: thread } })
  }
  // Anthropic's tool runner.
  if (run !== undefined) {
    return ({ valid }, context) => run(valid, context)
  }
  return null
}

/** What tools of the AI SDK and of Mastra are told, beside what ours are. */
function frameworkContext(context: HostToolContext) {
  return {
    ...context,
    abortSignal: context.signal,
    toolCallId: context.interpreter_id,
    messages: [],
  }
}

/** Of a tool that answers several times, what it answers last counts. */
async function lastOf(answer: unknown): Promise<unknown> {
  if (!isAsyncIterable(answer)) return answer
  let last: unknown
  for await (const one of answer) last = one
  return last
}

/** https://standardschema.dev: what zod, valibot, arktype and others have in common. */
interface StandardSchema {
  readonly '~standard': {
    validate(value: unknown): unknown
  }
}

async function validated(tool: unknown, schema: unknown, input: unknown): Promise<unknown> {
  if (hasStandard(schema)) {
    const { issues, value } = fieldsOf(await schema['~standard'].validate(input))
    if (Array.isArray(issues)) throw new TypeError(issues.map(issueText).join('; '))
    return value
  }
  // Anthropic's tools have it themselves.
  const { parse } = fieldsOf(tool)
  if (isFunction(parse)) return Reflect.apply(parse, tool, [input])
  // The AI SDK's jsonSchema(), which need not have it.
  const { validate } = fieldsOf(schema)
  if (!isFunction(validate)) return input
  const { success, value, error } = fieldsOf(await validate(input))
  if (success === false) throw error
  return value
}

function issueText(issue: unknown): string {
  const { message, path } = fieldsOf(issue)
  const steps = Array.isArray(path)
    ? path.map((step) => String(typeof step === 'object' ? fieldsOf(step)['key'] : step))
    : []
  return [steps.join('.'), String(message)].filter((part) => part !== '').join(': ')
}

function objectSchema(name: string, schema: unknown): JsonSchema {
  try {
    const found = jsonSchemaOf(schema, 'input')
    if (found['type'] === 'object') return found
  } catch (error) {
    throw new InvalidOptionError(
      `hostTools.${name}: its schema cannot be told as JSON Schema: ${String(error)}`,
    )
  }
  throw new InvalidOptionError(
    `hostTools.${name} needs a schema of an object, made with zod 4 or as JSON Schema.`,
  )
}

/** It is only for the reader: one that cannot be told does no harm. */
function answerSchema(schema: unknown): JsonSchema | null {
  try {
    return schema == null ? null : jsonSchemaOf(schema, 'output')
  } catch {
    return null
  }
}

function jsonSchemaOf(schema: unknown, io: 'input' | 'output'): JsonSchema {
  if ('_zod' in fieldsOf(schema)) {
    return z.toJSONSchema(schema as z.ZodType, { io, unrepresentable: 'any' })
  }
  // The AI SDK's lazy schemas are functions.
  const made: unknown = isFunction(schema) ? schema() : schema
  return fieldsOf(fieldsOf(made)['jsonSchema'] ?? standardJsonSchema(made, io) ?? made)
}

/** https://standardschema.dev/json-schema */
function standardJsonSchema(schema: unknown, io: 'input' | 'output'): unknown {
  const convert = fieldsOf(fieldsOf(fieldsOf(schema)['~standard'])['jsonSchema'])[io]
  return isFunction(convert) ? convert({ target: 'draft-2020-12' }) : undefined
}

function noTool(name: string): InvalidOptionError {
  return new InvalidOptionError(
    `hostTools.${name} is no tool: it needs a description, an inputSchema and execute(), or to be a ` +
      'tool of the AI SDK, LangChain, Mastra, OpenAI Agents or Anthropic.',
  )
}

function fieldsOf(value: unknown): Fields {
  const isObject = (typeof value === 'object' && value !== null) || typeof value === 'function'
  // Methods of classes need their object.
  return isObject ? (value as Fields) : {}
}

function isFunction(value: unknown): value is (...args: unknown[]) => unknown {
  return typeof value === 'function'
}

function hasStandard(value: unknown): value is StandardSchema {
  return isFunction(fieldsOf(fieldsOf(value)['~standard'])['validate'])
}

function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value
}
