/** The agent, with real Python, and a model that a real server plays over HTTP. */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it, vi } from 'vitest'
import { z } from 'zod'
import {
  Agent,
  type AgentEvent,
  type AgentOptions,
  type AgentResult,
  type SavedConversation,
} from '../src/agent/index.js'
import type { PythonInterpreterToolSet, RunResult, ToolContext, ToolSet } from '../src/index.js'
import {
  chatServer,
  textOf,
  type ChatServer,
  type Scenario,
  type ScriptedReply,
} from './helpers/chat-server.js'
import { eventually } from './helpers/processes.js'
import { makeToolset, temporaryFolder } from './helpers/toolset.js'

/** The model says `text` and runs `code`. */
function runs(code: string, text?: string): ScriptedReply {
  const call = { name: 'run_python_code', arguments: { code } }
  return { ...(text === undefined ? {} : { text }), calls: [call] }
}

interface Made {
  agent: Agent
  server: ChatServer
  python: PythonInterpreterToolSet
}

async function makeAgent(
  scenario: Scenario,
  options: Partial<AgentOptions> = {},
  python?: PythonInterpreterToolSet,
): Promise<Made> {
  const server = await chatServer(scenario)
  const toolset = python ?? (await makeToolset())
  const agent = new Agent({ ...options, model: modelAt(server) })
  await agent.toolset(toolset)
  return { agent, server, python: toolset }
}

function modelAt({ baseURL }: ChatServer) {
  return { model: 'model-1', baseURL, apiKey: 'key' }
}

/** What the model was told last with the request of this number. */
function lastTold(server: ChatServer, request = -1): string {
  const message = server.messages(request).at(-1)
  return message === undefined ? '' : textOf(message)
}

async function heard(agent: Agent, message: string) {
  const events: AgentEvent[] = []
  const stream = agent.stream(message)
  for await (const event of stream) events.push(event)
  return { events, result: await stream.result }
}

it('analyses in several steps: each with its thought, code and observation', async () => {
  const { agent, server } = await makeAgent(
    [
      runs('values = [3, 1, 2]\nprint(len(values), "values")', 'I look at the values first.'),
      runs('sum(values)', 'Now their sum.'),
      { text: 'The three values add up to 6.', usage: { prompt_tokens: 30, completion_tokens: 9 } },
    ],
    { instructions: 'You add up.' },
  )
  const result = await agent.run('Add them up.')
  expect(result).toMatchObject({
    text: 'The three values add up to 6.',
    finishReason: 'stop',
    retries: 0,
    usage: { inputTokens: 50, outputTokens: 19, totalTokens: 69, requests: 3 },
  })
  expect(result.steps).toMatchObject([
    {
      thought: 'I look at the values first.',
      code: 'values = [3, 1, 2]\nprint(len(values), "values")',
      observation: 'stdout:\n3 values',
      success: true,
    },
    { thought: 'Now their sum.', code: 'sum(values)', observation: 'stdout:\n6', success: true },
  ])
  expect((result.steps[0]?.answer as RunResult).execution_count).toBe(1)

  // The model was told all of that, and nothing else.
  expect(server.messages(-1).map(({ role }) => role)).toEqual(
    'system user assistant tool assistant tool'.split(' '),
  )
  expect(server.messages(-1).map(textOf)).toMatchObject([
    'You add up.',
    'Add them up.',
    'I look at the values first.',
    'stdout:\n3 values',
    'Now their sum.',
    'stdout:\n6',
  ])
  expect(server.requests[0]?.body.tools?.map(({ function: { name } }) => name)).toEqual([
    'run_python_code',
    'manage_interpreters',
  ])
  expect(server.requests[0]?.headers.authorization).toBe('Bearer key')
  expect(agent.usage).toEqual(result.usage)
})

it('goes on with the conversation and with its variables', async () => {
  const { agent, server } = await makeAgent([
    runs('x = 20'),
    { text: 'Set.' },
    runs('x + 1'),
    { text: '21' },
  ])
  await agent.run('Set x.')
  const { steps } = await agent.run('What is x + 1?')
  expect(steps).toMatchObject([{ observation: 'stdout:\n21' }])
  expect(server.messages(-1).filter(({ role }) => role === 'user')).toHaveLength(2)
  expect(agent.usage.requests).toBe(4)
  expect(agent.messages).toHaveLength(8)
})

