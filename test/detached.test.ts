import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import {
  BusyError,
  LocalEngine,
  toModelText,
  UnknownExecutionError,
  type ManageResult,
  type PythonInterpreterToolSet,
  type PythonInterpreterToolSetOptions,
  type RunOptions,
  type RunResult,
} from '../src/index.js'
import { eventually, isAlive } from './helpers/processes.js'
import { tell, waitFor } from './helpers/python-code.js'
import { makeToolset } from './helpers/toolset.js'

const DETACH: RunOptions = { timeout_ms: 150, on_timeout: 'detach' }
const GRACE_MS = 300
/** Far less than what a call would take that waits for the run. */
const AT_ONCE_MS = 5_000

const CRASH = 'import ctypes\nctypes.string_at(0)'
const C_LOOP =
  'from collections import deque\nfrom itertools import repeat\ndeque(repeat(0), maxlen=0)'

/** A toolset whose session has a variable, as of its run 1. */
async function sessionWithX(
  options: PythonInterpreterToolSetOptions = {},
): Promise<PythonInterpreterToolSet> {
  const tools = await makeToolset({
    interruptGraceMs: GRACE_MS,
    checkpoint: 'always',
    figures: true,
    ...options,
  })
  await tools.runPythonCode('x = 42')
  return tools
}

/** Detaches code, as run 2 of such a session. */
async function detach(
  tools: PythonInterpreterToolSet,
  code: string,
  options: RunOptions = {},
): Promise<RunResult> {
  const result = await tools.runPythonCode(code, { ...DETACH, ...options })
  expect(result).toMatchObject({ success: false, detached: true, error: { name: 'StillRunning' } })
  return result
}

function create(tools: PythonInterpreterToolSet, file: string): Promise<void> {
  return writeFile(join(tools.workdir, file), '')
}

async function ended(tools: PythonInterpreterToolSet, options = {}): Promise<RunResult> {
  const answer = await tools.wait({ timeout_ms: 0, ...options })
  if (answer.running) throw new Error('still runs')
  return answer.run
}

