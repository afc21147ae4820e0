import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import {
  LocalEngine,
  toModelText,
  type InterpreterInfo,
  type PythonInterpreterToolSet,
  type PythonInterpreterToolSetOptions,
} from '../src/index.js'
import { Checkpoints } from '../src/interpreter/checkpoints.js'
import { childrenOf, markOf } from './faults/family.js'
import { eventually, isAlive, processesNaming } from './helpers/processes.js'
import { tell, waitFor } from './helpers/python-code.js'
import { makeToolset } from './helpers/toolset.js'

const SEGFAULT = 'import ctypes\nctypes.string_at(0)'
const LIBRARIES = resolve(import.meta.dirname, '../.venv/libraries')

function makeSession(options: PythonInterpreterToolSetOptions = {}) {
  return makeToolset({ checkpoint: 'always', ...options })
}

/** Runs code that has to succeed, and answers what it printed. */
async function output(tools: PythonInterpreterToolSet, code: string, interpreter_id?: string) {
  const result = await tools.runPythonCode(code, { interpreter_id })
  expect(result).toMatchObject({ success: true })
  return result.stdout
}

async function listed(tools: PythonInterpreterToolSet): Promise<InterpreterInfo> {
  const answer = await tools.manageInterpreters({ operation: 'list' })
  const info = answer.success ? answer.interpreters?.[0] : undefined
  if (info === undefined) throw new Error('There is no interpreter.')
  return info
}

/** Resolves when the newest checkpoint of the session is that of this run. */
async function untilCheckpointOf(tools: PythonInterpreterToolSet, run: number): Promise<void> {
  await eventually(`run ${run} has a checkpoint`, async () => {
    return (await listed(tools)).checkpoints.at(-1)?.execution_count === run
  })
}

/** Sleeps without letting anything else happen in Node. */
function sleepSync(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}

it('a copy that fails leaves no process behind, whatever user code has broken', async () => {
  const tools = await makeSession()
  const broken = 'import os, traceback\nos.write = traceback.print_exc = None'
  expect(await tools.runPythonCode(broken)).toMatchObject({ success: true })
  await eventually('it is known why there is no checkpoint', async () =>
    /fork/.test((await listed(tools)).no_checkpoint_reason ?? ''),
  )
  const { pid } = await listed(tools)
  await eventually('there is only the process itself', async () => {
    const found = await processesNaming(markOf(pid ?? 0) ?? '')
    return found.length === 1 && found[0]?.startsWith(`${pid} `) === true
  })
})

