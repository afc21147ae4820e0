/** The server that plays models for tests, as the AI SDK's client of such services sees it. */
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { generateText, streamText, tool } from 'ai'
import { expect, it } from 'vitest'
import { z } from 'zod'
import { chatServer, type ChatServer, type Scenario } from './helpers/chat-server.js'

const tools = {
  run: tool({ inputSchema: z.object({ code: z.string() }), execute: ({ code }) => code }),
}

async function modelOf(scenario: Scenario, apiKey?: string) {
  const server = await chatServer(scenario, apiKey === undefined ? {} : { apiKey })
  return { server, model: clientOf(server, apiKey) }
}

function clientOf({ baseURL }: ChatServer, apiKey = 'key') {
  return createOpenAICompatible({ name: 'test', baseURL, apiKey, includeUsage: true })('model-1')
}

const REPLY = {
  text: 'Let me look at that.',
  reasoning: 'Hm, hm, hm.',
  calls: [
    { name: 'run', arguments: { code: 'print("hello, world")' } },
    { name: 'run', arguments: { code: '1 + 1' }, id: 'mine' },
  ],
  usage: { prompt_tokens: 11, completion_tokens: 7 },
}
const CALLS = [
  { toolCallId: 'call_1', toolName: 'run', input: { code: 'print("hello, world")' } },
  { toolCallId: 'mine', toolName: 'run', input: { code: '1 + 1' } },
]

it('answers text, reasoning, tool calls and usage at once', async () => {
  const { server, model } = await modelOf([REPLY])
  const answer = await generateText({ model, tools, prompt: 'hello' })
  expect(answer.text).toBe(REPLY.text)
  expect(answer.reasoningText).toBe(REPLY.reasoning)
  expect(answer.toolCalls).toMatchObject(CALLS)
  expect(answer.usage).toMatchObject({ inputTokens: 11, outputTokens: 7, totalTokens: 18 })
  expect(server.messages(0)).toEqual([{ role: 'user', content: 'hello' }])
  expect(server.requests[0]?.body).toMatchObject({ model: 'model-1' })
})

it('streams the same in pieces', async () => {
  const { server, model } = await modelOf([REPLY])
  const answer = streamText({ model, tools, prompt: 'hello' })
  const types: string[] = []
  for await (const { type } of answer.fullStream) types.push(type)
  const count = (wanted: string) => types.filter((type) => type === wanted).length
  expect(count('text-delta')).toBeGreaterThan(2)
  expect(count('reasoning-delta')).toBeGreaterThan(1)
  expect(count('tool-input-delta')).toBeGreaterThan(4)
  expect(await answer.text).toBe(REPLY.text)
  expect(await answer.reasoningText).toBe(REPLY.reasoning)
  expect(await answer.toolCalls).toMatchObject(CALLS)
  expect(await answer.usage).toMatchObject({ inputTokens: 11, outputTokens: 7 })
  expect(server.requests[0]?.body).toMatchObject({ stream: true })
  expect(server.left).toBe(0)
})

it.each([
  ['drop', 'Failed to process successful response'],
  ['error', 'The model has gone away.'],
] as const)('ends a stream in the middle: %s', async (then, message) => {
  const { model } = await modelOf([{ text: 'I was about to', then }])
  let text = ''
  const read = async () => {
    const answer = streamText({ model, prompt: 'hello', onError: () => undefined })
    for await (const part of answer.fullStream) {
      if (part.type === 'text-delta') text += part.text
      if (part.type === 'error') throw part.error
    }
  }
  await expect(read()).rejects.toMatchObject({ message })
  expect(text).toBe('I was about to')
})

it('fails with a status, which clients take up again where they may', async () => {
  const headers = { 'retry-after-ms': '1' }
  const { server, model } = await modelOf([{ status: 429, headers }, { text: 'Now.' }])
  expect((await generateText({ model, prompt: 'hello' })).text).toBe('Now.')
  expect(server.requests).toHaveLength(2)

  const broken = await modelOf([{ status: 0 }])
  await expect(generateText({ model: broken.model, maxRetries: 0, prompt: '' })).rejects.toThrow(
    /Cannot connect to API/,
  )
})

it('refuses a wrong key, and what comes after its scenario', async () => {
  const { server, model } = await modelOf([], 'right')
  await expect(generateText({ model, prompt: 'hello' })).rejects.toThrow(/No answer is left/)
  await expect(
    generateText({ model: clientOf(server, 'wrong'), prompt: 'hello' }),
  ).rejects.toMatchObject({ statusCode: 401 })
})

it('refuses a conversation in which a tool call and its result are apart', async () => {
  const call = { id: 'a', type: 'function', function: { name: 'run', arguments: '{}' } }
  const user = { role: 'user', content: 'hello' }
  const assistant = { role: 'assistant', content: null, tool_calls: [call] }
  const result = { role: 'tool', tool_call_id: 'a', content: '1' }
  const { baseURL } = await chatServer([{ text: 'Good.' }])
  const status = async (messages: object[]) => {
    const body = JSON.stringify({ model: 'model-1', messages })
    return (await fetch(`${baseURL}/chat/completions`, { method: 'POST', body })).status
  }
  expect(await status([user, result])).toBe(400)
  expect(await status([user, assistant, user])).toBe(400)
  expect(await status([user, assistant])).toBe(400)
  expect(await status([assistant, result])).toBe(400)
  expect(await status([user, assistant, result])).toBe(200)
})
