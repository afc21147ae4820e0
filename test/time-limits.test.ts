import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setImmediate, setTimeout } from 'node:timers/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import {
  AbortedError,
  LocalEngine,
  PythonInterpreterToolSet,
  type PythonInterpreterToolSetOptions,
  type RunResult,
} from '../src/index.js'
import { eventually, isAlive } from './helpers/processes.js'
import { tell, waitFor } from './helpers/python-code.js'
import { makeToolset } from './helpers/toolset.js'

/** Long enough for the code to be where it is to be stopped, short enough not to be felt. */
const LIMIT_MS = 250
const GRACE_MS = 300
/** What stopping may take beyond the limit: far less than what the code would. */
const SLACK_MS = 20_000

/** Code that an interrupt does not stop. */
const STUBBORN = [
  'import time',
  'while True:',
  '    try:',
  '        while True: time.sleep(0.05)',
  '    except BaseException:',
  '        pass',
].join('\n')

const JOINED_THREAD = [
  'import threading',
  'event = threading.Event()',
  'thread = threading.Thread(target=event.wait, daemon=True)',
  'thread.start()',
  'thread.join()',
].join('\n')

/** A toolset whose session has a variable. */
async function sessionWithX(
  options: PythonInterpreterToolSetOptions = {},
): Promise<PythonInterpreterToolSet> {
  const tools = await makeToolset({ interruptGraceMs: GRACE_MS, ...options })
  await tools.runPythonCode('x = 42')
  return tools
}

async function expectXKept(tools: PythonInterpreterToolSet): Promise<void> {
  expect(await tools.runPythonCode('x')).toMatchObject({
    success: true,
    stdout: '42\n',
    state: 'kept',
  })
}

function expectInterrupted(result: RunResult): void {
  expect(result).toMatchObject({
    success: false,
    timed_out: true,
    state: 'kept',
    error: { name: 'TimeoutError' },
  })
  expect(result.error?.value).toContain(`${LIMIT_MS} ms`)
  expect(result).not.toHaveProperty('interpreter_crashed')
  expect(result.duration_ms).toBeGreaterThanOrEqual(LIMIT_MS - 1)
  expect(result.duration_ms).toBeLessThan(LIMIT_MS + SLACK_MS)
}