describe('a process that dies', () => {
  it.each([
    ['by a segfault', SEGFAULT, 'was killed by SIGSEGV'],
    ['by os._exit', 'import os\nos._exit(3)', 'exited with code 3'],
    ['by SIGKILL', 'import os\nos.kill(os.getpid(), 9)', 'was killed by SIGKILL'],
  ])('%s costs only the run that it dies in', async (_, code, reason) => {
    const tools = await makeSession()
    await tools.runPythonCode('import math\nx = 1\ndef f(): return x + math.pi')
    const crashed = await tools.runPythonCode(`x = 2\nprint("before")\n${code}`)
    expect(crashed).toMatchObject({
      success: false,
      stdout: 'before\n',
      interpreter_crashed: true,
      interpreter_restarted: true,
      restart_reason: `The Python process ${reason}${code.includes('9') ? ' (by hand, or by the system when memory ran out)' : ''}.`,
      state: 'restored',
      restored_to: 1,
    })
    expect(toModelText(crashed)).toMatch(
      /^NOTICE: During this run, the Python process .*; the session is restored to its state after run 1, with the variables x, f\.\n/,
    )
    const next = await tools.runPythonCode('x, f() > 4')
    expect(next).toMatchObject({ stdout: '(1, True)\n', state: 'kept', execution_count: 3 })
    expect(next).not.toHaveProperty('interpreter_restarted')
  })

  it('five times in a row goes back to the same run, and then on from there', async () => {
    const tools = await makeSession()
    await tools.runPythonCode('x = [1]')
    for (let i = 0; i < 5; i += 1) {
      const crashed = await tools.runPythonCode(`x.append(2)\n${SEGFAULT}`)
      expect(crashed).toMatchObject({ state: 'restored', restored_to: 1 })
    }
    expect(await output(tools, 'x.append(3)\nx')).toBe('[1, 3]\n')
    expect(await tools.runPythonCode(SEGFAULT)).toMatchObject({ restored_to: 7 })
    expect(await output(tools, 'x')).toBe('[1, 3]\n')
  })

  it('in its first run is restored to what initCode has made', async () => {
    const tools = await makeSession({ initCode: 'loaded = 42' })
    expect(await tools.runPythonCode(SEGFAULT)).toMatchObject({ state: 'restored', restored_to: 0 })
    expect(await output(tools, 'loaded')).toBe('42\n')
  })

  it('because it does not stop at its time limit goes on as before that run', async () => {
    const tools = await makeSession({ interruptGraceMs: 200 })
    await tools.runPythonCode('import time\nx = 1')
    const killed = await tools.runPythonCode(
      'x = 2\nwhile True:\n  try: time.sleep(1)\n  except BaseException: pass',
      { timeout_ms: 200 },
    )
    expect(killed).toMatchObject({ timed_out: true, state: 'restored', restored_to: 1 })
    expect(await output(tools, 'x')).toBe('1\n')
  })

  it('between two runs is told by the next, which runs once, on what is restored', async () => {
    const tools = await makeSession()
    const { stdout: pid } = await tools.runPythonCode('import os\nx = 1\nos.getpid()')
    await eventually('there is a checkpoint', async () => {
      return (await listed(tools)).checkpoints.some((one) => one.execution_count === 1)
    })
    process.kill(Number(pid), 'SIGKILL')
    const next = await tools.runPythonCode('x += 1\nx')
    expect(next).toMatchObject({
      success: true,
      stdout: '2\n',
      interpreter_restarted: true,
      state: 'restored',
      restored_to: 1,
    })
    expect(next.notices?.[0]).toMatch(/^Before this run, /)
  })

  it('in a call that was aborted is told by the next result', async () => {
    const tools = await makeSession({ interruptGraceMs: 300 })
    await tools.runPythonCode('import time, os\nx = 1\nos.mkfifo("caught")')
    await tools.runPythonCode('1', { client_id: 'other' })
    const controller = new AbortController()
    const run = tools.runPythonCode(
      'x = 2\nwhile True:\n  try: time.sleep(1)\n  except KeyboardInterrupt: open("caught", "w").close()',
      { timeout_ms: 100, signal: controller.signal },
    )
    await tools.runPythonCode('open("caught").read()', { client_id: 'other' })
    controller.abort()
    await expect(run).rejects.toMatchObject({ name: 'AbortError' })
    expect(await tools.runPythonCode('x')).toMatchObject({
      stdout: '1\n',
      state: 'restored',
      restored_to: 1,
      interpreter_restarted: true,
    })
  })

  it('takes an older checkpoint where the newest has died, too', async () => {
    const tools = await makeSession()
    await tools.runPythonCode('x = 1')
    await tools.runPythonCode('x = 2')
    // Both are found by their parent, the keeper; the newest has the highest pid.
    const { stdout } = await tools.runPythonCode(
      'import os, subprocess\nprint(subprocess.run(["ps", "--ppid", str(os.getppid()), "-o", "pid="], capture_output=True, text=True).stdout, os.getpid())',
    )
    await eventually('there are two', async () => (await listed(tools)).checkpoints.length === 2)
    const pids = stdout.trim().split(/\s+/).map(Number)
    const own = pids.pop()
    const newest = Math.max(...pids.filter((pid) => pid !== own))
    expect(await isAlive(newest)).toBe(true)
    process.kill(newest, 'SIGKILL')
    await eventually('it is gone', async () => !(await isAlive(newest)))
    const { restored_to } = await tools.runPythonCode(SEGFAULT)
    expect(restored_to).toBeLessThan(4)
    expect(await output(tools, 'x')).toBe('2\n')
  })

  it('while it goes on from a checkpoint is no reason to give that up', async () => {
    const engine = new LocalEngine({ start: 'spawn' })
    onTestFinished(() => engine.close())
    const tools = await makeSession({ engine })
    const keeper = Number(await output(tools, 'import os\nos.getppid()'))
    await tools.checkpoint()
    const known = childrenOf(keeper)
    const crashed = tools.runPythonCode('os._exit(3)')
    let killed = false
    while (!killed) {
      await new Promise((resolve) => setImmediate(resolve))
      const next = childrenOf(keeper).find((pid) => !known.includes(pid))
      killed = next !== undefined && process.kill(next, 'SIGKILL')
    }
    expect(await crashed).toMatchObject({ state: 'restored', restored_to: 1 })
  })

  it('has nothing to go back to when its policy is off', async () => {
    const tools = await makeSession({ checkpoint: 'off' })
    await tools.runPythonCode('x = 1')
    expect(await listed(tools)).toMatchObject({
      checkpoints: [],
      no_checkpoint_reason: "checkpoint: 'off' was asked for",
    })
    expect(await tools.runPythonCode(SEGFAULT)).toMatchObject({ state: 'lost' })
  })

  it('goes back to what the automatic policy has made once the session was idle', async () => {
    const tools = await makeSession({ checkpoint: 'auto' })
    for (let i = 0; i < 20; i += 1) await tools.runPythonCode(`x = ${i}`)
    await untilCheckpointOf(tools, 20)
    expect(await tools.runPythonCode(SEGFAULT)).toMatchObject({ restored_to: 20 })
    expect(await output(tools, 'x')).toBe('19\n')
  })
})

