/**
 * Values of JavaScript on their way to Python: as JSON, with tags for what that lacks, and binary
 * frames. The twin is `values_from_js.py`, which describes the tags.
 */
import { inspect, types } from 'node:util'
import type { JsonValue } from '../engine/engine.js'
import { ValueNotExpressibleError } from '../errors.js'
import {
  ipcStream,
  isArrowTable,
  isArrowVector,
  type ArrowTable,
  type ArrowVector,
} from './arrow.js'
import { dtypeOfClass, nameOfClass, NdArray } from './nd-array.js'

const TAG = '$'
const MAX_DEPTH = 100
/** Bytes; below, a frame of its own costs more than a copy. */
const SMALL = 1 << 16
const ALIGNMENT = 8

/** The years that Python's `datetime` knows: 1 to 9999. */
const FIRST_DATE = Date.parse('0001-01-01T00:00:00Z')
const LAST_DATE = Date.parse('9999-12-31T23:59:59.999Z')

/** Variables that are to be set. */
export interface EncodedValues {
  /** Their values by name, as JSON with tags. */
  readonly json: string
  /** The binary frames that those refer to; views on the arrays that were passed, not copies. */
  frames(): Promise<readonly Uint8Array[]>
}

/**
 * Encodes values by name; `what` begins the path to what cannot be expressed.
 *
 * @throws ValueNotExpressibleError
 */
export function encodeValues(
  values: Readonly<Record<string, unknown>>,
  what: string,
): EncodedValues {
  const encoder = new Encoder(what)
  const encoded = encoder.encode(values)
  try {
    return { json: JSON.stringify(encoded), frames: () => encoder.frames() }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw new ValueNotExpressibleError(
      what,
      'is too large for one text: pass arrays as typed arrays',
    )
  }
}

/** A step of a path, and how it is written. */
type Step = string | number | { readonly written: string }

class Encoder {
  readonly #what: string
  readonly #path: Step[] = []
  readonly #ancestors = new Set<object>()
  readonly #small: Uint8Array[] = []
  #smallLength = 0
  readonly #large: (Uint8Array | ArrowTable | ArrowVector)[] = []

  constructor(what: string) {
    this.#what = what
  }

  async frames(): Promise<readonly Uint8Array[]> {
    const large = this.#large.map(async (frame) =>
      frame instanceof Uint8Array ? frame : ipcStream(frame),
    )
    return [Buffer.concat(this.#small), ...(await Promise.all(large))]
  }

  encode(value: unknown): JsonValue {
    switch (typeof value) {
      case 'string':
      case 'boolean':
        return value
      case 'undefined':
        return null
      case 'number':
        return encodeNumber(value)
      case 'bigint':
        return { [TAG]: 'int', value: value.toString(16) }
      case 'object':
        return value === null ? null : this.#object(value)
      default:
        return this.#refuse(`is a ${typeof value}, which Python has no counterpart of`)
    }
  }

  #object(value: object): JsonValue {
    if (Array.isArray(value)) return this.#inside(value, () => this.#items(value))
    if (isPlain(value)) return this.#inside(value, () => this.#fields(value))
    if (types.isMap(value)) return this.#inside(value, () => this.#map(value))
    if (types.isSet(value)) return this.#inside(value, () => this.#set('set', value))
    return this.#leaf(value)
  }

  #leaf(value: object): JsonValue {
    if (types.isDate(value)) return this.#date(value)
    if (ArrayBuffer.isView(value)) return this.#view(value)
    if (types.isAnyArrayBuffer(value)) {
      return { [TAG]: 'bytes', data: this.#bytes(new Uint8Array(value)) }
    }
    if (value instanceof NdArray) {
      const { data, dtype, shape } = value as NdArray
      return this.#array(data, dtype, shape)
    }
    if (isArrowTable(value)) return this.#arrow('table', value)
    if (isArrowVector(value)) return this.#arrow('vector', value)
    const { name = '' } = (value.constructor as { name?: string } | undefined) ?? {}
    return this.#refuse(`is an instance of the class ${name}, which Python has no counterpart of`)
  }

  // Containers

  #inside<T>(value: object, encode: () => T): T {
    if (this.#ancestors.has(value)) this.#refuse('contains itself')
    if (this.#path.length > MAX_DEPTH) this.#refuse(`is nested more than ${MAX_DEPTH} levels deep`)
    this.#ancestors.add(value)
    const encoded = encode()
    this.#ancestors.delete(value)
    return encoded
  }

  #at<T>(step: Step, encode: () => T): T {
    this.#path.push(step)
    const encoded = encode()
    this.#path.pop()
    return encoded
  }

