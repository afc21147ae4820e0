/** MCP over HTTP on a port of this machine: who may ask, and Node's requests as those of the web. */
import { createHash, timingSafeEqual } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { isIP, type AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import {
  localhostAllowedHostnames,
  validateHostHeader,
  validateOriginHeader,
} from '@modelcontextprotocol/server'
import { refusal } from './http-sessions.js'

const PATH = '/mcp'

/** Where to listen, and whom to. */
export interface HttpServerOptions {
  readonly host: string
  /** 0: any that is free. */
  readonly port: number
  /** What clients must send as their bearer token; null: nothing. */
  readonly token: string | null
}

/** A server that listens. */
export interface HttpServer {
  readonly url: string
  close(): Promise<void>
}

/** Whether only this machine can reach what listens there. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))
}

/** Starts to listen, and has `answer` answer who may ask. */
export async function listen(
  answer: (request: Request) => Promise<Response>,
  options: HttpServerOptions,
): Promise<HttpServer> {
  const { host, port } = options
  const mayAsk = doorkeeper(options)
  const server = createServer((incoming, outgoing) => {
    const aborted = new AbortController()
    outgoing.once('close', () => aborted.abort())
    const respond = async () => {
      const request = webRequest(incoming, aborted.signal)
      return mayAsk(request) ?? (await answer(request))
    }
    respond()
      .catch((error: unknown) => refusal(500, error instanceof Error ? error.message : 'Failed.'))
      .then((response) => send(response, outgoing))
      .catch(() => outgoing.destroy())
  })
  server.listen(port, host)
  await once(server, 'listening')
  const { port: actual } = server.address() as AddressInfo
  return {
    url: `http://${hostInUrl(host)}:${actual}${PATH}`,
    async close() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

/**
 * Refuses requests of web pages that the browser was led here by (DNS rebinding), and those without the
 * token. What is bound to all addresses has any name, and is protected by its token.
 */
function doorkeeper({ host, token }: HttpServerOptions): (request: Request) => Response | null {
  const names = [...localhostAllowedHostnames(), hostInUrl(host)]
  const hasAnyName = host === '0.0.0.0' || host === '::'
  return ({ headers, url }) => {
    const named = validateHostHeader(headers.get('host'), names)
    if (!named.ok && !hasAnyName) return refusal(403, named.message)
    const origin = validateOriginHeader(headers.get('origin'), names)
    if (!origin.ok) return refusal(403, origin.message)
    if (token !== null && !isSame(headers.get('authorization'), `Bearer ${token}`)) {
      const message = 'The bearer token is missing or wrong.'
      return refusal(401, message, { 'www-authenticate': 'Bearer' })
    }
    return new URL(url).pathname === PATH ? null : refusal(404, `The path is ${PATH}.`)
  }
}

/** Takes as long for any text, so that its time tells nothing of the right one. */
function isSame(text: string | null, expected: string): boolean {
  const digest = (value: string) => createHash('sha256').update(value).digest()
  return timingSafeEqual(digest(text ?? ''), digest(expected))
}

function hostInUrl(host: string): string {
  return isIP(host) === 6 ? `[${host}]` : host
}

function webRequest(incoming: IncomingMessage, signal: AbortSignal): Request {
  const { method = 'GET', url = '/' } = incoming
  const headers = new Headers()
  for (const [name, value] of Object.entries(incoming.headers)) {
    headers.set(name, Array.isArray(value) ? value.join(', ') : (value ?? ''))
  }
  const hasBody = method !== 'GET' && method !== 'HEAD'
  return new Request(`http://localhost${url}`, {
    method,
    headers,
    signal,
    ...(hasBody ? { body: Readable.toWeb(incoming) as ReadableStream, duplex: 'half' } : {}),
  })
}

/** Sends as fast as the client reads; where that has gone, rejects and reads no more. */
async function send({ status, headers, body }: Response, outgoing: ServerResponse): Promise<void> {
  outgoing.writeHead(status, Object.fromEntries(headers))
  outgoing.flushHeaders() // of a stream, whose first event may come late
  if (body === null) outgoing.end()
  else await pipeline(Readable.fromWeb(body), outgoing)
}