describe('a restored session', () => {
  it('is exactly as it was: random numbers, generators, files, settings', async () => {
    const tools = await makeSession()
    await writeFile(join(tools.workdir, 'lines.txt'), 'one\ntwo\nthree\n')
    await tools.runPythonCode(
      [
        'import random, numpy as np, decimal, warnings, locale, os, io, sys, contextvars',
        'random.seed(1); np.random.seed(1); rng = np.random.default_rng(1)',
        'random.random(), np.random.rand(), rng.random()',
        'numbers = (n * n for n in range(10)); next(numbers); next(numbers)',
        'lines = open("lines.txt"); lines.readline()',
        'written = open("written.txt", "w"); written.write("first ");',
        'decimal.getcontext().prec = 7',
        'warnings.simplefilter("error", UserWarning)',
        'locale.setlocale(locale.LC_ALL, "C.UTF-8")',
        'os.environ["SET_HERE"] = "yes"',
        'os.makedirs("inner"); os.chdir("inner")',
        'variable = contextvars.ContextVar("variable"); token = variable.set("set")',
      ].join('\n'),
    )
    const look = [
      'print(random.random(), np.random.rand(), rng.random())',
      'print(next(numbers), lines.readline().strip(), decimal.Decimal(1) / 3)',
      'print(warnings.filters[0][0], locale.setlocale(locale.LC_ALL), os.environ["SET_HERE"])',
      'print(os.path.basename(os.getcwd()), variable.get())',
      'n = written.write("second"); written.flush(); print(open("../written.txt").read())',
    ].join('\n')
    const before = await output(tools, look)
    // The first look has changed all that: what it answers once more comes from before it.
    await tools.rollback()
    expect(await output(tools, look)).toBe(before)
    expect(before).toContain('4 two')
    expect(before).toContain('error C.UTF-8 yes\ninner set\nfirst second\n')
    await tools.rollback()
    expect(await tools.runPythonCode(SEGFAULT)).toMatchObject({ state: 'restored', restored_to: 1 })
    expect(await output(tools, look)).toBe(before)
  })

  it('goes on with numpy, scikit-learn and matplotlib', async () => {
    const tools = await makeSession()
    await tools.runPythonCode(
      [
        'import numpy as np, matplotlib.pyplot as plt',
        'from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier',
        'X = np.random.default_rng(1).random((2000, 5)); y = X[:, 0] > 0.5',
        'model = HistGradientBoostingClassifier(max_iter=5).fit(X, y)',
        'forest = RandomForestClassifier(10, n_jobs=2).fit(X, y)',
        'big = np.ones((600, 600)); (big @ big).sum()',
        'figure, axes = plt.subplots(); axes.plot([1, 2])',
      ].join('\n'),
    )
    await untilCheckpointOf(tools, 1)
    expect(await tools.runPythonCode(SEGFAULT)).toMatchObject({ state: 'restored', restored_to: 1 })
    const result = await tools.runPythonCode(
      'print(model.score(X, y) > 0.9, model.fit(X, y).score(X, y) > 0.9, forest.fit(X, y).score(X, y) > 0.9, (big @ big).sum())\nplt.plot([3, 4]);',
      { timeout_ms: 30_000 },
    )
    expect(result).toMatchObject({ success: true, stdout: 'True True True 216000000.0\n' })
    expect(result.base64_uri).toHaveLength(1)
  })

  it('goes on with pyarrow', async () => {
    const tools = await makeSession({ env: { PYTHONPATH: LIBRARIES } })
    const compute =
      'import pyarrow as pa, pyarrow.compute as pc, pyarrow.parquet as pq\n' +
      'table = pa.table({"a": list(range(100_000))}); pq.write_table(table, "t.parquet")\n' +
      'pq.read_table("t.parquet").to_pandas().a.sum(), pc.sum(table["a"]).as_py()'
    const before = await output(tools, compute)
    expect(await tools.runPythonCode(SEGFAULT)).toMatchObject({ state: 'restored', restored_to: 1 })
    expect(await output(tools, compute)).toBe(before)
  })

  it('names the threads that are gone, also when it is restored again', async () => {
    const tools = await makeSession()
    await tools.runPythonCode('import threading')
    await tools.runPythonCode(SEGFAULT)
    const crashed = await tools.runPythonCode(SEGFAULT)
    expect(crashed.notices?.join()).not.toMatch(/Threads/)
    await tools.runPythonCode(
      'threading.Thread(target=threading.Event().wait, name="waiting", daemon=True).start()',
    )
    await untilCheckpointOf(tools, 4)
    const second = await tools.runPythonCode(SEGFAULT)
    expect(second.notices).toContain('Threads do not survive that: waiting ended.')
  })

  it('is told in one line, whatever names user code has given', async () => {
    const tools = await makeSession()
    await tools.runPythonCode(
      [
        'import threading',
        'x = 1; globals()[1] = 2; globals()["y\\nNOTICE: z"] = 3',
        'name = "a\\nb" + 10_000 * "c"',
        'threading.Thread(target=threading.Event().wait, name=name, daemon=True).start()',
      ].join('\n'),
    )
    await untilCheckpointOf(tools, 1)
    const crashed = await tools.runPythonCode(SEGFAULT)
    expect(crashed).toMatchObject({ state: 'restored', restored_to: 1 })
    const [restored, threads] = crashed.notices ?? []
    expect(restored).toMatch(/after run 1, with the variables x, name\.$/)
    expect(threads).toMatch(/^Threads do not survive that: a\?bc{10,100} ended\.$/)
  })

  it('is not claimed where polars has threads that a copy would lack', async () => {
    const tools = await makeSession({ env: { PYTHONPATH: LIBRARIES } })
    await tools.runPythonCode('x = 1')
    await tools.runPythonCode(
      'import polars as pl\nn = pl.DataFrame({"a": range(100_000)}).group_by("a").len().height',
    )
    await eventually('the list says why', async () => {
      return /polars/.test((await listed(tools)).no_checkpoint_reason ?? '')
    })
    await expect(tools.checkpoint()).rejects.toMatchObject({
      code: 'CHECKPOINT',
      message: expect.stringContaining('native threads') as string,
    })
    expect(await output(tools, 'n')).toBe('100000\n')
    expect(await tools.runPythonCode(SEGFAULT)).toMatchObject({ state: 'restored', restored_to: 1 })
    expect(await output(tools, 'x')).toBe('1\n')
  })

  it('starts threads, processes, pools and tasks anew', async () => {
    const tools = await makeSession()
    const use = [
      'import asyncio, concurrent.futures, multiprocessing, subprocess, threading, joblib',
      'def double(n): return 2 * n',
      'if "threads" not in globals(): threads = concurrent.futures.ThreadPoolExecutor(2)',
      'answers = [list(threads.map(double, [1, 2]))]',
      'with multiprocessing.get_context("fork").Pool(2) as pool: answers.append(pool.map(double, [3]))',
      'with multiprocessing.get_context("spawn").Pool(1) as pool: answers.append(pool.map(abs, [-4]))',
      'answers.append(subprocess.run(["echo", "5"], capture_output=True, text=True).stdout)',
      'answers.append(joblib.Parallel(n_jobs=2)(joblib.delayed(abs)(n) for n in [-6, -7]))',
      'await asyncio.sleep(0.01)',
      'print(answers)',
    ].join('\n')
    const expected = "[[2, 4], [6], [4], '5\\n', [6, 7]]\n"
    expect(await output(tools, use)).toBe(expected)
    await untilCheckpointOf(tools, 1)
    const crashed = await tools.runPythonCode(SEGFAULT)
    expect(crashed).toMatchObject({ state: 'restored', restored_to: 1 })
    expect(crashed.notices?.join()).toMatch(/Threads do not survive that: .*ThreadPoolExecutor/)
    expect(await output(tools, use)).toBe(expected)
    expect(await output(tools, use)).toBe(expected)
  })

  it('has no ends of what the other held open', async () => {
    const tools = await makeSession()
    await tools.runPythonCode(
      [
        'import socket, subprocess, tempfile, os',
        'child = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)',
        'server = socket.create_server(("127.0.0.1", 0)); port = server.getsockname()[1]',
        'folder = tempfile.TemporaryDirectory(); open(os.path.join(folder.name, "f"), "w").close()',
        'reading, writing = os.pipe()',
      ].join('\n'),
    )
    await untilCheckpointOf(tools, 1)
    // While a copy sleeps: the child sees its end of file, the port can be bound, the pipe breaks.
    expect(
      await output(
        tools,
        'print(child.communicate(b"x", timeout=20), child.returncode)\nserver.close(); server = socket.create_server(("127.0.0.1", port))\nos.close(writing); print(os.read(reading, 1))',
      ),
    ).toBe("(b'x', None) 0\nb''\n")
    await tools.rollback()
    expect(
      await output(
        tools,
        'print(os.listdir(folder.name))\ntry: server.accept()\nexcept OSError as error: print("dead")\nsocket.create_server(("127.0.0.1", port)).close()\nfolder.cleanup()',
      ),
    ).toBe("['f']\ndead\n")
  })
})