it('streams text, calls, outputs as they come, and steps, in their order', async () => {
  const { agent } = await makeAgent([
    runs('print("one")\n2', 'I print, and then I compute.'),
    { text: 'Done.' },
  ])
  const { events, result } = await heard(agent, 'Go.')
  const types = events.map(({ type }) => type).filter((type, i, all) => type !== all[i - 1])
  expect(types).toEqual(['text-delta', 'tool-call', 'output', 'step', 'text-delta', 'finish'])
  const text = events.map((event) => (event.type === 'text-delta' ? event.text : '')).join('')
  expect(text).toBe('I print, and then I compute.Done.')
  const outputs = events.flatMap((event) => (event.type === 'output' ? [event.output] : []))
  const printed = outputs.flatMap((output) => (output.type === 'stream' ? [output.text] : []))
  expect(printed.join('')).toBe('one\n')
  expect(outputs.at(-1)).toMatchObject({ type: 'execute_result', data: { 'text/plain': '2' } })
  const ids = new Set(events.flatMap((event) => ('id' in event ? [event.id] : [])))
  expect([...ids]).toEqual(['call_1'])
  expect(events.at(-1)).toEqual({ type: 'finish', result })
})

it('tells what code prints while it runs', async () => {
  const folder = await temporaryFolder()
  const gate = join(folder, 'gate')
  const code = `
import os, time
print('waiting')
while not os.path.exists(${JSON.stringify(gate)}): time.sleep(0.01)
print('over')`
  const { agent } = await makeAgent([runs(code), { text: 'Done.' }])
  const texts: string[] = []
  for await (const event of agent.stream('Go.')) {
    if (event.type !== 'output' || event.output.type !== 'stream') continue
    texts.push(event.output.text)
    // The code does not go on before this has been heard.
    await writeFile(gate, '')
  }
  expect(texts.join('')).toBe('waiting\nover\n')
})

it('shows the model an error, which it repairs', async () => {
  const { agent, server } = await makeAgent([
    runs('table = {"name": 1}\ntable["nam"]'),
    (request) => {
      const seen = textOf(request.body.messages.at(-1) ?? { role: 'tool', content: '' })
      return seen.includes("KeyError: 'nam'") ? runs('table["name"]') : { text: 'I saw no error.' }
    },
    { text: 'It is 1.' },
  ])
  const result = await agent.run('What is the name?')
  expect(result.text).toBe('It is 1.')
  expect(result.steps.map(({ success }) => success)).toEqual([false, true])
  expect(result.steps[0]?.observation).toContain("KeyError: 'nam'")
  expect(server.left).toBe(0)
})

it('goes on after code has crashed Python, and says so to the model', async () => {
  const python = await makeToolset({ checkpoint: 'always' })
  const { agent, server } = await makeAgent(
    [
      runs('x = 1'),
      runs('import ctypes; ctypes.string_at(0)'),
      runs('x'),
      { text: 'x is still 1.' },
    ],
    {},
    python,
  )
  const { steps, text } = await agent.run('Crash.')
  expect(steps.map(({ success }) => success)).toEqual([true, false, true])
  expect(steps[1]?.answer).toMatchObject({ interpreter_crashed: true, state: 'restored' })
  expect(lastTold(server, 2)).toMatch(
    /the session is restored to its state after run 1, with the variables x/,
  )
  expect(steps[2]?.observation).toBe('stdout:\n1')
  expect(text).toBe('x is still 1.')
})

it('draws a figure: a file, and what it shows for the model, without its base64', async () => {
  const { agent, server, python } = await makeAgent([
    runs('import matplotlib.pyplot as plt\nplt.plot([1, 2, 4]);\nplt.title("Growth");'),
    { text: 'Here it is.' },
  ])
  const { steps } = await agent.run('Plot.')
  const answer = steps[0]?.answer as RunResult
  const path = answer.fig_storage_path ?? ''
  expect((await readFile(join(python.workdir, path))).subarray(1, 4).toString()).toBe('PNG')
  expect(lastTold(server)).toContain(`figures: ${path}`)
  expect(lastTold(server)).toContain('Growth')
  const uri = answer.base64_uri?.[0] ?? ''
  expect(uri).toMatch(/^data:image\/png;base64,.{100}/)
  expect(JSON.stringify(server.requests)).not.toContain(uri.slice(30, 80))
})

