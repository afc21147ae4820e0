import { AIMessage, HumanMessage, ToolMessage, type BaseMessage } from '@langchain/core/messages'
import { fakeModel } from '@langchain/core/testing'
import { describe, expect, it } from 'vitest'
import {
  langChainTools,
  type LangChainCall,
  type LangChainOptions,
} from '../../src/adapters/langchain.js'
import type { PythonInterpreterToolSet, RunOutput } from '../../src/index.js'
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

/** Lets a model make one call after the other; answers the messages of the tool. */
async function converse(
  toolset: PythonInterpreterToolSet,
  inputs: readonly object[],
  config: LangChainCall & { writer?: (chunk: unknown) => void } = {},
  options: LangChainOptions = {},
): Promise<ToolMessage[]> {
  const fake = inputs.reduce<ReturnType<typeof fakeModel>>((model, args, index) => {
    return model.respondWithTools([{ name: RUN, args, id: `call-${index}` }])
  }, fakeModel())
  fake.respond(new AIMessage('done'))
  const tools = langChainTools(toolset, options)
  const model = fake.bindTools(tools)
  const messages: BaseMessage[] = [new HumanMessage('go')]
  for (;;) {
    const said = await model.invoke(messages)
    messages.push(said)
    const [call] = said.tool_calls ?? []
    if (call === undefined) break
    const tool = tools.find(({ name }) => name === call.name)
    messages.push((await tool?.invoke({ ...call, type: 'tool_call' }, config)) as ToolMessage)
  }
  expect(messages.at(-1)?.text).toBe('done')
  return messages.filter((message) => message instanceof ToolMessage)
}

const thread = (thread_id: string) => ({ configurable: { thread_id } })

describe('langChainTools', () => {
  it('keeps variables between the calls of a thread, apart from those of others', async () => {
    const toolset = await makeToolset()
    const inputs = [{ code: 'x = 6' }, { code: 'x * 7', result_var_name: 'x' }]
    const [, last] = await converse(toolset, inputs, thread('ann'))
    expect(last).toMatchObject({
      content: 'stdout:\n42\n\nresult (int):\n6',
      artifact: { success: true, result: 6 },
      tool_call_id: 'call-1',
      status: 'success',
    })
    const [other] = await converse(toolset, [{ code: 'x' }], thread('bob'))
    expect(other?.content).toContain("NameError: name 'x' is not defined")
    const [chosen] = await converse(toolset, [{ code: 'x' }], thread('bob'), { client_id: 'ann' })
    expect(chosen?.content).toBe('stdout:\n6')
  })

  it('shows a figure as an image, and its base64 in no text', async () => {
    const [message] = await converse(await makeToolset(), [{ code: FIGURE }])
    expect(message?.content).toEqual([
      { type: 'text', text: said(/drawn[^]*figures: /) },
      { type: 'image_url', image_url: { url: said('data:image/png;base64,') } },
    ])
    const { image_url } = message?.content[1] as unknown as { image_url: { url: string } }
    expectOnlyOnce(message?.content, expectPng(image_url.url.split(',')[1]))
    expect(message?.artifact).toMatchObject({ fig_storage_path: said('.png') })
    const without = await converse(await makeToolset(), [{ code: FIGURE }], {}, { images: false })
    expect(without[0]?.content).toEqual(said('figures: '))
  })

  it('interrupts the run of a call that is aborted, and the session goes on', async () => {
    const toolset = await makeToolset()
    await toolset.runPythonCode('x = 7', { client_id: 'ann' })
    const controller = new AbortController()
    const config = { ...thread('ann'), signal: controller.signal }
    const aborted = converse(toolset, [{ code: ENDLESS }], config, {
      onOutput: () => controller.abort(),
    })
    await expect(aborted).rejects.toMatchObject({ name: 'AbortError' })
    await expectAlive(toolset, 'ann', 'x', '7')
  })

  it('answers malformed arguments, so that the model can repair them', async () => {
    const inputs = [{ kode: '1' }, { code: 1 }, { code: '6 * 7' }]
    const [unknown, type, good] = await converse(await makeToolset(), inputs)
    expect(unknown).toMatchObject({ status: 'error', content: said('kode') })
    expect(unknown?.artifact).toMatchObject({ success: false })
    expect(type).toMatchObject({ status: 'error', content: said(/code.*string/) })
    expect(type?.tool_call_id).toBe('call-1')
    expect(good).toMatchObject({ status: 'success', content: 'stdout:\n42' })
    const [tool] = langChainTools(await makeToolset())
    expect(await tool?.invoke({ kode: 1 })).toEqual(said('kode'))
  })

  it('passes on what code says to the writer of a graph, as it says it', async () => {
    const toolset = await makeToolset()
    const written: RunOutput[] = []
    const config = {
      writer: (chunk: unknown) => {
        written.push(chunk as RunOutput)
        // The code waits for this.
        void toolset.files.write('go', '')
      },
    }
    const code = `import os, time
print("one", flush=True)
while not os.path.exists("go"): time.sleep(0.01)
6 * 7`
    const [message] = await converse(toolset, [{ code }], config)
    expect(message?.content).toMatch(/^stdout:\none\n42/)
    expect(written[0]).toMatchObject({ type: 'stream', text: said(/^one/) })
    expect(written.at(-1)).toMatchObject({ type: 'execute_result', data: { 'text/plain': '42' } })
  })
})
