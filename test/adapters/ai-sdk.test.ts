import { generateText, stepCountIs, streamText, ToolLoopAgent } from 'ai'
import { convertArrayToReadableStream, MockLanguageModelV3 } from 'ai/test'
import { describe, expect, it } from 'vitest'
import { aiSdkTools, type RunSoFar } from '../../src/adapters/ai-sdk.js'
import { type RunOutput } from '../../src/index.js'
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

const usage = {
  inputTokens: { total: 1, noCache: 1, cacheRead: undefined, cacheWrite: undefined },
  outputTokens: { total: 1, text: 1, reasoning: undefined },
}

/** A model that makes one call after the other, and then says "done". Inputs that are text are sent as they are. */
function scripted(...inputs: unknown[]): MockLanguageModelV3 {
  let step = 0
  const next = () => {
    const index = step++
    if (index >= inputs.length) return { type: 'text' as const, text: 'done' }
    const input = inputs[index]
    return {
      type: 'tool-call' as const,
      toolCallId: `call-${index}`,
      toolName: RUN,
      input: typeof input === 'string' ? input : JSON.stringify(input),
    }
  }
  return new MockLanguageModelV3({
    doGenerate: () => {
      const content = next()
      const unified = content.type === 'text' ? ('stop' as const) : ('tool-calls' as const)
      return Promise.resolve({
        content: [content],
        finishReason: { unified, raw: undefined },
        usage,
        warnings: [],
      })
    },
    doStream: () => {
      const content = next()
      const unified = content.type === 'text' ? ('stop' as const) : ('tool-calls' as const)
      return Promise.resolve({
        stream: convertArrayToReadableStream([
          { type: 'stream-start' as const, warnings: [] },
          ...(content.type === 'tool-call'
            ? [content]
            : [
                { type: 'text-start' as const, id: 't' },
                { type: 'text-delta' as const, id: 't', delta: content.text },
                { type: 'text-end' as const, id: 't' },
              ]),
          { type: 'finish' as const, finishReason: { unified, raw: undefined }, usage },
        ]),
      })
    },
  })
}

/** What the model was shown of its calls, at its last step. */
function shown(model: MockLanguageModelV3) {
  const prompt = [...model.doGenerateCalls, ...model.doStreamCalls].at(-1)?.prompt ?? []
  return prompt.flatMap((message) =>
    message.role !== 'tool'
      ? []
      : message.content.map((part) => (part.type === 'tool-result' ? part.output : part)),
  )
}

const stopWhen = stepCountIs(10)
const prompt = 'go'