it('runs several calls of one answer', async () => {
  const call = (code: string) => ({ name: 'run_python_code', arguments: { code } })
  const { agent } = await makeAgent([
    { text: 'Both.', calls: [call('"a"'), call('"b"')] },
    { text: 'Done.' },
  ])
  const { steps } = await agent.run('Go.')
  expect(steps).toMatchObject([
    { thought: 'Both.', observation: "stdout:\n'a'" },
    { thought: '', observation: "stdout:\n'b'" },
  ])
})

it('says why the model refuses', async () => {
  const { agent } = await makeAgent([{ refusal: "I'm sorry, I cannot help with that." }])
  const { events, result } = await heard(agent, 'Break in.')
  expect(result).toMatchObject({ text: "I'm sorry, I cannot help with that.", steps: [] })
  expect(result.finishReason).toBe('refusal')
  const text = events.map((event) => (event.type === 'text-delta' ? event.text : '')).join('')
  expect(text).toBe(result.text)
})

it.each([
  ['length', 'length'],
  ['content_filter', 'content-filter'],
])('says that an answer ended with %s', async (finishReason, said) => {
  const { agent } = await makeAgent([{ text: 'It is', finishReason }, { text: 'Well.' }])
  expect(await agent.run('Tell.')).toMatchObject({ text: 'It is', finishReason: said })
  expect((await agent.run('Go on.')).text).toBe('Well.')
})

it('carries out no call of an answer that was cut off, and tells the model so', async () => {
  const { agent, server, python } = await makeAgent([
    { ...runs('planted = 1'), finishReason: 'length' },
    { text: 'I see.' },
  ])
  expect(await agent.run('Go.')).toMatchObject({ finishReason: 'length', steps: [] })
  await agent.run('And?')
  expect(server.messages(-1).map(textOf)).toContainEqual(
    expect.stringMatching(/^This call was not/),
  )
  expect(await python.manageInterpreters({ operation: 'list' })).toMatchObject({ interpreters: [] })
})

it.each([
  ['malformed JSON', 'run_python_code', '{"code": "1 + ', /JSON parsing failed/],
  ['a wrong type', 'run_python_code', { code: 7 }, /run_python_code: code: .*expected string/],
  ['an unknown tool', 'run_code', { code: '1' }, /unavailable tool 'run_code'.*run_python_code/],
])('answers a call with %s, so that the model repairs it', async (_, name, given, problem) => {
  const { agent, server } = await makeAgent([
    { calls: [{ name, arguments: given }] },
    runs('6 * 7'),
    { text: '42' },
  ])
  const result = await agent.run('Go.')
  expect(result.text).toBe('42')
  expect(result.steps[0]).toMatchObject({ success: false, tool: name })
  expect(result.steps[0]?.observation).toMatch(problem)
  expect(lastTold(server, 1)).toMatch(problem)
  expect(result.steps[1]).toMatchObject({ success: true, code: '6 * 7' })
})

it('tries again when it is asked to wait, for as long as that', async () => {
  const headers = { 'retry-after': '0.3' }
  const { agent, server } = await makeAgent([{ status: 429, headers }, { text: 'Now.' }])
  expect((await agent.run('Hello.')).text).toBe('Now.')
  const [first, second] = server.requests
  expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThan(290)
})

it('gives up in the end, says why, and is as it was before', async () => {
  const limited = { status: 429, message: 'Slow down.', headers: { 'retry-after': '0' } }
  const { agent, server } = await makeAgent([limited, limited, { text: 'Now.' }], { maxRetries: 1 })
  await expect(agent.run('Hello.')).rejects.toMatchObject({
    code: 'MODEL',
    name: 'ModelError',
    status: 429,
    message:
      "The model's service is asked too often, also after 2 attempts (status 429: Slow down). " +
      'Wait 0 s and ask again, or pass a larger maxRetries.',
  })
  expect(agent.messages).toEqual([])
  expect((await agent.run('Hello again.')).text).toBe('Now.')
  expect(server.messages(-1).map(textOf).slice(1)).toEqual(['Hello again.'])
})