describe('a time limit interrupts', () => {
  it.each([
    ['a loop', 'while True: pass'],
    ['time.sleep', 'import time\ntime.sleep(100)'],
    ['an await', 'import asyncio\nawait asyncio.sleep(100)'],
    ['asyncio.run', 'import asyncio\nasyncio.run(asyncio.sleep(100))'],
    ['a gather of tasks', 'import asyncio\nawait asyncio.gather(*map(asyncio.sleep, [99, 100]))'],
    ['a blocked lock', 'import threading\nlock = threading.Lock()\nfor _ in "12": lock.acquire()'],
    ['a thread that is joined', JOINED_THREAD],
    [
      'a socket that nobody writes to',
      'import socket\npair = socket.socketpair()\npair[0].recv(1)',
    ],
    ['a regular expression that backtracks', `import re\nre.match('(a+)+$', 'a' * 40 + 'b')`],
    ['subprocess.run', `import subprocess\nsubprocess.run(['sleep', '100'])`],
    ['a shell pipeline', `import subprocess\nsubprocess.run('sleep 100 | cat', shell=True)`],
    ['code after exec', `exec('while True: pass')`],
  ])('%s, and keeps the variables', async (_, code) => {
    const tools = await sessionWithX()
    expectInterrupted(await tools.runPythonCode(code, { timeout_ms: LIMIT_MS }))
    await expectXKept(tools)
  })

  it('the whole process group of a child', async () => {
    const tools = await sessionWithX()
    const child =
      'import os, subprocess; grandchild = subprocess.Popen(["sleep", "100"]); ' +
      'print(os.getpid(), grandchild.pid, flush=True); grandchild.wait()'
    const code = [
      'import subprocess, sys',
      `child = subprocess.Popen([sys.executable, '-c', ${JSON.stringify(child)}],`,
      '                         stdout=subprocess.PIPE, text=True)',
      'pids = [int(pid) for pid in child.stdout.readline().split()]',
      'child.wait()',
    ].join('\n')
    expectInterrupted(await tools.runPythonCode(code, { timeout_ms: LIMIT_MS }))
    const { result } = await tools.runPythonCode('', { result_var_name: 'pids' })
    expect(result).toHaveLength(2)
    for (const pid of result as number[]) {
      await eventually(`the child ${pid} ends`, async () => !(await isAlive(pid)))
    }
  })

  it('and names the processes that survived the interrupt', async () => {
    const tools = await makeToolset()
    const code = [
      'import subprocess',
      `child = subprocess.Popen(['sleep', '100'], start_new_session=True)`,
      'child.wait()',
    ].join('\n')
    const result = await tools.runPythonCode(code, { timeout_ms: LIMIT_MS })
    expectInterrupted(result)
    expect(result.survivors).toEqual([expect.stringMatching(/^process \d+ \(sleep 100\)$/)])
    const later = await tools.runPythonCode('while True: pass', { timeout_ms: LIMIT_MS })
    expectInterrupted(later)
    expect(later, 'a process of an earlier run').not.toHaveProperty('survivors')
  })

  it('whatever the code made of SIGINT before', async () => {
    const tools = await sessionWithX()
    await tools.runPythonCode(
      [
        'import signal',
        'signal.signal(signal.SIGINT, signal.SIG_IGN)',
        'signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})',
      ].join('\n'),
    )
    expectInterrupted(await tools.runPythonCode('while True: pass', { timeout_ms: LIMIT_MS }))
    await expectXKept(tools)
  })

  it('the expression of a value, saying that the code itself ran to its end', async () => {
    const tools = await sessionWithX()
    const code = [
      'class Endless:',
      '    def __repr__(self):',
      '        while True: pass',
      'endless = Endless()',
      `print('printed')`,
    ].join('\n')
    const options = { timeout_ms: LIMIT_MS, result_var_name: 'endless' }
    const result = await tools.runPythonCode(code, options)
    expectInterrupted(result)
    expect(result).toMatchObject({ stdout: 'printed\n', result: null })
    expect(result.notices?.join()).toContain('ran to its end')
    await expectXKept(tools)
  })

  it('the drawing of a figure', async () => {
    const tools = await sessionWithX()
    await tools.runPythonCode('import matplotlib.pyplot as plt')
    const code = [
      'def endless(renderer):',
      '    while True: pass',
      'figure, axes = plt.subplots()',
      'axes.draw = endless',
    ].join('\n')
    const result = await tools.runPythonCode(code, { timeout_ms: LIMIT_MS })
    expectInterrupted(result)
    expect(result).not.toHaveProperty('base64_uri')
    const next = await tools.runPythonCode('x')
    expect(next).toMatchObject({ success: true, stdout: '42\n' })
    expect(next, 'the figure that could not be drawn').not.toHaveProperty('base64_uri')
  })

  it('code that leaves figures open, which do not come with the next run', async () => {
    // They are drawn after the interrupt.
    const tools = await sessionWithX({ interruptGraceMs: SLACK_MS })
    await tools.runPythonCode('import matplotlib.pyplot as plt')
    const code = 'plt.plot([1, 2])\nwhile True: pass'
    expectInterrupted(await tools.runPythonCode(code, { timeout_ms: LIMIT_MS }))
    const next = await tools.runPythonCode('x')
    expect(next).toMatchObject({ success: true, stdout: '42\n' })
    expect(next).not.toHaveProperty('base64_uri')
  })

  it('code that has left its process group', async () => {
    const tools = await sessionWithX({ checkpoint: 'off' })
    const leave = 'import os, time\nos.setpgid(0, os.getppid())\nend = time.monotonic() + 2'
    const code = `${leave}\nwhile time.monotonic() < end: pass`
    expectInterrupted(await tools.runPythonCode(code, { timeout_ms: LIMIT_MS }))
    const stubborn = [
      'end = time.monotonic() + 2',
      'while time.monotonic() < end:',
      '    try: time.sleep(0.05)',
      '    except BaseException: pass',
    ].join('\n')
    const killed = await tools.runPythonCode(stubborn, { timeout_ms: LIMIT_MS })
    expect(killed).toMatchObject({ timed_out: true, state: 'lost' })
  })

  it('and what was printed before is in the result', async () => {
    const tools = await makeToolset()
    const code = `print('before')\nwhile True: pass`
    const result = await tools.runPythonCode(code, { timeout_ms: LIMIT_MS })
    expect(result).toMatchObject({ stdout: 'before\n', timed_out: true })
    expect(result.error?.traceback).toContain('while True: pass')
    expect(result.error?.traceback).not.toContain('_python_interpreter_toolset')
  })
})

