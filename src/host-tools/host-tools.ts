/** Calls of the host's tools that Python code makes: who may, how many, for how long. */
import type { HostFunction, Inputs, OnCall } from '../engine/engine.js'
import { encodeValues } from '../values/encode.js'
import { callableTool, type CallableTool, type HostToolContext } from './host-tool.js'
import { hostFunction } from './python-function.js'

/** A call that Python code wants to make. */
export interface HostToolCall {
  /** The tool's name. */
  readonly name: string
  /** As the tool's schema makes it of the arguments. */
  readonly input: unknown
  readonly client_id: string
  readonly interpreter_id: string
}

/**
 * Decides about a call before it is made: false, or a sentence that says why, refuses it. The code
 * waits meanwhile.
 */
export type ApproveHostTool = (call: HostToolCall) => boolean | string | Promise<boolean | string>

/** What bounds the calls of tools. */
export interface HostToolRules {
  /** Decides about each call. @default all are made, but those of tools that ask for approval */
  readonly approve?: ApproveHostTool | undefined
  /** How long a call may take, in ms; 0 for as long as its run. @default 0 */
  readonly timeoutMs?: number | undefined
  /** How many calls a run may make, at most 100,000. @default 1000 */
  readonly maxCallsPerRun?: number | undefined
  /** How many calls of a run are made at once; more wait. @default 16 */
  readonly maxConcurrent?: number | undefined
}

const MAX_CALLS = 1000
const INTERRUPTED = 'The call was interrupted.'
const MAX_CONCURRENT = 16

/** The tools that a toolset gives to Python code. */
export class HostTools {
  /** As Python sees them. */
  readonly functions: readonly HostFunction[]
  readonly #tools: ReadonlyMap<string, CallableTool>
  readonly #rules: HostToolRules

  /** @throws InvalidOptionError for what is no tool */
  constructor(tools: Readonly<Record<string, unknown>>, rules: HostToolRules) {
    const callable = Object.entries(tools).map(
      ([name, tool]) => [name, callableTool(name, tool)] as const,
    )
    this.#tools = new Map(callable)
    this.#rules = rules
    this.functions = callable.map(([name, { description, schema, answer }]) =>
      hostFunction(name, description, schema, answer),
    )
  }

  /** What answers the calls of one run; null where there are no tools. */
  forRun(whose: Pick<HostToolContext, 'client_id' | 'interpreter_id'>): OnCall | null {
    if (this.#tools.size === 0) return null
    const { maxCallsPerRun = MAX_CALLS, maxConcurrent = MAX_CONCURRENT } = this.#rules
    const turns = new Turns(maxConcurrent)
    let calls = 0
    return async ({ tool: name, input, signal }) => {
      const tool = this.#tools.get(name)
      if (tool === undefined) throw new Error('There is no such tool.')
      calls += 1
      if (calls > maxCallsPerRun) {
        throw new Error(`A run may make ${maxCallsPerRun} calls of tools, and has made them.`)
      }
      return turns.take(async () => {
        if (signal.aborted) throw new Error(INTERRUPTED)
        return this.#call(tool, { name, input, ...whose }, signal)
      })
    }
  }

  async #call(tool: CallableTool, call: HostToolCall, signal: AbortSignal): Promise<Inputs> {
    const { timeoutMs = 0 } = this.#rules
    const late = timeoutMs === 0 ? [] : [AbortSignal.timeout(timeoutMs)]
    const either = AbortSignal.any([signal, ...late])
    const answer = await untilAborted(this.#answer(tool, call, either), either, () =>
      signal.aborted ? INTERRUPTED : `It took longer than ${timeoutMs} ms.`,
    )
    const encoded = encodeValues({ answer: answer ?? null }, 'tool')
    return { json: encoded.json, frames: await encoded.frames() }
  }

  async #answer(tool: CallableTool, call: HostToolCall, signal: AbortSignal): Promise<unknown> {
    const { input: given, client_id, interpreter_id } = call
    const context = { client_id, interpreter_id, signal }
    // First of all: what is approved is what is done, with its defaults.
    const valid = await tool.validate(given)
    await this.#requireApproval(tool, { ...call, input: valid }, context)
    // It is not made for nobody.
    signal.throwIfAborted()
    return tool.call({ given, valid }, context)
  }

  async #requireApproval(
    tool: CallableTool,
    call: HostToolCall,
    context: HostToolContext,
  ): Promise<void> {
    const { approve } = this.#rules
    if (approve !== undefined) {
      const decision = await approve(call)
      if (decision === true) return
      throw new Error(decision === false ? 'The call was refused.' : decision)
    }
    if (await tool.needsApproval(call.input, context)) {
      throw new Error('The call was refused: it needs approval, and nobody is there to give it.')
    }
  }
}

/** So many at once; more wait in their order. */
class Turns {
  readonly #waiting: (() => void)[] = []
  #free: number

  constructor(atOnce: number) {
    this.#free = atOnce
  }

  async take<T>(turn: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free -= 1
    else await new Promise<void>((resolve) => this.#waiting.push(resolve))
    try {
      return await turn()
    } finally {
      const next = this.#waiting.shift()
      if (next === undefined) this.#free += 1
      else next()
    }
  }
}

/** A tool need not look at its signal: it goes on then, and nobody waits for it. */
function untilAborted<T>(promise: Promise<T>, signal: AbortSignal, why: () => string): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(new Error(why(), { cause: signal.reason }))
    if (signal.aborted) stop()
    signal.addEventListener('abort', stop, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop))
  })
}
