/** An agent: a model, its tools, and the conversation that it has. */
import { readFile, rename, writeFile } from 'node:fs/promises'
import type { ModelMessage } from 'ai'
import { z } from 'zod'
import type { OnInput } from '../engine/engine.js'
import { InvalidOptionError } from '../errors.js'
import { LiveStream } from '../live-stream.js'
import { isModel, modelLoader, type AgentModel } from '../model/model.js'
import { parse } from '../parse-options.js'
import type { Tool, ToolSet } from '../toolset/tool.js'
import { chat, type ChatOptions } from './chat.js'
import { addUsage, Conversation, type AgentUsage, type SavedConversation } from './conversation.js'

import { Turn, type AgentEvent, type AgentResult } from './turn.js'

/** What an agent is told where it has no `instructions`; yours can begin with it. */
export const DEFAULT_INSTRUCTIONS = `You solve tasks by running Python code, and answer with what it showed.

- Work in small steps: look at the data first (names, types, a few rows), then compute, then check.
- Say in a sentence what you are about to do, then run the code. Your variables stay for the next step.
- Print what you need to know. You see what the code prints, not what you expect of it.
- When code fails, read the traceback, correct the cause, and run it again.
- Claim nothing that no output has shown. If something cannot be done, say so.
- End with a short answer: the result with its numbers and units, and the files that you made.`

/** Options of {@link Agent}. */
export interface AgentOptions {
  /** What the agent is called, in a chat and in what is saved. @default 'agent' */
  readonly name?: string
  /** What the model is told before all else. @default {@link DEFAULT_INSTRUCTIONS} */
  readonly instructions?: string
  /** A model object of the AI SDK, or `{ model, baseURL, apiKey }` of an OpenAI-compatible service. */
  readonly model: AgentModel
  /** How often the model may answer in one turn, calls of tools included. @default 30 */
  readonly maxSteps?: number
  /**
   * How many messages of the conversation the model is told, at most; older ones are left out, never a
   * tool call without its result. @default 100
   */
  readonly maxHistory?: number
  /**
   * How often in a turn the model is told to repair a failed call that it would leave so: where its answer
   * follows a failure at once. It may always repair by itself, which does not count. @default 0
   */
  readonly autoRetry?: number
  /**
   * How often a request is made again that the model's service could not answer (429, 5xx, no
   * connection), waiting as long as the service asks for, up to a minute. @default 2
   */
  readonly maxRetries?: number
}

/** Options of one turn. */
export interface TurnOptions {
  /** Stops the agent, and interrupts the code that it runs. */
  readonly signal?: AbortSignal
  /** Answers what code asks by `input()`. */
  readonly onInput?: OnInput
}

/** What an agent does in a turn, as it does it, and what comes of it. */
export type AgentStream = LiveStream<AgentEvent, AgentResult>

const options = z.strictObject({
  name: z.string().min(1).default('agent'),
  instructions: z.string().default(DEFAULT_INSTRUCTIONS),
  model: z.custom<AgentModel>(
    isModel,
    'must be a model object of the AI SDK, or { model, baseURL, apiKey } of a service',
  ),
  maxSteps: z.int().min(1).default(30),
  maxHistory: z.int().min(4).default(100), // a person's words, and a call with its results
  autoRetry: z.int().min(0).default(0),
  maxRetries: z.int().min(0).default(2),
})

const turnOptions = z.strictObject({
  signal: z.instanceof(AbortSignal).optional(),
  onInput: z
    .custom<OnInput>((value) => typeof value === 'function', 'must be a function')
    .optional(),
})

/**
 * Answers what it is asked, calling tools as its model wants to. Its conversation goes on from turn to
 * turn, and so does its session of Python.
 */
export class Agent {
  readonly name: string
  readonly #settings: z.output<typeof options>
  readonly #loadModel: ReturnType<typeof modelLoader>
  /** Each tool by its name, and the toolset that it is of. */
  readonly #tools = new Map<string, { readonly tool: Tool; readonly of: ToolSet }>()
  #conversation = new Conversation()
  /** Settles when the last turn that was asked for has ended. */
  #lastTurn: Promise<unknown> = Promise.resolve()

  /** @throws InvalidOptionError; nothing is started or loaded yet */
  constructor(given: AgentOptions) {
    this.#settings = parse(options, given, 'new Agent()')
    this.name = this.#settings.name
    this.#loadModel = modelLoader(this.#settings.model, 'new Agent()')
  }

