/** The input of a tool as JSON Schema, for services that take that. */
import { z } from 'zod'
import type { Tool } from '../toolset/tool.js'

/** A JSON Schema of an object, of draft 2020-12; what it uses is the same in draft 7. */
export interface InputSchema {
  type: 'object'
  properties: Record<string, unknown>
  required: string[]
  additionalProperties: false
  [keyword: string]: unknown
}

/**
 * What a tool takes.
 *
 * @param strict - for services that force a model to keep to a schema: they want every property to be
 *   required, those that may be left out are null instead, and know no lengths of texts
 */
export function inputSchema(tool: Tool, { strict = false } = {}): InputSchema {
  const schema = z.toJSONSchema(tool.inputSchema, {
    override: ({ jsonSchema }) => {
      if (!strict) return
      delete jsonSchema.minLength
      delete jsonSchema.maxLength
      if (jsonSchema.properties) jsonSchema.required = Object.keys(jsonSchema.properties)
    },
  })
  delete schema.$schema // all services suppose this draft
  return { required: [], ...schema } as unknown as InputSchema
}
