import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { LocalEngine, PythonInterpreterToolSet } from '../src/index.js'
import { isAlive } from './helpers/processes.js'
import { makeToolset, temporaryFolder, testPython } from './helpers/toolset.js'

describe('sessions', () => {
  it('keep variables, imports and the current directory from run to run', async () => {
    const tools = await makeToolset()
    await tools.runPythonCode('import math, os\nos.mkdir("d"); os.chdir("d")\nx = 1')
    const { stdout } = await tools.runPythonCode(
      'math.floor(2.5), x, os.path.basename(os.getcwd())',
    )
    expect(stdout).toBe("(2, 1, 'd')\n")
  })

  it('are one per client_id, and never see each other', async () => {
    const tools = await makeToolset()
    await tools.runPythonCode('x = "ann"', { client_id: 'ann' })
    await tools.runPythonCode('x = "bob"', { client_id: 'bob' })
    expect((await tools.runPythonCode('x', { client_id: 'ann' })).stdout).toBe("'ann'\n")
    expect((await tools.runPythonCode('x')).error?.name).toBe('NameError')
    const direct = await tools.runPythonCode('y = 1')
    const named = await tools.runPythonCode('y', { client_id: 'default' })
    expect(named.interpreter_id).toBe(direct.interpreter_id)
  })

  it('queue the runs of one interpreter in order, and run different ones in parallel', async () => {
    const tools = await makeToolset()
    await tools.runPythonCode('import os\nos.mkfifo("meet")\nseen = []')
    const runs = [1, 2, 3].map((n) => tools.runPythonCode(`seen.append(${n})`))
    await Promise.all(runs)
    expect((await tools.runPythonCode('', { result_var_name: 'seen' })).result).toEqual([1, 2, 3])
    // Each waits for the other: only possible at the same time.
    const [reader, writer] = await Promise.all([
      tools.runPythonCode('open("meet").read()', { client_id: 'reader' }),
      tools.runPythonCode('x = open("meet", "w").write("hello")', { client_id: 'writer' }),
    ])
    expect([reader.stdout, writer.success]).toEqual(["'hello'\n", true])
  })

  it('number their runs without ever going back, also over a crash', async () => {
    const tools = await makeToolset()
    const counts = []
    for (const code of ['1', '1/0', 'import os; os._exit(0)', '1']) {
      counts.push((await tools.runPythonCode(code)).execution_count)
    }
    expect(counts).toEqual([1, 2, 3, 4])
  })
})

