/**
 * The messages that Node and the worker exchange over ZeroMQ; the twin of `protocol.py`, which also
 * describes the control frames in the output pipes.
 */
import { z } from 'zod'
import { LIMIT_NAMES, type JsonValue, type ValueForm } from '../engine/engine.js'

/** Both sides must be of the same version: they ship in one package. */
export const PROTOCOL_VERSION = 1

/**
 * So deep may JSON be nested, values with their tags included: what reads it later may do so by
 * recursion.
 */
const MAX_DEPTH = 1000

/** The exit code of a worker whose Python lacks pyzmq. */
export const EXIT_NO_PYZMQ = 86

/** Node asks for a run, about variables or for a checkpoint, or answers what a run has asked for. */
export type NodeMessage =
  | {
      type: 'run'
      run: number
      code: string
      echo: 'all' | 'last' | 'none'
      result_var_name: string | null
      /** Whether the run may send `input`. */
      can_ask: boolean
      /** Where the value is not to be plain JSON. */
      value_form?: ValueForm
      /** Frames with values follow. */
      inputs?: true
    }
  | { type: 'variables'; run: number; names: readonly string[] | null; value_form: ValueForm }
  | { type: 'answer'; number: number; text: string | null; error: string | null; inputs?: true }
  | { type: 'checkpoint'; id: string }

// Whatever JSON.parse gives is one; to look through a million items again would take a second.
const json = z.custom<JsonValue>()

const error = z.object({ name: z.string(), value: z.string(), traceback: z.string() })
/** The number of the pipes that the next run writes to, if they are new. */
const pipes = z.int().min(1).nullable()

const usage = z.object({
  wall_ms: z.number(),
  cpu_ms: z.number(),
  process_peak_memory_bytes: z.number().optional(),
})

const workerMessage = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('ready'),
    protocol: z.literal(PROTOCOL_VERSION),
    error: error.nullable(),
    pipes,
    // Of one that goes on from a checkpoint.
    variables: z.array(z.string()).default([]),
    variable_count: z.number().default(0),
    threads: z.array(z.string()).default([]),
  }),
  z.object({
    type: z.literal('reply'),
    run: z.number(),
    completed: z.boolean(),
    error: error.nullable(),
    value: json.optional(),
    value_type: z.string().optional(),
    hint: z.string().optional(),
    notices: z.array(z.string()),
    survivors: z.array(z.string()).default([]),
    interrupted: z.boolean(),
    usage,
    limit: z.enum(LIMIT_NAMES).optional(),
    pipes,
  }),
  z.object({
    type: z.literal('input'),
    run: z.number(),
    number: z.number(),
    prompt: z.string(),
    password: z.boolean(),
  }),
  z.object({
    type: z.literal('call'),
    run: z.number(),
    number: z.number(),
    tool: z.string(),
    arguments: json,
  }),
  z.object({ type: z.literal('cancel'), run: z.number(), number: z.number() }),
  z.object({ type: z.literal('checkpoint'), id: z.string(), trouble: z.string().nullable() }),
  z.object({ type: z.literal('error'), message: z.string() }),
])

/**
 * What a worker says: `ready` once, then a `reply`, `checkpoint` or `error` to each message, and
 * before a `reply` any number of `input` and `call`, each of which waits for its `answer`, unless a
 * `cancel` says that it does not any more.
 */
export type WorkerMessage = z.infer<typeof workerMessage>
export type ReplyMessage = Extract<WorkerMessage, { type: 'reply' }>
export type InputMessage = Extract<WorkerMessage, { type: 'input' }>
export type CallMessage = Extract<WorkerMessage, { type: 'call' }>
export type ReadyMessage = Extract<WorkerMessage, { type: 'ready' }>

const bundle = {
  data: z.record(z.string(), json),
  metadata: z.record(z.string(), json),
}

const output = z.discriminatedUnion('type', [
  z.object({ type: z.literal('display_data'), display_id: z.string().optional(), ...bundle }),
  z.object({ type: z.literal('update_display_data'), display_id: z.string(), ...bundle }),
  z.object({ type: z.literal('execute_result'), ...bundle }),
  z.object({ type: z.literal('clear_output'), wait: z.boolean() }),
])

/** An output that is no text of a stream, or null if the bytes are none. */
export function decodeOutput(bytes: Buffer): z.infer<typeof output> | null {
  return parse(output, bytes)
}

/** A message as its frame. */
export function encodeMessage(message: NodeMessage): string {
  return JSON.stringify(message)
}

/** The message in the first of a worker's frames, or null if they are none. */
export function decodeMessage(frames: readonly Buffer[]): WorkerMessage | null {
  const message = frames[0] === undefined ? null : parse(workerMessage, frames[0])
  // Only values have others.
  return frames.length > 1 && message?.type !== 'reply' ? null : message
}

function parse<T extends z.ZodType>(schema: T, bytes: Buffer): z.output<T> | null {
  try {
    if (isTooDeep(bytes)) return null
    return schema.parse(JSON.parse(bytes.toString('utf8')))
  } catch {
    return null
  }
}

const [QUOTE, BACKSLASH] = [0x22, 0x5c]
const OPENING = [0x5b, 0x7b]
const CLOSING = [0x5d, 0x7d]

function isTooDeep(json: Buffer): boolean {
  // Most have not even as many brackets, which is found out sooner.
  if (!OPENING.some((bracket) => hasMoreThan(MAX_DEPTH / 2, bracket, json))) return false
  let depth = 0
  for (let at = 0; at < json.length; at += 1) {
    const byte = json[at] ?? 0
    if (byte === QUOTE) at = endOfString(json, at)
    else if (OPENING.includes(byte)) depth += 1
    else if (CLOSING.includes(byte)) depth -= 1
    if (depth > MAX_DEPTH) return true
  }
  return false
}

function hasMoreThan(most: number, byte: number, bytes: Buffer): boolean {
  let at = bytes.indexOf(byte)
  for (let count = 0; count < most && at !== -1; count += 1) at = bytes.indexOf(byte, at + 1)
  return at !== -1
}

function endOfString(json: Buffer, from: number): number {
  for (;;) {
    const quote = json.indexOf(QUOTE, from + 1)
    if (quote === -1) return json.length
    let backslashes = 0
    while (json[quote - 1 - backslashes] === BACKSLASH) backslashes += 1
    if (backslashes % 2 === 0) return quote
    from = quote
  }
}
