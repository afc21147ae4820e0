/** MCP over standard input and output: one client, to its end. */
import { serveStdio } from '@modelcontextprotocol/server/stdio'
import type { PythonInterpreterToolSet } from '../toolset/toolset.js'
import { mcpServer } from './server.js'

/** The `client_id` of the one client that there is. */
const CLIENT = 'stdio'

/** Serves until the client closes its end, or `signal` is aborted. Writes nothing but the protocol. */
export async function serve(toolset: PythonInterpreterToolSet, signal: AbortSignal): Promise<void> {
  const ended = new Promise<void>((resolve) => {
    process.stdin.once('close', resolve)
    process.stdin.once('end', resolve)
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
  // A client that asks for the newest revision first gets a server for that, and then perhaps another.
  const connection = serveStdio(() => mcpServer(toolset, { clientId: CLIENT }))
  await ended
  await connection.close()
}