describe('a checkpoint', () => {
  it('does not show in the live process: no child, no signal, no words of fork hooks', async () => {
    const tools = await makeSession()
    await tools.runPythonCode(
      [
        'import os, signal, subprocess, threading, time',
        'signals = []; signal.signal(signal.SIGCHLD, lambda *_: signals.append(1))',
        'os.register_at_fork(after_in_child=lambda: print("forked"))',
      ].join('\n'),
    )
    await tools.checkpoint()
    const result = await tools.runPythonCode(
      'print(signals)\ntry: os.wait()\nexcept ChildProcessError: print("no child")',
    )
    expect(result).toMatchObject({ stdout: '[]\nno child\n' })
    expect(result).not.toHaveProperty('late_outputs')
    expect(await output(tools, 'subprocess.run(["true"]); print(signals)')).toContain('[1]\n')
  })

  it('may take its time in fork hooks of user code', async () => {
    const tools = await makeSession()
    await tools.runPythonCode(
      'import os, time\nx = 1\nos.register_at_fork(after_in_child=lambda: time.sleep(1.2))',
    )
    expect(await tools.checkpoint()).toMatchObject({ execution_count: 1 })
    expect(await tools.runPythonCode('x')).toMatchObject({ stdout: '1\n', state: 'kept' })
  })

  it('waits while a thread computes in a library, and is made up for', async () => {
    const tools = await makeSession()
    await tools.runPythonCode(
      [
        'import threading, numpy as np',
        'stop = threading.Event()',
        'def work():',
        '    a = np.random.rand(400, 400)',
        '    while not stop.is_set(): a @ a',
        'thread = threading.Thread(target=work, name="multiplying"); thread.start()',
      ].join('\n'),
    )
    await eventually(
      'the list says why there is none, or one was made between two products',
      async () => {
        const { no_checkpoint_reason: reason = '', checkpoints } = await listed(tools)
        return reason.includes('multiplying') || checkpoints.at(-1)?.execution_count === 1
      },
    )
    await tools.runPythonCode('stop.set(); thread.join()')
    await untilCheckpointOf(tools, 2)
  })

  it('is made up for where a native thread that nobody knows was about to end', async () => {
    const tools = await makeSession()
    await tools.runPythonCode(
      [
        'import ctypes',
        'c = ctypes.CDLL(None)',
        'thread = ctypes.c_ulong()',
        'c.pthread_create(ctypes.byref(thread), None, c.usleep, ctypes.c_void_p(20_000))',
      ].join('\n'),
    )
    await untilCheckpointOf(tools, 1)
  })

  it('is there when no run has come for a while, however much memory the last has used', async () => {
    const tools = await makeSession({ checkpoint: 'auto' })
    // Its system time, most of a second, would put the checkpoint off for twenty times as long.
    await tools.runPythonCode(
      [
        'import mmap',
        'megabyte = b"x" * 2**20',
        'for i in range(4000):',
        '    with mmap.mmap(-1, 2**20) as pages: pages.write(megabyte)',
      ].join('\n'),
    )
    await untilCheckpointOf(tools, 1)
  })

  it.each(['always', 'auto'] as const)(
    'that fails (%s) does not stop the session',
    async (policy) => {
      const tools = await makeSession({ checkpoint: policy })
      await tools.runPythonCode(
        [
          'import resource',
          'soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)',
          'resource.setrlimit(resource.RLIMIT_NOFILE, (200, hard))',
          'files = []',
          'try:',
          '    while True: files.append(open("/dev/null"))',
          'except OSError: pass',
        ].join('\n'),
      )
      await expect(tools.checkpoint()).rejects.toThrow(/Too many open files/)
      const result = await tools.runPythonCode('len(files) > 100', { timeout_ms: 5_000 })
      expect(result).toMatchObject({ stdout: 'True\n', state: 'kept' })
      expect(result).not.toHaveProperty('late_outputs')
      await tools.runPythonCode('files.clear()')
      await eventually('it is made', async () => {
        return (await listed(tools)).checkpoints.at(-1)?.execution_count === 3
      })
    },
  )

  it('does not depend on who else speaks to the keeper, nor how often', async () => {
    const tools = await makeSession()
    await tools.runPythonCode('x = 1')
    const result = await tools.runPythonCode(
      [
        'import os, socket',
        'path = os.path.join(os.readlink("/proc/self/fd/1"), "../../keeper")',
        'def connect():',
        '    connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)',
        '    connection.connect(os.path.normpath(path))',
        '    return connection',
        'nobody = b\'{"event": "copying", "worker": "?", "secret": null, "id": "?", "run": 1}\'',
        'for packet in (b"?", b"[]", b"{}", nobody):',
        '    refused = connect(); refused.send(packet); print(refused.recv(10))',
        'many = [connect() for _ in range(1100)]',
      ].join('\n'),
    )
    expect(result).toMatchObject({ success: true, stdout: "b''\n".repeat(4) })
    const crashed = await tools.runPythonCode(SEGFAULT)
    expect(crashed).toMatchObject({ state: 'restored', restored_to: 2 })
    expect(await output(tools, 'x')).toBe('1\n')
  })

  it('needs no modules that files of the user hide', async () => {
    const tools = await makeSession()
    for (const name of ['uuid', 'queue']) {
      await writeFile(join(tools.workdir, `${name}.py`), `print("the ${name} of the user")\n`)
    }
    await output(tools, 'x = 1')
    const crashed = await tools.runPythonCode(SEGFAULT)
    expect(crashed).toMatchObject({ stdout: '', state: 'restored', restored_to: 1 })
    expect(crashed).not.toHaveProperty('late_outputs')
  })

  it('holds no terminal, and nothing that was opened just before the fork', async () => {
    const tools = await makeSession()
    await tools.runPythonCode(
      [
        'import os, pty, socket, subprocess',
        'terminal, other = pty.openpty()',
        'child = subprocess.Popen(["cat"], stdin=other, stderr=subprocess.DEVNULL)',
        'os.close(other)',
        'pairs = []',
        'os.register_at_fork(before=lambda: pairs.append(socket.socketpair()))',
      ].join('\n'),
    )
    await untilCheckpointOf(tools, 1)
    expect(
      await output(
        tools,
        [
          'os.close(terminal)',
          'print(child.wait(10))',
          'one, two = pairs[0]; one.close(); two.settimeout(10)',
          'print(two.recv(1))',
        ].join('\n'),
      ),
    ).toBe("1\nb''\n")
  })

  it('does not hang with a thread that looks at what libraries are loaded', async () => {
    const tools = await makeSession()
    await tools.runPythonCode(
      [
        'import ctypes, threading',
        'stop = threading.Event(); libc = ctypes.PyDLL(None)',
        'kind = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p)',
        'callback = kind(lambda *info: 1)',
        'def look():',
        '    while not stop.wait(0): libc.dl_iterate_phdr(callback, None)',
        'thread = threading.Thread(target=look); thread.start()',
      ].join('\n'),
    )
    for (let i = 0; i < 100; i += 1) {
      const result = await tools.runPythonCode('1', { timeout_ms: 10_000 })
      expect(result).toMatchObject({ success: true, state: 'kept' })
    }
    expect(await output(tools, 'stop.set(); thread.join()')).toBe('')
  })

  it('does not cost a run that has begun since, where Node hears late that the fork took long', async () => {
    const tools = await makeSession()
    const file = (name: string) => join(tools.workdir, name)
    await tools.runPythonCode(
      [
        'import os, time',
        'worker = os.getpid()',
        'def before():',
        `    if os.getpid() == worker and not os.path.exists('forking'):`,
        `        ${tell('forking')}`,
        '        time.sleep(4.5)', // longer than a fork may take
        'os.register_at_fork(before=before)',
      ].join('\n'),
    )
    await eventually('the fork has begun', () => existsSync(file('forking')))
    const run = tools.runPythonCode(`${tell('begun')}\n${waitFor('go-on')}`)
    await eventually('the run is sent', async () => (await listed(tools)).status === 'busy')
    const deadline = performance.now() + 20_000
    // Node hears nothing meanwhile.
    while (!existsSync(file('begun')) && performance.now() < deadline) sleepSync(20)
    expect(existsSync(file('begun'))).toBe(true)
    // What the keeper says of this comes after what it has said of the fork.
    await tools.runPythonCode('1', { client_id: 'another' })
    await writeFile(file('go-on'), '')
    expect(await run).toMatchObject({ success: true, state: 'kept' })
  })

  it('does not wait for a thread that computes in Python', async () => {
    const tools = await makeSession({ checkpoints: 20 })
    await tools.runPythonCode(
      [
        'import threading',
        'n = 0; stop = threading.Event()',
        'def work():',
        '    global n',
        '    while not stop.is_set(): n += 1',
        'thread = threading.Thread(target=work); thread.start()',
      ].join('\n'),
    )
    for (let i = 0; i < 10; i += 1) await tools.runPythonCode('n > 0')
    await tools.runPythonCode('stop.set(); thread.join()')
    // Of 13 states; on a busy machine some may be missed.
    expect((await listed(tools)).checkpoints.length).toBeGreaterThan(4)
  })

  it('has a name, is listed with its memory, and is kept until it is dropped', async () => {
    const tools = await makeSession({ checkpoints: 1 })
    await tools.runPythonCode('x = 1')
    const made = await tools.checkpoint({ name: 'start' })
    expect(made).toMatchObject({ success: true, execution_count: 1 })
    for (let i = 0; i < 5; i += 1) await tools.runPythonCode('x += 1')
    await eventually('only the last of the others is kept', async () => {
      const counts = (await listed(tools)).checkpoints.map((one) => one.execution_count)
      return counts.join() === '1,6'
    })
    const [first] = (await listed(tools)).checkpoints
    expect(first).toMatchObject({ id: made.checkpoint_id, name: 'start' })
    expect(first?.memory_bytes).toBeGreaterThan(1e6)
    await expect(tools.checkpoint({ name: 'start' })).rejects.toThrow(/named "start" already/)
    expect(await tools.dropCheckpoint({ checkpoint: 'start' })).toMatchObject(made)
    await expect(tools.rollback({ checkpoint: 'start' })).rejects.toThrow(/no checkpoint "start"/)
  })

  it('is the newest by its run and number, not by when it was heard of', () => {
    const [first, second, third, fourth] = [1, 2, 3, 4].map((number) => ({
      id: String(number),
      executionCount: Math.min(number, 3),
      number,
      createdAt: new Date(),
      gone: false,
      memoryBytes: () => Promise.resolve(null),
      drop() {
        this.gone = true
      },
    }))
    const checkpoints = new Checkpoints(2)
    for (const heard of [first, fourth, second, third]) if (heard) checkpoints.add(heard)
    expect(checkpoints.newestFirst()).toEqual([fourth, third])
  })

  it('is refused when 16 are kept', async () => {
    const tools = await makeSession()
    await tools.runPythonCode('x = 1')
    for (let i = 0; i < 16; i += 1) await tools.checkpoint({ name: `number ${i}` })
    await expect(tools.checkpoint()).rejects.toThrow(/16 checkpoints .* Drop one/)
    await tools.dropCheckpoint({ checkpoint: 'number 3' })
    await tools.checkpoint()
  })

  it('ends with its interpreter, and with a restart unless it was asked for', async () => {
    const tools = await makeSession()
    await tools.runPythonCode('x = 1')
    await tools.checkpoint({ name: 'kept' })
    await tools.runPythonCode('x = 2')
    await tools.manageInterpreters({ operation: 'restart' })
    await eventually('the fresh state has one', async () => {
      const { checkpoints, no_checkpoint_reason: reason } = await listed(tools)
      return reason === undefined && checkpoints.at(-1)?.execution_count === 0
    })
    await expect(tools.rollback()).rejects.toThrow(/no checkpoint from before/)
    expect(await tools.runPythonCode(SEGFAULT)).toMatchObject({ restored_to: 0 })
    expect((await tools.runPythonCode('x')).error?.name).toBe('NameError')
    await tools.rollback({ checkpoint: 'kept' })
    expect(await output(tools, 'x')).toBe('1\n')
  })
})

