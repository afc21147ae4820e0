/** Python that a model plays, the model being played by a real server over HTTP. */
import { expect, it, vi } from 'vitest'
import { z } from 'zod'
import { PythonInterpreterToolSet, type RunOutput } from '../src/index.js'
import { SimulatedEngine, type SimulatedEngineOptions } from '../src/engine/simulated/index.js'
import {
  chatServer,
  textOf,
  type Scenario,
  type ScriptedCall,
  type ScriptedReply,
} from './helpers/chat-server.js'
import { makeToolset } from './helpers/toolset.js'

function says(...calls: [name: string, input: object | string][]): ScriptedReply {
  return { calls: calls.map(([name, input]): ScriptedCall => ({ name, arguments: input })) }
}

function prints(text: string): ScriptedReply {
  return says(['stdout', { text }])
}

async function makeSimulated(scenario: Scenario, options: SimulatedEngineOptions = {}) {
  const server = await chatServer(scenario)
  const model = { model: 'model-1', baseURL: server.baseURL }
  const engine = new SimulatedEngine({ model, maxRetries: 0, ...options })
  const python: PythonInterpreterToolSet = await makeToolset({ engine })
  return { server, engine, python }
}

it('shows what the model says that Python would show, and says that it is simulated', async () => {
  const { python, server } = await makeSimulated([
    says(
      ['stdout', { text: 'hello\n' }],
      ['stderr', { text: 'careful\n' }],
      ['display', { mime_type: 'text/html', content: '<b>2</b>' }],
      ['execute_result', { text: '2' }],
    ),
  ])
  const result = await python.runPythonCode('print("hello"); display(b)\n1 + 1')
  expect(result).toMatchObject({
    success: true,
    simulated: true,
    stdout: 'hello\n2\n',
    stderr: 'careful\n',
    state: 'kept',
    execution_count: 1,
  })
  expect(result.outputs).toMatchObject([
    { type: 'stream', name: 'stdout', text: 'hello\n' },
    { type: 'stream', name: 'stderr', text: 'careful\n' },
    { type: 'display_data', data: { 'text/html': '<b>2</b>' } },
    { type: 'execute_result', data: { 'text/plain': '2' } },
  ])
  expect(result).not.toHaveProperty('pid')
  const told = server.messages(0).map(textOf)
  expect(told[0]).toMatch(/^You play a Python interpreter/)
  expect(told[1]).toBe('In [1]:\nprint("hello"); display(b)\n1 + 1')
})

it('says of real Python nothing like that', async () => {
  const result = await (await makeToolset()).runPythonCode('1')
  expect(result).not.toHaveProperty('simulated')
})

it('tells outputs as they come', async () => {
  const heard: RunOutput[] = []
  const { python } = await makeSimulated([
    { ...says(['stdout', { text: 'one\n' }], ['stdout', { text: 'two\n' }]), then: 'hang' },
  ])
  const stop = new AbortController()
  const run = python.runPythonCode('...', {
    signal: stop.signal,
    onOutput: (output) => {
      heard.push(output)
      stop.abort() // the model has more to say, and does not
    },
  })
  await expect(run).rejects.toMatchObject({ name: 'AbortError' })
  expect(heard[0]).toMatchObject({ type: 'stream', text: 'one\n' })
})

it('tells an error, and nothing after it', async () => {
  const error = { name: 'ZeroDivisionError', value: 'division by zero', traceback: 'Traceback ...' }
  const { python } = await makeSimulated([
    says(['stdout', { text: 'a' }], ['error', error], ['stdout', { text: 'b' }]),
  ])
  const result = await python.runPythonCode('print("a", end=""); 1 / 0; print("b")')
  expect(result).toMatchObject({ success: false, error, stdout: 'a', state: 'kept' })
})

it('answers the value of a variable', async () => {
  const { python, server } = await makeSimulated([
    says(['value', { json: '[1, 2]', type: 'list' }]),
    prints('hm'),
    says(['value', { json: '[1,', type: 'list' }]),
  ])
  const asking = { result_var_name: 'x' }
  const first = await python.runPythonCode('x = [1, 2]', asking)
  expect(first).toMatchObject({ success: true, result: [1, 2], result_type: 'list' })
  expect(server.requests[0]?.body.tools?.map((tool) => tool.function.name)).toContain('value')
  expect(await python.runPythonCode('x', asking)).toMatchObject({
    success: false,
    error: { name: 'SimulationError', value: 'The model gave no value for x.' },
  })
  const third = await python.runPythonCode('x', asking)
  expect(third.error?.value).toContain('a value that is no JSON: [1,')
})

it('remembers the runs of a session, and those of no other', async () => {
  const { python, server } = await makeSimulated([prints('1\n'), prints('2\n'), prints('3\n')])
  await python.runPythonCode('x = 1; print(x)')
  await python.runPythonCode('print(x + 1)')
  await python.runPythonCode('print(3)', { client_id: 'other' })
  const [, ...told] = server.messages(1)
  expect(told.map(({ role }) => role)).toEqual(['user', 'assistant', 'tool', 'user'])
  expect(told[1]?.tool_calls?.[0]?.function).toEqual({
    name: 'stdout',
    arguments: '{"text":"1\\n"}',
  })
  expect(server.messages(2).slice(1).map(textOf)).toEqual(['In [1]:\nprint(3)'])
})

