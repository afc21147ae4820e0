/** What runs have emitted so far. Does not know how it travelled. */
import { join } from 'node:path'
import type { Output, StreamOutput } from '../engine/engine.js'
import { isImage, OutputLog } from './output-log.js'
import { Progress, type ProgressOutput } from './progress.js'
import { StreamText } from './stream-text.js'

/** Text that came after its run had ended. */
export interface LateOutput {
  /** The run that started the thread, task or process that wrote it; 0 is `initCode`. */
  readonly execution_count: number
  readonly stdout: string
  readonly stderr: string
}

const STREAMS = ['stdout', 'stderr'] as const

/** What a run emits while it goes on. */
export type LiveOutput = Output | ProgressOutput

/** Hears what a run emits; until a promise that it answers resolves, it hears no more. */
export type LiveListener = (output: LiveOutput) => Promise<void> | undefined

/** Where and how much of the output of a run is kept. */
export interface OutputLimits {
  /** Bytes kept of each stream. */
  readonly maxOutputBytes: number
  /** The folder for what is longer; null: nowhere. */
  readonly folder: string | null
}

/** The output of one run, collected in bounded memory. */
export class Execution {
  readonly stdout: StreamText
  readonly stderr: StreamText
  readonly log: OutputLog
  readonly #progress = new Progress((output) => this.#tell(output))
  #listener: LiveListener | null
  #isMuted = false
  /** What the listener is not ready before. */
  #heard: Promise<void> | undefined
  /** End what the listener is waited for; more than one if progress waits behind a text. */
  readonly #stopsWaiting = new Set<() => void>()

  /**
   * @param name - by which the files of long output can be known
   * @param listener - hears what it emits; null: nobody does
   */
  constructor(
    readonly executionCount: number,
    { maxOutputBytes, folder }: OutputLimits,
    name: string,
    listener: LiveListener | null,
  ) {
    const path = (stream: string) =>
      folder === null ? null : () => join(folder, `${name}-${stream}.txt`)
    this.stdout = new StreamText(maxOutputBytes, path('stdout'))
    this.stderr = new StreamText(maxOutputBytes, path('stderr'))
    this.log = new OutputLog(maxOutputBytes)
    this.#listener = listener
  }

  /** Whether nobody is to hear more. */
  get isMuted(): boolean {
    return this.#isMuted
  }

  /** Whether its listener is not ready for more. */
  get isWaiting(): boolean {
    return this.#heard !== undefined
  }

  /** Takes an output; no more is to come until a promise that it answers resolves. */
  add(output: Output): Promise<void> | undefined {
    if (output.type === 'stream') return this.#addText(output)
    this.log.add(output)
    const text = textOf(output)
    if (text !== null) this.stdout.write(`${text}\n`)
    return both(this.stdout.whole?.written, this.#tell(output))
  }

  /** Has nobody hear anything from now on, and waits for nobody. */
  mute(): void {
    this.#listener = null
    this.#isMuted = true
    for (const stopWaiting of this.#stopsWaiting) stopWaiting()
  }

  /** Takes what was left open as it is: nothing follows. Resolves when all is heard. */
  async end(): Promise<void> {
    for (const name of STREAMS) {
      this.#progress.stop(name)
      const { shown } = this[name].end()
      if (shown !== '') await this.#show({ type: 'stream', name, text: shown })
      await this[name].whole?.close()
    }
    await this.#heard
  }

  #addText({ name, text }: StreamOutput): Promise<void> | undefined {
    const { shown, progress } = this[name].write(text)
    this.#progress.stop(name)
    const told = shown === '' ? undefined : this.#show({ type: 'stream', name, text: shown })
    if (progress !== null) this.#progress.show(name, progress)
    return both(this[name].whole?.written, told)
  }

  #show(output: StreamOutput): Promise<void> | undefined {
    this.log.add(output)
    return this.#tell(output)
  }

  /** Tells the listener, when it has heard all that was told before. */
  #tell(output: LiveOutput): Promise<void> | undefined {
    if (this.#listener === null) return undefined
    const heard =
      this.#heard === undefined
        ? this.#listener(output)
        : this.#heard.then(() => this.#listener?.(output))
    // The listener may have muted this itself.
    if (heard === undefined || this.#isMuted) return undefined
    const ready = new Promise<void>((resolve) => {
      const goOn = () => {
        this.#stopsWaiting.delete(goOn)
        if (this.#heard === ready) this.#heard = undefined
        resolve()
      }
      this.#stopsWaiting.add(goOn)
      void heard.then(goOn)
    })
    this.#heard = ready
    return ready
  }
}

/** The text that a terminal would show in place of a value or a display; null for none. */
export function textOf(output: Exclude<Output, StreamOutput>): string | null {
  if (output.type === 'clear_output') return null
  const types = Object.keys(output.data)
  // What is listed among the figures needs no name in between.
  if (output.type !== 'execute_result' && types.some(isImage)) return null
  const text = output.data['text/plain']
  return typeof text === 'string' ? text : null
}

/** Runs whose late outputs are kept: each may have as much as a run that executes. */
const MOST_LATE_RUNS = 20

/** Outputs of runs that have ended, until the next result takes them along. */
export class LateOutputs {
  readonly #maxOutputBytes: number
  #executions = new Map<number, Execution>()
  #leftOut = false

  constructor(maxOutputBytes: number) {
    this.#maxOutputBytes = maxOutputBytes
  }

  add(executionCount: number, output: Output): void {
    let execution = this.#executions.get(executionCount)
    if (execution === undefined && this.#executions.size === MOST_LATE_RUNS) {
      this.#leftOut = true
      return
    }
    if (execution === undefined) {
      const limits = { maxOutputBytes: this.#maxOutputBytes, folder: null }
      execution = new Execution(executionCount, limits, '', null)
      this.#executions.set(executionCount, execution)
    }
    void execution.add(output)
  }

  /** Answers what has come since the last call, by run. */
  take(): Execution[] {
    const executions = [...this.#executions.values()]
    if (this.#leftOut) {
      const text = `\n[... output of other earlier runs left out: of more than ${MOST_LATE_RUNS} ...]\n`
      void executions.at(-1)?.add({ type: 'stream', name: 'stderr', text })
    }
    this.#leftOut = false
    this.#executions = new Map()
    return executions.sort((a, b) => a.executionCount - b.executionCount)
  }
}

/** Resolves when both have; undefined if there is nothing to wait for. */
function both(
  one: Promise<void> | undefined,
  other: Promise<void> | undefined,
): Promise<void> | undefined {
  return one === undefined ? other : Promise.all([one, other]).then(() => undefined)
}
