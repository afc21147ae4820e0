/** Decoding what processes write, piece by piece, without dropping a byte. */
import { isUtf8 } from 'node:buffer'

const MAX_SEQUENCE = 4
/** By byte; made once, for noise has many of them. */
const ESCAPES = Array.from({ length: 256 }, (_, byte) => `\\x${byte.toString(16).padStart(2, '0')}`)

/** Decodes a stream of UTF-8; bytes that are none appear as `\xNN`. */
export class Utf8Decoder {
  #rest: Buffer = Buffer.alloc(0)

  /** Decodes `bytes`, but for an incomplete character at the end, which waits for the next call. */
  write(bytes: Buffer): string {
    const all = this.#rest.length > 0 ? Buffer.concat([this.#rest, bytes]) : bytes
    const end = all.length - incompleteTail(all)
    this.#rest = Buffer.from(all.subarray(end))
    return decode(all.subarray(0, end))
  }

  /** Answers what still waits, as it is. */
  end(): string {
    const rest = this.#rest
    this.#rest = Buffer.alloc(0)
    return decode(rest)
  }
}

/** How many bytes at the end may be the start of a character whose rest is still to come. */
function incompleteTail(bytes: Buffer): number {
  for (let back = 1; back < MAX_SEQUENCE && back <= bytes.length; back += 1) {
    const byte = bytes[bytes.length - back] ?? 0
    if (byte < 0x80) return 0
    if (byte >= 0xc0) return sequenceLength(byte) > back ? back : 0
  }
  return 0
}

function sequenceLength(lead: number): number {
  if (lead >= 0xf0) return 4
  return lead >= 0xe0 ? 3 : 2
}

function decode(bytes: Buffer): string {
  if (isUtf8(bytes)) return bytes.toString('utf8')
  const pieces: string[] = []
  let good = 0
  let at = 0
  while (at < bytes.length) {
    const length = characterLength(bytes, at)
    if (length > 0) {
      at += length
      continue
    }
    if (good < at) pieces.push(bytes.toString('utf8', good, at))
    pieces.push(ESCAPES[bytes[at] ?? 0] ?? '')
    at += 1
    good = at
  }
  pieces.push(bytes.toString('utf8', good))
  return pieces.join('')
}

/** The length of the character at `at`, or 0 if there is none (RFC 3629, section 4). */
function characterLength(bytes: Buffer, at: number): number {
  const lead = bytes[at] ?? 0
  if (lead < 0x80) return 1
  if (lead < 0xc2 || lead > 0xf4) return 0
  const length = sequenceLength(lead)
  const second = bytes[at + 1] ?? 0
  if (second < lowestSecond(lead) || second > highestSecond(lead)) return 0
  for (let i = 2; i < length; i += 1) if (((bytes[at + i] ?? 0) & 0xc0) !== 0x80) return 0
  return length
}

function lowestSecond(lead: number): number {
  if (lead === 0xe0) return 0xa0 // below: overlong
  return lead === 0xf0 ? 0x90 : 0x80
}

function highestSecond(lead: number): number {
  if (lead === 0xed) return 0x9f // above: a surrogate
  return lead === 0xf4 ? 0x8f : 0xbf // above: beyond the last code point
}