describe('going back', () => {
  it('undoes the last run, and the one before that when asked again', async () => {
    const tools = await makeSession({ checkpoints: 3 })
    for (const value of [1, 2, 3]) await tools.runPythonCode(`x = ${value}`)
    expect(await tools.rollback()).toMatchObject({ execution_count: 2 })
    const result = await tools.runPythonCode('x')
    expect(result).toMatchObject({ stdout: '2\n', state: 'kept', execution_count: 4 })
    await tools.rollback()
    expect(await tools.rollback()).toMatchObject({ execution_count: 1 })
    expect(await output(tools, 'x')).toBe('1\n')
  })

  it('is what a crash goes back to afterwards', async () => {
    const tools = await makeSession()
    for (const value of [1, 2]) await tools.runPythonCode(`x = ${value}`)
    await tools.rollback()
    expect(await tools.runPythonCode(SEGFAULT)).toMatchObject({ restored_to: 1 })
    expect(await output(tools, 'x')).toBe('1\n')
  })

  it('leaves nothing of what could not go on', async () => {
    const engine = new LocalEngine({ start: 'spawn' })
    onTestFinished(() => engine.close())
    const tools = await makeSession({ engine, checkpoint: 'off' })
    const { stdout } = await tools.runPythonCode(
      'import os\nfolder = os.path.dirname(os.path.dirname(os.readlink("/proc/self/fd/1")))\nos.getppid()',
    )
    const keeper = stdout.trim()
    const children = async () => {
      const list = await readFile(`/proc/${keeper}/task/${keeper}/children`, 'utf8')
      return list.trim().split(' ').map(Number)
    }
    for (let i = 0; i < 3; i += 1) {
      const before = await children()
      await tools.checkpoint({ name: `${i}` })
      const [copy = 0, ...others] = (await children()).filter((pid) => !before.includes(pid))
      expect([copy > 1, others]).toEqual([true, []])
      process.kill(copy, 'SIGKILL')
      await expect(tools.rollback({ checkpoint: `${i}` })).rejects.toMatchObject({
        code: 'CHECKPOINT',
      })
    }
    // Its own, the socket of the channel, and the keeper's.
    expect(await output(tools, 'len(os.listdir(folder))')).toBe('3\n')
  })

  it('says so where there is nothing to go back to', async () => {
    const tools = await makeSession({ checkpoint: 'off' })
    await expect(tools.rollback()).rejects.toThrow(/no session yet/)
    await tools.runPythonCode('x = 1')
    await expect(tools.rollback()).rejects.toThrow(
      /no checkpoint from before run 1.* operation "list" .* "checkpoint".* 'always'/,
    )
    expect(
      await tools.manageInterpreters({ operation: 'rollback', checkpoint: 'none' }),
    ).toMatchObject({ success: false, error: expect.stringContaining('"none"') as string })
    expect(await output(tools, 'x')).toBe('1\n')
  })
})

