/** The outputs of an interpreter's runs without secrets. */
import type { Output, OutputEvent } from '../engine/engine.js'
import type { SecretStream, Secrets } from './secrets.js'

const STREAMS = ['stdout', 'stderr'] as const

type Streams = Record<(typeof STREAMS)[number], SecretStream>

/** Takes secrets out of outputs, also those that come in two pieces of a stream of one run. */
export class RedactedOutputs {
  readonly #secrets: Secrets
  /** The streams of runs whose text may be held back. */
  readonly #runs = new Map<number, Streams>()

  constructor(secrets: Secrets) {
    this.#secrets = secrets
  }

  /** What can be said of an output by now; with it comes what was held back before it. */
  add({ executionCount, output }: OutputEvent): Output[] {
    if (output.type === 'stream') {
      const text = this.#streams(executionCount)[output.name].write(output.text)
      return text === '' ? [] : [{ ...output, text }]
    }
    const redacted = this.#secrets.redactOutput(output)
    // The text of a value or display goes into the stream, too: what is held comes before it.
    const showsText = 'data' in output && 'text/plain' in output.data
    return showsText ? [...this.end(executionCount), redacted] : [redacted]
  }

  /** What was held back of a run: nothing follows. */
  end(executionCount: number): Output[] {
    const streams = this.#runs.get(executionCount)
    this.#runs.delete(executionCount)
    if (streams === undefined) return []
    return STREAMS.flatMap((name) => {
      const text = streams[name].end()
      return text === '' ? [] : [{ type: 'stream' as const, name, text }]
    })
  }

  /** The same of all runs but one. */
  endOthers(executionCount: number): OutputEvent[] {
    const others = [...this.#runs.keys()].filter((run) => run !== executionCount)
    return others.flatMap((run) => this.end(run).map((output) => ({ executionCount: run, output })))
  }

  #streams(executionCount: number): Streams {
    let streams = this.#runs.get(executionCount)
    if (streams === undefined) {
      streams = { stdout: this.#secrets.stream(), stderr: this.#secrets.stream() }
      this.#runs.set(executionCount, streams)
    }
    return streams
  }
}
