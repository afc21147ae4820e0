/** Tells a client what a run prints, and that it still runs. */
import { stripVTControlCharacters } from 'node:util'
import type { RunOutput } from '../toolset/result.js'

const EVERY_MS = 200
/** How long a silent run waits to be told of: clients give up on what they hear nothing of. */
const SILENT_MS = 10_000
const MAX_CHARACTERS = 1_000

/** What is told: seconds since the call, and what the run has printed since the last time. */
export interface ProgressParams {
  readonly progress: number
  readonly message: string
}

/** Sends what is new at most five times a second, and the end of it if that is long. */
export class RunProgress {
  readonly #send: (params: ProgressParams) => Promise<void>
  readonly #startedAt = performance.now()
  #text = ''
  #sentAt = this.#startedAt
  #timer: NodeJS.Timeout | undefined
  #isStopped = false

  /** @param send - rejects where the connection is gone, of which the call hears by its signal */
  constructor(send: (params: ProgressParams) => Promise<void>) {
    this.#send = send
    this.#schedule(SILENT_MS)
  }

  /** Takes what the run says. It does not wait for the client. */
  readonly hear = (output: RunOutput): void => {
    const text = textIn(output)
    if (text === '' || this.#isStopped) return
    // A progress bar takes the place of what it showed before.
    const all = output.type === 'progress' ? text : this.#text + text
    this.#text = all.slice(-MAX_CHARACTERS).replace(/^[\udc00-\udfff]/, '') // half a character
    this.#schedule(Math.max(0, this.#sentAt + EVERY_MS - performance.now()))
  }

  /** Tells no more: the call is being answered. */
  stop(): void {
    this.#isStopped = true
    clearTimeout(this.#timer)
  }

  #schedule(ms: number): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#tell(), ms).unref()
  }

  #tell(): void {
    const seconds = (performance.now() - this.#startedAt) / 1000
    const text = stripVTControlCharacters(this.#text).trimEnd()
    const message = text === '' ? `running for ${Math.round(seconds)} s` : text
    this.#text = ''
    this.#sentAt = performance.now()
    this.#send({ progress: seconds, message }).catch(() => undefined)
    this.#schedule(SILENT_MS)
  }
}

function textIn(output: RunOutput): string {
  if (output.type === 'stream' || output.type === 'progress') return output.text
  if (!('data' in output)) return '' // what the result begins with
  const text = output.data['text/plain']
  return typeof text === 'string' ? `${text}\n` : ''
}
