/** What has been said between a person and an agent, as a model is told it; saved and loaded. */
import { modelMessageSchema, type ModelMessage } from 'ai'
import { v4 as uuid } from 'uuid'
import { z } from 'zod'
import { InvalidOptionError } from '../errors.js'
import { parse } from '../parse-options.js'

/** Tokens and requests, as far as the model's service has told; null where it has not. */
export interface AgentUsage {
  readonly inputTokens: number | null
  readonly outputTokens: number | null
  readonly totalTokens: number | null
  /** Answers of the model. */
  readonly requests: number
}

export const NO_USAGE: AgentUsage = {
  inputTokens: null,
  outputTokens: null,
  totalTokens: null,
  requests: 0,
}

/** A conversation as it is saved: JSON. */
export interface SavedConversation {
  readonly version: 1
  /** The name of the agent. */
  readonly name: string
  /** The conversation's id, which is the `client_id` of its Python session. */
  readonly id: string
  /** What a person said and all that followed, for each time in turn. */
  readonly turns: readonly (readonly ModelMessage[])[]
  readonly usage: AgentUsage
}

const RESUMED =
  '[This conversation was saved, and goes on now. Variables and imports of Python that it speaks of ' +
  'may be gone: check before you rely on them.]'
const UNANSWERED =
  'This call was not carried to its end: the answer was stopped. Its code may have run in part.'

const tokens = z.number().nullable()
const saved = z.looseObject({
  version: z.literal(1),
  name: z.string(),
  id: z.string().min(1),
  turns: z.array(
    z.array(
      z.custom<ModelMessage>(
        (message) => modelMessageSchema.safeParse(message).success,
        'must be messages of the AI SDK',
      ),
    ),
  ),
  usage: z.object({
    inputTokens: tokens,
    outputTokens: tokens,
    totalTokens: tokens,
    requests: z.number(),
  }),
})

/** Messages by turns: what a person said, and all that followed. */
export class Conversation {
  readonly id: string
  usage: AgentUsage
  readonly #turns: (readonly ModelMessage[])[]
  /** Whether nothing has been said since it was loaded. */
  #isLoaded: boolean

  constructor({ id = uuid(), turns = [], usage = NO_USAGE }: Partial<SavedConversation> = {}) {
    this.id = id
    this.usage = usage
    this.#turns = [...turns]
    this.#isLoaded = turns.length > 0
  }

  /** @throws InvalidOptionError where that is no saved conversation, or one of a later version */
  static from(value: unknown): Conversation {
    const version: unknown =
      typeof value === 'object' && value !== null && Reflect.get(value, 'version')
    if (typeof version === 'number' && version > 1) {
      throw new InvalidOptionError(
        `agent.load(): the conversation was saved in version ${version} of its form, and version 1 is ` +
          'the latest that is known here. Update python-interpreter-toolset.',
      )
    }
    return new Conversation(parse(saved, value, 'agent.load()'))
  }

  /** All messages, in their order. */
  get messages(): ModelMessage[] {
    return this.#turns.flat()
  }

  save(name: string): SavedConversation {
    return { version: 1, name, id: this.id, turns: this.#turns, usage: this.usage }
  }

  /** A person's words as the first message of a turn, which is not kept yet. */
  begin(words: string): ModelMessage[] {
    const text = this.#isLoaded ? `${RESUMED}\n\n${words}` : words
    return [{ role: 'user', content: text }]
  }

  /** Keeps a turn, unless nothing has followed a person's words. */
  keep(turn: readonly ModelMessage[]): void {
    if (turn.length <= 1) return
    this.#turns.push(turn)
    this.#isLoaded = false
  }

  /**
   * What the model is told in a turn: the latest messages, at most `limit` of them. Whole turns are left
   * out first, the oldest before others; then the oldest calls of the turn itself, each with its results.
   * What the person has said in it stays.
   */
  latest(turn: readonly ModelMessage[], limit: number): ModelMessage[] {
    const [words, ...rest] = turn
    if (words === undefined) return []
    const units = unitsOf(rest)
    let room = limit - 1
    const fitting = takeLast(units, room)
    room -= fitting.flat().length
    const earlier = fitting.length === units.length ? takeLast(this.#turns, room) : []
    return [...earlier.flat(), words, ...fitting.flat()]
  }
}

/** Gives each tool call that lacks its result one that says so, as services demand. */
export function answered(messages: readonly ModelMessage[]): ModelMessage[] {
  const done = new Set(
    messages.flatMap(({ role, content }) =>
      role === 'tool'
        ? content.flatMap((part) => (part.type === 'tool-result' ? [part.toolCallId] : []))
        : [],
    ),
  )
  return messages.flatMap((message): ModelMessage[] => {
    if (message.role !== 'assistant' || typeof message.content === 'string') return [message]
    const open = message.content.flatMap((part) =>
      part.type === 'tool-call' && !done.has(part.toolCallId) ? [part] : [],
    )
    if (open.length === 0) return [message]
    const content = open.map(({ toolCallId, toolName }) => ({
      type: 'tool-result' as const,
      toolCallId,
      toolName,
      output: { type: 'error-text' as const, value: UNANSWERED },
    }))
    return [message, { role: 'tool', content }]
  })
}

export function addUsage(
  a: AgentUsage,
  b: { [Key in keyof AgentUsage]?: AgentUsage[Key] | undefined },
): AgentUsage {
  const sum = (x: number | null, y: number | null | undefined) =>
    x === null && (y ?? null) === null ? null : (x ?? 0) + (y ?? 0)
  return {
    inputTokens: sum(a.inputTokens, b.inputTokens),
    outputTokens: sum(a.outputTokens, b.outputTokens),
    totalTokens: sum(a.totalTokens, b.totalTokens),
    requests: a.requests + (b.requests ?? 0),
  }
}

/** What cannot be told apart: a message, and the results of its tool calls. */
function unitsOf(messages: readonly ModelMessage[]): ModelMessage[][] {
  const units: ModelMessage[][] = []
  for (const message of messages) {
    const last = units.at(-1)
    if (message.role === 'tool' && last !== undefined) last.push(message)
    else units.push([message])
  }
  return units
}

/** The last groups that have no more than `room` messages in all. */
function takeLast<Message>(
  groups: readonly (readonly Message[])[],
  room: number,
): (readonly Message[])[] {
  const taken: (readonly Message[])[] = []
  for (const group of groups.toReversed()) {
    room -= group.length
    if (room < 0) break
    taken.unshift(group)
  }
  return taken
}