describe('manageInterpreters', () => {
  it('creates, lists, restarts and deletes interpreters', async () => {
    const tools = await makeToolset()
    const created = await tools.manageInterpreters({ operation: 'create' })
    if (!created.success || created.interpreter_id === undefined) throw new Error('not created')
    const { interpreter_id } = created
    await tools.runPythonCode('x = 1', { interpreter_id })
    const listed = await tools.manageInterpreters({ operation: 'list' })
    expect(listed).toMatchObject({
      success: true,
      interpreters: [
        { id: interpreter_id, status: 'running', client_id: 'default', execution_count: 1 },
      ],
    })
    const before = listed.success ? listed.interpreters?.[0] : undefined
    expect(before?.memory_bytes).toBeGreaterThan(5_000_000)
    expect(new Date(before?.last_used_at ?? 0).getTime()).toBeGreaterThan(Date.now() - 60_000)

    const restarted = await tools.manageInterpreters({ operation: 'restart', interpreter_id })
    expect(restarted).toEqual({ success: true, interpreter_id })
    const after = await tools.runPythonCode('x', { interpreter_id })
    expect(after.error?.name).toBe('NameError')
    expect(after).not.toHaveProperty('interpreter_restarted')

    expect(await tools.manageInterpreters({ operation: 'delete', interpreter_id })).toMatchObject({
      success: true,
    })
    expect(await isAlive(before?.pid ?? 0)).toBe(false)
    expect(await tools.manageInterpreters({ operation: 'list' })).toEqual({
      success: true,
      interpreters: [],
    })
    await expect(tools.runPythonCode('1', { interpreter_id })).rejects.toMatchObject({
      code: 'UNKNOWN_INTERPRETER',
    })
  })

  it('shows a busy interpreter as busy, and interrupts it', async () => {
    const tools = await makeToolset()
    await tools.runPythonCode('import time, os\nx = 5\nos.mkfifo("started")')
    const run = tools.runPythonCode('open("started", "w").close()\ntime.sleep(100)')
    await tools.runPythonCode('open("started").read()', { client_id: 'other' })
    const listed = await tools.manageInterpreters({ operation: 'list', client_id: 'default' })
    expect(listed).toMatchObject({ interpreters: [{ status: 'busy' }] })
    expect(await tools.manageInterpreters({ operation: 'interrupt' })).toMatchObject({
      success: true,
    })
    expect(await run).toMatchObject({
      success: false,
      state: 'kept',
      error: { name: 'KeyboardInterrupt' },
    })
    expect((await tools.runPythonCode('x')).stdout).toBe('5\n')
  })

  it('answers with a sentence what cannot be done', async () => {
    const tools = await makeToolset()
    const nothing = await tools.manageInterpreters({ operation: 'interrupt' })
    expect(nothing).toMatchObject({
      success: false,
      error: expect.stringContaining('no session yet') as string,
    })
    const unknown = await tools.manageInterpreters({ operation: 'delete', interpreter_id: 'nope' })
    expect(unknown).toMatchObject({
      success: false,
      error: expect.stringContaining('no interpreter with the id "nope"') as string,
    })
    expect(
      await tools.manageInterpreters({ operation: 'create', interpreter_id: 'mine' }),
    ).toMatchObject({ success: false })
    expect(await tools.manageInterpreters({ operation: 'list' })).toEqual({
      success: true,
      interpreters: [],
    })
  })

  it('restarts once when a run ends at that moment, and nothing is lost after it', async () => {
    const tools = await makeToolset()
    await tools.runPythonCode('import time')
    for (let round = 0; round < 20; round += 1) {
      const run = tools.runPythonCode('__import__("time").sleep(0.01)')
      await new Promise((resolve) => setTimeout(resolve, 8 + (round % 5)))
      const answer = await tools.manageInterpreters({ operation: 'restart' })
      expect(answer).toMatchObject({ success: true })
      await run
      const next = await tools.runPythonCode('1')
      expect(next).toMatchObject({ success: true, state: 'kept' })
      expect(next).not.toHaveProperty('interpreter_restarted')
    }
  })

  it('tells a run that it ends of the restart, and the next run starts afresh', async () => {
    const tools = await makeToolset({ checkpoint: 'off' })
    await tools.runPythonCode('import os\nos.mkfifo("started")\nx = 1')
    const run = tools.runPythonCode('open("started", "w").close()\nimport time; time.sleep(100)')
    await tools.runPythonCode('open("started").read()', { client_id: 'other' })
    await tools.manageInterpreters({ operation: 'restart' })
    expect(await run).toMatchObject({
      success: false,
      error: { name: 'InterpreterRestarted' },
      interpreter_restarted: true,
      restart_reason: 'The Python process was restarted on request.',
      state: 'lost',
    })
    const next = await tools.runPythonCode('x')
    expect(next.error?.name).toBe('NameError')
    expect(next).not.toHaveProperty('interpreter_restarted')
  })
})

