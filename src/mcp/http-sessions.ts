/** MCP over Streamable HTTP: many clients on one toolset, each with a session and a Python of its own. */
import { randomUUID } from 'node:crypto'
import {
  isInitializeRequest,
  readRequestBody,
  WebStandardStreamableHTTPServerTransport,
} from '@modelcontextprotocol/server'
import type { PythonInterpreterToolSet } from '../toolset/toolset.js'
import { endInterpreters, isRunning } from './client-interpreters.js'
import { mcpServer } from './server.js'

/** Options of {@link HttpSessions}. */
export interface HttpSessionsOptions {
  /**
   * After how many ms a session ends to which no client is connected, and in which no code runs; 0: never.
   * Give the toolset the same. @default 0
   */
  readonly sessionIdleMs?: number
}

const SESSION_HEADER = 'mcp-session-id'

/**
 * Answers the requests of MCP clients. The id of a client's MCP session is its `client_id`; its
 * interpreters end with that session. Checks neither who asks nor from where: that is the server's.
 */
export class HttpSessions {
  readonly #toolset: PythonInterpreterToolSet
  readonly #idleMs: number
  readonly #byId = new Map<string, HttpSession>()
  #isClosed = false

  constructor(toolset: PythonInterpreterToolSet, { sessionIdleMs = 0 }: HttpSessionsOptions = {}) {
    this.#toolset = toolset
    this.#idleMs = sessionIdleMs
  }

  /** Answers one request. It can be passed on as a function. */
  readonly fetch = async (request: Request): Promise<Response> => {
    if (this.#isClosed) return refusal(503, 'The server is being closed.')
    const id = request.headers.get(SESSION_HEADER)
    if (id === null) return this.#begin(request)
    const session = this.#byId.get(id)
    if (session === undefined) return refusal(404, 'There is no such session: initialize anew.')
    return session.answer(request)
  }

  /** Ends all sessions, with what they run. Closing the toolset stays the caller's. */
  async close(): Promise<void> {
    this.#isClosed = true
    await Promise.all([...this.#byId.values()].map((session) => session.end()))
  }

  /** Protocol revisions without sessions have no client whose variables could be kept. */
  async #begin(request: Request): Promise<Response> {
    if (request.method !== 'POST') return refusal(400, 'The header Mcp-Session-Id is missing.')
    const body = await readRequestBody(request)
    if (body.tooLarge) return refusal(413, 'The request is too large.')
    const message = parsed(body.text)
    if (!isInitializeRequest(message)) {
      return refusal(400, 'A session begins with an initialize request: there was none.')
    }
    const session = new HttpSession(this.#toolset, this.#idleMs, (id) => this.#byId.delete(id))
    this.#byId.set(session.id, session)
    const response = await session.answer(request, message)
    if (!response.ok) await session.end()
    return response
  }
}

/** One client. */
class HttpSession {
  readonly id = randomUUID()
  readonly #toolset: PythonInterpreterToolSet
  readonly #idleMs: number
  readonly #onEnd: (id: string) => void
  readonly #transport: WebStandardStreamableHTTPServerTransport
  readonly #connected: Promise<void>
  /** Requests whose answers are not complete, among them the stream of a client that listens. */
  #open = 0
  #timer: NodeJS.Timeout | undefined
  #ended: Promise<void> | undefined

  constructor(toolset: PythonInterpreterToolSet, idleMs: number, onEnd: (id: string) => void) {
    this.#toolset = toolset
    this.#idleMs = idleMs
    this.#onEnd = onEnd
    this.#transport = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: () => this.id,
      // A client that has asked for the end is answered when its Python processes have ended.
      onsessionclosed: () => this.#endInterpreters(),
    })
    const server = mcpServer(toolset, { clientId: this.id })
    server.server.onclose = () => void this.end()
    this.#connected = server.connect(this.#transport)
  }

  async answer(request: Request, parsedBody?: unknown): Promise<Response> {
    this.#open += 1
    clearTimeout(this.#timer)
    let isDone = false
    const done = () => {
      if (!isDone) this.#open -= 1
      isDone = true
      this.#waitIdle()
    }
    try {
      await this.#connected
      const options = parsedBody === undefined ? {} : { parsedBody }
      const response = await this.#transport.handleRequest(request, options)
      if (response.body === null) done()
      else return new Response(untilDone(response.body, done), response)
      return response
    } catch (error) {
      done()
      throw error
    }
  }

  /** Closes the connection, and ends the interpreters. */
  end(): Promise<void> {
    this.#ended ??= (async () => {
      clearTimeout(this.#timer)
      this.#onEnd(this.id)
      await this.#transport.close()
      await this.#endInterpreters()
    })()
    return this.#ended
  }

  #endInterpreters(): Promise<void> {
    return endInterpreters(this.#toolset, this.id)
  }

  #waitIdle(): void {
    clearTimeout(this.#timer)
    if (this.#idleMs === 0 || this.#open > 0 || this.#ended !== undefined) return
    this.#timer = setTimeout(() => void this.#endIfIdle(), this.#idleMs).unref()
  }

  async #endIfIdle(): Promise<void> {
    const isInUse = (await isRunning(this.#toolset, this.id)) || this.#open > 0
    if (isInUse) this.#waitIdle()
    else await this.end()
  }
}

/** The same stream, which tells when it has ended, or is read no more. */
function untilDone(stream: ReadableStream<Uint8Array>, done: () => void) {
  const reader = stream.getReader()
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { done: isEnd, value } = await reader.read()
        if (!isEnd) {
          controller.enqueue(value)
          return
        }
        controller.close()
      } catch (error) {
        controller.error(error)
      }
      done()
    },
    cancel(reason) {
      done()
      return reader.cancel(reason)
    },
  })
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

const SESSION_NOT_FOUND = -32001
const SERVER_ERROR = -32000

/** An answer of the protocol that is not one to a certain message. */
export function refusal(
  status: number,
  message: string,
  headers: Record<string, string> = {},
): Response {
  const code = status === 404 ? SESSION_NOT_FOUND : SERVER_ERROR
  return Response.json({ jsonrpc: '2.0', error: { code, message }, id: null }, { status, headers })
}
