import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { LocalEngine, type LocalEngineOptions } from '../src/index.js'
import { templatesOf } from './faults/family.js'
import { eventually, isAlive } from './helpers/processes.js'
import { makeToolset, temporaryFolder } from './helpers/toolset.js'

async function forkingToolset(options: LocalEngineOptions = {}) {
  const engine = new LocalEngine({ start: 'fork', ...options })
  onTestFinished(() => engine.close())
  return makeToolset({ engine, checkpoint: 'off' })
}

const LOADED =
  'import sys\n[m for m in ("numpy", "pandas", "matplotlib.pyplot") if m in sys.modules]'

describe('an interpreter forked from a template', () => {
  it('has the preloads imported, and nothing of what other interpreters did', async () => {
    const tools = await forkingToolset()
    const first = await tools.runPythonCode(LOADED, { client_id: 'a' })
    expect(first.stdout).toBe("['numpy', 'pandas', 'matplotlib.pyplot']\n")
    await tools.runPythonCode(
      'import os, atexit, signal\nx = 1\nos.environ["CHANGED"] = "yes"\nos.chdir("/")\nimport pandas\npandas.set_option("display.precision", 1)',
      { client_id: 'a' },
    )
    const second = await tools.runPythonCode(
      'import os, pandas\n"x" in globals(), os.environ.get("CHANGED"), os.getcwd() == "/", pandas.get_option("display.precision")',
      { client_id: 'b' },
    )
    expect(second.stdout).toBe('(False, None, False, 6)\n')
  })

  it('has random sequences and temporary names of its own', async () => {
    const tools = await forkingToolset()
    const code =
      'import random, uuid, secrets, tempfile, numpy as np\n(random.random(), np.random.rand(), np.random.default_rng().random(), uuid.uuid4().hex, secrets.token_hex(4), tempfile.mktemp())'
    const outputs = await Promise.all(
      ['a', 'b', 'c', 'd'].map((client_id) => tools.runPythonCode(code, { client_id })),
    )
    const numbers = outputs.map(({ stdout }) => stdout.split(','))
    for (const column of [0, 1, 2, 3, 4, 5]) {
      expect(new Set(numbers.map((row) => row[column])).size).toBe(4)
    }
  })

  it('leaves nothing behind in Node, however often its process is replaced', async () => {
    const warnings: string[] = []
    const hear = ({ message }: Error) => warnings.push(message)
    process.on('warning', hear)
    onTestFinished(() => void process.off('warning', hear))
    const tools = await forkingToolset()
    for (let i = 0; i < 11; i += 1) {
      const { state } = await tools.runPythonCode('import os; os._exit(1)')
      expect(state).toBe('lost')
    }
    expect(warnings).toEqual([])
  })

  it('computes, draws, captures output and crashes as one that was spawned', async () => {
    const tools = await forkingToolset()
    const result = await tools.runPythonCode(
      'import numpy as np, matplotlib.pyplot as plt, os, ctypes\nx = np.ones((300, 300)) @ np.ones((300, 300))\nplt.plot(x[0]);\nx.sum()\nn = os.system("echo child")\nn = ctypes.CDLL(None).printf(b"c\\n")',
    )
    expect(result).toMatchObject({ success: true, stdout: 'np.float64(27000000.0)\nchild\nc\n' })
    expect(result.base64_uri).toHaveLength(1)
    const crashed = await tools.runPythonCode('import ctypes; ctypes.string_at(0)')
    expect(crashed).toMatchObject({ interpreter_restarted: true, state: 'lost' })
    expect(crashed.restart_reason).toContain('SIGSEGV')
    const stopped = await tools.runPythonCode('while True: pass', { timeout_ms: 100 })
    expect(stopped).toMatchObject({ timed_out: true, state: 'kept' })
  })

  it('lives on when its template dies, and the next ones come from a new template', async () => {
    const tools = await forkingToolset()
    const { result } = await tools.runPythonCode('import os\nparent = os.getppid()', {
      client_id: 'a',
      result_var_name: 'parent',
    })
    const { stdout } = await tools.runPythonCode(
      `import subprocess\nprint(subprocess.run(["ps", "--ppid", "${Number(result)}", "-o", "pid=", "--sort", "pid"], capture_output=True, text=True).stdout)`,
      { client_id: 'a' },
    )
    const template = Number(stdout.trim().split(/\s+/)[0])
    process.kill(template, 'SIGKILL')
    await eventually('the template is gone', async () => !(await isAlive(template)))
    // One may still be made of the old template's spare, or without any, before a new one is ready.
    let n = 0
    await eventually('one is forked from a new template', async () => {
      const client_id = `client ${(n += 1)}`
      return (await tools.runPythonCode(LOADED, { client_id })).stdout.includes('pandas')
    })
    expect(await tools.runPythonCode('parent', { client_id: 'a' })).toMatchObject({ success: true })
  })
})

