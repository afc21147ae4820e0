/**
 * A model service for tests: a real HTTP server that speaks the OpenAI chat completions wire format,
 * streamed or not, and plays a written scenario. Like the services that it stands for, it refuses
 * conversations in which a tool call lacks its result.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import { onTestFinished } from 'vitest'

/** A tool call that the model makes. */
export interface ScriptedCall {
  readonly name: string
  /** What JSON is made of; a string is sent as it is, so that it can be malformed. */
  readonly arguments: object | string
  /** @default `call_1`, `call_2` and so on, over all of the server's answers */
  readonly id?: string
}

/** What the model says. */
export interface ScriptedReply {
  readonly text?: string
  readonly reasoning?: string
  readonly refusal?: string
  readonly calls?: readonly ScriptedCall[]
  /** @default 'tool_calls' with calls, else 'stop' */
  readonly finishReason?: string
  /** @default 10 tokens in, 5 out */
  readonly usage?: { readonly prompt_tokens: number; readonly completion_tokens: number }
  /**
   * What happens after all of that has been sent, in place of the end: the connection breaks; nothing
   * more comes until the client goes away; or an error is told in the stream.
   */
  readonly then?: 'drop' | 'hang' | 'error'
}

/** An HTTP error in place of an answer, or no answer at all. */
export interface ScriptedFailure {
  /** 0: the connection breaks before anything is answered. */
  readonly status: number
  /** @default `status STATUS` */
  readonly message?: string
  readonly headers?: Readonly<Record<string, string>>
}

export type ScriptedAnswer = ScriptedReply | ScriptedFailure

/** One message of the conversation, as it travels. */
export interface WireMessage {
  readonly role: 'system' | 'user' | 'assistant' | 'tool'
  readonly content: string | readonly { type: string; text?: string }[] | null
  readonly tool_calls?: readonly {
    readonly id: string
    readonly function: { readonly name: string; readonly arguments: string }
  }[]
  readonly tool_call_id?: string
}

/** A request as it came in. */
export interface ChatRequest {
  /** `performance.now()` of when it had come. */
  readonly at: number
  readonly headers: IncomingMessage['headers']
  readonly body: {
    readonly model: string
    readonly messages: readonly WireMessage[]
    readonly stream?: boolean
    readonly stream_options?: { readonly include_usage?: boolean }
    readonly tools?: readonly {
      readonly function: { readonly name: string; readonly description?: string }
    }[]
  }
}

/** The scenario: answers in the order in which they are given; a function sees what was asked. */
export type Scenario = readonly (
  ScriptedAnswer | ((request: ChatRequest) => ScriptedAnswer | Promise<ScriptedAnswer>)
)[]

interface ChatServerOptions {
  /** Requests without this key are answered with status 401. @default any or none will do */
  readonly apiKey?: string
}

const TEXT_PIECE = 7
const ARGUMENTS_PIECE = 11

/** The server; made by {@link chatServer}. */
export class ChatServer {
  /** All requests for an answer, in order, those included that were refused. */
  readonly requests: ChatRequest[] = []
  readonly #scenario: Scenario
  readonly #options: ChatServerOptions
  readonly #server: Server
  #played = 0
  #calls = 0

  constructor(scenario: Scenario, options: ChatServerOptions = {}) {
    this.#scenario = scenario
    this.#options = options
    this.#server = createServer((request, response) => void this.#serve(request, response))
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
  }

