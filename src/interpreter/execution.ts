/** What runs have emitted so far. Does not know how it travelled. */
import type { Output } from '../engine/engine.js'
import { BoundedText } from './bounded-text.js'

/** Displays kept of one run: more would fill Node's memory, and nobody looks at them. */
const MAX_DISPLAYS = 1000

/** Text that came after its run had ended. */
export interface LateOutput {
  /** The run that started the thread, task or process that wrote it; 0 is `initCode`. */
  readonly execution_count: number
  readonly stdout: string
  readonly stderr: string
}

/** The output of one run, collected in bounded memory. */
export class Execution {
  readonly stdout: BoundedText
  readonly stderr: BoundedText
  #displaysLeftOut = 0
  readonly displays: Extract<Output, { type: 'display_data' }>[] = []

  /** @param maxOutput - characters kept per stream */
  constructor(
    readonly executionCount: number,
    maxOutput: number,
  ) {
    this.stdout = new BoundedText(maxOutput)
    this.stderr = new BoundedText(maxOutput)
  }

  /** Displays that came when there were too many to keep. */
  get displaysLeftOut(): number {
    return this.#displaysLeftOut
  }

  add(output: Output): void {
    if (output.type === 'stream') this[output.name].append(output.text)
    else if (this.displays.length < MAX_DISPLAYS) this.displays.push(output)
    else this.#displaysLeftOut += 1
  }
}

/** Outputs of runs that have ended, until the next result takes them along. */
export class LateOutputs {
  readonly #maxOutput: number
  #executions = new Map<number, Execution>()

  constructor(maxOutput: number) {
    this.#maxOutput = maxOutput
  }

  add(executionCount: number, output: Output): void {
    let execution = this.#executions.get(executionCount)
    if (execution === undefined) {
      execution = new Execution(executionCount, this.#maxOutput)
      this.#executions.set(executionCount, execution)
    }
    execution.add(output)
  }

  /** Answers what has come since the last call, by run. */
  take(): Execution[] {
    const executions = [...this.#executions.values()]
    this.#executions = new Map()
    return executions.sort((a, b) => a.executionCount - b.executionCount)
  }
}
