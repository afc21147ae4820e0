/** One turn of a conversation: what a person says, the calls that the model makes, and its answer. */
import {
  stepCountIs,
  streamText,
  type LanguageModel,
  type ModelMessage,
  type TextStreamPart,
} from 'ai'
import type { ToolSet as ModelTools } from 'ai'
import type { OnInput } from '../engine/engine.js'
import { AbortedError } from '../errors.js'
import type { RunOutput } from '../toolset/result.js'
import type { Tool } from '../toolset/tool.js'
import { addUsage, answered, NO_USAGE, type AgentUsage, type Conversation } from './conversation.js'
import { modelError } from '../model/model-errors.js'
import { refusalIn } from '../model/model.js'
import { hasFailed, modelTools, type Answered, type Perform } from './tools.js'

/** One call of a tool, and what came of it. */
export interface AgentStep {
  /** What the model said before it. */
  readonly thought: string
  /** The code that it ran; null for a call that runs none. */
  readonly code: string | null
  /** What the model read of the answer. */
  readonly observation: string
  /** The tool's name. */
  readonly tool: string
  /** As the model gave it; text where that was malformed. */
  readonly input: unknown
  /** What the tool answered, such as a `RunResult`; null where the call could not be made. */
  readonly answer: object | null
  /** False: the code failed, or the call could not be made. */
  readonly success: boolean
}

/**
 * Why a turn has ended: the model had no more to say; it was asked as often as `maxSteps` allows; its
 * answer became too long; it refused; a filter of its service took the answer away; or something else
 * that its service said.
 */
export type AgentFinishReason =
  'stop' | 'step-limit' | 'length' | 'refusal' | 'content-filter' | 'other'

/** What came of a turn. */
export interface AgentResult {
  /** The model's answer; empty where the turn ended without one. */
  readonly text: string
  readonly finishReason: AgentFinishReason
  /** All calls, in order, failed ones included. */
  readonly steps: readonly AgentStep[]
  /** How often the model was told to repair what had failed (`autoRetry`). */
  readonly retries: number
  readonly usage: AgentUsage
}

/** What an agent does, as it does it. `id` tells calls apart. */
export type AgentEvent =
  | { readonly type: 'text-delta'; readonly text: string }
  | {
      readonly type: 'tool-call'
      readonly id: string
      readonly tool: string
      readonly input: unknown
      readonly code: string | null
    }
  | { readonly type: 'output'; readonly id: string; readonly output: RunOutput }
  | { readonly type: 'step'; readonly id: string; readonly step: AgentStep }
  /** The model is told to repair what has failed: the retry of this number. */
  | { readonly type: 'retry'; readonly retry: number }
  | { readonly type: 'finish'; readonly result: AgentResult }

export interface TurnSettings {
  readonly model: LanguageModel
  readonly instructions: string
  readonly tools: ReadonlyMap<string, Tool>
  readonly conversation: Conversation
  /** Messages that the model is told, at most. */
  readonly maxHistory: number
  /** Answers of the model, at most. */
  readonly maxSteps: number
  readonly autoRetry: number
  /** How often a request is made again that the service could not answer. */
  readonly maxRetries: number
  readonly signal: AbortSignal | undefined
  readonly onInput: OnInput | undefined
}

type Emit = (event: AgentEvent) => void | Promise<void>
type Part = TextStreamPart<ModelTools>

/** A call that the model has made in its present answer. */
interface Call {
  readonly id: string
  readonly tool: string
  readonly input: unknown
  readonly code: string | null
  readonly thought: string
  /** Null until it has come to its end. */
  result: Answered | null
}

const NUDGE =
  '[The last call failed, and you have not repaired that. Correct it and try again now. If it cannot ' +
  'work, say so, and say only what you know for certain.]'

/** Carries out one turn. */
export class Turn {
  /** What has been said in it and is complete: each call has its result. */
  readonly messages: ModelMessage[]
  usage: AgentUsage = NO_USAGE
  readonly #settings: TurnSettings
  readonly #emit: Emit
  readonly #steps: AgentStep[] = []
  #retries = 0
  /** Of the model's present answer. */
  #text = ''
  #calls: Call[] = []
  #thought = ''
  #refusal = ''
  /** Whether the last call failed, and the model has not been told to repair it. */
  #isBroken = false
  /** Who waits until a call has been told of. */
  readonly #announcements = new Map<string, PromiseWithResolve>()
  readonly #executions = new Set<Promise<unknown>>()

