import { Agent, Runner, setTraceProcessors, setTracingDisabled } from '@openai/agents'
import { assistantMessage, functionCall, ScriptedModel } from '@openai/agents/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openAIAgentsTools, type OpenAIAgentsOptions } from '../../src/adapters/openai-agents.js'
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

interface How {
  readonly context?: object
  readonly groupId?: string
  readonly signal?: AbortSignal
  readonly options?: OpenAIAgentsOptions
}

/** Lets a model make one call after the other; answers what it was shown of them. */
async function converse(
  toolset: PythonInterpreterToolSet,
  inputs: readonly (string | Record<string, unknown>)[],
  { context, groupId, signal, options }: How = {},
) {
  const calls = inputs.map((input, i) => [functionCall(RUN, input, { callId: `call-${i}` })])
  const model = new ScriptedModel([...calls, [assistantMessage('done')]])
  const agent = new Agent({ name: 'analyst', model, tools: openAIAgentsTools(toolset, options) })
  const runner = new Runner(groupId === undefined ? {} : { groupId })
  const { finalOutput } = await runner.run(agent, 'go', {
    ...(context && { context }),
    ...(signal && { signal }),
  })
  expect(finalOutput).toBe('done')
  const input = model.lastCall?.request.input
  if (!Array.isArray(input)) throw new Error('no input')
  return input.flatMap((item) => (item.type === 'function_call_result' ? [item.output] : []))
}

const text = (value: unknown) => ({ type: 'text', text: value })

describe('openAIAgentsTools', () => {
  // The group of a run is part of its trace, which the SDK makes none of in tests.
  beforeAll(() => {
    setTraceProcessors([])
    setTracingDisabled(false)
  })
  afterAll(() => setTracingDisabled(true))

  it('keeps variables between the calls of a session, apart from those of others', async () => {
    const toolset = await makeToolset()
    const inputs = [{ code: 'x = 6' }, { code: 'x * 7' }]
    const shown = await converse(toolset, inputs, { groupId: 'ann' })
    expect(shown[1]).toEqual(text('stdout:\n42'))
    const [same] = await converse(toolset, [{ code: 'x' }], { context: { client_id: 'ann' } })
    expect(same).toEqual(text('stdout:\n6'))
    const [other] = await converse(toolset, [{ code: 'x' }], { groupId: 'bob' })
    expect(other).toEqual(text(said("NameError: name 'x' is not defined")))
    const options = { client_id: 'ann' }
    const [chosen] = await converse(toolset, [{ code: 'x' }], { groupId: 'bob', options })
    expect(chosen).toEqual(text('stdout:\n6'))
  })

  it('takes the nulls of strict mode for what they are', async () => {
    const inputs = {
      code: '6 * 7',
      result_var_name: null,
      interpreter_id: null,
      timeout_ms: null,
      idle_timeout_ms: null,
      on_timeout: null,
    }
    const tools = openAIAgentsTools(await makeToolset())
    const [run] = tools
    expect(run).toMatchObject({ strict: true, parameters: { additionalProperties: false } })
    expect(run?.parameters.required).toEqual(Object.keys(inputs))
    expect(JSON.stringify(tools.map(({ parameters }) => parameters))).not.toMatch(/Length|\$schema/)
    expect(await converse(await makeToolset(), [inputs])).toEqual([text('stdout:\n42')])
  })

  it('shows a figure as an image, and its base64 in no text', async () => {
    const [output] = await converse(await makeToolset(), [{ code: FIGURE }])
    expect(output).toEqual([
      { type: 'input_text', text: said(/drawn[^]*figures: /) },
      { type: 'input_image', image: said('data:image/png;base64,') },
    ])
    const [, { image = '' } = {}] = output as { image?: string }[]
    expectOnlyOnce(output, expectPng(image.split(',')[1]))
    const options = { images: false }
    const [without] = await converse(await makeToolset(), [{ code: FIGURE }], { options })
    expect(without).toEqual(text(said('figures: ')))
  })

  it('interrupts the run of a call that is aborted, and the session goes on', async () => {
    const toolset = await makeToolset()
    await toolset.runPythonCode('x = 7')
    const controller = new AbortController()
    const heard: RunOutput[] = []
    const onOutput = (output: RunOutput) => {
      heard.push(output)
      controller.abort()
    }
    const how = { signal: controller.signal, options: { onOutput } }
    await expect(converse(toolset, [{ code: ENDLESS }], how)).rejects.toThrow()
    expect(heard[0]).toMatchObject({ type: 'stream', text: said(/^begun/) })
    await expectAlive(toolset, undefined, 'x', '7')
  })

  it('answers malformed arguments, so that the model can repair them', async () => {
    const inputs = ['{"code": 1', { kode: '1' }, { code: 1 }, '[]', { code: '6 * 7' }]
    const [json, unknown, type, list, good] = await converse(await makeToolset(), inputs)
    expect(json).toEqual(text(said('valid JSON')))
    expect(unknown).toEqual(text(said('kode')))
    expect(type).toEqual(text(said(/code.*string/)))
    expect(list).toEqual(text(said(/^error:/)))
    expect(good).toEqual(text('stdout:\n42'))
  })
})
