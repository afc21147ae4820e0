/** A local server that speaks Anthropic's Messages API and plays a script. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { onTestFinished } from 'vitest'

interface MessagesRequest {
  readonly tools: { name: string; input_schema: object }[]
  readonly messages: { role: string; content: unknown }[]
}

/**
 * Serves until the test ends. Asks for one call of a tool after the other, and then says "done".
 *
 * @returns its address, and the requests that it gets
 */
export async function serveMessages(tool: string, inputs: readonly unknown[]) {
  const requests: MessagesRequest[] = []
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      const index = requests.push(JSON.parse(body) as MessagesRequest) - 1
      const isOver = index >= inputs.length
      const call = { type: 'tool_use', id: `toolu_${index}`, name: tool, input: inputs[index] }
      response.setHeader('content-type', 'application/json')
      response.end(
        JSON.stringify({
          id: `msg_${index}`,
          type: 'message',
          role: 'assistant',
          model: 'scripted',
          content: [isOver ? { type: 'text', text: 'done' } : call],
          stop_reason: isOver ? 'end_turn' : 'tool_use',
          stop_sequence: null,
          usage: { input_tokens: 1, output_tokens: 1 },
        }),
      )
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    return new Promise<void>((resolve) => server.close(() => resolve()))
  })
  const { port } = server.address() as AddressInfo
  return { baseURL: `http://127.0.0.1:${port}`, requests }
}