describe('a run that is detached at its time limit', () => {
  it('answers at once that it still runs, and goes on to its end', async () => {
    const tools = await sessionWithX()
    const code = `print('begun')\n${waitFor('go')}\ny = x + 1\nprint('done')`
    const result = await detach(tools, code)
    expect(result).toMatchObject({
      timed_out: true,
      stdout: 'begun\n',
      state: 'kept',
      execution_count: 2,
      execution_id: expect.any(String) as string,
    })
    expect(result.error?.value).toContain('150 ms')
    expect(result.error?.value).toContain(result.execution_id)
    await create(tools, 'go')
    const end = await ended(tools)
    expect(end).toMatchObject({
      success: true,
      stdout: 'begun\ndone\n',
      execution_count: 2,
      execution_id: result.execution_id,
      state: 'kept',
    })
    expect(end).not.toHaveProperty('timed_out')
    expect(end).not.toHaveProperty('detached')
    expect(end.duration_ms).toBeGreaterThan(result.duration_ms)
    expect(await tools.runPythonCode('y')).toMatchObject({ stdout: '43\n', execution_count: 3 })
  })

  it('keeps its value and its error for who waits', async () => {
    const tools = await sessionWithX()
    await detach(tools, `${waitFor('go')}\ny = [x]`, { result_var_name: 'y' })
    await create(tools, 'go')
    expect(await ended(tools)).toMatchObject({ success: true, result: [42] })
    await detach(tools, `${waitFor('again')}\n1 / 0`)
    await create(tools, 'again')
    expect(await ended(tools)).toMatchObject({
      success: false,
      error: { name: 'ZeroDivisionError' },
      state: 'kept',
    })
  })

  it('is interrupted as always unless that was asked for', async () => {
    const tools = await sessionWithX()
    const result = await tools.runPythonCode('while True: pass', { timeout_ms: 150 })
    expect(result).toMatchObject({ error: { name: 'TimeoutError' } })
    await expect(tools.wait()).rejects.toBeInstanceOf(UnknownExecutionError)
  })

  it('shows its figures when they are drawn, each in one file', async () => {
    const tools = await sessionWithX()
    const plot = 'plt.plot([1]); plt.show()'
    // What takes long the first time has no limit.
    await tools.runPythonCode(`import matplotlib.pyplot as plt\n${plot}`)
    const result = await detach(tools, `${plot}\n${tell('shown')}\n${waitFor('go')}\n${plot}`, {
      timeout_ms: 4_000,
    })
    const [first] = result.fig_storage_paths ?? []
    expect(result.fig_storage_paths).toHaveLength(1)
    await create(tools, 'go')
    const end = await ended(tools)
    expect(end.fig_storage_paths).toHaveLength(2)
    expect(end.fig_storage_paths?.[0]).toBe(first)
    const { output } = await tools.peek()
    expect(output.fig_storage_paths).toEqual(end.fig_storage_paths?.slice(1))
  })

  it('does not listen to the signal of its call any more', async () => {
    const tools = await sessionWithX()
    const abort = new AbortController()
    await detach(tools, waitFor('go'), { signal: abort.signal })
    abort.abort()
    expect(await tools.peek()).toMatchObject({ running: true })
    await create(tools, 'go')
    expect(await ended(tools)).toMatchObject({ success: true })
    expect((await tools.runPythonCode('x')).stdout).toBe('42\n')
  })

  it('is stopped at maxTimeoutMs, reckoned from its start, and never before', async () => {
    const tools = await sessionWithX({ maxTimeoutMs: 600 })
    await detach(tools, 'while True: pass', { idle_timeout_ms: 100 })
    const end = await ended(tools)
    expect(end).toMatchObject({ success: false, timed_out: true, error: { name: 'TimeoutError' } })
    expect(end.error?.value).toContain('600 ms')
    expect(end.duration_ms).toBeGreaterThan(590)
    expect((await tools.runPythonCode('x')).stdout).toBe('42\n')
    const whole = await tools.runPythonCode('while True: pass', {
      on_timeout: 'detach',
      timeout_ms: 600,
    })
    expect(whole, 'there is nothing left of its time').toMatchObject({
      error: { name: 'TimeoutError' },
    })
  })

  it('goes on in each of two interpreters beside each other', async () => {
    const tools = await sessionWithX()
    const other = await tools.branch()
    const { interpreter_id } = other
    await Promise.all([
      detach(tools, `${waitFor('one')}\nx`),
      detach(tools, `${waitFor('two')}\nx + 1`, { interpreter_id }),
    ])
    await create(tools, 'two')
    expect((await ended(tools, { interpreter_id })).stdout).toBe('43\n')
    expect(await tools.peek()).toMatchObject({ running: true })
    await create(tools, 'one')
    expect((await ended(tools)).stdout).toBe('42\n')
  })
})