  #items(values: readonly unknown[]): JsonValue[] {
    // Not map(): holes become null, too.
    return Array.from(values, (value, index) =>
      isSimple(value) ? value : this.#at(index, () => this.encode(value)),
    )
  }

  #fields(value: object): JsonValue {
    if (Object.getOwnPropertySymbols(value).length > 0) this.#refuse('has a symbol for a key')
    const entries = Object.entries(value).map(([key, item]): [string, JsonValue] => [
      key,
      isSimple(item) ? item : this.#at(key, () => this.encode(item)),
    ])
    return TAG in value ? this.#entries(entries) : Object.fromEntries(entries)
  }

  #map(map: ReadonlyMap<unknown, unknown>): JsonValue {
    const entries = [...map].map(([key, item]): [JsonValue, JsonValue] => [
      this.#key(key),
      this.#at({ written: `.get(${inspectShortly(key)})` }, () => this.encode(item)),
    ])
    return this.#entries(entries)
  }

  #entries(entries: readonly [JsonValue, JsonValue][]): JsonValue {
    return { [TAG]: 'map', entries, path: this.#where() }
  }

  #set(tag: 'set' | 'frozenset', set: ReadonlySet<unknown>): JsonValue {
    return { [TAG]: tag, items: Array.from(set, (item) => this.#key(item)), path: this.#where() }
  }

  /** Encodes what Python hashes: a key of a dict, an item of a set. */
  #key(key: unknown): JsonValue {
    return this.#at({ written: `.key(${inspectShortly(key)})` }, () => {
      if (Array.isArray(key)) {
        const items = () => key.map((item: unknown) => this.#key(item))
        return this.#inside(key, () => ({ [TAG]: 'tuple', items: items() }))
      }
      if (types.isSet(key)) return this.#inside(key, () => this.#set('frozenset', key))
      const encoded = this.encode(key)
      const isHashable =
        typeof key !== 'object' || key === null || types.isDate(key) || isBytes(key)
      return isHashable ? encoded : this.#refuse('can be no key, and in no set, in Python')
    })
  }

  // Single values

  #date(date: Date): JsonValue {
    const value = date.getTime()
    if (Number.isNaN(value)) this.#refuse('is an invalid Date')
    if (value < FIRST_DATE || value > LAST_DATE) this.#refuse('is not in the years 1 to 9999')
    return { [TAG]: 'date', value }
  }

  #view(view: ArrayBufferView): JsonValue {
    if (isBytes(view)) return { [TAG]: 'bytes', data: this.#bytes(bytesOf(view)) }
    const name = nameOfClass(view)
    const dtype = name === 'Float16Array' ? 'float16' : dtypeOfClass(name)
    if (name === 'Uint8ClampedArray') return this.#array(view, 'uint8', [view.byteLength])
    if (dtype === undefined) return this.#refuse(`is a ${name}, which Python has no counterpart of`)
    return this.#array(view, dtype, [(view as Uint16Array).length])
  }

  #array(view: ArrayBufferView, dtype: string, shape: readonly number[]): JsonValue {
    return { [TAG]: 'array', dtype, shape, data: this.#bytes(bytesOf(view)), path: this.#where() }
  }

  #arrow(tag: 'table' | 'vector', value: ArrowTable | ArrowVector): JsonValue {
    this.#large.push(value)
    return { [TAG]: tag, frame: this.#large.length, path: this.#where() }
  }

  /** Takes bytes; answers the number of their frame, their offset and length. */
  #bytes(bytes: Uint8Array): JsonValue {
    const { byteLength: length } = bytes
    if (length >= SMALL) {
      this.#large.push(isShared(bytes) ? new Uint8Array(bytes) : bytes)
      return [this.#large.length, 0, length]
    }
    const offset = this.#smallLength
    const padding = -length & (ALIGNMENT - 1)
    // Copied now: the caller may change them before they are sent.
    this.#small.push(new Uint8Array(bytes), new Uint8Array(padding))
    this.#smallLength += length + padding
    return [0, offset, length]
  }

  #refuse(problem: string): never {
    throw new ValueNotExpressibleError(this.#where(), problem)
  }

  #where(): string {
    return this.#what + this.#path.map(written).join('')
  }
}

function encodeNumber(value: number): JsonValue {
  // What has a fraction is a float to Python; beyond the safe integers every number is one.
  const isPlain = Number.isSafeInteger(value)
    ? !Object.is(value, -0)
    : Number.isFinite(value) && !Number.isInteger(value)
  return isPlain ? value : { [TAG]: 'float', value: Object.is(value, -0) ? '-0' : String(value) }
}

/** Whether JSON says it as it is, which most items of long arrays are. */
function isSimple(value: unknown): value is string | number {
  return typeof value === 'string' || (typeof value === 'number' && encodeNumber(value) === value)
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  // The second is that of another realm's Object.
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

function isBytes(value: object): boolean {
  return ArrayBuffer.isView(value) && ['Uint8Array', 'DataView'].includes(nameOfClass(value))
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength)
}

function isShared({ buffer }: Uint8Array): boolean {
  return types.isSharedArrayBuffer(buffer)
}

function written(step: Step): string {
  if (typeof step === 'number') return `[${step}]`
  if (typeof step === 'object') return step.written
  return /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(step)
    ? `.${step}`
    : `[${JSON.stringify(step)}]`
}

function inspectShortly(key: unknown): string {
  return inspect(key, { depth: 0, breakLength: Infinity, maxStringLength: 40 })
}