it.each([
  [{ maxHistoryLength: 1 }, ['user', 'assistant', 'tool', 'user']],
  [{ includeOutputs: false }, ['user', 'user', 'user']],
  [{ maxHistoryLength: 0 }, ['user']],
])('remembers as much as %o lets it', async (options, roles) => {
  const { python, server } = await makeSimulated([prints('1'), prints('2'), prints('3')], options)
  for (const code of ['a', 'b', 'c']) await python.runPythonCode(code)
  const [, ...told] = server.messages(-1)
  expect(told.map(({ role }) => role)).toEqual(roles)
})

it.each([
  [{ status: 401, message: 'Wrong key.' }, 'ModelError', /refused the API key/],
  [{ ...prints('made'), then: 'drop' as const }, 'ModelError', /broke in the middle/],
  [{ refusal: 'I will not.' }, 'SimulationError', /The model refused: I will not\./],
  [{ ...prints('made up'), finishReason: 'length' }, 'SimulationError', /was not whole \(length\)/],
  [says(['stdout', '{"text']), 'SimulationError', /called stdout in a form that cannot be read/],
  [says(['stdin', {}]), 'SimulationError', /called stdin in a form/],
])('fails truthfully, and does not remember: %o', async (answer, name, value) => {
  const { python, server } = await makeSimulated([answer, prints('2\n')])
  const failed = await python.runPythonCode('print(1)')
  expect(failed).toMatchObject({
    success: false,
    simulated: true,
    state: 'kept',
    error: { name, value: expect.stringMatching(value) as string },
    notices: [expect.stringMatching(/does not remember this run/)],
  })
  expect((await python.runPythonCode('print(2)')).stdout).toBe('2\n')
  expect(server.messages(-1)).toHaveLength(2)
})

it('is stopped at its time limit', async () => {
  const { python } = await makeSimulated([{ ...prints('one'), then: 'hang' }])
  const result = await python.runPythonCode('while True: pass', { timeout_ms: 300 })
  expect(result).toMatchObject({ success: false, timed_out: true, state: 'kept', simulated: true })
  expect(result.error?.name).toBe('TimeoutError')
})

it('goes back, and branches: its memory is all that it has', async () => {
  const { python, server } = await makeSimulated([
    prints('1'),
    prints('2'),
    prints('3'),
    prints('4'),
  ])
  await python.runPythonCode('x = 1')
  const { checkpoint_id } = await python.checkpoint()
  await python.runPythonCode('x = 2')
  await python.rollback()
  await python.runPythonCode('x')
  const codes = () =>
    server
      .messages(-1)
      .filter(({ role }) => role === 'user')
      .map(textOf)
  expect(codes().map((code) => code.split('\n')[1])).toEqual(['x = 1', 'x'])
  const branch = await python.branch({ checkpoint: checkpoint_id })
  await python.runPythonCode('x + 1', { interpreter_id: branch.interpreter_id })
  expect(codes().map((code) => code.split('\n')[1])).toEqual(['x = 1', 'x + 1'])
})

it('says what it cannot do, and ends when it is closed', async () => {
  const { python, engine } = await makeSimulated([{ ...prints('one'), then: 'hang' }])
  expect(await python.runPythonCode('x', { inputs: { x: 1 } })).toMatchObject({
    success: false,
    error: { name: 'SimulationError', value: expect.stringContaining('takes no inputs') as string },
  })
  await expect(python.variables()).rejects.toThrow(/has no variables that could be read/)
  const run = python.runPythonCode('1', { onOutput: () => void engine.close() })
  expect(await run).toMatchObject({ success: false, interpreter_crashed: true, simulated: true })
})

it('refuses functions of the host, which a model would make up', async () => {
  const server = await chatServer([])
  const engine = new SimulatedEngine({ model: { model: 'model-1', baseURL: server.baseURL } })
  const now = { description: 'Tells the time.', inputSchema: z.object({}), execute: () => 'noon' }
  const python = await makeToolset({ engine, hostTools: { now } })
  await expect(python.runPythonCode('now()')).rejects.toThrow(/cannot call hostTools/)
  expect(server.requests).toEqual([])
})

it('takes model, key and history from the environment', async () => {
  const server = await chatServer([prints('1')], { apiKey: 'secret' })
  const realFetch = globalThis.fetch
  // OpenAI's address, which no test should reach, leads to the server.
  const fetches = vi.spyOn(globalThis, 'fetch').mockImplementation((_url, init) => {
    return realFetch(`${server.baseURL}/chat/completions`, init)
  })
  try {
    vi.stubEnv('OPENAI_API_KEY', '')
    expect(() => new SimulatedEngine()).toThrow(/no key for OpenAI. Set OPENAI_API_KEY/)
    vi.stubEnv('OPENAI_API_KEY', 'secret')
    vi.stubEnv('AIPYTHON_MAX_HISTORY_LENGTH', 'many')
    expect(() => new SimulatedEngine()).toThrow(/AIPYTHON_MAX_HISTORY_LENGTH.*"many"/)
    vi.stubEnv('AIPYTHON_MAX_HISTORY_LENGTH', '3')
    vi.stubEnv('AIPYTHON_MODEL', 'model-2')
    const python = await makeToolset({ engine: new SimulatedEngine() })
    expect((await python.runPythonCode('1')).stdout).toBe('1')
    expect(fetches.mock.calls[0]?.[0]).toBe('https://api.openai.com/v1/chat/completions')
    expect(server.requests[0]?.body.model).toBe('model-2')
  } finally {
    vi.unstubAllEnvs()
    vi.restoreAllMocks()
  }
})