describe('while a detached run goes on', () => {
  it('everything that would have to wait is refused at once', async () => {
    const tools = await sessionWithX()
    await tools.checkpoint({ name: 'before' })
    const { execution_id } = await detach(tools, waitFor('go'))
    const asked = performance.now()
    for (const call of [
      () => tools.runPythonCode('x'),
      () => tools.checkpoint(),
      () => tools.rollback(),
      () => tools.rollback({ checkpoint: 'before' }),
      () => tools.branch(),
    ]) {
      const refusal = await call().catch((error: unknown) => error)
      expect(refusal).toBeInstanceOf(BusyError)
      expect(refusal).toMatchObject({ code: 'BUSY', executionId: execution_id })
      expect((refusal as Error).message).toMatch(/run 2.*peek.*wait.*stop/)
    }
    const [run, manage] = tools.tools()
    expect(await run?.execute({ code: 'x' })).toMatchObject({
      success: false,
      error: { name: 'BusyError', value: expect.stringContaining('since') as string },
    })
    expect(await manage?.execute({ operation: 'rollback' })).toMatchObject({
      success: false,
      error: expect.stringContaining('busy') as string,
    })
    expect(performance.now() - asked).toBeLessThan(AT_ONCE_MS)
    expect(await tools.manageInterpreters({ operation: 'list' })).toMatchObject({
      interpreters: [{ status: 'busy' }],
    })
    const branch = await tools.branch({ checkpoint: 'before' })
    const there = await tools.runPythonCode('x', { interpreter_id: branch.interpreter_id })
    expect(there.stdout).toBe('42\n')
    await create(tools, 'go')
    await ended(tools)
    expect(await tools.runPythonCode('x')).toMatchObject({ success: true, execution_count: 3 })
    await expect(tools.checkpoint()).resolves.toMatchObject({ execution_count: 3 })
  })

  it('so is what waited for it already, and none of it ever runs', async () => {
    const tools = await sessionWithX()
    const first = tools.runPythonCode(waitFor('go'), DETACH)
    const second = expect(tools.runPythonCode(tell('ran'))).rejects.toBeInstanceOf(BusyError)
    const third = expect(tools.checkpoint()).rejects.toBeInstanceOf(BusyError)
    expect(await first).toMatchObject({ detached: true })
    await Promise.all([second, third])
    await create(tools, 'go')
    await ended(tools)
    await tools.runPythonCode('1')
    expect(existsSync(join(tools.workdir, 'ran'))).toBe(false)
  })

  it('a restart ends it and starts afresh', async () => {
    const tools = await sessionWithX()
    await detach(tools, 'while True: pass')
    const waiting = ended(tools)
    expect(await tools.manageInterpreters({ operation: 'restart' })).toMatchObject({
      success: true,
    })
    expect(await waiting).toMatchObject({
      success: false,
      error: { name: 'InterpreterRestarted' },
      state: 'lost',
    })
    const next = await tools.runPythonCode(`'x' in globals()`)
    expect(next).toMatchObject({ stdout: 'False\n', state: 'kept', execution_count: 3 })
    expect(next).not.toHaveProperty('interpreter_restarted')
  })

  it.each(['delete', 'close'] as const)('%s ends it, and who waits hears so', async (how) => {
    const tools = await sessionWithX()
    const listed = await tools.manageInterpreters({ operation: 'list' })
    const pid = (listed.success ? listed.interpreters?.[0]?.pid : null) ?? 0
    await detach(tools, 'while True: pass')
    const waiting = ended(tools)
    if (how === 'close') await tools.close()
    else await tools.manageInterpreters({ operation: 'delete' })
    expect(await waiting).toMatchObject({ success: false, error: { name: 'InterpreterClosed' } })
    expect(await isAlive(pid)).toBe(false)
  })
})

describe('peek', () => {
  it('answers what has come since the last look, and whether the run goes on', async () => {
    const tools = await sessionWithX()
    const code = [
      `print('one')`,
      waitFor('go 2'),
      `print('two', flush=True)\n${tell('printed 2')}`,
      waitFor('go 3'),
      `print('three')`,
    ].join('\n')
    const { execution_id, interpreter_id, stdout } = await detach(tools, code)
    expect(stdout).toBe('one\n')
    const nothing = await tools.peek()
    expect(nothing).toMatchObject({
      success: true,
      running: true,
      execution_id,
      interpreter_id,
      execution_count: 2,
      output: { stdout: '', stderr: '' },
    })
    expect(Date.parse(nothing.started_at)).toBeGreaterThan(Date.now() - 60_000)
    expect(nothing.duration_ms).toBeGreaterThan(140)
    await create(tools, 'go 2')
    let seen = ''
    await eventually('the output is there', async () => {
      seen += (await tools.peek({ execution_id })).output.stdout
      return seen !== ''
    })
    expect(seen).toBe('two\n')
    await create(tools, 'go 3')
    await eventually('the run ends', async () => !(await tools.peek({ interpreter_id })).running)
    const end = await ended(tools)
    expect(end.stdout).toBe('one\ntwo\nthree\n')
    expect((await tools.peek()).output.stdout).toBe('')
  })

  it('reads well for a model', async () => {
    const tools = await sessionWithX()
    const [run, manage] = tools.tools()
    const code = `print('begun')\n${waitFor('go')}\nprint('more')`
    const detached = await run?.execute({ code, ...DETACH })
    const text = toModelText(detached as RunResult)
    expect(text).toMatch(/begun.*StillRunning: Run 2 .*peek.*wait.*stop/s)
    const peeked = await manage?.execute({ operation: 'peek' })
    expect(toModelText(peeked as ManageResult)).toMatch(
      /^NOTICE: Run 2 still runs, for \d+ s now\.$/,
    )
    await create(tools, 'go')
    const waited = await manage?.execute({ operation: 'wait', timeout_ms: 0 })
    expect(toModelText(waited as ManageResult)).toMatch(
      /^NOTICE: Run 2 has ended.*begun\nmore\n\nfiles: go /s,
    )
  })
})