describe('a branch', () => {
  it('goes on from the present state, beside the other', async () => {
    const tools = await makeSession()
    await tools.runPythonCode('import random\nrandom.seed(1)\nx = [1]')
    const one = await tools.branch()
    const two = await tools.branch({ reseed: true })
    expect(one).toMatchObject({ success: true, execution_count: 1 })
    const draw = 'x.append(random.random())\nx'
    const [own, same, other] = [
      await output(tools, draw),
      await output(tools, draw, one.interpreter_id),
      await output(tools, draw, two.interpreter_id),
    ]
    expect(same).toBe(own)
    expect(other).not.toBe(own)
  })

  it('from a checkpoint becomes the session of another client, and crashes alone', async () => {
    const tools = await makeSession()
    await tools.runPythonCode('x = 1')
    await tools.checkpoint({ name: 'one' })
    await tools.runPythonCode('x = 2')
    await tools.branch({ checkpoint: 'one', new_client_id: 'other' })
    const other = await tools.runPythonCode('x', { client_id: 'other' })
    expect(other).toMatchObject({ stdout: '1\n', execution_count: 2 })
    const crashed = await tools.runPythonCode(SEGFAULT, { client_id: 'other' })
    expect(crashed).toMatchObject({ state: 'restored', restored_to: 2 })
    expect(await output(tools, 'x')).toBe('2\n')
  })

  it('goes on from the present state, however soon the other goes on too', async () => {
    const tools = await makeSession({ checkpoints: 1 })
    await tools.runPythonCode('x = 0')
    for (let i = 1; i < 20; i += 1) {
      const [branch] = await Promise.all([
        tools.branch(),
        tools.runPythonCode(`x = ${i}`),
        tools.runPythonCode('x'),
      ])
      const { interpreter_id } = branch
      expect(await output(tools, 'x', interpreter_id)).toBe(`${i - 1}\n`)
      await tools.manageInterpreters({ operation: 'delete', interpreter_id })
    }
  })

  it('has a checkpoint of its own before its first run', async () => {
    const tools = await makeSession({ checkpoint: 'auto' })
    await tools.runPythonCode('x = 1')
    for (let i = 0; i < 30; i += 1) {
      const { interpreter_id } = await tools.branch()
      const crashed = await tools.runPythonCode(SEGFAULT, { interpreter_id })
      expect(crashed).toMatchObject({ state: 'restored', restored_to: 1 })
      await tools.manageInterpreters({ operation: 'delete', interpreter_id })
    }
  })

  it('is made while the other is busy, from a checkpoint', async () => {
    const tools = await makeSession()
    await tools.runPythonCode('x = 1\nimport os, time\nos.mkfifo("go")')
    await tools.checkpoint({ name: 'one' })
    const busy = tools.runPythonCode('open("go").read()')
    const { interpreter_id } = await tools.branch({ checkpoint: 'one' })
    await output(tools, 'open("go", "w").close()', interpreter_id)
    expect(await busy).toMatchObject({ success: true })
  })
})

