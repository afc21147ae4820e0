/** Values that nobody is to read, taken out of texts. */
import type { JsonValue, MimeBundle, Output } from '../engine/engine.js'
import { isImage } from './output-log.js'

/** What stands in the place of a secret. */
export const REDACTED = '[redacted]'

/** Takes secrets out of what is said. */
export class Secrets {
  readonly #forms: readonly string[]

  /** @param secrets - none of them empty */
  constructor(secrets: readonly string[]) {
    this.#forms = [...new Set(secrets.flatMap(formsOf))]
  }

  redact(text: string): string {
    const stream = this.stream()
    return stream.write(text) + stream.end()
  }

  /** The same value without secrets in its strings and in the names of its fields. */
  redactJson<T extends JsonValue>(value: T): T
  redactJson(value: JsonValue): JsonValue {
    if (typeof value === 'string') return this.redact(value)
    if (typeof value !== 'object' || value === null) return value
    if (isArray(value)) return value.map((item) => this.redactJson(item))
    const entries = Object.entries(value)
    return Object.fromEntries(entries.map(([k, v]) => [this.redact(k), this.redactJson(v)]))
  }

  /** An output that is no text of a stream, without secrets in what is not binary. */
  redactOutput<T extends Exclude<Output, { type: 'stream' }>>(output: T): T {
    return 'data' in output ? { ...output, ...this.#redactBundle(output) } : output
  }

  /** For a text that comes in pieces. */
  stream(): SecretStream {
    return new SecretStream(this.#forms)
  }

  #redactBundle({ data, metadata }: MimeBundle): MimeBundle {
    const entries = Object.entries(data).map(([type, content]) => [
      type,
      isBinary(type) ? content : this.redactJson(content),
    ])
    return {
      data: Object.fromEntries(entries) as MimeBundle['data'],
      metadata: this.redactJson(metadata),
    }
  }
}

/** A secret as it is, and as JSON and `repr()` in Python write line breaks, quotes and backslashes. */
function formsOf(secret: string): string[] {
  const json = JSON.stringify(secret).slice(1, -1)
  return [secret, json, json.replaceAll('\\"', '"')]
}

/** Whether contents of a MIME type are base64, in which a short secret may be found by chance. */
function isBinary(type: string): boolean {
  if (isImage(type)) return type !== 'image/svg+xml'
  return /^(audio|video|font)\/|^application\/(pdf|octet-stream|zip)$/.test(type)
}

function isArray(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value)
}

/** From where to where in a text. */
interface Span {
  readonly start: number
  end: number
  /** Something stands in its place already. */
  readonly isSaid: boolean
}

/**
 * Takes secrets out of a text that comes in pieces. What may be the beginning of a secret is held back
 * until it is known: less than the longest secret.
 */
export class SecretStream {
  readonly #secrets: readonly string[]
  #held = ''
  /** How much of what is held belongs to a secret in whose place something stands already. */
  #covered = 0

  constructor(secrets: readonly string[]) {
    this.#secrets = secrets
  }

  /** Answers what can be said by now. */
  write(text: string): string {
    const all = this.#held + text
    return this.#say(all, all.length - this.#beginning(all))
  }

  /** Answers what was held back: nothing follows. */
  end(): string {
    return this.#say(this.#held, this.#held.length)
  }

  /** Answers what there is up to `cut`, and holds the rest back. */
  #say(all: string, cut: number): string {
    const spans = this.#spans(all)
    if (cut > 0) this.#covered = 0
    let said = ''
    let at = 0
    for (const { start, end, isSaid } of spans) {
      if (start >= cut) break // also found again in what is held back
      said += all.slice(at, start)
      if (!isSaid) said += REDACTED
      at = Math.min(end, cut)
      this.#covered = Math.max(end - cut, 0)
    }
    this.#held = all.slice(cut)
    return said + all.slice(at, cut)
  }

  /** Where there are secrets, in order; those that overlap are one. */
  #spans(all: string): Span[] {
    const found: Span[] = []
    if (this.#covered > 0) found.push({ start: 0, end: this.#covered, isSaid: true })
    for (const secret of this.#secrets) {
      for (let start = all.indexOf(secret); start !== -1; start = all.indexOf(secret, start + 1)) {
        found.push({ start, end: start + secret.length, isSaid: false })
      }
    }
    found.sort((a, b) => a.start - b.start)
    const spans: Span[] = []
    for (const span of found) {
      const last = spans.at(-1)
      if (last !== undefined && span.start < last.end) last.end = Math.max(last.end, span.end)
      else spans.push({ ...span })
    }
    return spans
  }

  /** How many of the last characters may be the beginning of a secret. */
  #beginning(all: string): number {
    let longest = 0
    for (const secret of this.#secrets) {
      const most = Math.min(secret.length - 1, all.length)
      for (let length = most; length > longest; length -= 1) {
        if (all.endsWith(secret.slice(0, length))) longest = length
      }
    }
    return longest
  }
}