  /** What a client takes as its base URL. */
  get baseURL(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v1`
  }

  /** How many answers of the scenario have not been asked for. */
  get left(): number {
    return this.#scenario.length - this.#played
  }

  /** What the model was told with the request of this number, from 0; negative: from the last. */
  messages(index: number): readonly WireMessage[] {
    const request = this.requests.at(index)
    if (request === undefined) throw new Error(`There were ${this.requests.length} requests only.`)
    return request.body.messages
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  async #serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    if (incoming.method !== 'POST' || incoming.url !== '/v1/chat/completions') {
      fail(response, { status: 404, message: `No such route: ${incoming.url ?? ''}` })
      return
    }
    const body = (await json(incoming)) as ChatRequest['body']
    const request = { at: performance.now(), headers: incoming.headers, body }
    this.requests.push(request)
    const { apiKey } = this.#options
    if (apiKey !== undefined && incoming.headers.authorization !== `Bearer ${apiKey}`) {
      fail(response, { status: 401, message: 'Incorrect API key provided.' })
      return
    }
    const mistake = mistakeIn(body.messages)
    const scripted = this.#scenario[this.#played]
    if (mistake !== null) fail(response, { status: 400, message: mistake })
    else if (scripted === undefined) fail(response, { status: 400, message: 'No answer is left.' })
    else {
      this.#played += 1
      const answer = typeof scripted === 'function' ? await scripted(request) : scripted
      if ('status' in answer) fail(response, answer)
      else await this.#reply(response, answer, body)
    }
  }

  async #reply(
    response: ServerResponse,
    reply: ScriptedReply,
    body: ChatRequest['body'],
  ): Promise<void> {
    const calls = (reply.calls ?? []).map((call) => ({
      id: call.id ?? `call_${(this.#calls += 1)}`,
      type: 'function' as const,
      function: {
        name: call.name,
        arguments:
          typeof call.arguments === 'string' ? call.arguments : JSON.stringify(call.arguments),
      },
    }))
    const head = { id: `chatcmpl-${this.#played}`, created: 1_750_000_000, model: body.model }
    const finish_reason = reply.finishReason ?? (calls.length > 0 ? 'tool_calls' : 'stop')
    const { prompt_tokens, completion_tokens } = reply.usage ?? {
      prompt_tokens: 10,
      completion_tokens: 5,
    }
    const usage = {
      prompt_tokens,
      completion_tokens,
      total_tokens: prompt_tokens + completion_tokens,
    }
    if (body.stream !== true) {
      if (reply.then !== undefined) throw new Error('Only what is streamed can end early.')
      const message = {
        role: 'assistant',
        content: reply.text ?? null,
        ...(reply.reasoning === undefined ? {} : { reasoning_content: reply.reasoning }),
        ...(reply.refusal === undefined ? {} : { refusal: reply.refusal }),
        ...(calls.length === 0 ? {} : { tool_calls: calls }),
      }
      const choices = [{ index: 0, message, finish_reason }]
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end(JSON.stringify({ ...head, object: 'chat.completion', choices, usage }))
      return
    }
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    const send = async (data: object | string) => {
      const text = typeof data === 'string' ? data : JSON.stringify(data)
      response.write(`data: ${text}\n\n`)
      // What is written together would arrive together.
      await new Promise((resolve) => setImmediate(resolve))
    }
    const choose = (delta: object, finish: string | null = null) =>
      send({
        ...head,
        object: 'chat.completion.chunk',
        choices: [{ index: 0, delta, finish_reason: finish }],
      })
    await choose({ role: 'assistant', content: '' })
    for (const reasoning_content of pieces(reply.reasoning ?? '', TEXT_PIECE)) {
      await choose({ reasoning_content })
    }
    for (const content of pieces(reply.text ?? '', TEXT_PIECE)) await choose({ content })
    for (const refusal of pieces(reply.refusal ?? '', TEXT_PIECE)) await choose({ refusal })
    for (const [index, { function: called, ...call }] of calls.entries()) {
      const begun = { index, ...call, function: { ...called, arguments: '' } }
      await choose({ tool_calls: [begun] })
      for (const piece of pieces(called.arguments, ARGUMENTS_PIECE)) {
        await choose({ tool_calls: [{ index, function: { arguments: piece } }] })
      }
    }
    switch (reply.then) {
      case 'drop':
        response.destroy()
        return
      case 'hang':
        return
      case 'error':
        await send({ error: { message: 'The model has gone away.', code: 502 } })
        response.end()
        return
    }
    await choose({}, finish_reason)
    if (body.stream_options?.include_usage === true) {
      await send({ ...head, object: 'chat.completion.chunk', choices: [], usage })
    }
    await send('[DONE]')
    response.end()
  }
}

/** Starts a server that plays the scenario; it is closed when the test ends. */
export async function chatServer(
  scenario: Scenario,
  options?: ChatServerOptions,
): Promise<ChatServer> {
  const server = new ChatServer(scenario, options)
  await server.listen()
  onTestFinished(() => server.close())
  return server
}

/** The text of a message, whatever form it travels in. */
export function textOf({ content }: WireMessage): string {
  if (typeof content === 'string') return content
  return (content ?? []).map(({ text = '' }) => text).join('\n')
}

function fail(response: ServerResponse, { status, message, headers }: ScriptedFailure): void {
  if (status === 0) {
    response.destroy()
    return
  }
  response.writeHead(status, { 'content-type': 'application/json', ...headers })
  const error = { message: message ?? `status ${status}`, type: 'error', param: null, code: null }
  response.end(JSON.stringify({ error }))
}

/** What a service would refuse about a conversation; null if nothing. */
function mistakeIn(messages: readonly WireMessage[]): string | null {
  const open = new Set<string>()
  for (const [i, { role, tool_call_id = '', tool_calls }] of messages.entries()) {
    if (role === 'tool') {
      if (open.delete(tool_call_id)) continue
      return `messages[${i}]: no tool call before it has the id ${JSON.stringify(tool_call_id)}.`
    }
    if (open.size > 0)
      return `messages[${i}]: the tool calls ${[...open].join()} lack their results.`
    for (const { id } of tool_calls ?? []) open.add(id)
  }
  if (open.size > 0) return `The tool calls ${[...open].join()} lack their results.`
  return messages.some(({ role }) => role === 'user') ? null : 'There is no message of a user.'
}

function pieces(text: string, length: number): string[] {
  const count = Math.ceil(text.length / length)
  return Array.from({ length: count }, (_, i) => text.slice(i * length, (i + 1) * length))
}