describe('a run that ignores the interrupt', () => {
  it('is killed after the grace period, which the result tells with the lost state', async () => {
    const tools = await sessionWithX({ checkpoint: 'off' })
    const result = await tools.runPythonCode(`print('before')\n${STUBBORN}`, {
      timeout_ms: LIMIT_MS,
    })
    expect(result).toMatchObject({
      success: false,
      stdout: 'before\n',
      timed_out: true,
      error: { name: 'TimeoutError' },
      interpreter_crashed: true,
      interpreter_restarted: true,
      state: 'lost',
    })
    expect(result.duration_ms).toBeGreaterThanOrEqual(LIMIT_MS + GRACE_MS - 2)
    expect(result.duration_ms).toBeLessThan(LIMIT_MS + GRACE_MS + SLACK_MS)
    const next = await tools.runPythonCode('x')
    expect(next).toMatchObject({ error: { name: 'NameError' }, state: 'kept' })
  })

  it('is said to have been killed for that, not by an unknown hand', async () => {
    const tools = await sessionWithX()
    const result = await tools.runPythonCode(STUBBORN, { timeout_ms: LIMIT_MS })
    expect(result.restart_reason).toMatch(/time limit/)
    expect(result.restart_reason).not.toMatch(/by hand|memory/)
  })

  it('is killed too when it holds the interpreter lock in C code', async () => {
    const tools = await sessionWithX()
    const code = 'import ctypes\nctypes.PyDLL(None).sleep(100)\nctypes.PyDLL(None).sleep(100)'
    const result = await tools.runPythonCode(code, { timeout_ms: LIMIT_MS })
    expect(result).toMatchObject({ success: false, timed_out: true })
    expect(result.duration_ms).toBeLessThan(LIMIT_MS + GRACE_MS + SLACK_MS)
  })

  it('that swallows one interrupt and ends in time keeps its state', async () => {
    const tools = await sessionWithX()
    const code = [
      'import time',
      'try: time.sleep(100)',
      `except KeyboardInterrupt: print('swallowed')`,
      `print('went on')`,
    ].join('\n')
    const result = await tools.runPythonCode(code, { timeout_ms: LIMIT_MS })
    expect(result).toMatchObject({
      success: true,
      stdout: 'swallowed\nwent on\n',
      timed_out: true,
      state: 'kept',
    })
    await expectXKept(tools)
  })
})

describe('what counts', () => {
  it('timeout_ms 0 is no limit', async () => {
    const tools = await makeToolset({ timeoutMs: 50 })
    const code = 'import time\ntime.sleep(0.3)'
    const unlimited = await tools.runPythonCode(code, { timeout_ms: 0 })
    expect(unlimited).toMatchObject({ success: true })
    expect(unlimited).not.toHaveProperty('timed_out')
    expect(await tools.runPythonCode(code)).toMatchObject({ success: false, timed_out: true })
  })

  it('timeoutMs 0 of the toolset is no limit, and a call can have one', async () => {
    const tools = await makeToolset({ timeoutMs: 0 })
    expect(await tools.runPythonCode('1')).toMatchObject({ success: true })
    const code = 'while True: pass'
    expect(await tools.runPythonCode(code, { timeout_ms: 50 })).toMatchObject({ timed_out: true })
  })

  it('neither the wait for earlier runs nor the start of the process counts', async () => {
    const tools = await makeToolset({
      initCode: 'import time\ntime.sleep(0.4)',
    })
    const options = { timeout_ms: 200 }
    const first = tools.runPythonCode('1', options)
    const earlier = tools.runPythonCode('import time\ntime.sleep(0.4)')
    const last = tools.runPythonCode('2', options)
    for (const result of await Promise.all([first, earlier, last])) {
      expect(result).toMatchObject({ success: true })
      expect(result).not.toHaveProperty('timed_out')
    }
  })
})