it('leaves no branch behind that was being made when the toolset was closed', async () => {
  const engine = new LocalEngine({ start: 'spawn' })
  onTestFinished(() => engine.close())
  const other = await makeSession({ engine, checkpoint: 'off' })
  const keeper = (await output(other, 'import os\nos.getppid()')).trim()
  for (let i = 0; i < 20; i += 1) {
    const tools = await makeSession({ engine, checkpoint: 'off' })
    await tools.runPythonCode('x = 1')
    const branch = tools.branch().catch(() => null)
    await new Promise((resolve) => setTimeout(resolve, 2 + i / 4))
    await tools.close()
    await branch
  }
  await eventually('only the other session is left', async () => {
    const children = await readFile(`/proc/${keeper}/task/${keeper}/children`, 'utf8')
    return children.trim().split(' ').length === 1
  })
})

it('leaves no process behind, whatever was made', async () => {
  const engine = new LocalEngine({ start: 'fork' })
  onTestFinished(() => engine.close())
  const tools = await makeSession({ engine })
  const { stdout } = await tools.runPythonCode('import os\nos.getppid()')
  await tools.checkpoint({ name: 'one' })
  await tools.branch()
  await tools.runPythonCode(SEGFAULT)
  await tools.close()
  // The keeper's children: the template with its spare, and nothing of the sessions.
  const children = `/proc/${stdout.trim()}/task/${stdout.trim()}/children`
  expect(existsSync(children)).toBe(true)
  await eventually('only template and spare are left', async () => {
    return (await readFile(children, 'utf8')).trim().split(' ').length === 2
  })
})