it('interpreters are forked from the next spare when one is killed', async () => {
  const tools = await forkingToolset()
  const { stdout } = await tools.runPythonCode('import os\nos.getppid(), os.getpid()')
  const [keeper = 0, own = 0] = stdout.match(/\d+/g)?.map(Number) ?? []
  const templates = () => templatesOf(keeper, [own], [])
  await eventually('there are template and spare', () => templates().length === 2)
  const [, spare = 0] = templates()
  process.kill(spare, 'SIGKILL')
  const other = await tools.runPythonCode(LOADED, { client_id: 'other' })
  expect(other.stdout).toContain('pandas')
})

it('interpreters start also when the template has just been killed, and nobody knows it yet', async () => {
  const tools = await forkingToolset({ preload: [] })
  const { stdout } = await tools.runPythonCode('import os\nos.getppid()')
  const keeper = Number(stdout)
  for (let n = 0; n < 5; n += 1) {
    const answer = await tools.manageInterpreters({ operation: 'list' })
    const workers = answer.success
      ? answer.interpreters?.flatMap(({ pid }) => pid ?? [])
      : undefined
    const templates = () => templatesOf(keeper, workers ?? [], [])
    await eventually('there are template and spare', () => templates().length === 2)
    // The spare first: it would die with its template.
    for (const pid of templates().reverse()) process.kill(pid, 'SIGKILL')
    const run = await tools.runPythonCode('6 * 7', { client_id: `client ${n}` })
    expect(run).toMatchObject({ stdout: '42\n', state: 'kept' })
    // Has a new template made.
    await tools.runPythonCode('1', { client_id: `another ${n}` })
  }
})

