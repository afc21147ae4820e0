/** Checks what callers pass against its schema, and says what is wrong with it. */
import { z } from 'zod'
import { InvalidOptionError } from './errors.js'

/** The longest time that setTimeout can wait for. */
export const MAX_TIMEOUT_MS = 2 ** 31 - 1

/** The value as the schema gives it back, or an error that names `what` and each mistake. */
export function parse<T extends z.ZodObject>(schema: T, value: unknown, what: string): z.output<T> {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const mistakes = parsed.error.issues.flatMap(mistakesIn)
  const sentences = mistakes.map((mistake) => describe(mistake, schema))
  throw new InvalidOptionError(`${what}: ${sentences.join('; ')}`)
}

type Path = readonly PropertyKey[]

interface Mistake {
  readonly path: Path
  readonly message: string
  readonly hasUnknownKey: boolean
}

function mistakesIn(issue: z.core.$ZodIssue): Mistake[] {
  const { path, message } = issue
  if (issue.code !== 'invalid_union') {
    return [{ path, message, hasUnknownKey: issue.code === 'unrecognized_keys' }]
  }
  // The form that was meant is the one that only a part of the value does not fit.
  const meant = issue.errors.find((inner) => inner.every((one) => one.path.length > 0))
  if (meant !== undefined) {
    return meant.flatMap(mistakesIn).map((inner) => ({ ...inner, path: [...path, ...inner.path] }))
  }
  const forms = issue.errors.flat().map((one) => (one.code === 'invalid_type' ? one.expected : one))
  const expected = forms.map((form) => (typeof form === 'string' ? form : form.message))
  return [{ path, message: `${message}: expected ${expected.join(' or ')}`, hasUnknownKey: false }]
}

function describe({ path, message, hasUnknownKey }: Mistake, schema: z.ZodType): string {
  const known = hasUnknownKey ? ` (there are: ${keysAt(schema, path).join(', ')})` : ''
  return (path.length > 0 ? `${path.join('.')}: ${message}` : message) + known
}

/** The keys of the object that a path leads to. */
function keysAt(schema: unknown, path: Path): string[] {
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodOptional) {
    return keysAt(schema.unwrap(), path)
  }
  if (schema instanceof z.ZodUnion) return schema.options.flatMap((form) => keysAt(form, path))
  if (!(schema instanceof z.ZodObject)) return []
  const [key, ...rest] = path
  return key === undefined
    ? Object.keys(schema.shape)
    : keysAt(Reflect.get(schema.shape, key), rest)
}