  /** The conversation's id: the `client_id` by which toolsets know its session. */
  get id(): string {
    return this.#conversation.id
  }

  /** All that has been said, in the messages of the AI SDK, also what the model is not told any more. */
  get messages(): readonly ModelMessage[] {
    return this.#conversation.messages
  }

  /** What the whole conversation has used. */
  get usage(): AgentUsage {
    return this.#conversation.usage
  }

  /**
   * Gives the agent the tools of a toolset, from the next turn on. It does not own it: whoever has made
   * the toolset closes it, after the agent's last turn.
   *
   * @throws InvalidOptionError where it has a tool of the same name already
   */
  async toolset(set: ToolSet | PromiseLike<ToolSet>): Promise<this> {
    const of = await set
    const tools = of.tools()
    for (const { name } of tools) {
      const other = this.#tools.get(name)
      if (other === undefined) continue
      throw new InvalidOptionError(
        `agent.toolset(): the toolset ${JSON.stringify(of.name)} has a tool ${name}, which the toolset ` +
          `${JSON.stringify(other.of.name)} has given to the agent already. Give it one of them only.`,
      )
    }
    for (const tool of tools) this.#tools.set(tool.name, { tool, of })
    return this
  }

  /**
   * Says something to the agent, and answers what it has done and said then. What is said meanwhile waits
   * for its turn.
   *
   * @throws ModelError where the model's service fails; what was done before stays in the conversation
   * @throws AbortedError, InvalidOptionError
   */
  async run(message: string, options: TurnOptions = {}): Promise<AgentResult> {
    return this.stream(message, options).result
  }

  /**
   * Says something to the agent, and gives what it does and says as it does.
   *
   * @example
   * ```ts
   * for await (const event of agent.stream('hello')) console.log(event)
   * ```
   */
  stream(message: string, options: TurnOptions = {}): AgentStream {
    const words = z.string().safeParse(message)
    if (!words.success) throw new InvalidOptionError('agent.stream(): the message must be a text.')
    const { signal, onInput } = parse(turnOptions, options, 'agent.stream()')
    return new LiveStream((emit) =>
      this.#inTurn(async () => {
        const conversation = this.#conversation
        const tools = new Map([...this.#tools].map(([name, { tool }]) => [name, tool]))
        const model = await this.#loadModel()
        const settings = { ...this.#settings, model, conversation, tools, signal, onInput }
        const turn = new Turn(message, settings, emit)
        try {
          return await turn.run()
        } finally {
          conversation.keep(turn.messages)
          conversation.usage = addUsage(conversation.usage, turn.usage)
        }
      }),
    )
  }

  /** Talks to a person in a terminal, until that person leaves. */
  async chat(options: ChatOptions = {}): Promise<void> {
    const folders = [...this.#tools.values()].flatMap(({ of }) => of.workdir ?? [])
    await chat(this, folders[0], options)
  }

  /** The conversation as JSON that {@link load} takes: messages, id and usage; not the variables of Python. */
  toJSON(): SavedConversation {
    return this.#conversation.save(this.name)
  }

  /** Writes the conversation to a file, for {@link load}. */
  async save(file: string): Promise<void> {
    const whole = `${file}.${process.pid}.tmp`
    await writeFile(whole, JSON.stringify(this, null, 2))
    await rename(whole, file)
  }

  /**
   * Goes on with a conversation that was saved, in place of the present one. The model is told that it was
   * saved, and that variables may be gone.
   *
   * @param from - a file that {@link save} has written, or what {@link toJSON} has answered
   * @throws InvalidOptionError where that is no conversation
   */
  async load(from: string | SavedConversation): Promise<void> {
    const conversation = Conversation.from(typeof from === 'string' ? await readJson(from) : from)
    await this.#inTurn(() => {
      this.#conversation = conversation
      return Promise.resolve()
    })
  }

  #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const turn = this.#lastTurn.then(work)
    this.#lastTurn = turn.catch(() => undefined)
    return turn
  }
}

async function readJson(file: string): Promise<unknown> {
  const text = await readFile(file, 'utf8')
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new InvalidOptionError(
      `agent.load(): the file ${file} holds no saved conversation: ${String(error)}.`,
    )
  }
}