describe('the clock of a run', () => {
  it('begins when its code starts, also after a checkpoint that takes long', async () => {
    const tools = await makeToolset({ checkpoint: 'always' })
    const slow = 'import os, time\nos.register_at_fork(before=lambda: time.sleep(0.8))'
    await tools.runPythonCode(slow)
    const options = { timeout_ms: 300 }
    const next = await tools.runPythonCode('1', options)
    expect(next).toMatchObject({ success: true, stdout: '1\n' })
    expect(next.duration_ms, 'the checkpoint was slow').toBeGreaterThan(300)
    expect(next).not.toHaveProperty('timed_out')
    const stopped = await tools.runPythonCode('while True: pass', options)
    expect(stopped).toMatchObject({ timed_out: true, error: { name: 'TimeoutError' } })
    expect(stopped.duration_ms).toBeLessThan(4000)
  })

  it('leaves no run without an end whose start is hindered', async () => {
    const tools = await makeToolset({ checkpoint: 'off', interruptGraceMs: GRACE_MS })
    const hold = [
      'import ctypes, threading, time',
      'def hold():',
      '    time.sleep(0.2)',
      '    ctypes.PyDLL(None).sleep(100)',
      'threading.Thread(target=hold, daemon=True).start()',
      tell('ready'),
    ].join('\n')
    await tools.runPythonCode(hold)
    await eventually('the thread holds the lock', async () => {
      const probe = await tools.runPythonCode('1', { timeout_ms: 20 })
      return probe.timed_out === true
    })
    expect(await tools.runPythonCode('1')).toMatchObject({ success: true, stdout: '1\n' })
  }, 30_000)

  it('does not run while a run waits for others, which its result tells', async () => {
    const tools = await sessionWithX()
    const first = tools.runPythonCode('import time\ntime.sleep(0.3)')
    const second = await tools.runPythonCode('x', { timeout_ms: 200 })
    expect(second).toMatchObject({ success: true, stdout: '42\n' })
    expect(second.queued_ms).toBeGreaterThan(250)
    expect(second.duration_ms).toBeLessThan(200)
    expect(await first).not.toHaveProperty('queued_ms')
    expect(await tools.runPythonCode('x')).not.toHaveProperty('queued_ms')
  })
})

describe('a limit on silence', () => {
  const SILENCE = { idle_timeout_ms: 500 }
  /** Does something every 100 ms, for longer than the limit. */
  const often = (statement: string) =>
    `import os, sys, time\nfor n in range(8):\n    ${statement}\n    time.sleep(0.1)`

  it('stops a run that shows nothing for so long, and says so', async () => {
    const tools = await sessionWithX()
    const code = `print('begun')\nimport time\ntime.sleep(100)`
    const result = await tools.runPythonCode(code, SILENCE)
    expect(result).toMatchObject({
      success: false,
      timed_out: true,
      stdout: 'begun\n',
      state: 'kept',
      error: {
        name: 'TimeoutError',
        value: expect.stringContaining('500 ms without output') as string,
      },
    })
    await expectXKept(tools)
  })

  it.each([
    ['a line', 'print(n)'],
    ['a part of a line', `print(n, end='')`],
    ['a line of C code', `os.write(2, b'line\\n')`],
    ['progress', `print(n, end='\\r')`],
  ])('begins again with %s', async (_, statement) => {
    const tools = await sessionWithX()
    const result = await tools.runPythonCode(often(statement), SILENCE)
    expect(result).toMatchObject({ success: true })
    expect(result.duration_ms).toBeGreaterThan(500)
  })

  it('begins again with a figure', async () => {
    const tools = await sessionWithX()
    await tools.runPythonCode('import matplotlib.pyplot as plt; plt.plot([1]); plt.show()')
    const code = often('plt.plot([n]); plt.show(); time.sleep(0.3)')
    const result = await tools.runPythonCode(code, { idle_timeout_ms: 2000 })
    expect(result).toMatchObject({ success: true })
    expect(result.duration_ms).toBeGreaterThan(2000)
  })

  it('stands still while a listener holds the run back', async () => {
    const tools = await sessionWithX()
    const code = `print('x' * 100)\nprint('y' * 200_000)\nprint('end')`
    let pauses = 0
    const result = await tools.runPythonCode(code, {
      ...SILENCE,
      onOutput: () => {
        pauses += 1
        return pauses > 2 ? undefined : setTimeout(800)
      },
    })
    expect(result).toMatchObject({ success: true })
    expect(result.duration_ms).toBeGreaterThan(800)
  })

  it('is an option of the toolset too, which a run can turn off', async () => {
    const tools = await sessionWithX({ idleTimeoutMs: 100 })
    const code = 'import time\ntime.sleep(0.4)'
    expect(await tools.runPythonCode(code)).toMatchObject({ timed_out: true })
    expect(await tools.runPythonCode(code, { idle_timeout_ms: 0 })).toMatchObject({ success: true })
  })
})

