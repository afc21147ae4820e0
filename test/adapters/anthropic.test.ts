import Anthropic from '@anthropic-ai/sdk'
import { describe, expect, it } from 'vitest'
import { anthropicTools, type AnthropicOptions } from '../../src/adapters/anthropic.js'
import type { PythonInterpreterToolSet } from '../../src/index.js'
import {
  ENDLESS,
  expectAlive,
  expectOnlyOnce,
  expectPng,
  FIGURE,
  RUN,
  said,
} from '../helpers/adapters.js'
import { serveMessages } from '../helpers/messages-api.js'
import { makeToolset } from '../helpers/toolset.js'

interface ToolResult {
  readonly tool_use_id: string
  readonly is_error?: boolean
  readonly content: string | { type: string; text?: string; source?: { data: string } }[]
}

/** Lets a model make one call after the other; answers what it was shown of them. */
async function converse(
  toolset: PythonInterpreterToolSet,
  inputs: readonly unknown[],
  options: AnthropicOptions = {},
  signal?: AbortSignal,
): Promise<ToolResult[]> {
  const { baseURL, requests } = await serveMessages(RUN, inputs)
  const client = new Anthropic({ apiKey: 'none', baseURL, maxRetries: 0 })
  const runner = client.beta.messages.toolRunner(
    {
      model: 'scripted',
      max_tokens: 100,
      messages: [{ role: 'user', content: 'go' }],
      tools: anthropicTools(toolset, options),
    },
    signal && { signal },
  )
  const { content } = await runner.runUntilDone()
  expect(content).toEqual([{ type: 'text', text: 'done' }])
  expect(requests[0]?.tools[0]).toMatchObject({
    name: RUN,
    input_schema: { type: 'object', required: ['code'], additionalProperties: false },
  })
  // A request may have all of the conversation, or what is new of it.
  const blocks = requests.flatMap(({ messages }) => messages.flatMap(({ content }) => content))
  const results = (blocks as Partial<ToolResult>[]).filter((block) => block.tool_use_id)
  return [...new Map((results as ToolResult[]).map((one) => [one.tool_use_id, one])).values()]
}

const text = (value: unknown) => [{ type: 'text', text: value }]

describe('anthropicTools', () => {
  it('keeps variables between the calls of a session, apart from those of others', async () => {
    const toolset = await makeToolset()
    const inputs = [{ code: 'x = 6' }, { code: 'x * 7' }]
    const [, last] = await converse(toolset, inputs, { client_id: 'ann' })
    expect(last).toEqual({
      type: 'tool_result',
      tool_use_id: 'toolu_1',
      content: text('stdout:\n42'),
    })
    const [other] = await converse(toolset, [{ code: 'x' }], { client_id: () => 'bob' })
    expect(other).toMatchObject({
      is_error: true,
      content: said("NameError: name 'x' is not defined"),
    })
  })

  it('shows a figure as an image, and its base64 in no text', async () => {
    const [result] = await converse(await makeToolset(), [{ code: FIGURE }])
    expect(result?.content).toEqual([
      { type: 'text', text: said(/drawn[^]*figures: /) },
      { type: 'image', source: { type: 'base64', media_type: 'image/png', data: said(/./) } },
    ])
    const [, image] = result?.content ?? []
    const { source } = image as { source?: { data: string } }
    expectOnlyOnce(result, expectPng(source?.data))
    const without = await converse(await makeToolset(), [{ code: FIGURE }], { images: false })
    expect(without[0]?.content).toEqual(text(said('figures: ')))
  })

  it('shows an error no images, which the service would refuse, and says so', async () => {
    const [result] = await converse(await makeToolset(), [{ code: `${FIGURE}\n1/0` }])
    expect(result).toMatchObject({
      is_error: true,
      content: said(/ZeroDivisionError[^]*Its images are not shown to you/),
    })
  })

  it('interrupts the run of a call that is aborted, and the session goes on', async () => {
    const toolset = await makeToolset()
    await toolset.runPythonCode('x = 7')
    const controller = new AbortController()
    const options = { onOutput: () => controller.abort() }
    const aborted = converse(toolset, [{ code: ENDLESS }], options, controller.signal)
    await expect(aborted).rejects.toThrow(Anthropic.APIUserAbortError)
    await expectAlive(toolset, undefined, 'x', '7')
  })

  it('answers malformed arguments, so that the model can repair them', async () => {
    const inputs = [{ kode: '1' }, { code: 1 }, 'code', { code: '6 * 7' }]
    const [unknown, type, no, good] = await converse(await makeToolset(), inputs)
    expect(unknown).toMatchObject({ is_error: true, content: said('kode') })
    expect(type).toMatchObject({ is_error: true, content: said(/code.*string/) })
    expect(no).toMatchObject({ is_error: true, content: said(/^error:/) })
    expect(good?.content).toEqual(text('stdout:\n42'))
    expect(good?.is_error).toBeUndefined()
  })
})