describe('how interpreters are started', () => {
  it('automatically is told by the list: spawned first, forked when the template is ready', async () => {
    const tools = await makeToolset()
    await tools.runPythonCode('1', { client_id: 'first' })
    const list = async (client_id: string) => {
      const answer = await tools.manageInterpreters({ operation: 'list', client_id })
      return answer.success ? answer.interpreters?.[0] : undefined
    }
    expect(await list('first')).toMatchObject({
      started_by: 'spawn',
      spawn_reason: 'its template is not ready yet',
    })
    let n = 0
    await eventually(
      'one is forked',
      async () => {
        const client_id = `client ${(n += 1)}`
        await tools.runPythonCode('1', { client_id })
        return (await list(client_id))?.started_by === 'fork'
      },
      30_000,
    )
  })

  it('is not by forking where a module keeps a thread, which is said', async () => {
    const folder = await temporaryFolder()
    const source =
      'import threading, time\nthreading.Thread(target=time.sleep, args=(1000,), daemon=True).start()'
    await writeFile(join(folder, 'keeps_a_thread.py'), source)
    const engine = new LocalEngine({ start: 'fork', preload: ['keeps_a_thread'] })
    onTestFinished(() => engine.close())
    const tools = await makeToolset({ engine, env: { PYTHONPATH: folder } })
    await expect(tools.runPythonCode('1')).rejects.toMatchObject({
      code: 'START',
      message: expect.stringContaining('its modules leave 1 threads running') as string,
    })
  })

  it('is by forking again after a template has died while it imported modules', async () => {
    const folder = await temporaryFolder()
    await writeFile(
      join(folder, 'dies_once.py'),
      'import os\nif not os.path.exists(__file__ + ".died"):\n    open(__file__ + ".died", "w").close()\n    os.kill(os.getpid(), 9)',
    )
    const engine = new LocalEngine({ preload: ['dies_once'] })
    onTestFinished(() => engine.close())
    const tools = await makeToolset({ engine, env: { PYTHONPATH: folder } })
    let n = 0
    await eventually(
      'one is forked',
      async () => {
        const client_id = `client ${(n += 1)}`
        const { stdout } = await tools.runPythonCode('import sys\n"dies_once" in sys.modules', {
          client_id,
        })
        return stdout === 'True\n'
      },
      30_000,
    )
  })

  it.each([
    { how: 'raises', does: 'pass', why: "module 'pandas' has no attribute 'set_option'" },
    // Told, or made good by spawning: it may die before it is asked, or then.
    { how: 'ends', does: 'pandas.set_option = lambda *_: os._exit(1)', why: null },
  ])('makes no forks for ever where what each has to do $how', async ({ does, why }) => {
    const folder = await temporaryFolder()
    const source = [
      'import os, sys, types',
      'sys.modules["pandas"] = pandas = types.ModuleType("pandas")',
      does,
      'os.register_at_fork(after_in_child=lambda: open(__file__ + ".forks", "a").write("x"))',
    ]
    await writeFile(join(folder, 'breaks_pandas.py'), source.join('\n'))
    const engine = new LocalEngine({ start: 'fork', preload: ['breaks_pandas'] })
    onTestFinished(() => engine.close())
    const tools = await makeToolset({ engine, env: { PYTHONPATH: folder } })
    for (const client_id of ['a', 'b']) {
      const error: unknown = await tools.runPythonCode('1', { client_id }).catch((e: unknown) => e)
      const message = expect.stringContaining(why ?? '') as string
      if (why !== null) expect(error).toMatchObject({ code: 'START', message })
    }
    const forks = await readFile(join(folder, 'breaks_pandas.py.forks'), 'utf8')
    expect(forks.length).toBeLessThan(100)
  })

  it('does without preloads that are not installed', async () => {
    const tools = await forkingToolset({ preload: ['not_installed_anywhere'] })
    expect((await tools.runPythonCode('1')).stdout).toBe('1\n')
  })

  it('is not waited for longer than the engine allows, nor when the toolset is closed', async () => {
    const folder = await temporaryFolder()
    await writeFile(join(folder, 'takes_for_ever.py'), 'import time\ntime.sleep(1000)')
    const env = { PYTHONPATH: folder }
    const options = { start: 'fork', preload: ['takes_for_ever'] } as const
    const hasty = new LocalEngine({ ...options, startTimeoutMs: 500 })
    const patient = new LocalEngine(options)
    onTestFinished(() => Promise.all([hasty.close(), patient.close()]).then(() => undefined))
    const first = await makeToolset({ engine: hasty, env })
    await expect(first.runPythonCode('1')).rejects.toMatchObject({
      code: 'START',
      message: expect.stringContaining('within 500 ms') as string,
    })
    for (const ms of [0, 100]) {
      const tools = await makeToolset({ engine: patient, env })
      const run = expect(tools.runPythonCode('1')).rejects.toMatchObject({ code: 'CLOSED' })
      await new Promise((resolve) => setTimeout(resolve, ms))
      await tools.close()
      await run
    }
  })

  it('is by spawning when that is asked for', async () => {
    const tools = await forkingToolset({ start: 'spawn' })
    const { stdout } = await tools.runPythonCode(LOADED)
    expect(stdout).toBe('[]\n')
  })
})