describe('wait', () => {
  it('gives up at its limit, or when it is aborted, and the run goes on', async () => {
    const tools = await sessionWithX()
    await detach(tools, `${waitFor('go')}\nprint('done')`)
    expect(await tools.wait({ timeout_ms: 50 })).toMatchObject({ success: true, running: true })
    const abort = new AbortController()
    const aborted = expect(
      tools.wait({ timeout_ms: 0, signal: abort.signal }),
    ).rejects.toMatchObject({ code: 'ABORTED' })
    const [, manage] = tools.tools()
    const tool = expect(
      manage?.execute({ operation: 'wait', timeout_ms: 0 }, { signal: abort.signal }),
    ).rejects.toMatchObject({ code: 'ABORTED' })
    abort.abort()
    await Promise.all([aborted, tool])
    expect(await tools.peek()).toMatchObject({ running: true })
    await create(tools, 'go')
    expect(await ended(tools)).toMatchObject({ stdout: 'done\n' })
  })

  it('answers again and again, also after later runs, a crash and a restart', async () => {
    const tools = await sessionWithX()
    const { execution_id } = await detach(tools, `${waitFor('go')}\nprint('kept')`)
    await create(tools, 'go')
    await ended(tools)
    await tools.runPythonCode(CRASH)
    await tools.manageInterpreters({ operation: 'restart' })
    expect(await ended(tools, { execution_id })).toMatchObject({ stdout: 'kept\n' })
    expect(await ended(tools)).toMatchObject({ stdout: 'kept\n' })
  })

  it('keeps the last ten', async () => {
    const tools = await sessionWithX()
    const ids = []
    for (let n = 0; n < 11; n += 1) {
      const { execution_id } = await detach(tools, `${waitFor(`go ${n}`)}\n${n}`, {
        timeout_ms: 20,
      })
      ids.push(execution_id)
      await create(tools, `go ${n}`)
      await ended(tools)
    }
    const [first, second] = ids
    expect((await ended(tools, { execution_id: second })).stdout).toBe('1\n')
    await detach(tools, waitFor('go'), { timeout_ms: 20 })
    await expect(tools.wait({ execution_id: first })).rejects.toMatchObject({
      code: 'UNKNOWN_EXECUTION',
    })
    expect((await ended(tools, { execution_id: second })).stdout).toBe('1\n')
    await create(tools, 'go')
  })

  it("knows only the caller's runs", async () => {
    const tools = await sessionWithX()
    const { execution_id } = await detach(tools, waitFor('go'))
    const [, manage] = tools.tools()
    for (const operation of ['peek', 'wait', 'stop']) {
      const answer = await manage?.execute({ operation, execution_id }, { client_id: 'bob' })
      expect(answer).toMatchObject({
        success: false,
        error: expect.stringContaining('no detached run') as string,
      })
      const none = await manage?.execute({ operation }, { client_id: 'bob' })
      expect(none).toMatchObject({ success: false })
    }
    await create(tools, 'go')
    expect(await ended(tools)).toMatchObject({ success: true })
  })
})

