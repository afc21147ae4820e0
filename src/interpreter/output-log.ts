/** The outputs of a run in their order, as a notebook would show them at its end; in bounded memory. */
import type {
  DisplayUpdate,
  JsonValue,
  MimeBundle,
  Output,
  StreamOutput,
} from '../engine/engine.js'
import { cutMiddle } from './bounded-text.js'

/** Outputs other than text that are kept: more would fill Node's memory, and nobody looks at them. */
const MAX_RICH = 1000
/** Characters of all of them: one run's images must not fill Node's memory either. */
const MAX_RICH_CHARACTERS = 256 * 1024 * 1024
const CUT_AT = 4096

/** An output as a result has it: what was to be cleared is. */
export type KeptOutput = Exclude<Output, { type: 'clear_output' }>
export type RichOutput = Exclude<KeptOutput, StreamOutput>

/** Whether contents of a MIME type are an image. */
export function isImage(type: string): boolean {
  return type.startsWith('image/')
}

/** Collects outputs; of their text, the first and the last half of `limit` characters are kept. */
export class OutputLog {
  readonly #limit: number
  #head: KeptOutput[] = []
  #headRoom: number
  #tail: KeptOutput[] = []
  #tailSize = 0
  #leftOut = 0
  #richCount = 0
  #richCharacters = 0
  #richLeftOut = 0
  readonly #tooLong = new Set<string>()
  #clearsNext = false

  constructor(limit: number) {
    this.#limit = limit
    this.#headRoom = Math.ceil(limit / 2)
  }

  /** Outputs other than text that came when there were too many to keep. */
  get richLeftOut(): number {
    return this.#richLeftOut
  }

  /** The MIME types of texts of displays that were too long to be kept. */
  get tooLong(): readonly string[] {
    return [...this.#tooLong]
  }

  /** What is kept of outputs other than text. */
  get rich(): readonly RichOutput[] {
    return [...this.#head, ...this.#tail].filter((output) => output.type !== 'stream')
  }

  add(output: Output): void {
    if (output.type === 'clear_output') {
      this.#clearsNext = output.wait
      if (!output.wait) this.#clear()
      return
    }
    if (this.#clearsNext) this.#clear()
    if (output.type === 'stream') this.#addText(output)
    else if (output.type === 'update_display_data') this.#update(output)
    else this.#addRich(output)
  }

  /** All that is kept, with a line where text is left out. */
  toArray(): readonly KeptOutput[] {
    this.#cutTail()
    const all = [...this.#head]
    const [first, ...others] = this.#tail
    if (this.#leftOut > 0) {
      const name = this.#head.findLast((output) => output.type === 'stream')?.name ?? 'stdout'
      all.push({ type: 'stream', name, text: `\n[... ${this.#leftOut} characters left out ...]\n` })
    } else if (first?.type === 'stream') {
      append(all, first.name, first.text)
      return [...all, ...others]
    }
    return [...all, ...this.#tail]
  }

  #clear(): void {
    this.#head = []
    this.#tail = []
    this.#headRoom = Math.ceil(this.#limit / 2)
    this.#tailSize = this.#leftOut = 0
    this.#richCount = this.#richCharacters = 0
    this.#clearsNext = false
  }

  #addText({ name, text }: StreamOutput): void {
    // A surrogate pair that a cut went through would be two broken characters.
    const head = text.slice(0, this.#headRoom).replace(/[\ud800-\udbff]$/, '')
    if (head !== '') this.#headRoom -= append(this.#head, name, head)
    const tail = text.slice(head.length)
    if (tail === '') return
    this.#headRoom = 0 // nothing that follows comes before this
    this.#tailSize += append(this.#tail, name, tail)
    if (this.#tailSize > 2 * this.#limit + CUT_AT) this.#cutTail()
  }

  #addRich(output: RichOutput): void {
    const bounded = this.#bounded(output)
    const characters = this.#richCharacters + charactersOf(bounded)
    if (this.#richCount === MAX_RICH || characters > MAX_RICH_CHARACTERS) {
      this.#richLeftOut += 1
      return
    }
    this.#richCount += 1
    this.#richCharacters = characters
    ;(this.#headRoom > 0 ? this.#head : this.#tail).push(bounded)
  }

  /** Changes the displays with its id; one that is not of this run is changed by whoever shows it. */
  #update(update: DisplayUpdate): void {
    const bounded = this.#bounded(update)
    const { data, metadata } = bounded
    const isMeant = (output: KeptOutput) =>
      'display_id' in output && output.display_id === update.display_id
    const meant = this.rich.filter(isMeant)
    if (meant.length === 0) {
      this.#addRich(update)
      return
    }
    const before = meant.reduce((sum, output) => sum + charactersOf(output), 0)
    const characters = this.#richCharacters - before + meant.length * charactersOf(bounded)
    if (characters > MAX_RICH_CHARACTERS) {
      this.#richLeftOut += 1
      return
    }
    this.#richCharacters = characters
    const updated = (output: KeptOutput) =>
      isMeant(output) ? { ...output, data, metadata } : output
    this.#head = this.#head.map(updated)
    this.#tail = this.#tail.map(updated)
  }

  /** Keeps no text that is longer than the limit, but for images; plain text is cut. */
  #bounded<T extends MimeBundle>(output: T): T {
    const isTooLong = (type: string, content: JsonValue): content is string =>
      typeof content === 'string' && content.length > this.#limit && !isImage(type)
    const entries = Object.entries(output.data)
    if (!entries.some(([type, content]) => isTooLong(type, content))) return output
    const kept = entries.flatMap(([type, content]): [string, JsonValue][] => {
      if (!isTooLong(type, content)) return [[type, content]]
      if (type === 'text/plain') return [[type, cutMiddle(content, this.#limit)]]
      this.#tooLong.add(type)
      return []
    })
    return { ...output, data: Object.fromEntries(kept) }
  }

  /** Leaves out what is too much of the tail's text, from its beginning. */
  #cutTail(): void {
    let tooMuch = this.#tailSize - Math.floor(this.#limit / 2)
    if (tooMuch <= 0) return
    this.#tail = this.#tail.flatMap((output) => {
      if (output.type !== 'stream' || tooMuch <= 0) return [output]
      const text = output.text.slice(tooMuch).replace(/^[\udc00-\udfff]/, '')
      const cut = output.text.length - text.length
      tooMuch -= cut
      this.#tailSize -= cut
      this.#leftOut += cut
      return text === '' ? [] : [{ ...output, text }]
    })
  }
}

/** About how much memory a bundle takes. */
function charactersOf({ data, metadata }: MimeBundle): number {
  const contents = [...Object.values(data), metadata]
  return contents.reduce<number>((sum, content) => {
    return sum + (typeof content === 'string' ? content.length : JSON.stringify(content).length)
  }, 0)
}

/** Appends text to outputs; answers by how many characters they have become longer. */
function append(outputs: KeptOutput[], name: StreamOutput['name'], text: string): number {
  const last = outputs.at(-1)
  if (last?.type !== 'stream' || last.name !== name) {
    const first = text.replace(/^\r/, '')
    outputs.push({ type: 'stream', name, text: first })
    return first.length
  }
  const before = text.startsWith('\r') ? withoutLastLine(last.text) : last.text
  const after = before + text.replace(/^\r/, '')
  outputs[outputs.length - 1] = { ...last, text: after }
  return after.length - last.text.length
}

function withoutLastLine(text: string): string {
  return text.slice(0, text.lastIndexOf('\n') + 1)
}
