/** The conversation in a terminal, through streams as a terminal has them. */
import { PassThrough } from 'node:stream'
import { stripVTControlCharacters } from 'node:util'
import { expect, it } from 'vitest'
import { Agent } from '../src/agent/index.js'
import { chatServer, textOf, type Scenario, type ScriptedReply } from './helpers/chat-server.js'
import { eventually } from './helpers/processes.js'
import { makeToolset } from './helpers/toolset.js'

const CTRL_C = '\u0003'
/** Python imports matplotlib in that time on a busy machine, too. */
const PATIENCE_MS = 30_000
const CTRL_D = '\u0004'

function runs(code: string, text?: string): ScriptedReply {
  const call = { name: 'run_python_code', arguments: { code } }
  return { ...(text === undefined ? {} : { text }), calls: [call] }
}

/** A chat that has begun, with what a person does in it and sees of it. */
async function beginChat(
  scenario: Scenario,
  { terminal = true, signal = new AbortController().signal } = {},
) {
  const server = await chatServer(scenario)
  const model = { model: 'model-1', baseURL: server.baseURL }
  const agent = new Agent({ name: 'ada', model, maxRetries: 0 })
  const python = await makeToolset()
  await agent.toolset(python)
  const input = new PassThrough()
  const output = new PassThrough()
  let written = ''
  output.on('data', (data: Buffer) => (written += data.toString()))
  const ended = agent.chat({ input, output, terminal, signal })
  const screen = () => stripVTControlCharacters(written).replaceAll('\r', '')
  return {
    agent,
    server,
    python,
    ended,
    screen,
    raw: () => written,
    type: (text: string) => input.write(text),
    hangUp: () => input.end(),
    /** Resolves when the screen has that. */
    sees: (text: string) =>
      eventually(text, () => screen().includes(text), PATIENCE_MS).catch((error: unknown) => {
        throw new Error(`${String(error)}, but\n${screen()}`)
      }),
  }
}

it('shows what the agent says, the code that it runs, and what that says', async () => {
  const chat = await beginChat([
    runs('print("one")\nx = 2\nx', 'I print, then compute.'),
    { text: 'It is two.' },
    { text: 'Goodbye.' },
  ])
  await chat.sees('You talk to ada.')
  chat.type('How much?\r')
  await chat.sees('It is two.\n> ')
  expect(chat.screen()).toContain(
    [
      'I print, then compute.',
      '│ print("one")',
      '│ x = 2',
      '│ x',
      '  one',
      '  2',
      'It is two.',
      '> ',
    ].join('\n'),
  )
  chat.type('Bye.\r')
  await chat.sees('Goodbye.\n> ')
  chat.type('exit\r')
  await chat.ended
  expect(chat.agent.usage.requests).toBe(3)
})

it('links figures, and shows errors and notices, without what moves the cursor', async () => {
  const chat = await beginChat([
    runs('import matplotlib.pyplot as plt\nplt.plot([1, 2]);'),
    runs('print("\\x1b[2Jhello")\n{}["key"]'),
    { calls: [{ name: 'run_python_code', arguments: '{"code' }] },
    { text: '\u001b[2JDone.' },
  ])
  chat.type('Go.\r')
  await chat.sees('Done.')
  expect(chat.screen()).toContain(`  figure: file://${chat.python.workdir}/.matplotlib_figs/`)
  expect(chat.screen()).toContain("  hello\n  KeyError: 'key'\n")
  expect(chat.screen()).toMatch(/│ run_python_code {"code\n {2}.*JSON parsing failed/)
  expect(chat.raw()).not.toContain('\u001b[2J')
  chat.type(CTRL_D)
  await chat.ended
})

it('stops the code, and not the program, by Ctrl-C', async () => {
  const chat = await beginChat([
    runs('import time\nx = 1\nprint("waiting", flush=True)\ntime.sleep(60)'),
    runs('x'),
    { text: 'x is 1.' },
  ])
  chat.type('Wait.\r')
  await chat.sees('  waiting')
  chat.type(CTRL_C)
  await chat.sees('Stopped.\n> ')
  chat.type('What is x?\r')
  await chat.sees('x is 1.')
  expect(textOf(chat.server.messages(-1).at(-1) ?? { role: 'tool', content: '' })).toBe(
    'stdout:\n1',
  )
  chat.type(CTRL_D)
  await chat.ended
})

it('stops an answer by Ctrl-C, and leaves at the second one at the prompt', async () => {
  const chat = await beginChat([{ text: 'Once upon a time', then: 'hang' }, { text: 'Yes.' }])
  chat.type('Tell.\r')
  await chat.sees('Once upon a time')
  chat.type(CTRL_C)
  await chat.sees('Stopped.')
  chat.type(`half a line${CTRL_C}`)
  await chat.sees('Ctrl-C once more')
  // Whoever goes on has not meant to leave.
  chat.type('Are you there?\r')
  await chat.sees('Yes.\n> ')
  expect(textOf(chat.server.messages(-1).at(-1) ?? { role: 'user', content: '' })).toBe(
    'Are you there?',
  )
  chat.type(CTRL_C)
  chat.type(CTRL_C)
  await chat.ended
})

it('stops an answer by the signal SIGINT, too, and hears it no more when it has ended', async () => {
  const before = process.listeners('SIGINT')
  const chat = await beginChat([{ text: 'Once upon a time', then: 'hang' }])
  chat.type('Tell.\r')
  await chat.sees('Once upon a time')
  // As the signal itself would, which other programs of this process group would get, too.
  const added = process.listeners('SIGINT').filter((listener) => !before.includes(listener))
  for (const listener of added) listener('SIGINT')
  await chat.sees('Stopped.')
  chat.type('exit\r')
  await chat.ended
  expect(added).toHaveLength(1)
  expect(process.listeners('SIGINT')).toEqual(before)
})

it('goes on after an error of the service', async () => {
  const chat = await beginChat([{ status: 401, message: 'Wrong key.' }, { text: 'Hello.' }])
  chat.type('Hi.\r')
  await chat.sees("The model's service refused the API key (status 401: Wrong key).")
  chat.type('Hi again.\r')
  await chat.sees('Hello.')
  chat.type(CTRL_D)
  await chat.ended
})

it('asks the person what code asks', async () => {
  const chat = await beginChat([
    runs('name = input("Your name? ")\nprint("Hello", name)'),
    runs('import getpass\ngetpass.getpass()'),
    { text: 'Done.' },
  ])
  chat.type('Greet me.\r')
  await chat.sees('Your name? ')
  chat.type('Ada\r')
  await chat.sees('  Hello Ada')
  await chat.sees('it cannot ask for a password.')
  await chat.sees('Done.\n> ')
  chat.type(CTRL_D)
  await chat.ended
})

it('reads lines from a pipe, one after the other, and ends with them', async () => {
  const chat = await beginChat([{ text: 'One.' }, { text: 'Two.' }], { terminal: false })
  chat.type('First.\n\nSecond.\n')
  chat.hangUp()
  await chat.ended
  expect(chat.screen()).toContain('One.\n')
  expect(chat.screen()).toContain('Two.\n')
  expect(chat.raw()).not.toContain('\u001b')
})

it('ends with the signal of the program', async () => {
  const stop = new AbortController()
  const chat = await beginChat([{ text: 'Once upon a time', then: 'hang' }], {
    signal: stop.signal,
  })
  chat.type('Tell.\r')
  await chat.sees('Once upon a time')
  stop.abort()
  await chat.ended
})