describe('the end of a detached run', () => {
  it('is told once by the next result, unless somebody has heard of it', async () => {
    const tools = await sessionWithX()
    const ends: unknown[] = []
    const { execution_id } = await detach(tools, `${waitFor('go')}\n${tell('done')}`)
    const notice = expect.stringMatching(
      new RegExp(
        `^Run 2, which was detached, has ended: it ran to its end\\..*${execution_id ?? ''}`,
      ),
    ) as string
    await create(tools, 'go')
    await eventually('the run is over', async () => {
      const next = await tools.runPythonCode('x').catch(() => null)
      if (next !== null) ends.push(next)
      return next !== null
    })
    expect(ends).toMatchObject([{ success: true, stdout: '42\n', notices: [notice] }])
    expect(await tools.runPythonCode('x')).not.toHaveProperty('notices')

    await detach(tools, waitFor('again'))
    await create(tools, 'again')
    await ended(tools)
    expect(await tools.runPythonCode('x')).not.toHaveProperty('notices')
  })

  it('is told once to onDetachedRunEnd', async () => {
    const ends: { client_id: string; result: RunResult }[] = []
    const tools = await sessionWithX({ onDetachedRunEnd: (end) => ends.push(end) })
    const { execution_id } = await detach(tools, `${waitFor('go')}\nprint('done')`, {
      client_id: 'ann',
    })
    await create(tools, 'go')
    await eventually('it is told', () => ends.length > 0)
    await ended(tools, { client_id: 'ann' })
    await tools.runPythonCode('1', { client_id: 'ann' })
    await tools.close()
    expect(ends).toMatchObject([
      { client_id: 'ann', result: { success: true, stdout: 'done\n', execution_id } },
    ])
  })

  it('is followed by a checkpoint, so that a crash does not undo it', async () => {
    const tools = await sessionWithX()
    await detach(tools, `${waitFor('go')}\ny = 1`)
    await create(tools, 'go')
    await ended(tools)
    expect(await tools.runPythonCode(CRASH)).toMatchObject({ state: 'restored', restored_to: 2 })
    expect(await tools.runPythonCode('y')).toMatchObject({ stdout: '1\n', execution_count: 4 })
    expect((await tools.rollback()).execution_count).toBeLessThan(4)
    expect(await tools.runPythonCode('x, y')).toMatchObject({ execution_count: 5 })
  })

  it('is not lost in silence where a crash goes back before it', async () => {
    const tools = await sessionWithX({ checkpoint: 'off' })
    await tools.checkpoint({ name: 'before' })
    await detach(tools, `${waitFor('go')}\ny = 1`)
    await create(tools, 'go')
    await eventually('it is over', async () => !(await tools.peek()).running)
    const crashed = await tools.runPythonCode(CRASH)
    expect(crashed).toMatchObject({ state: 'restored', restored_to: 1, execution_count: 3 })
    expect(crashed.notices?.join()).toContain('up to run 2, is gone')
    expect(await tools.runPythonCode('y')).toMatchObject({ error: { name: 'NameError' } })
  })
})

describe('a detached run that dies', () => {
  it('costs itself: the session is restored, which wait and the next result tell', async () => {
    const tools = await sessionWithX()
    await detach(tools, `print('begun')\n${waitFor('go')}\n${CRASH}`)
    await create(tools, 'go')
    const end = await ended(tools)
    expect(end).toMatchObject({
      success: false,
      stdout: 'begun\n',
      error: { name: 'InterpreterCrashed' },
      interpreter_crashed: true,
      interpreter_restarted: true,
      restart_reason: 'The Python process was killed by SIGSEGV.',
      state: 'restored',
      restored_to: 1,
    })
    const next = await tools.runPythonCode('x')
    expect(next).toMatchObject({
      success: true,
      stdout: '42\n',
      interpreter_restarted: true,
      restart_reason: 'The Python process was killed by SIGSEGV.',
      state: 'restored',
      restored_to: 1,
      execution_count: 3,
    })
    expect(next).not.toHaveProperty('interpreter_crashed')
    const later = await tools.runPythonCode('x')
    expect(later).toMatchObject({ state: 'kept' })
    expect(later).not.toHaveProperty('notices')
  })

  it('is told as failed by the next result, with a state that is lost without a checkpoint', async () => {
    const tools = await sessionWithX({ checkpoint: 'off' })
    await detach(tools, `${waitFor('go')}\nimport os; os._exit(3)`)
    await create(tools, 'go')
    let next: RunResult | null = null
    await eventually('it is over', async () => {
      next = await tools.runPythonCode(`'x' in globals()`).catch(() => null)
      return next !== null
    })
    expect(next).toMatchObject({
      stdout: 'False\n',
      state: 'lost',
      notices: [
        expect.stringContaining('has ended: it failed with InterpreterCrashed') as string,
        expect.stringContaining('exited with code 3') as string,
      ],
    })
    expect(await ended(tools)).toMatchObject({ state: 'lost', interpreter_crashed: true })
  })
})