describe('maxTimeoutMs', () => {
  it('refuses what is more, and what has no limit, with a sentence', async () => {
    const tools = await makeToolset({ maxTimeoutMs: 1000 })
    for (const options of [{ timeout_ms: 1001 }, { timeout_ms: 0 }, { idle_timeout_ms: 1001 }]) {
      await expect(tools.runPythonCode(tell('ran'), options)).rejects.toMatchObject({
        code: 'INVALID_OPTION',
        message: expect.stringMatching(/timeout_ms.*1000 ms/) as string,
      })
    }
    const [run] = tools.tools()
    expect(await run?.execute({ code: tell('ran'), timeout_ms: 2000 })).toMatchObject({
      success: false,
      error: { name: 'InvalidOptionError', value: expect.stringContaining('1000 ms') as string },
    })
    expect(existsSync(join(tools.workdir, 'ran'))).toBe(false)
    const allowed = await tools.runPythonCode('1', { timeout_ms: 1000, idle_timeout_ms: 0 })
    expect(allowed).toMatchObject({ success: true })
  })

  it('bounds the limit that runs have of themselves', async () => {
    const tools = await makeToolset({ maxTimeoutMs: LIMIT_MS })
    expectInterrupted(await tools.runPythonCode('while True: pass'))
    for (const options of [{ timeoutMs: 300 }, { timeoutMs: 0 }, { idleTimeoutMs: 300 }]) {
      expect(() => new PythonInterpreterToolSet({ maxTimeoutMs: LIMIT_MS, ...options })).toThrow(
        /imeoutMs.*250 ms/,
      )
    }
  })
})

describe('an aborted call', () => {
  const NEVER_BEGUN = {
    name: 'AbortError',
    message: 'The call was aborted by its signal before it began. Nothing has been run.',
  }

  it('rejects with an AbortError that carries the reason, and the session goes on', async () => {
    const tools = await sessionWithX()
    const abort = new AbortController()
    const code = `${tell('started')}\nimport time\ntime.sleep(100)`
    const call = tools.runPythonCode(code, { signal: abort.signal })
    const rejected = expect(call).rejects.toMatchObject({
      name: 'AbortError',
      code: 'ABORTED',
      cause: 'enough',
    })
    await eventually('the code runs', () => existsSync(join(tools.workdir, 'started')))
    abort.abort('enough')
    await rejected
    await expect(call).rejects.toBeInstanceOf(AbortedError)
    await expectXKept(tools)
  })

  it('that still waits in the queue never runs, and the runs beside it do', async () => {
    const tools = await sessionWithX()
    const abort = new AbortController()
    const before = tools.runPythonCode('import time\ntime.sleep(0.2)\ny = 1')
    const aborted = tools.runPythonCode('y = 2', { signal: abort.signal })
    const after = tools.runPythonCode('y')
    abort.abort()
    await expect(aborted).rejects.toMatchObject(NEVER_BEGUN)
    expect(await before).toMatchObject({ success: true })
    expect(await after).toMatchObject({ success: true, stdout: '1\n' })
  })

  it('whose signal was aborted before never runs', async () => {
    const tools = await sessionWithX()
    const call = tools.runPythonCode('x = 0', { signal: AbortSignal.abort() })
    await expect(call).rejects.toMatchObject(NEVER_BEGUN)
    await expectXKept(tools)
  })

  it('never runs if it is aborted while its process starts', async () => {
    const tools = await makeToolset({ initCode: `${tell('starting')}\n${waitFor('go')}` })
    const abort = new AbortController()
    const call = tools.runPythonCode(tell('ran'), { signal: abort.signal })
    await eventually('the process starts', () => existsSync(join(tools.workdir, 'starting')))
    abort.abort()
    await expect(call).rejects.toMatchObject({ name: 'AbortError' })
    await writeFile(join(tools.workdir, 'go'), '')
    expect(await tools.runPythonCode('1')).toMatchObject({ success: true, stdout: '1\n' })
    expect(existsSync(join(tools.workdir, 'ran'))).toBe(false)
  })

  it('that has to be killed is told by the next result', async () => {
    const tools = await sessionWithX({ checkpoint: 'off' })
    const abort = new AbortController()
    // Told from within the try: before it, the interrupt would end the run.
    const code = STUBBORN.replace(
      'while True: time',
      `${tell('started')}\n        while True: time`,
    )
    const call = tools.runPythonCode(code, { signal: abort.signal })
    const rejected = expect(call).rejects.toMatchObject({ name: 'AbortError' })
    await eventually('the code runs', () => existsSync(join(tools.workdir, 'started')))
    abort.abort()
    await rejected
    const next = await tools.runPythonCode(`'x' in globals()`)
    expect(next).toMatchObject({
      success: true,
      stdout: 'False\n',
      interpreter_restarted: true,
      state: 'lost',
    })
    expect(next).not.toHaveProperty('interpreter_crashed')
    expect(next.restart_reason).toMatch(/abort/)
    const oneLater = await tools.runPythonCode('1')
    expect(oneLater).toMatchObject({ state: 'kept' })
    expect(oneLater).not.toHaveProperty('restart_reason')
  })

  it('of a tool rejects, as the framework that aborted it expects', async () => {
    const tools = await sessionWithX()
    const [run] = tools.tools()
    const call = run?.execute({ code: 'x' }, { signal: AbortSignal.abort() })
    await expect(call).rejects.toMatchObject({ name: 'AbortError' })
  })
})

