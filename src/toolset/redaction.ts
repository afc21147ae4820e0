/** Taking the secrets that a user has named out of what a toolset answers. */
import { InvalidOptionError, PythonInterpreterError } from '../errors.js'
import type { JsonValue } from '../engine/engine.js'
import { REDACTED, Secrets } from '../interpreter/secrets.js'
import type { RunFields } from './result.js'

/** Shorter ones would be found everywhere by chance. */
const MIN_CHARACTERS = 4

/** Values that nobody is to read, or an object whose values they are. */
export type SecretValues = readonly string[] | Readonly<Record<string, string>>

/**
 * The secrets of a toolset; null if it has none.
 *
 * @throws InvalidOptionError for one that is too short; no message has its value
 */
export function secretsOf(given: SecretValues | undefined): Secrets | null {
  if (given === undefined) return null
  for (const [name, secret] of Object.entries(given)) {
    if (typeof secret !== 'string' || secret.length < MIN_CHARACTERS) {
      throw new InvalidOptionError(
        `secrets: ${name} must be a text of at least ${MIN_CHARACTERS} characters: shorter ones would ` +
          'be found everywhere. Leave out those that are not set.',
      )
    }
    if (REDACTED.includes(secret)) {
      throw new InvalidOptionError(`secrets: ${name} is a part of what stands in its place.`)
    }
  }
  const secrets = Object.values(given)
  return secrets.length === 0 ? null : new Secrets(secrets)
}

/** What a run has said, and what is said of it, by field; the others are names, numbers and images. */
const SAID = [
  'result',
  'stdout',
  'stderr',
  'error',
  'notices',
  'late_outputs',
  'survivors',
  'charts',
  'restart_reason',
  'hint',
] as const

type Said = Partial<RunFields & { error: unknown }>

/** The same fields of a result without secrets. */
export function withoutSecrets<T extends Said>(fields: T, secrets: Secrets | null): T {
  if (secrets === null) return fields
  const redacted: Record<string, unknown> = { ...fields }
  for (const field of SAID) {
    if (fields[field] !== undefined) redacted[field] = secrets.redactJson(asJson(fields[field]))
  }
  if (fields.outputs !== undefined) {
    redacted['outputs'] = fields.outputs.map((output) =>
      'data' in output ? secrets.redactOutput(output) : secrets.redactJson(asJson(output)),
    )
  }
  if (fields.files !== undefined) {
    redacted['files'] = fields.files.map((file) => ({ ...file, path: secrets.redact(file.path) }))
  }
  return redacted as T
}

/** What consists of JSON, without secrets. */
export function redacted<T>(value: T, secrets: Secrets | null): T {
  return secrets === null ? value : (secrets.redactJson(asJson(value)) as T)
}

/**
 * Takes secrets out of what an error of ours says, and what caused it: the same error, for callers tell
 * by its class. Others, and the reason of an abort, belong to the caller.
 */
export function redactError(error: unknown, secrets: Secrets | null): void {
  if (secrets === null || !(error instanceof PythonInterpreterError)) return
  redactTexts(error, secrets)
  if (error.code === 'ABORTED') return
  for (let { cause } = error; cause instanceof Error; cause = cause.cause) {
    redactTexts(cause, secrets)
  }
}

/** Message, stack and whatever else is a text. */
function redactTexts(error: Error, secrets: Secrets): void {
  for (const name of Object.getOwnPropertyNames(error)) {
    const value: unknown = Reflect.get(error, name)
    if (typeof value === 'string') Reflect.set(error, name, secrets.redact(value))
  }
}

/** What consists of JSON, although its type is an interface, which TypeScript takes for more than that. */
function asJson(value: unknown): JsonValue {
  return value as JsonValue
}