describe('tools', () => {
  it("touch only their client's interpreters; any other id is unknown", async () => {
    const tools = await makeToolset()
    const [run, manage] = tools.tools()
    const ann = await tools.runPythonCode('x = 1', { client_id: 'ann' })
    const input = { code: 'x', interpreter_id: ann.interpreter_id }
    expect(await run?.execute(input, { client_id: 'bob' })).toMatchObject({
      success: false,
      error: { name: 'UnknownInterpreterError' },
    })
    expect(await run?.execute(input, { client_id: 'ann' })).toMatchObject({ stdout: '1\n' })
    expect(await manage?.execute({ operation: 'list' }, { client_id: 'bob' })).toEqual({
      success: true,
      interpreters: [],
    })
    expect(await manage?.execute({ operation: 'list' })).toEqual({
      success: true,
      interpreters: [],
    })
    expect(
      await manage?.execute(
        { operation: 'delete', interpreter_id: ann.interpreter_id },
        { client_id: 'bob' },
      ),
    ).toMatchObject({ success: false })
    const all = await tools.manageInterpreters({ operation: 'list' })
    expect(all.success && all.interpreters?.length).toBe(1)
  })

  it('have names, descriptions and schemas without client_id', async () => {
    const tools = await makeToolset()
    const described = tools.tools().map(({ name, description, inputSchema }) => ({
      name,
      words: description.split(/\s+/).length,
      keys: Object.keys((inputSchema as unknown as { shape: object }).shape),
    }))
    expect(described.map(({ name }) => name)).toEqual(['run_python_code', 'manage_interpreters'])
    expect(described[0]?.keys).toEqual([
      'code',
      'result_var_name',
      'interpreter_id',
      'timeout_ms',
      'idle_timeout_ms',
      'on_timeout',
    ])
    expect(described[1]?.keys).toEqual([
      'operation',
      'interpreter_id',
      'name',
      'checkpoint',
      'reseed',
      'execution_id',
      'timeout_ms',
    ])
    for (const { words } of described) expect(words).toBeLessThan(300)
  })

  it('answer when the toolset is closed or Python is missing', async () => {
    const tools = await makeToolset({ python: '/nowhere/python' })
    const [run, manage] = tools.tools()
    expect(await run?.execute({ code: '1' })).toMatchObject({
      success: false,
      error: { name: 'NoPythonError' },
    })
    expect(await manage?.execute({ operation: 'create' })).toMatchObject({ success: false })
    await tools.close()
    expect(await run?.execute({ code: '1' })).toMatchObject({ error: { name: 'ClosedError' } })
    await expect(tools.runPythonCode('1')).rejects.toMatchObject({ code: 'CLOSED' })
  })
})

describe('closing', () => {
  it('rejects what waits, ends what runs, and leaves an engine that was passed in open', async () => {
    const engine = new LocalEngine()
    const first = new PythonInterpreterToolSet({ engine, python: testPython })
    const second = new PythonInterpreterToolSet({ engine, python: testPython })
    const meet = join(await temporaryFolder(), 'meet')
    await first.runPythonCode(`import os, time\nos.mkfifo("${meet}")`)
    const running = first.runPythonCode(`open("${meet}", "w").close()\ntime.sleep(100)`)
    await second.runPythonCode(`open("${meet}").read()`)
    const waiting = expect(first.runPythonCode('1')).rejects.toMatchObject({ code: 'CLOSED' })
    await first.close()
    expect(await running).toMatchObject({
      success: false,
      error: { name: 'InterpreterClosed' },
      interpreter_restarted: false,
      restart_reason: 'The Python process was ended because its interpreter was closed or deleted.',
    })
    await waiting
    expect((await second.runPythonCode('1')).stdout).toBe('1\n')
    await second.close()
    await engine.close()
  })

  it('at once after a run was asked for rejects it, and its code does not run', async () => {
    for (const waitMs of [0, 1, 5, 20]) {
      const tools = await makeToolset()
      const run = expect(
        tools.runPythonCode('open("ran", "w").close()\nimport time; time.sleep(100)'),
      ).rejects.toMatchObject({ code: 'CLOSED' })
      await new Promise((resolve) => setTimeout(resolve, waitMs))
      await tools.close()
      await run
      expect(await readdir(tools.workdir)).toEqual([])
    }
  })

  it('happens at the end of an await using block', async () => {
    let pid: string
    {
      await using tools = new PythonInterpreterToolSet({ python: testPython })
      pid = (await tools.runPythonCode('import os; os.getpid()')).stdout
    }
    expect(await isAlive(Number(pid))).toBe(false)
  })
})