describe('manageInterpreters interrupt', () => {
  it('stops the run with a KeyboardInterrupt and keeps the variables', async () => {
    const tools = await sessionWithX()
    const call = tools.runPythonCode(`${tell('started')}\nwhile True: pass`)
    await eventually('the code runs', () => existsSync(join(tools.workdir, 'started')))
    expect(await tools.manageInterpreters({ operation: 'interrupt' })).toMatchObject({
      success: true,
      outcome: 'stopped',
      state: 'kept',
      execution_count: 2,
    })
    const result = await call
    expect(result).toMatchObject({
      success: false,
      error: { name: 'KeyboardInterrupt' },
      state: 'kept',
    })
    expect(result).not.toHaveProperty('timed_out')
    await expectXKept(tools)
  })

  it('says that the code caught it and goes on, and a second one that it ended', async () => {
    const tools = await sessionWithX()
    const code = [
      tell('started'),
      'import time',
      'for _ in range(2):',
      '    try: time.sleep(100)',
      '    except KeyboardInterrupt: pass',
    ].join('\n')
    const call = tools.runPythonCode(code)
    await eventually('the code runs', () => existsSync(join(tools.workdir, 'started')))
    await setTimeout(50) // for the try to begin
    expect(await tools.manageInterpreters({ operation: 'interrupt' })).toMatchObject({
      success: true,
      outcome: 'still_running',
      state: 'kept',
      message: expect.stringMatching(/stop.*restart/s) as string,
    })
    expect(await tools.manageInterpreters({ operation: 'interrupt' })).toMatchObject({
      outcome: 'ended',
      state: 'kept',
    })
    expect(await call).toMatchObject({ success: true })
  })

  it('says that code in C goes on, within the grace period, and does not kill it', async () => {
    const tools = await sessionWithX()
    const loop = 'from collections import deque; from itertools import repeat'
    const call = tools.runPythonCode(
      `${loop}\n${tell('started')}\ndeque(repeat(0, 10**8), maxlen=0)`,
    )
    await eventually('the code runs', () => existsSync(join(tools.workdir, 'started')))
    const asked = performance.now()
    const answer = await tools.manageInterpreters({ operation: 'interrupt' })
    const result = await call
    expect(performance.now() - asked).toBeLessThan(SLACK_MS)
    expect(answer).toMatchObject({ success: true, state: 'kept' })
    expect(result).toMatchObject({ state: 'kept', error: { name: 'KeyboardInterrupt' } })
    await expectXKept(tools)
  })

  it('says that the process died, and what became of the session', async () => {
    const tools = await sessionWithX({ checkpoint: 'always' })
    const code = [
      'import os, time',
      tell('started'),
      'try: time.sleep(100)',
      'except KeyboardInterrupt: os._exit(3)',
    ].join('\n')
    const call = tools.runPythonCode(code)
    await eventually('the code runs', () => existsSync(join(tools.workdir, 'started')))
    await setTimeout(50) // for the try to begin
    expect(await tools.manageInterpreters({ operation: 'interrupt' })).toMatchObject({
      outcome: 'died',
      state: 'restored',
      message: expect.stringContaining('exited with code 3') as string,
    })
    expect(await call).toMatchObject({ state: 'restored', restored_to: 1 })
  })

  it('makes no session where there was none', async () => {
    const tools = await makeToolset()
    const answer = await tools.manageInterpreters({ operation: 'interrupt' })
    expect(answer).toMatchObject({ success: false })
    const list = await tools.manageInterpreters({ operation: 'list' })
    expect(list).toEqual({ success: true, interpreters: [] })
  })

  it('answers that nothing runs, and does nothing', async () => {
    const tools = await sessionWithX()
    const answer = await tools.manageInterpreters({ operation: 'interrupt' })
    expect(answer).toMatchObject({ success: false })
    await expectXKept(tools)
  })
})