describe('aiSdkTools', () => {
  it('keeps variables between the calls of a session, apart from those of others', async () => {
    const tools = aiSdkTools(await makeToolset())
    const first = scripted({ code: 'x = 6' }, { code: 'x * 7' })
    const { text } = await generateText({
      model: first,
      tools,
      stopWhen,
      prompt,
      experimental_context: { client_id: 'ann' },
    })
    expect(text).toBe('done')
    expect(shown(first)[1]).toEqual({ type: 'text', value: 'stdout:\n42' })
    const other = scripted({ code: 'x' })
    const agent = new ToolLoopAgent({
      model: other,
      tools,
      experimental_context: { client_id: 'bob' },
    })
    await agent.generate({ prompt })
    expect(JSON.stringify(shown(other))).toContain("NameError: name 'x' is not defined")
  })

  it('takes the session from the option, before the context', async () => {
    const toolset = await makeToolset()
    await toolset.runPythonCode('x = 5', { client_id: 'call-0' })
    const tools = aiSdkTools(toolset, { client_id: ({ toolCallId }) => toolCallId })
    const model = scripted({ code: 'x' })
    await generateText({
      model,
      tools,
      stopWhen,
      prompt,
      experimental_context: { client_id: 'ann' },
    })
    expect(shown(model)).toEqual([{ type: 'text', value: 'stdout:\n5' }])
  })

  it('shows a figure as an image, and its base64 in no text', async () => {
    const model = scripted({ code: FIGURE })
    const tools = aiSdkTools(await makeToolset())
    const { steps } = await generateText({ model, tools, stopWhen, prompt })
    const [output] = shown(model)
    if (output?.type !== 'content') throw new Error(`not content: ${output?.type}`)
    const [text, image, ...more] = output.value
    expect(text).toMatchObject({ type: 'text', text: said(/drawn[^]*figures: /) })
    expect(image).toMatchObject({ type: 'image-data', mediaType: 'image/png' })
    const base64 = expectPng(image?.type === 'image-data' ? image.data : undefined)
    expect(more).toEqual([])
    expectOnlyOnce(output, base64)
    // The program has all of it.
    expect(steps[0]?.toolResults[0]?.output).toMatchObject({ success: true, state: 'kept' })
  })

  it('shows no images where it is told so', async () => {
    const model = scripted({ code: FIGURE })
    const tools = aiSdkTools(await makeToolset(), { images: false })
    await generateText({ model, tools, stopWhen, prompt })
    expect(shown(model)).toEqual([{ type: 'text', value: said('figures: ') }])
  })

  it('interrupts the run of a call that is aborted, and the session goes on', async () => {
    const toolset = await makeToolset()
    await toolset.runPythonCode('x = 7')
    const controller = new AbortController()
    const tools = aiSdkTools(toolset, { onOutput: () => controller.abort() })
    const aborted = generateText({
      model: scripted({ code: ENDLESS }),
      tools,
      stopWhen,
      prompt,
      abortSignal: controller.signal,
    })
    await expect(aborted).rejects.toMatchObject({ name: 'AbortError' })
    await expectAlive(toolset, undefined, 'x', '7')
  })

  it('answers malformed arguments, so that the model can repair them', async () => {
    const model = scripted('{"code": 1', { kode: '1' }, { code: 1 }, { code: '6 * 7' })
    const tools = aiSdkTools(await makeToolset())
    const { text } = await generateText({ model, tools, stopWhen, prompt })
    expect(text).toBe('done')
    const [json, unknown, type, good] = shown(model)
    expect(json).toMatchObject({ type: 'error-text', value: said('JSON') })
    expect(unknown).toMatchObject({ type: 'error-text', value: said('kode') })
    expect(type).toMatchObject({ type: 'error-text', value: said('string') })
    expect(good).toEqual({ type: 'text', value: 'stdout:\n42' })
  })

  it('streams what has been printed so far, before the answer', async () => {
    const workdir = await makeToolset()
    const heard: RunOutput[] = []
    const tools = aiSdkTools(workdir, { onOutput: (output) => void heard.push(output) })
    const code = `import os, time
print("one")
6 * 7
while not os.path.exists("go"): time.sleep(0.01)
print("two")`
    const model = scripted({ code })
    const stream = streamText({ model, tools, stopWhen, prompt })
    const results: unknown[] = []
    for await (const part of stream.fullStream) {
      if (part.type !== 'tool-result') continue
      results.push(part.output)
      const { stdout } = part.output as RunSoFar
      if (part.preliminary === true && stdout === 'one\n42\n') await workdir.files.write('go', '')
    }
    expect(results).toContainEqual({ running: true, stdout: 'one\n42\n', stderr: '' })
    expect(results.at(-1)).toMatchObject({ success: true, stdout: 'one\n42\ntwo\n' })
    expect(shown(model)).toEqual([{ type: 'text', value: said(/^stdout:\none\n42\ntwo/) }])
    expect(heard.map(({ type }) => type)).toContain('execute_result')
  })

  it('tells a model of a run whose answer never came that it is not known', async () => {
    const { run_python_code: tool } = aiSdkTools(await makeToolset())
    const output = { running: true as const, stdout: 'one\n', stderr: '' }
    const call = { toolCallId: 'a', input: {}, output }
    expect(await tool?.toModelOutput?.(call)).toEqual({
      type: 'text',
      value: said(/^NOTICE: The run had not ended [^]*one\n$/),
    })
  })
})
