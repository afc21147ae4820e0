/**
 * Values of Python on their way to JavaScript: from JSON, with tags for what that lacks, and binary
 * frames. The twin is `values_to_js.py`, which describes the tags.
 */
import type { JsonValue } from '../engine/engine.js'
import { loadArrow, type ArrowTable, type ArrowVector } from './arrow.js'
import { requireSoundStream } from './arrow-stream.js'
import { classOfDtype, NdArray } from './nd-array.js'

/** What Python's values become. */
export type JsValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Date
  | Uint8Array
  | NdArray
  | ArrowTable
  | ArrowVector
  | readonly JsValue[]
  | ReadonlySet<JsValue>
  | ReadonlyMap<JsValue, JsValue>
  | { readonly [key: string]: JsValue }

type Tagged = Readonly<Record<string, JsonValue>>
type Arrow = Awaited<ReturnType<typeof loadArrow>>

const TAG = '$'
const SHARED_FRAME = 0

/**
 * Decodes a value. Typed arrays are views on the frames, but for small ones.
 *
 * @throws where it is none, or has a table that the package `apache-arrow` cannot read
 */
export async function decodeValue(
  value: JsonValue,
  frames: readonly Uint8Array[],
): Promise<JsValue> {
  const arrow = frames.length > 0 && hasTable(value) ? await loadArrow() : null
  return new Decoder(frames, arrow).decode(value)
}

class Decoder {
  readonly #frames: readonly Uint8Array[]
  readonly #arrow: Arrow | null

  constructor(frames: readonly Uint8Array[], arrow: Arrow | null) {
    this.#frames = frames
    this.#arrow = arrow
  }

  decode(value: JsonValue): JsValue {
    if (typeof value !== 'object' || value === null) return value
    if (isArray(value)) return value.map((item) => this.decode(item))
    if (typeof value[TAG] === 'string') return this.#tagged(value[TAG], value)
    const entries = Object.entries(value).map(([key, item]) => [key, this.decode(item)] as const)
    return Object.fromEntries(entries)
  }

  #tagged(tag: string, tagged: Tagged): JsValue {
    switch (tag) {
      case 'float':
        return Number(tagged['value'])
      case 'int':
        return bigint(tagged['value'])
      case 'date':
        return new Date(Number(tagged['value']))
      case 'bytes':
        return this.#bytes(tagged['data'])
      case 'set':
        return complete(new Set(this.#items(tagged['items'])), tagged['items'])
      case 'map':
        return complete(new Map(this.#entries(tagged['entries'])), tagged['entries'])
      case 'object':
        return Object.fromEntries(this.#entries(tagged['entries'])) as Record<string, JsValue>
      case 'array':
        return this.#array(tagged)
      case 'table':
        return this.#table(tagged)
      case 'vector':
        return this.#table(tagged).getChildAt(0)
      default:
        throw malformed()
    }
  }

  #items(items: JsonValue | undefined): JsValue[] {
    if (!isArray(items)) throw malformed()
    return items.map((item) => this.decode(item))
  }

  #entries(entries: JsonValue | undefined): [JsValue, JsValue][] {
    if (!isArray(entries)) throw malformed()
    return entries.map((entry) => {
      const [key = null, item = null] = this.#items(entry)
      return [key, item]
    })
  }

  #array(tagged: Tagged): NdArray {
    const { dtype, shape } = tagged
    const bytes = this.#bytes(tagged['data'])
    const Class = typeof dtype === 'string' ? classOfDtype(dtype) : undefined
    if (Class === undefined || typeof dtype !== 'string' || !isArray(shape)) throw malformed()
    const data = new Class(
      bytes.buffer,
      bytes.byteOffset,
      bytes.byteLength / Class.BYTES_PER_ELEMENT,
    )
    return new NdArray(data, { shape: shape.map(Number), dtype })
  }

  #table(tagged: Tagged): InstanceType<Arrow['Table']> {
    if (this.#arrow === null) throw malformed()
    const stream = this.#bytes(tagged['data'])
    requireSoundStream(stream)
    return this.#arrow.tableFromIPC(stream)
  }

  #bytes(data: JsonValue | undefined): Uint8Array {
    const [frame = -1, offset = 0, length = 0] = isArray(data) ? data.map(Number) : []
    const source = this.#frames[frame]
    const isPart = offset >= 0 && length >= 0 && offset + length <= (source?.byteLength ?? 0)
    if (source === undefined || !isPart) throw malformed()
    const bytes = new Uint8Array(source.buffer, source.byteOffset + offset, length)
    // What shares a frame must not keep the others alive; and a view needs to be aligned.
    const isView = frame !== SHARED_FRAME && bytes.byteOffset % ALIGNMENT === 0
    return isView ? bytes : new Uint8Array(bytes)
  }
}

const ALIGNMENT = BigInt64Array.BYTES_PER_ELEMENT

/** Two keys of Python's can become the same text, and one of them would be lost. */
function complete<T extends { readonly size: number }>(
  collection: T,
  items: JsonValue | undefined,
): T {
  if (isArray(items) && collection.size === items.length) return collection
  throw new TypeError('A dict or set has keys that differ in Python only: convert them there.')
}

function bigint(hexadecimal: JsonValue | undefined): bigint {
  if (typeof hexadecimal !== 'string') throw malformed()
  const isNegative = hexadecimal.startsWith('-')
  const magnitude = BigInt(`0x${isNegative ? hexadecimal.slice(1) : hexadecimal}`)
  return isNegative ? -magnitude : magnitude
}

function hasTable(value: JsonValue): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (isArray(value)) return value.some(hasTable)
  return value[TAG] === 'table' || value[TAG] === 'vector' || Object.values(value).some(hasTable)
}

function isArray(value: JsonValue | undefined): value is readonly JsonValue[] {
  return Array.isArray(value)
}

function malformed(): TypeError {
  return new TypeError('The Python process sent what is no value.')
}
