/** Arrays of numbers with a shape, and which typed array holds which type of numpy's. */
import { InvalidOptionError } from '../errors.js'

/** The typed arrays that hold numpy's numbers. */
export type NumericArray =
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array
  | Float32Array
  | Float64Array

/** Makes a typed array of its kind. */
export interface NumericArrayClass {
  readonly name: string
  readonly BYTES_PER_ELEMENT: number
  new (buffer: ArrayBufferLike, byteOffset: number, length: number): NumericArray
}

const CLASSES: Readonly<Record<string, NumericArrayClass>> = {
  int8: Int8Array,
  uint8: Uint8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  int64: BigInt64Array,
  uint64: BigUint64Array,
  float32: Float32Array,
  float64: Float64Array,
}
/** Types of numpy's that are held as others. */
const HELD_AS: Readonly<Record<string, string>> = {
  bool: 'uint8',
  complex64: 'float32',
  complex128: 'float64',
}
const TIME = /^(datetime64|timedelta64)(\[\w+\])?$/

/** Options of {@link NdArray}. */
export interface NdArrayOptions {
  /** The length of each dimension. @default one dimension of all items */
  readonly shape?: readonly number[]
  /** numpy's name of the items' type. @default that of the typed array */
  readonly dtype?: string
}

/** A numpy array: its numbers in C order, their shape, and numpy's name of their type. */
export class NdArray<Data extends NumericArray = NumericArray> {
  /**
   * All items, the last dimension varying fastest. Complex numbers are two each, the real part and
   * the imaginary; of `bool` it is 0 or 1; of `datetime64` and `timedelta64` a count of the unit that
   * `dtype` names, with `-(2n ** 63n)` for NaT.
   */
  readonly data: Data
  readonly shape: readonly number[]
  /** Such as `float64`, `bool` or `datetime64[ns]`. */
  readonly dtype: string

  /** @throws InvalidOptionError where data, shape and dtype do not fit together */
  constructor(data: Data, options: NdArrayOptions = {}) {
    const name = nameOfClass(data)
    this.data = data
    this.dtype = options.dtype ?? dtypeOfClass(name) ?? name
    const numbers = numbersPerItem(this.dtype)
    this.shape = options.shape ?? [data.length / numbers]
    const wanted = classOfDtype(this.dtype)
    if (wanted?.name !== name) {
      const instead = wanted === undefined ? '' : `: it takes a ${wanted.name}`
      throw new InvalidOptionError(`NdArray: ${this.dtype} cannot be in a ${name}${instead}.`)
    }
    const isShape = this.shape.every((length) => Number.isSafeInteger(length) && length >= 0)
    const size = this.shape.reduce((product, length) => product * length, numbers)
    if (!isShape || size !== data.length) {
      const shape = JSON.stringify(this.shape)
      throw new InvalidOptionError(
        `NdArray: the shape ${shape} of ${this.dtype} does not fit ${data.length} numbers.`,
      )
    }
  }
}

/** The name of a typed array's class, also of another realm's; empty of anything else. */
export function nameOfClass(value: ArrayBufferView): string {
  return (value as { [Symbol.toStringTag]?: string })[Symbol.toStringTag] ?? ''
}

/** numpy's type of what a typed array of this class holds; undefined for other classes. */
export function dtypeOfClass(name: string): string | undefined {
  return Object.keys(CLASSES).find((dtype) => CLASSES[dtype]?.name === name)
}

/** The typed array that holds items of this type; undefined for types that none holds. */
export function classOfDtype(dtype: string): NumericArrayClass | undefined {
  return TIME.test(dtype) ? BigInt64Array : CLASSES[HELD_AS[dtype] ?? dtype]
}

function numbersPerItem(dtype: string): number {
  return dtype.startsWith('complex') ? 2 : 1
}