it.each([
  [{ status: 401, message: 'Wrong key.' }, 401, /refused the API key \(status 401: Wrong key\)/],
  [{ status: 402 }, 402, /wants to be paid/],
  [{ status: 404 }, 404, /knows no such model or URL.*http:\/\/127.0.0.1/],
  [{ status: 400, message: 'Too long.' }, 400, /refused the request \(status 400: Too long\)/],
  [{ status: 503 }, 503, /service failed \(status 503.*Ask again later/],
  [{ status: 0 }, null, /cannot be reached at http:\/\/127.0.0.1/],
  [
    { text: 'I was', then: 'drop' as const },
    null,
    /connection .* broke in the middle of an answer/,
  ],
  [
    { text: 'I was', then: 'error' as const },
    null,
    /in the middle of an answer: The model has gone/,
  ],
])('makes a typed error of %o', async (answer, status, message) => {
  const { agent } = await makeAgent([answer], { maxRetries: 0 })
  const error = await agent.run('Hello.').catch((error: unknown) => error)
  expect(error).toMatchObject({ name: 'ModelError', code: 'MODEL', status })
  expect((error as Error).message).toMatch(message)
})

it('keeps what was done before the connection broke, and runs no call of a broken answer', async () => {
  const { agent, server } = await makeAgent([
    runs('x = 1'),
    { ...runs('x = 2', 'I was about to'), then: 'drop' },
    runs('x'),
    { text: 'It is 1.' },
  ])
  await expect(agent.run('Count.')).rejects.toThrow(/broke in the middle/)
  expect(agent.usage.requests).toBe(1)
  const { steps } = await agent.run('Go on.')
  expect(steps[0]?.observation).toBe('stdout:\n1')
  expect(server.messages(2).map(({ role }) => role)).toEqual(
    'system user assistant tool user'.split(' '),
  )
})

it('tells the model the latest of a long conversation, and no result without its call', async () => {
  const turn = (i: number): Scenario => [runs(`${i}`), { text: `It is ${i}.` }]
  const { agent, server } = await makeAgent([1, 2, 3, 4].flatMap(turn), { maxHistory: 7 })
  for (const i of [1, 2, 3, 4]) await agent.run(`Say ${i}.`)
  const told = server.requests.map(({ body }) => body.messages.slice(1).map(textOf))
  for (const messages of told) expect(messages.length).toBeLessThanOrEqual(7)
  // The third turn has three messages; the turns before it have four each.
  expect(told.at(-1)).toEqual(['Say 3.', '', 'stdout:\n3', 'It is 3.', 'Say 4.', '', 'stdout:\n4'])
  expect(agent.messages).toHaveLength(16)
})

it('leaves out the oldest calls of a turn that is too long by itself, and not what it is about', async () => {
  const calls = Array.from({ length: 6 }, (_, i) => runs(`${i}`))
  const { agent, server } = await makeAgent([...calls, { text: 'Done.' }], { maxHistory: 6 })
  expect((await agent.run('Count.')).steps).toHaveLength(6)
  expect(server.messages(-1).slice(1).map(textOf)).toEqual([
    'Count.',
    '',
    'stdout:\n4',
    '',
    'stdout:\n5',
  ])
})

it('saves and loads its conversation, and tells the model that variables may be gone', async () => {
  const file = join(await temporaryFolder(), 'conversation.json')
  const first = await makeAgent([runs('x = 1'), { text: 'Set.' }], { name: 'first' })
  await first.agent.run('Set x.')
  await first.agent.save(file)

  const second = await makeAgent([{ text: 'I set x.' }, { text: 'Bye.' }])
  await second.agent.load(file)
  expect(second.agent.id).toBe(first.agent.id)
  expect(second.agent.usage).toEqual(first.agent.usage)
  await second.agent.run('What did you do?')
  const told = second.server.messages(-1).slice(1).map(textOf)
  expect(told.slice(0, 4)).toEqual(['Set x.', '', expect.stringMatching(/printed nothing/), 'Set.'])
  expect(told[4]).toMatch(/^\[This conversation was saved.*may be gone.*\n\nWhat did you do\?$/)
  await second.agent.run('Goodbye.')
  expect(second.server.messages(-1).map(textOf).at(-1)).toBe('Goodbye.')

  // As a value, too.
  const saved = JSON.parse(JSON.stringify(second.agent)) as SavedConversation
  expect(saved).toMatchObject({ version: 1, name: 'agent', id: first.agent.id })
  const third = await makeAgent([{ text: 'Yes.' }])
  await third.agent.load(saved)
  await third.agent.run('Are you there?')
  expect(third.server.messages(-1)).toHaveLength(10)
})

it('refuses to load what is no conversation, or one of a later version', async () => {
  const file = join(await temporaryFolder(), 'conversation.json')
  const { agent } = await makeAgent([])
  await writeFile(file, 'hello')
  await expect(agent.load(file)).rejects.toThrow(`the file ${file} holds no saved conversation`)
  const saved = agent.toJSON()
  const load = (value: object) => agent.load({ ...saved, ...value })
  await expect(load({ version: 2 })).rejects.toThrow(/version 1 is the latest/)
  await expect(load({ turns: [[{ role: 'nobody', content: 'hello' }]] })).rejects.toMatchObject({
    code: 'INVALID_OPTION',
    message: expect.stringContaining('turns.0.0: must be messages of the AI SDK') as string,
  })
  await expect(load({ id: '' })).rejects.toThrow(/agent\.load\(\): id/)
})

it('stops at its limit of steps, says so, and can go on', async () => {
  const { agent, server } = await makeAgent(
    [runs('x = 1', 'One.'), runs('x += 1', 'Two.'), runs('x'), { text: 'It is 2.' }],
    { maxSteps: 2 },
  )
  const result = await agent.run('Count.')
  expect(result).toMatchObject({ text: '', finishReason: 'step-limit' })
  expect(result.steps).toHaveLength(2)
  expect(server.requests).toHaveLength(2)
  expect((await agent.run('Go on.')).text).toBe('It is 2.')
})

it('stops when its signal is aborted: the code is interrupted, and the model told so', async () => {
  const { agent, server } = await makeAgent([
    runs('x = 1'),
    runs('import time\nx = 2\nprint("waiting", flush=True)\ntime.sleep(60)\nx = 3'),
    runs('x'),
    { text: 'It is 2.' },
  ])
  const stop = new AbortController()
  const stream = agent.stream('Wait.', { signal: stop.signal })
  const read = async () => {
    for await (const event of stream) {
      if (event.type === 'output' && event.output.type === 'stream') stop.abort('enough')
    }
  }
  await expect(read()).rejects.toMatchObject({
    name: 'AbortError',
    code: 'ABORTED',
    cause: 'enough',
  })
  const { steps } = await agent.run('Where were you?')
  expect(steps[0]?.observation).toContain('stdout:\n2')
  expect(server.messages(2).map(textOf).slice(-2)).toEqual([
    expect.stringMatching(/^This call was not carried to its end/),
    'Where were you?',
  ])
})

it('stops in the middle of what the model says, of which it keeps what was said', async () => {
  const { agent, server } = await makeAgent([
    { text: 'Once upon a time', then: 'hang' },
    { text: 'Yes.' },
  ])
  const stop = new AbortController()
  let said = ''
  const read = async () => {
    for await (const event of agent.stream('Tell.', { signal: stop.signal })) {
      if (event.type === 'text-delta') said += event.text
      if (said === 'Once upon a time') stop.abort()
    }
  }
  await expect(read()).rejects.toMatchObject({ name: 'AbortError' })
  await agent.run('Are you there?')
  expect(server.messages(-1).slice(1).map(textOf)).toEqual([
    'Tell.',
    'Once upon a time',
    'Are you there?',
  ])
  await expect(agent.run('No.', { signal: AbortSignal.abort() })).rejects.toThrow(/was stopped/)
})

it('answers one message after the other', async () => {
  const { agent, server } = await makeAgent([{ text: 'One.' }, { text: 'Two.' }])
  const results = await Promise.all([agent.run('First.'), agent.run('Second.')])
  expect(results.map(({ text }) => text)).toEqual(['One.', 'Two.'])
  expect(server.messages(-1).slice(1).map(textOf)).toEqual(['First.', 'One.', 'Second.'])
})

it('has variables of its own, beside another agent with the same toolset', async () => {
  const python = await makeToolset()
  const scenario: Scenario = [runs('known = "x" in globals(); x = 1; known'), { text: 'Done.' }]
  const one = await makeAgent(scenario, {}, python)
  const two = await makeAgent(scenario, {}, python)
  const results = await Promise.all([one.agent.run('Go.'), two.agent.run('Go.')])
  for (const { steps } of results) expect(steps[0]?.observation).toBe('stdout:\nFalse')
  const list = await python.manageInterpreters({ operation: 'list' })
  const clients = list.success ? list.interpreters?.map(({ client_id }) => client_id) : []
  expect(clients?.sort()).toEqual([one.agent.id, two.agent.id].sort())
})

it('takes tools of any toolset, also between turns, and none twice', async () => {
  const clock: ToolSet = {
    name: 'clock',
    tools: () => [
      {
        name: 'tell_time',
        description: 'Tells the time.',
        inputSchema: z.object({ zone: z.string() }),
        execute: (input) =>
          Promise.resolve({ time: `noon in ${(input as { zone: string }).zone}` }),
        toModelText: (answer) => JSON.stringify(answer),
      },
      {
        name: 'break',
        description: 'Breaks.',
        inputSchema: z.object({}),
        execute: () => Promise.reject(new Error('broken for good')),
        toModelText: () => '',
      },
    ],
    close: () => Promise.resolve(),
  }
  const { agent, server } = await makeAgent([
    { text: 'Hello.' },
    { calls: [{ name: 'tell_time', arguments: { zone: 'Rome' } }] },
    { calls: [{ name: 'break', arguments: {} }] },
    { text: 'Noon.' },
  ])
  await agent.run('Hello.')
  expect(server.requests.at(-1)?.body.tools).toHaveLength(2)
  await agent.toolset(Promise.resolve(clock))
  const { steps } = await agent.run('How late is it?')
  expect(steps).toMatchObject([
    { tool: 'tell_time', code: null, observation: '{"time":"noon in Rome"}', success: true },
    { tool: 'break', code: null, observation: 'broken for good', success: false, answer: null },
  ])
  await expect(agent.toolset(clock)).rejects.toThrow(
    'the toolset "clock" has a tool tell_time, which the toolset "clock" has given',
  )
})

/** A toolset of one tool that needs no input. */
function toolsetOf(execute: (context: ToolContext) => Promise<object>): ToolSet {
  const tool = {
    name: 'work',
    description: 'Works.',
    inputSchema: z.object({}),
    execute: (_: unknown, context: ToolContext = {}) => execute(context),
    toModelText: () => 'worked',
  }
  return { name: 'workers', tools: () => [tool], close: () => Promise.resolve() }
}

it('tells of a call before what it says, also to a slow reader', async () => {
  const { agent } = await makeAgent([
    { text: 'word '.repeat(200), calls: [{ name: 'work', arguments: {} }] },
    { text: 'Done.' },
  ])
  await agent.toolset(
    toolsetOf(async ({ onOutput }) => {
      await onOutput?.({ type: 'stream', name: 'stdout', text: 'at once' })
      return {}
    }),
  )
  const types: string[] = []
  for await (const { type } of agent.stream('Go.')) {
    await new Promise((resolve) => setTimeout(resolve, 1))
    if (type !== types.at(-1)) types.push(type)
  }
  expect(types).toEqual(['text-delta', 'tool-call', 'output', 'step', 'text-delta', 'finish'])
})

it('has ended a call when it says that it was stopped', async () => {
  const { agent } = await makeAgent([{ calls: [{ name: 'work', arguments: {} }] }])
  const stop = new AbortController()
  let hasEnded = false
  await agent.toolset(
    toolsetOf(async ({ signal }) => {
      const aborted = new Promise((resolve) => signal?.addEventListener('abort', resolve))
      stop.abort()
      await aborted
      // As long as an interrupt may take.
      await new Promise((resolve) => setTimeout(resolve, 50))
      hasEnded = true
      return {}
    }),
  )
  await expect(agent.run('Go.', { signal: stop.signal })).rejects.toMatchObject({
    name: 'AbortError',
  })
  expect(hasEnded).toBe(true)
})

it('answers what code asks', async () => {
  const { agent } = await makeAgent([runs('input("Name? ")'), { text: 'Hello, Ada.' }])
  const onInput = vi.fn(() => 'Ada')
  const { steps } = await agent.run('Greet me.', { onInput })
  expect(onInput).toHaveBeenCalledWith({ prompt: 'Name? ', password: false })
  expect(steps[0]?.observation).toContain("'Ada'")
})

const FAILS = runs('1 / 0', 'I divide.')
const GIVES_UP = { text: 'It is infinite.' }

it('leaves a failure as the model does, without autoRetry', async () => {
  const { agent, server } = await makeAgent([FAILS, GIVES_UP])
  expect(await agent.run('Divide.')).toMatchObject({ text: 'It is infinite.', retries: 0 })
  expect(server.requests).toHaveLength(2)
})

it('tells the model to repair what it leaves broken: autoRetry', async () => {
  const { agent, server } = await makeAgent(
    [FAILS, GIVES_UP, runs('1 / 1', 'I divide by one.'), { text: 'It is 1.' }],
    { autoRetry: 2 },
  )
  const { events, result } = await heard(agent, 'Divide.')
  expect(result).toMatchObject({ text: 'It is 1.', retries: 1, finishReason: 'stop' })
  expect(result.steps.map(({ success }) => success)).toEqual([false, true])
  expect(events.filter(({ type }) => type === 'retry')).toEqual([{ type: 'retry', retry: 1 }])
  expect(lastTold(server, 2)).toMatch(/^\[The last call failed/)
  expect(server.left).toBe(0)
})

it('does so a bounded number of times, with every try in the steps', async () => {
  const tries = Array.from({ length: 3 }, (): Scenario => [FAILS, GIVES_UP]).flat()
  const { agent, server } = await makeAgent(tries, { autoRetry: 2 })
  const result = await agent.run('Divide.')
  expect(result).toMatchObject({ text: 'It is infinite.', retries: 2, finishReason: 'stop' })
  expect(result.steps).toHaveLength(3)
  expect(server.left).toBe(0)
})

it('believes a model that does not try again, and does not go over its limit of steps', async () => {
  const honest = await makeAgent([FAILS, GIVES_UP, { text: 'It cannot be done.' }], {
    autoRetry: 5,
  })
  expect(await honest.agent.run('Divide.')).toMatchObject({
    text: 'It cannot be done.',
    retries: 1,
  })
  const limited = await makeAgent([FAILS, GIVES_UP], { autoRetry: 5, maxSteps: 2 })
  expect(await limited.agent.run('Divide.')).toMatchObject({ retries: 0, finishReason: 'stop' })
})

it('needs no retry where the model repairs by itself', async () => {
  const { agent } = await makeAgent([FAILS, runs('1 / 1'), { text: 'It is 1.' }], { autoRetry: 1 })
  const result: AgentResult = await agent.run('Divide.')
  expect(result).toMatchObject({ text: 'It is 1.', retries: 0 })
})

it('reads its key from the environment, and gives that of OpenRouter to nobody else', async () => {
  const server = await chatServer([{ text: 'One.' }, { text: 'Two.' }])
  const { baseURL } = server
  vi.stubEnv('API_KEY', '')
  vi.stubEnv('OPENROUTER_API_KEY', '')
  try {
    expect(() => new Agent({ model: { model: 'm' } })).toThrow(/no key for OpenRouter/)
    vi.stubEnv('OPENROUTER_API_KEY', 'router')
    new Agent({ model: { model: 'm' } })
    await new Agent({ model: { model: 'm', baseURL } }).run('Hello.')
    vi.stubEnv('API_KEY', 'general')
    await new Agent({ model: { model: 'm', baseURL } }).run('Hello.')
  } finally {
    vi.unstubAllEnvs()
  }
  expect(server.requests.map(({ headers }) => headers.authorization)).toEqual([
    undefined,
    'Bearer general',
  ])
})

it('refuses options that make no sense', () => {
  const model = { model: 'm', baseURL: 'http://127.0.0.1:1/v1' }
  const make = (options: object) => new Agent({ model, ...options })
  expect(() => make({ model: undefined })).toThrow(/new Agent\(\): model: must be a model object/)
  expect(() => make({ model: { ...model, baseURL: 'there' } })).toThrow(/model: must be/)
  expect(() => make({ maxHistory: 3 })).toThrow(/maxHistory/)
  expect(() => make({ maxStep: 3 })).toThrow(/maxStep.*there are: name, instructions, model/)
  expect(() => make({}).stream(7 as unknown as string)).toThrow(/message must be a text/)
})

it('does not keep Python waiting for who does not read', async () => {
  const { agent } = await makeAgent([
    runs('for i in range(500): print(i, flush=True)'),
    { text: '.' },
  ])
  const stream = agent.stream('Go.')
  for await (const event of stream) if (event.type === 'output') break
  expect((await stream.result).text).toBe('.')
  await eventually('it is free again', () => agent.messages.length === 4)
})