  constructor(words: string, settings: TurnSettings, emit: Emit) {
    this.#settings = settings
    this.#emit = emit
    this.messages = settings.conversation.begin(words)
  }

  /** @throws ModelError, AbortedError; `messages` has what was done until then */
  async run(): Promise<AgentResult> {
    for (;;) {
      const finishReason = await this.#ask()
      if (finishReason !== 'stop' || !this.#mayRetry()) return this.#finish(finishReason)
      this.#isBroken = false
      this.#retries += 1
      this.messages.push({ role: 'user', content: NUDGE })
      await this.#emit({ type: 'retry', retry: this.#retries })
    }
  }

  /** A new failure only: a model that has said that it cannot repair the last one is believed. */
  #mayRetry(): boolean {
    const { autoRetry } = this.#settings
    return this.#isBroken && this.#retries < autoRetry && this.#requestsLeft > 0
  }

  get #requestsLeft(): number {
    return this.#settings.maxSteps - this.usage.requests
  }

  async #finish(finishReason: AgentFinishReason): Promise<AgentResult> {
    const result = {
      text: finishReason === 'step-limit' ? '' : this.#text,
      finishReason,
      steps: this.#steps,
      retries: this.#retries,
      usage: this.usage,
    }
    await this.#emit({ type: 'finish', result })
    return result
  }

  /** Has the model speak and call until it has no more to say, by the loop of the AI SDK. */
  async #ask(): Promise<AgentFinishReason> {
    const { model, instructions, maxRetries, conversation, maxHistory, signal } = this.#settings
    const isAborted = () => signal?.aborted === true
    if (isAborted()) throw stopped(signal)
    const failed = new AbortController()
    /** What this loop has added. */
    let added: ModelMessage[] = []
    const told = () => conversation.latest([...this.messages, ...added], maxHistory)
    const { fullStream } = streamText({
      model,
      system: instructions,
      messages: told(),
      prepareStep: () => ({ messages: told() }),
      tools: modelTools(this.#settings.tools.values(), (tool, input, call) => {
        const execution = this.#perform(tool, input, call)
        this.#executions.add(execution)
        return execution
      }),
      stopWhen: stepCountIs(this.#requestsLeft),
      maxRetries,
      abortSignal: AbortSignal.any([failed.signal, ...(signal === undefined ? [] : [signal])]),
      onStepFinish: ({ finishReason, response }) => {
        // A step that broke off is not told to the model again: nothing of it has been carried out.
        if (finishReason !== 'error') added = response.messages
      },
      onError: () => undefined, // it is a part of the stream, too
    })
    let failure: { readonly error: unknown } | null = null
    let end: Extract<Part, { type: 'finish' }> | null = null
    try {
      for await (const part of fullStream) {
        if (part.type === 'finish') end = part
        else if (part.type === 'error') {
          failure ??= { error: part.error }
          failed.abort() // what is left of the answer is not acted upon
        } else await this.#hear(part)
      }
    } catch (error) {
      failure ??= { error }
      failed.abort()
    }
    for (const { resolve } of this.#announcements.values()) resolve()
    await Promise.allSettled(this.#executions) // the stream may have ended before them
    const isStopped = isAborted() && end === null
    if (isStopped) added = [...added, ...this.#unfinished()]
    this.messages.push(...answered(added))
    if (isStopped) throw stopped(signal)
    if (failure !== null) throw modelError(failure.error)
    if (end === null) throw modelError(new Error('the answer has no end'))
    return this.#reasonOf(end.finishReason)
  }

  #reasonOf(reason: Extract<Part, { type: 'finish' }>['finishReason']): AgentFinishReason {
    if (this.#refusal !== '') return 'refusal'
    if (reason === 'length' || reason === 'content-filter') return reason
    if (this.#calls.length > 0 && this.#requestsLeft === 0) return 'step-limit'
    return reason === 'stop' ? 'stop' : 'other'
  }

  async #hear(part: Part): Promise<void> {
    switch (part.type) {
      case 'start-step':
        this.#text = ''
        this.#thought = ''
        this.#calls = []
        return
      case 'text-delta':
        return this.#say(part.text)
      case 'tool-call':
        return this.#announce(part.toolCallId, part.toolName, part.input)
      case 'tool-result':
        if (part.preliminary === true) return
        return this.#endCall(part.toolCallId, part.output as Answered)
      case 'tool-error':
        return this.#endCall(part.toolCallId, null, messageOf(part.error))
      case 'finish-step':
        this.usage = addUsage(this.usage, { ...part.usage, requests: 1 })
        this.#refusal = refusalIn(part.providerMetadata)
        if (this.#refusal !== '') await this.#say(this.#refusal)
    }
  }

  async #say(text: string): Promise<void> {
    this.#text += text
    this.#thought += text
    await this.#emit({ type: 'text-delta', text })
  }

  async #announce(id: string, tool: string, input: unknown): Promise<void> {
    const code = codeIn(input)
    this.#calls.push({ id, tool, input, code, thought: this.#thought.trim(), result: null })
    this.#thought = ''
    await this.#emit({ type: 'tool-call', id, tool, input, code })
    this.#announcement(id).resolve()
  }

  async #endCall(id: string, result: Answered | null, trouble = ''): Promise<void> {
    const call = this.#calls.find((one) => one.id === id)
    if (call === undefined) return
    const step = {
      thought: call.thought,
      code: call.code,
      observation: result?.text ?? trouble,
      tool: call.tool,
      input: call.input,
      answer: result?.answer ?? null,
      success: result !== null && !hasFailed(result.answer),
    }
    call.result ??= { answer: {}, text: trouble }
    this.#isBroken = !step.success
    this.#steps.push(step)
    await this.#emit({ type: 'step', id, step })
  }

  /** Carries out a call once it has been told of, so that what it says comes after that. */
  async #perform(
    tool: Tool,
    input: unknown,
    { id, signal }: Parameters<Perform>[2],
  ): Promise<Answered> {
    await this.#announcement(id).promise
    if (signal?.aborted === true) throw stopped(signal)
    const { conversation, onInput } = this.#settings
    const answer = await tool.execute(input, {
      client_id: conversation.id,
      ...(signal === undefined ? {} : { signal }),
      ...(onInput === undefined ? {} : { onInput }),
      onOutput: (output) => this.#emit({ type: 'output', id, output }),
    })
    const result = { answer, text: tool.toModelText(answer) }
    const call = this.#calls.find((one) => one.id === id)
    if (call !== undefined) call.result = result
    return result
  }

  #announcement(id: string): PromiseWithResolve {
    const known = this.#announcements.get(id) ?? promiseWithResolve()
    this.#announcements.set(id, known)
    return known
  }

  /** What the model has said and done in the answer that was stopped. */
  #unfinished(): ModelMessage[] {
    const calls = this.#calls.map(({ id, tool, input }) => ({
      type: 'tool-call' as const,
      toolCallId: id,
      toolName: tool,
      input: typeof input === 'object' ? input : {},
    }))
    const text = this.#text === '' ? [] : [{ type: 'text' as const, text: this.#text }]
    if (calls.length + text.length === 0) return []
    const results = this.#calls.flatMap(({ id, tool, result }) =>
      result === null
        ? []
        : [
            {
              type: 'tool-result' as const,
              toolCallId: id,
              toolName: tool,
              output: { type: 'text' as const, value: result.text },
            },
          ],
    )
    return [
      { role: 'assistant', content: [...text, ...calls] },
      ...(results.length === 0 ? [] : [{ role: 'tool' as const, content: results }]),
    ]
  }
}

interface PromiseWithResolve {
  readonly promise: Promise<void>
  readonly resolve: () => void
}

function promiseWithResolve(): PromiseWithResolve {
  let resolve: () => void = () => undefined
  const promise = new Promise<void>((done) => (resolve = done))
  return { promise, resolve }
}

function stopped(signal: AbortSignal | undefined): AbortedError {
  return new AbortedError(
    signal?.reason,
    'The agent was stopped by its signal. Code that it ran has been interrupted; what it did until ' +
      'then is in the conversation.',
  )
}

function codeIn(input: unknown): string | null {
  const code: unknown = typeof input === 'object' && input !== null && Reflect.get(input, 'code')
  return typeof code === 'string' ? code : null
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