describe('an interrupt belongs to its run', () => {
  it('does nothing to an interpreter that is idle', async () => {
    const tools = await sessionWithX()
    const list = await tools.manageInterpreters({ operation: 'list' })
    const pid = list.success ? list.interpreters?.[0]?.pid : undefined
    for (let i = 0; i < 20; i += 1) {
      process.kill(pid ?? 0, 'SIGINT')
      await expectXKept(tools)
    }
  })

  it('never hits the next run, whenever it comes', async () => {
    const tools = await makeToolset()
    await tools.runPythonCode('n = 0\nimport asyncio')
    const outcomes = { aborted: 0, finished: 0 }
    for (let i = 0; i < 200; i += 1) {
      const abort = new AbortController()
      const code = i % 2 === 0 ? 'for _ in range(5000): pass' : 'await asyncio.sleep(0.0005)'
      const racer = tools.runPythonCode(code, { signal: abort.signal }).then(
        () => (outcomes.finished += 1),
        () => (outcomes.aborted += 1),
      )
      const witness = tools.runPythonCode('n += 1\nn')
      // From before the run has been sent to after it has ended.
      for (let turn = 0; turn < i; turn += 1) await setImmediate()
      abort.abort()
      await racer
      expect(await witness).toMatchObject({ success: true, stdout: `${i + 1}\n`, state: 'kept' })
    }
    expect(outcomes.aborted).toBeGreaterThan(0)
    expect(outcomes.finished).toBeGreaterThan(0)
  })

  it('that a time limit sends never hits the next run either', async () => {
    const tools = await makeToolset()
    await tools.runPythonCode('n = 0')
    const outcomes = { stopped: 0, finished: 0 }
    for (let i = 0; i < 100; i += 1) {
      const racer = tools.runPythonCode(`for _ in range(${i * 20_000}): pass`, { timeout_ms: 1 })
      const witness = tools.runPythonCode('n += 1\nn')
      outcomes[(await racer).success ? 'finished' : 'stopped'] += 1
      expect(await witness).toMatchObject({ success: true, stdout: `${i + 1}\n`, state: 'kept' })
    }
    expect(outcomes.stopped).toBeGreaterThan(0)
    expect(outcomes.finished).toBeGreaterThan(0)
  })
})

describe('closing', () => {
  it.each([
    ['a toolset with its own engine', false],
    ['a toolset that shares its engine', true],
  ])('%s while a process starts runs nothing any more, and is quick', async (_, shared) => {
    const engine = new LocalEngine()
    onTestFinished(() => engine.close())
    const initCode = `${tell('starting')}\nimport time\ntime.sleep(5)`
    const tools = await makeToolset({ initCode, ...(shared ? { engine } : {}) })
    const call = tools.runPythonCode(tell('ran')).catch((error: unknown) => error)
    await eventually('the process starts', () => existsSync(join(tools.workdir, 'starting')))
    const startedAt = performance.now()
    await tools.close()
    await call
    expect(performance.now() - startedAt).toBeLessThan(SLACK_MS)
    expect(existsSync(join(tools.workdir, 'ran'))).toBe(false)
  })

  it('ends a run that executes, which says so and claims no new process', async () => {
    const tools = await sessionWithX({ checkpoint: 'off' })
    const call = tools.runPythonCode(`${tell('started')}\n${STUBBORN}`)
    await eventually('the code runs', () => existsSync(join(tools.workdir, 'started')))
    await tools.close()
    const result = await call
    expect(result).toMatchObject({
      success: false,
      error: { name: 'InterpreterClosed' },
      state: 'lost',
    })
    expect(result.interpreter_restarted).not.toBe(true)
    expect(result.restart_reason).toMatch(/closed|deleted/)
    expect((result.notices ?? []).join(' ')).not.toContain('has taken over')
  })
})
