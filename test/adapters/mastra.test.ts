import { Agent } from '@mastra/core/agent'
import type { MastraModelConfig } from '@mastra/core/llm'
import { MastraLanguageModelV2Mock } from '@mastra/core/test-utils/llm-mock'
import { describe, expect, it } from 'vitest'
import { mastraTools, type MastraOptions } from '../../src/adapters/mastra.js'
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
import { makeToolset } from '../helpers/toolset.js'

const usage = { inputTokens: 1, outputTokens: 1, totalTokens: 2 }

/** A model that makes one call after the other, and then says "done". */
function scripted(inputs: readonly unknown[]): MastraLanguageModelV2Mock {
  let step = 0
  return new MastraLanguageModelV2Mock({
    doStream: () => {
      const index = step++
      const isOver = index >= inputs.length
      const input = JSON.stringify(inputs[index])
      const call = { type: 'tool-call', toolCallId: `call-${index}`, toolName: RUN, input } as const
      const parts = isOver
        ? ([
            { type: 'text-start', id: 't' },
            { type: 'text-delta', id: 't', delta: 'done' },
            { type: 'text-end', id: 't' },
          ] as const)
        : [call]
      const finishReason = isOver ? ('stop' as const) : ('tool-calls' as const)
      const stream = ReadableStream.from([
        { type: 'stream-start' as const, warnings: [] },
        ...parts,
        { type: 'finish' as const, finishReason, usage },
      ])
      return Promise.resolve({ stream })
    },
  })
}

interface How {
  readonly thread?: string
  readonly abortSignal?: AbortSignal
  readonly options?: MastraOptions
}

/** Lets a model make one call after the other; answers what it was shown of them, and all chunks. */
async function converse(
  toolset: PythonInterpreterToolSet,
  inputs: readonly unknown[],
  { thread, abortSignal, options }: How = {},
) {
  const model = scripted(inputs)
  const tools = mastraTools(toolset, options)
  const agent = new Agent({
    id: 'a',
    name: 'a',
    instructions: 'Use Python.',
    model: model as unknown as MastraModelConfig, // it is one but for exactOptionalPropertyTypes
    tools,
  })
  const stream = await agent.stream('go', {
    maxSteps: inputs.length + 1,
    ...(thread !== undefined && { memory: { thread, resource: 'somebody' } }),
    ...(abortSignal && { abortSignal }),
  })
  const chunks: { type: string; payload?: unknown; data?: unknown }[] = []
  for await (const chunk of stream.fullStream) chunks.push(chunk)
  const prompt = model.doStreamCalls.at(-1)?.prompt ?? []
  const shown = prompt.flatMap((message) =>
    message.role === 'tool' ? message.content.map((part) => part.output) : [],
  )
  return { shown, chunks, text: await stream.text }
}

describe('mastraTools', () => {
  it('keeps variables between the calls of a thread, apart from those of others', async () => {
    const toolset = await makeToolset()
    const first = await converse(toolset, [{ code: 'x = 6' }, { code: 'x * 7' }], { thread: 'ann' })
    expect(first.text).toBe('done')
    expect(first.shown[1]).toEqual({ type: 'text', value: 'stdout:\n42' })
    const other = await converse(toolset, [{ code: 'x' }], { thread: 'bob' })
    expect(other.shown[0]).toMatchObject({ value: said("NameError: name 'x' is not defined") })
    const options = { client_id: 'ann' }
    const chosen = await converse(toolset, [{ code: 'x' }], { thread: 'bob', options })
    expect(chosen.shown[0]).toEqual({ type: 'text', value: 'stdout:\n6' })
  })

  it('shows a figure as an image, and its base64 in no text', async () => {
    const { shown, chunks } = await converse(await makeToolset(), [{ code: FIGURE }])
    const [output] = shown
    expect(output).toEqual({
      type: 'content',
      value: [
        { type: 'text', text: said(/drawn[^]*figures: /) },
        { type: 'media', mediaType: 'image/png', data: said(/./) },
      ],
    })
    const { value } = output as { value: { data?: string }[] }
    expectOnlyOnce(output, expectPng(value[1]?.data))
    const result = chunks.find(({ type }) => type === 'tool-result')
    expect(result?.payload).toMatchObject({ result: { success: true, state: 'kept' } })
    const options = { images: false }
    const without = await converse(await makeToolset(), [{ code: FIGURE }], { options })
    expect(without.shown[0]).toEqual({ type: 'text', value: said('figures: ') })
  })

  it('interrupts the run of a call that is aborted, and the session goes on', async () => {
    const toolset = await makeToolset()
    await toolset.runPythonCode('x = 7', { client_id: 'ann' })
    const controller = new AbortController()
    const { chunks } = await converse(toolset, [{ code: ENDLESS }], {
      thread: 'ann',
      abortSignal: controller.signal,
      options: { onOutput: () => controller.abort() },
    })
    expect(chunks.map(({ type }) => type)).toContain('data-python-output')
    expect(chunks.map(({ type }) => type)).not.toContain('tool-result')
    await expectAlive(toolset, 'ann', 'x', '7')
  })

  it('answers malformed arguments, so that the model can repair them', async () => {
    const inputs = [{ kode: '1' }, { code: 1 }, { code: '6 * 7' }]
    const { shown, text } = await converse(await makeToolset(), inputs)
    const [unknown, type, good] = shown
    expect(text).toBe('done')
    expect(JSON.stringify(unknown)).toMatch(/kode/)
    expect(JSON.stringify(type)).toMatch(/code.*string/)
    expect(good).toEqual({ type: 'text', value: 'stdout:\n42' })
  })

  it('writes what code says into the stream, as it says it', async () => {
    const toolset = await makeToolset()
    const { chunks } = await converse(toolset, [{ code: 'print("one")\n6 * 7' }])
    const written = chunks.filter(({ type }) => type === 'data-python-output')
    // How many pieces a text comes in is not promised.
    expect(written[0]?.data).toMatchObject({
      toolCallId: 'call-0',
      output: { type: 'stream', name: 'stdout', text: said(/^one/) },
    })
    expect(written.at(-1)?.data).toMatchObject({ output: { type: 'execute_result' } })
    const types = chunks.map(({ type }) => type)
    expect(types.indexOf('data-python-output')).toBeLessThan(types.indexOf('tool-result'))
  })
})
