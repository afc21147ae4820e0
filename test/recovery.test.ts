import { join } from 'node:path'
import { execa } from 'execa'
import { describe, expect, it } from 'vitest'
import { toModelText } from '../src/index.js'
import { eventually, isAlive } from './helpers/processes.js'
import { makeToolset, testPython } from './helpers/toolset.js'

describe('a run that ends its process', () => {
  it.each([
    ['a segfault', 'import ctypes\nctypes.string_at(0)', 'was killed by SIGSEGV'],
    ['os._exit', 'import os\nos._exit(3)', 'exited with code 3'],
    ['an abort', 'import os\nos.abort()', 'was killed by SIGABRT'],
    ['SIGKILL', 'import os\nos.kill(os.getpid(), 9)', 'was killed by SIGKILL'],
  ])(
    'by %s says so, keeps its output, and goes on with a fresh process',
    async (_, code, reason) => {
      const tools = await makeToolset({ checkpoint: 'off' })
      await tools.runPythonCode('x = 1')
      const result = await tools.runPythonCode(
        `import sys\nprint("before", end="")\nprint("error", file=sys.stderr)\n${code}\nprint("after")`,
      )
      expect(result).toMatchObject({
        success: false,
        stdout: 'before',
        interpreter_crashed: true,
        interpreter_restarted: true,
        state: 'lost',
        error: { name: 'InterpreterCrashed' },
      })
      expect(result.stderr).toMatch(/^error\n/)
      expect(result.restart_reason).toContain(reason)
      expect(toModelText(result)).toMatch(
        /^NOTICE: During this run, the Python process .* are lost\./,
      )
      const next = await tools.runPythonCode('x')
      expect(next).toMatchObject({ state: 'kept', error: { name: 'NameError' } })
      expect(next).not.toHaveProperty('interpreter_restarted')
    },
  )

  it('by a segfault names the line, and none of the worker', async () => {
    const tools = await makeToolset({ checkpoint: 'off' })
    const { error } = await tools.runPythonCode(
      'import ctypes\ndef f():\n    ctypes.string_at(0)\nf()',
    )
    expect(error?.traceback).toMatch(/^Fatal Python error: Segmentation fault\n/)
    expect(error?.traceback).toContain('File "<run 1>", line 3 in f\n  File "<run 1>", line 4 in ')
    expect(error?.traceback).not.toContain('_python_interpreter_toolset')
  })

  it('loses none of what it wrote, however much that was', async () => {
    const tools = await makeToolset({ maxOutputBytes: 10_000_000 })
    const { stdout } = await tools.runPythonCode(
      'import os, signal\nfor i in range(100_000): print(i)\nos.kill(os.getpid(), signal.SIGKILL)',
    )
    expect(stdout.split('\n').length).toBe(100_001)
    expect(stdout.endsWith('99999\n')).toBe(true)
  })
})

describe('a loss that nobody has heard of', () => {
  it('because the call was aborted while its process was being killed is told by the next result', async () => {
    const tools = await makeToolset({ interruptGraceMs: 300, checkpoint: 'off' })
    await tools.runPythonCode('import time, os\nos.mkfifo("caught")')
    await tools.runPythonCode('1', { client_id: 'other' })
    const controller = new AbortController()
    const run = tools.runPythonCode(
      'while True:\n  try: time.sleep(1)\n  except KeyboardInterrupt: open("caught", "w").close()',
      { timeout_ms: 100, signal: controller.signal },
    )
    await tools.runPythonCode('open("caught").read()', { client_id: 'other' })
    controller.abort()
    await expect(run).rejects.toMatchObject({ name: 'AbortError' })
    expect(await tools.runPythonCode('"time" in globals()')).toMatchObject({
      stdout: 'False\n',
      state: 'lost',
      interpreter_restarted: true,
    })
  })

  it('is not caused by a limit that has passed before the code could hear of it', async () => {
    const tools = await makeToolset({ checkpoint: 'off' })
    await tools.runPythonCode('import time\nx = 1')
    for (let round = 0; round < 20; round += 1) {
      const result = await tools.runPythonCode('time.sleep(100)', { timeout_ms: 1 })
      expect(result).toMatchObject({ error: { name: 'TimeoutError' }, state: 'kept' })
    }
    expect(await tools.runPythonCode('x')).toMatchObject({ stdout: '1\n', state: 'kept' })
  })

  it('is not the crash of a forked child', async () => {
    const tools = await makeToolset({ checkpoint: 'off' })
    await tools.runPythonCode(
      'import os, ctypes\nif os.fork() == 0: ctypes.string_at(0)\nx = os.wait()',
    )
    const result = await tools.runPythonCode('os.abort()')
    expect(result.error?.traceback).toContain('Fatal Python error: Aborted')
    expect(result.error?.traceback).not.toContain('Segmentation')
  })
})

describe('a process that died between runs', () => {
  it('is shown as dead, and the next run says that it was replaced and runs once', async () => {
    const tools = await makeToolset({ checkpoint: 'off' })
    const { stdout: pid } = await tools.runPythonCode('import os\nos.getpid()')
    process.kill(Number(pid), 'SIGKILL')
    await eventually('the list shows it as dead', async () => {
      const listed = await tools.manageInterpreters({ operation: 'list' })
      return listed.success && listed.interpreters?.[0]?.status === 'dead'
    })
    const next = await tools.runPythonCode('print("once")')
    expect(next).toMatchObject({
      success: true,
      stdout: 'once\n',
      interpreter_restarted: true,
      restart_reason: expect.stringContaining('SIGKILL') as string,
      state: 'lost',
    })
    expect(next).not.toHaveProperty('interpreter_crashed')
    expect(await tools.runPythonCode('1')).toMatchObject({ state: 'kept' })
  })

  it('is replaced before the code runs when nobody has noticed its death yet', async () => {
    const tools = await makeToolset({ checkpoint: 'off' })
    for (let round = 0; round < 10; round += 1) {
      const { stdout: pid } = await tools.runPythonCode('import os\nos.getpid()')
      process.kill(Number(pid), 'SIGKILL')
      const next = await tools.runPythonCode('print("once")')
      expect(next).toMatchObject({ success: true, stdout: 'once\n', state: 'lost' })
    }
  })

  it('does not keep child processes of its session alive', async () => {
    const tools = await makeToolset({ checkpoint: 'off' })
    const { result } = await tools.runPythonCode(
      [
        'import subprocess',
        'group = subprocess.Popen(["sleep", "1000"]).pid',
        'own = subprocess.Popen(["sleep", "1000"], start_new_session=True).pid',
        'pids = [group, own]',
      ].join('\n'),
      { result_var_name: 'pids' },
    )
    await tools.runPythonCode('import os; os._exit(1)')
    for (const pid of result as number[]) {
      await eventually(`${pid} has ended`, async () => !(await isAlive(pid)))
    }
  })
})

describe('the keeper', () => {
  it('does not take a process for one that had its pid before, as its Python tests say', async () => {
    const args = ['-m', 'unittest', 'discover', '-s', 'test/python', '-p', 'test_keeper.py']
    const root = join(import.meta.dirname, '..')
    const { stderr } = await execa(testPython, args, { cwd: root })
    expect(stderr).toMatch(/Ran \d tests[^]*\nOK/)
  })
})