describe('stop', () => {
  it('interrupts the run, whose variables are kept', async () => {
    const tools = await sessionWithX()
    const { execution_id } = await detach(tools, `print('begun')\nwhile True: pass`)
    const answer = await tools.stop()
    expect(answer).toMatchObject({
      success: true,
      outcome: 'stopped',
      state: 'kept',
      execution_id,
      execution_count: 2,
      run: { success: false, stdout: 'begun\n', error: { name: 'KeyboardInterrupt' } },
    })
    const next = await tools.runPythonCode('x')
    expect(next).toMatchObject({ stdout: '42\n', state: 'kept' })
    expect(next, 'it has been told').not.toHaveProperty('notices')
  })

  it('says that the code caught the interrupt and ended by itself', async () => {
    const tools = await sessionWithX()
    const code = `import time\ntry: time.sleep(100)\nexcept KeyboardInterrupt: print('caught')`
    const { execution_id } = await detach(tools, code)
    expect(await tools.stop({ execution_id })).toMatchObject({
      outcome: 'ended',
      state: 'kept',
      message: expect.stringContaining('ran to its end') as string,
      run: { success: true, stdout: 'caught\n' },
    })
  })

  it.each([
    ['swallows interrupts', 'import time\nwhile True:\n  try: time.sleep(9)\n  except: pass'],
    ['is deep in C code', C_LOOP],
  ])('kills code that %s, and says what that cost', async (_, code) => {
    const tools = await sessionWithX()
    await detach(tools, code)
    const asked = performance.now()
    expect(await tools.stop()).toMatchObject({
      outcome: 'killed',
      state: 'restored',
      run: {
        success: false,
        error: { name: 'KeyboardInterrupt' },
        interpreter_crashed: true,
        restored_to: 1,
      },
    })
    expect(performance.now() - asked).toBeGreaterThan(GRACE_MS - 5)
    expect(await tools.runPythonCode('x')).toMatchObject({
      stdout: '42\n',
      state: 'restored',
      restart_reason: expect.stringContaining('was to be stopped') as string,
    })
  })

  it('answers what became of a run that has ended', async () => {
    const tools = await sessionWithX()
    const { execution_id } = await detach(tools, waitFor('go'))
    await create(tools, 'go')
    await ended(tools)
    expect(await tools.stop()).toMatchObject({ outcome: 'ended', execution_id })
    expect(await tools.stop({ execution_id })).toMatchObject({ outcome: 'ended', execution_id })
  })

  it('ends a run too whose call still waits, and says so where nothing runs', async () => {
    const tools = await sessionWithX()
    await expect(tools.stop()).rejects.toMatchObject({ code: 'UNKNOWN_EXECUTION' })
    const call = tools.runPythonCode(`${tell('started')}\nwhile True: pass`)
    await eventually('the code runs', () => existsSync(join(tools.workdir, 'started')))
    const answer = await tools.stop()
    expect(answer).toMatchObject({ outcome: 'stopped', state: 'kept', execution_count: 2 })
    expect(answer).not.toHaveProperty('run')
    expect(await call).toMatchObject({ error: { name: 'KeyboardInterrupt' }, state: 'kept' })
  })
})

describe('an interrupt of a detached run', () => {
  it('stops it, and wait has its result', async () => {
    const tools = await sessionWithX()
    await detach(tools, 'while True: pass')
    expect(await tools.manageInterpreters({ operation: 'interrupt' })).toMatchObject({
      success: true,
      outcome: 'stopped',
      state: 'kept',
    })
    expect(await ended(tools)).toMatchObject({ error: { name: 'KeyboardInterrupt' } })
  })
})

describe('a detached run and the engine', () => {
  it('dies with its engine, and who waits hears so', async () => {
    const engine = new LocalEngine()
    onTestFinished(() => engine.close())
    const tools = await sessionWithX({ engine })
    await detach(tools, 'while True: pass')
    const waiting = ended(tools)
    await engine.close()
    expect(await waiting).toMatchObject({
      success: false,
      interpreter_crashed: true,
      state: 'lost',
    })
  })
})
