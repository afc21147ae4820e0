/**
 * Looks at the metadata of an Arrow IPC stream before `apache-arrow` reads it: that believes every count,
 * and one that a process has forged would fill Node's memory.
 * https://arrow.apache.org/docs/format/Columnar.html, https://flatbuffers.dev/internals
 */

const CONTINUATION = -1
const [SCHEMA, DICTIONARY_BATCH, RECORD_BATCH] = [1, 2, 3]
const UNION = 14
/** Bytes of an offset, of a number of 64 bits, and of a pair of these. */
const [OFFSET, LONG, PAIR] = [4, 8, 16]

// The fields of the tables, by their order in Arrow's Schema.fbs and Message.fbs.
const MESSAGE = { headerType: 1, header: 2, bodyLength: 3, metadata: 4 }
const SCHEMA_FIELDS = { fields: 1, metadata: 2, features: 3 }
const FIELD = { typeType: 2, type: 3, children: 5, metadata: 6 }
const UNION_TYPE_IDS = 1
const DICTIONARY_DATA = 1
const BATCH = { nodes: 1, buffers: 2, variadicCounts: 4 }

/** @throws RangeError where a count or an offset leads out of the metadata that it is in */
export function requireSoundStream(bytes: Uint8Array): void {
  const stream = viewOf(bytes)
  for (let at = 0; at < stream.byteLength;) {
    let length = stream.getInt32(at, true)
    at += OFFSET
    if (length === CONTINUATION) {
      length = stream.getInt32(at, true)
      at += OFFSET
    }
    if (length === 0) return
    const bodyLength = new Metadata(bytes.subarray(at, at + length), length).requireSound()
    at += length + bodyLength
  }
}

/** One message, in the form of flatbuffers; reading beyond its end throws. */
class Metadata {
  readonly #view: DataView
  /** Tables that there can be yet: offsets may lead to the same one, each of whose lead to the same... */
  #tablesLeft: number

  constructor(bytes: Uint8Array, length: number) {
    if (length < 0 || bytes.length !== length) throw new RangeError('The Arrow stream is cut off.')
    this.#view = viewOf(bytes)
    this.#tablesLeft = length / OFFSET
  }

  /** Answers how long the body is that follows. */
  requireSound(): number {
    const message = this.#view.getUint32(0, true)
    this.#keyValues(message, MESSAGE.metadata)
    const type = this.#number(message, MESSAGE.headerType)
    const header = this.#table(this.#field(message, MESSAGE.header))
    if (type === SCHEMA) this.#schema(header)
    else if (type === RECORD_BATCH) this.#batch(header)
    else if (type === DICTIONARY_BATCH) {
      this.#batch(this.#table(this.#field(header, DICTIONARY_DATA)))
    } else throw new RangeError('The Arrow stream has a message of an unknown kind.')
    const bodyLength = this.#field(message, MESSAGE.bodyLength)
    return bodyLength === 0 ? 0 : Number(this.#view.getBigUint64(bodyLength, true))
  }

  #schema(schema: number): void {
    this.#fields(schema, SCHEMA_FIELDS.fields)
    this.#keyValues(schema, SCHEMA_FIELDS.metadata)
    this.#vector(this.#field(schema, SCHEMA_FIELDS.features), LONG)
  }

  #fields(table: number, index: number): void {
    for (const field of this.#tables(table, index)) {
      if (this.#number(field, FIELD.typeType) === UNION) {
        const type = this.#table(this.#field(field, FIELD.type))
        this.#vector(this.#field(type, UNION_TYPE_IDS), OFFSET)
      }
      this.#keyValues(field, FIELD.metadata)
      this.#fields(field, FIELD.children)
    }
  }

  #keyValues(table: number, index: number): void {
    for (const pair of this.#tables(table, index)) this.#field(pair, 0)
  }

  #batch(batch: number): void {
    this.#vector(this.#field(batch, BATCH.nodes), PAIR)
    this.#vector(this.#field(batch, BATCH.buffers), PAIR)
    this.#vector(this.#field(batch, BATCH.variadicCounts), LONG)
  }

  /** Where a field of a table is; 0 where the table has none. */
  #field(table: number, index: number): number {
    const fields = table - this.#view.getInt32(table, true)
    const at = OFFSET + 2 * index
    if (at >= this.#view.getUint16(fields, true)) return 0
    const offset = this.#view.getUint16(fields + at, true)
    return offset === 0 ? 0 : table + offset
  }

  #number(table: number, index: number): number {
    const at = this.#field(table, index)
    return at === 0 ? 0 : this.#view.getUint8(at)
  }

  #table(at: number): number {
    this.#tablesLeft -= 1
    if (at === 0 || this.#tablesLeft < 0) throw new RangeError('The Arrow stream is malformed.')
    return at + this.#view.getUint32(at, true)
  }

  *#tables(table: number, index: number): Generator<number> {
    const { start, count } = this.#vector(this.#field(table, index), OFFSET)
    for (let i = 0; i < count; i += 1) yield this.#table(start + i * OFFSET)
  }

  /** The items of a vector of so many bytes each. */
  #vector(at: number, size: number): { start: number; count: number } {
    if (at === 0) return { start: 0, count: 0 }
    const vector = at + this.#view.getUint32(at, true)
    const [start, count] = [vector + OFFSET, this.#view.getUint32(vector, true)]
    if (start + count * size > this.#view.byteLength) {
      throw new RangeError('The Arrow stream has a count that is too large.')
    }
    return { start, count }
  }
}

function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength)
}
