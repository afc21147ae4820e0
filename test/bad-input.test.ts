import { existsSync } from 'node:fs'
import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import {
  LocalEngine,
  PythonInterpreterToolSet,
  type ManageOptions,
  type PythonInterpreterToolSetOptions,
  type RunOptions,
  type RunResult,
} from '../src/index.js'
import { eventually, isAlive } from './helpers/processes.js'
import { makeToolset, temporaryFolder, testPython } from './helpers/toolset.js'
import { startRawWorker } from './helpers/worker.js'

/** What a run that only has to fail, or to end at once, may take at most. */
const AT_ONCE_MS = 5_000
const MEGABYTE = 1_000_000

/** A toolset whose session has a variable, which tells whether its state was kept. */
async function sessionWithX(
  options: PythonInterpreterToolSetOptions = {},
): Promise<PythonInterpreterToolSet> {
  const tools = await makeToolset(options)
  await tools.runPythonCode('x = 42')
  return tools
}

async function expectXKept(tools: PythonInterpreterToolSet): Promise<void> {
  expect(await tools.runPythonCode('print(x)')).toMatchObject({
    success: true,
    stdout: '42\n',
    stderr: '',
    state: 'kept',
  })
}

async function expectXLost(tools: PythonInterpreterToolSet): Promise<void> {
  expect(await tools.runPythonCode('print("x" in globals())')).toMatchObject({
    success: true,
    stdout: 'False\n',
    state: 'kept',
  })
}

function expectNothingOfTheWorker(result: RunResult): void {
  expect(result.stderr + (result.error?.traceback ?? '')).not.toContain(
    '_python_interpreter_toolset',
  )
}

/** Runs the code in a session with a variable that must survive it. */
async function runKeepingX(code: string, options: RunOptions = {}): Promise<RunResult> {
  const tools = await sessionWithX()
  const result = await tools.runPythonCode(code, { timeout_ms: AT_ONCE_MS, ...options })
  expect(result).toMatchObject({ state: 'kept' })
  expect(result).not.toHaveProperty('timed_out')
  expectNothingOfTheWorker(result)
  await expectXKept(tools)
  return result
}

describe('source', () => {
  it.each([
    ['that is empty', ''],
    ['of white space', ' \n\t\n  \n'],
    ['of comments', '# one\n  # two'],
    ['with the line ends of Windows', 'if True:\r\n    y = 1\r\n'],
    ['without a last line end', 'if True:\n    y = 1'],
  ])('%s runs', async (_, code) => {
    const result = await runKeepingX(code)
    expect(result).toMatchObject({ success: true, stdout: '', stderr: '', result: null })
  })

  it.each([
    ['that mixes tabs and spaces', 'if True:\n\ty = 1\n        z = 2', 'TabError'],
    ['with a NUL character', 'y = "\0"', 'SyntaxError'],
    ['that is a NUL character', '\0', 'SyntaxError'],
    ['with a lone surrogate', 'y = "\ud800"', 'UnicodeEncodeError'],
    ['with a lone surrogate in a comment', '1 # \udfff', 'UnicodeEncodeError'],
    ['with a character of no language', 'y = 1 \u00a0', 'SyntaxError'],
    ['with a byte order mark', '\ufeffy = 1', 'SyntaxError'],
    ['that stops in the middle', 'def f(:', 'SyntaxError'],
    ['that returns outside a function', 'return 1', 'SyntaxError'],
    ['of 10,000 brackets', `y = ${'('.repeat(10_000)}${')'.repeat(10_000)}`, 'SyntaxError'],
    ['of 10,000 signs', `y = ${'-'.repeat(10_000)}1`, /MemoryError|RecursionError/],
    ['of 10,000 additions', `y = ${'1+'.repeat(10_000)}1`, 'RecursionError'],
    ['of 10,000 attributes', `y = x${'.real'.repeat(10_000)}`, 'RecursionError'],
    ['of 10,000 calls', `y = ${'abs('.repeat(10_000)}1${')'.repeat(10_000)}`, 'SyntaxError'],
    ['of 10,000 blocks', deepBlocks(10_000), /IndentationError|SyntaxError/],
  ])('%s is an error that Python has a name for', async (_, code, name) => {
    const result = await runKeepingX(code)
    expect(result.success).toBe(false)
    expect(result.error?.name).toMatch(name)
  })

  it('of 5 MB runs', async () => {
    const lines = Array.from(
      { length: 50_000 },
      (_, i) => `data.append('${'a'.repeat(76)}') # ${i}`,
    )
    const code = `data = []\n${lines.join('\n')}\nlen(data)`
    expect(code.length).toBeGreaterThan(4.5 * MEGABYTE)
    const result = await runKeepingX(code, { echo: 'last', timeout_ms: 30_000 })
    expect(result).toMatchObject({ success: true, stdout: '50000\n' })
  })

  it('of 5 MB on the line of an error gives a traceback of readable length', async () => {
    const result = await runKeepingX(`1/0 # ${'a'.repeat(5 * MEGABYTE)}`)
    expect(result.error).toMatchObject({ name: 'ZeroDivisionError' })
    expect(result.error?.traceback.length).toBeLessThan(200_000)
  })
})

function deepBlocks(depth: number): string {
  return Array.from({ length: depth }, (_, i) => `${' '.repeat(i)}if x:`).join('\n')
}

describe('lone surrogates', () => {
  it('in printed text and in an echoed value are escaped', async () => {
    const result = await runKeepingX(`text = 'a\\ud800b'\nprint(text)\ntext`)
    expect(result).toMatchObject({ success: true, stdout: `a\\ud800b\n'a\\ud800b'\n` })
  })

  it('in a value are JSON that is safe to stringify', async () => {
    const result = await runKeepingX(`text = 'a\\ud800b'`, { result_var_name: 'text' })
    expect(result).toMatchObject({ success: true, result: 'a\ud800b' })
    expect(JSON.parse(JSON.stringify(result))).toEqual(result)
  })

  it('in an error are in its text', async () => {
    const result = await runKeepingX(`raise ValueError('a\\ud800b')`)
    expect(result.error?.name).toBe('ValueError')
    expect(result.error?.traceback).toContain('ValueError: a')
  })

  it('in a name of a variable are a NameError', async () => {
    const result = await runKeepingX('1', { result_var_name: '\ud800' })
    expect(result.error?.name).toBe('NameError')
  })
})

describe('recursion', () => {
  it('without end is a RecursionError with a traceback of readable length', async () => {
    const result = await runKeepingX('def f(): return f()\nf()')
    expect(result.error).toMatchObject({ name: 'RecursionError' })
    expect(result.error?.traceback.split('\n').length).toBeLessThan(250)
  })

  it('in __repr__ is too', async () => {
    const code = 'class A:\n    def __repr__(self): return repr(self)\na = A()\na'
    expect((await runKeepingX(code)).error?.name).toBe('RecursionError')
    const value = await runKeepingX(code.replace(/a$/, ''), { result_var_name: 'a' })
    expect(value.error?.name).toBe('RecursionError')
  })

  it('with a very low limit does not harm the session', async () => {
    const result = await runKeepingX('import sys\nsys.setrecursionlimit(30)')
    expect(result).toMatchObject({ success: true })
  })
})

describe('ending the process', () => {
  it.each([
    ['exit()', true],
    ['quit()', true],
    ['import sys\nsys.exit()', true],
    ['import sys\nsys.exit(0)', true],
    ['import sys\nsys.exit(False)', true],
    ['raise SystemExit', true],
    ['import sys\nsys.exit(3)', '3'],
    [`import sys\nsys.exit('text')`, 'text'],
    ['import sys\nsys.exit([1])', '[1]'],
    ['import asyncio, sys\nasync def f(): sys.exit(3)\nawait f()', '3'],
  ])('by %j is an end of the run only', async (code, expected) => {
    const result = await runKeepingX(`print('before')\n${code}\nprint('after')`)
    expect(result).toMatchObject({ success: expected === true, stdout: 'before\n' })
    if (expected === true) expect(result).not.toHaveProperty('error')
    else expect(result.error).toMatchObject({ name: 'SystemExit', value: expected })
  })

  it.each([
    ['os._exit(3)', 'import os\nos._exit(3)', /exited with code 3/],
    ['SIGKILL', 'import os\nos.kill(os.getpid(), 9)', /SIGKILL/],
    ['SIGTERM', 'import os\nos.kill(os.getpid(), 15)', /SIGTERM/],
    ['abort', 'import os\nos.abort()', /SIGABRT/],
    ['a segmentation fault', 'import ctypes\nctypes.string_at(0)', /SIGSEGV/],
    ['a stack overflow', stackOverflow(), /SIGSEGV/],
    ['os._exit in a thread', exitInThread(), /exited with code 4/],
    ['exec of another program', `import os\nos.execlp('false', 'false')`, /exited with code 1/],
    ['kill of its process group', 'import os\nos.killpg(0, 9)', /SIGKILL/],
  ])('by %s loses the state, and the result says so', async (_, code, reason) => {
    const tools = await sessionWithX({ checkpoint: 'off' })
    const startedAt = performance.now()
    const result = await tools.runPythonCode(`print('before')\n${code}`)
    expect(performance.now() - startedAt).toBeLessThan(AT_ONCE_MS)
    expect(result).toMatchObject({
      success: false,
      stdout: 'before\n',
      interpreter_crashed: true,
      interpreter_restarted: true,
      restart_reason: expect.stringMatching(reason) as string,
      state: 'lost',
    })
    expect(result.error?.value).toMatch(reason)
    await expectXLost(tools)
  })

  it('while the session is idle is told by the next run, which runs once', async () => {
    const tools = await sessionWithX({ checkpoint: 'off' })
    const code = [
      'import os, threading, time',
      `def end():`,
      `    while not os.path.exists('go'): time.sleep(0.01)`,
      `    os._exit(5)`,
      'threading.Thread(target=end).start()',
      'os.getpid()',
    ].join('\n')
    const pid = Number((await tools.runPythonCode(code)).stdout)
    await writeFile(join(tools.workdir, 'go'), '')
    await eventually('the process ends', async () => !(await isAlive(pid)))
    const result = await tools.runPythonCode(`open('runs', 'a').write('once')`)
    expect(result).toMatchObject({
      success: true,
      stdout: '4\n',
      interpreter_restarted: true,
      restart_reason: expect.stringContaining('exited with code 5') as string,
      state: 'lost',
    })
    expect(result).not.toHaveProperty('interpreter_crashed')
    expect(await readFile(join(tools.workdir, 'runs'), 'utf8')).toBe('once')
  })

  it('by a signal whose handler raises while the session is idle does not happen', async () => {
    const tools = await sessionWithX()
    const code = [
      'import os, signal',
      'def handler(*_):',
      `    open('handled', 'w').close()`,
      `    raise TimeoutError('of the alarm')`,
      'signal.signal(signal.SIGALRM, handler)',
      'signal.setitimer(signal.ITIMER_REAL, 0.05)',
    ].join('\n')
    await tools.runPythonCode(code)
    await eventually('the handler runs', () => existsSync(join(tools.workdir, 'handled')))
    const result = await tools.runPythonCode('print(x)')
    expect(result).toMatchObject({ success: true, stdout: '42\n', state: 'kept' })
    expectNothingOfTheWorker(result)
  })

  it('20 times in a row never harms the session or Node', async () => {
    const tools = await makeToolset({ checkpoint: 'off' })
    for (let i = 0; i < 20; i += 1) {
      const result = await tools.runPythonCode(`print(${i})\nimport os\nos.kill(os.getpid(), 9)`)
      expect(result).toMatchObject({ stdout: `${i}\n`, interpreter_crashed: true, state: 'lost' })
    }
  })
})

function stackOverflow(): string {
  return [
    'import sys, threading',
    'sys.setrecursionlimit(10**9)',
    'threading.stack_size(2**16);',
    'def down(n): return eval("down(n + 1)")',
    'thread = threading.Thread(target=down, args=(0,))',
    'thread.start()',
    'thread.join()',
  ].join('\n')
}

function exitInThread(): string {
  return [
    'import os, threading',
    'thread = threading.Thread(target=os._exit, args=(4,))',
    'thread.start()',
    'thread.join()',
  ].join('\n')
}

describe('file descriptors 1 and 2', () => {
  it.each([
    ['1', 'stdout', 'print("after")'],
    ['2', 'stderr', 'print("after", file=sys.stderr)'],
  ] as const)(
    '%s closed: Python text is kept, the next run is whole',
    async (fd, stream, print) => {
      const tools = await sessionWithX()
      const result = await tools.runPythonCode(`import os, sys\nos.close(${fd})\n${print}`)
      expect(result).toMatchObject({ success: true, [stream]: 'after\n' })
      const code = `import os\nos.write(${fd}, b'raw ')\n${print}\nos.system('echo child >&${fd}');`
      const next = await tools.runPythonCode(code, { echo: 'none' })
      expect(next).toMatchObject({ success: true, [stream]: 'raw after\nchild\n' })
      await expectXKept(tools)
    },
  )

  it('all closed above 2, those of the worker too, is at worst a crash that is told', async () => {
    const tools = await sessionWithX({ checkpoint: 'off' })
    const result = await tools.runPythonCode('import os\nos.closerange(3, 256)')
    expect(result).toMatchObject({ success: false, interpreter_crashed: true, state: 'lost' })
    await expectXLost(tools)
  })

  it('redirected by dup2 and put back carry what is written in between elsewhere', async () => {
    const code = [
      'import os',
      'saved = os.dup(1)',
      'os.dup2(2, 1)',
      `print('to stderr')`,
      'os.dup2(saved, 1)',
      `print('to stdout')`,
    ].join('\n')
    const result = await runKeepingX(code, { echo: 'none' })
    expect(result).toMatchObject({ stdout: 'to stdout\n', stderr: 'to stderr\n' })
  })

  it('that do not block lose nothing', async () => {
    const code = [
      'import os',
      'os.set_blocking(1, False)',
      `print('x' * 900_000)`,
      `os.set_blocking(1, True)`,
    ].join('\n')
    expect((await runKeepingX(code)).stdout).toHaveLength(900_001)
  })
})

describe('os.fork()', () => {
  it('whose child falls through to the end of the run does not answer in its place', async () => {
    const code = [
      'import os',
      'pid = os.fork()',
      'if pid: os.waitpid(pid, 0)',
      `print('parent' if pid else 'child')`,
    ].join('\n')
    const result = await runKeepingX(code, { result_var_name: 'pid' })
    expect(result).toMatchObject({ success: true, stdout: 'child\nparent\n' })
    expect(result.result).toBeGreaterThan(0)
  })

  it.each([
    ['raises', `raise ValueError('of the child')`, 1, 'ValueError: of the child'],
    ['calls sys.exit', 'import sys\n    sys.exit(7)', 7, ''],
    ['calls exit without status', 'exit()', 0, ''],
    ['calls os._exit', 'os._exit(9)', 9, ''],
    ['falls through', 'pass', 0, ''],
  ])('whose child %s ends with its status', async (_, code, status, stderr) => {
    const lines = [
      'import os',
      'pid = os.fork()',
      `if pid == 0:\n    ${code}`,
      'if pid: status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])',
    ]
    const result = await runKeepingX(lines.join('\n'), { result_var_name: 'status' })
    expect(result).toMatchObject({ success: true, result: status, stdout: '' })
    expect(result.stderr).toContain(stderr)
    if (stderr === '') expect(result.stderr).toBe('')
  })

  it('whose child outlives the run keeps its output apart from later runs', async () => {
    const tools = await sessionWithX()
    const code = [
      'import os, time',
      'if os.fork() == 0:',
      `    while not os.path.exists('go'): time.sleep(0.01)`,
      `    print('late')`,
      `    open('gone', 'w').close()`,
      '    os._exit(0)',
    ].join('\n')
    expect(await tools.runPythonCode(code)).toMatchObject({ success: true, stdout: '' })
    const waiting = [
      `open('go', 'w').close()`,
      'import time',
      `while not os.path.exists('gone'): time.sleep(0.01)`,
      `print('mine')`,
    ]
    const result = await tools.runPythonCode(waiting.join('\n'))
    expect(result.stdout).toBe('mine\n')
    const later = result.late_outputs ?? (await tools.runPythonCode('')).late_outputs
    expect(later).toEqual([{ execution_count: 2, stdout: 'late\n', stderr: '' }])
  })
})

describe('sys.stdout', () => {
  it.each([
    ['replaced', 'import io, sys\nsys.stdout = io.StringIO()\nprint(1)', ''],
    ['closed', 'import sys\nprint(1)\nsys.stdout.close()', '1\n'],
    ['detached', 'import sys\nprint(1)\nbuffer = sys.stdout.detach()', '1\n'],
    ['None', 'import sys\nsys.stdout = None\nprint(1)', ''],
    ['deleted', 'import sys\nprint(1)\ndel sys.stdout, sys.stderr, sys.__stdout__', '1\n'],
    ['of another encoding', reencode(), '\\xe9\n'],
    ['a duplicate with a file object of its own', useOwnFile(), '1\n'],
  ])('%s is whole again in the next run', async (_, code, stdout) => {
    const tools = await sessionWithX()
    const result = await tools.runPythonCode(code, { echo: 'none' })
    expect(result).toMatchObject({ success: true, stdout })
    await expectXKept(tools)
    const next = `import sys\nprint('é')\nprint('ü', file=sys.stderr)\nsys.stdout.buffer.write(b'!')`
    const whole = await tools.runPythonCode(next, { echo: 'none' })
    expect(whole).toMatchObject({ success: true, stdout: 'é\n!', stderr: 'ü\n' })
  })

  it('given bytes that are no text shows them escaped, in their place', async () => {
    const code = `import sys\nsys.stdout.buffer.write(b'a\\xff\\xc3')\nprint('b')\n`
    const result = await runKeepingX(code, { echo: 'none' })
    expect(result.stdout).toBe('a\\xff\\xc3b\n')
  })

  it('given each byte but a carriage return shows each', async () => {
    const code = 'import os\nfor i in range(256):\n  if i != 13: os.write(1, bytes([i]))'
    const { stdout } = await runKeepingX(code, { echo: 'none' })
    const ascii = Array.from({ length: 128 }, (_, i) => (i === 13 ? '' : String.fromCharCode(i)))
    const escaped = Array.from({ length: 128 }, (_, i) => `\\x${(i + 128).toString(16)}`)
    expect(stdout).toBe([...ascii, ...escaped].join(''))
  })

  it('given text that looks like the frames of the worker shows it', async () => {
    const frame = `'\\x1e' + 'a' * 32 + 'E1:0\\n'`
    const { stdout } = await runKeepingX(`print(${frame} + '\\x1e', end='')`)
    expect(stdout).toBe(`\x1e${'a'.repeat(32)}E1:0\n\x1e`)
  })

  it('given 200 MB is cut in bounded memory, with head, tail and a notice', async () => {
    const tools = await sessionWithX()
    const before = process.memoryUsage.rss()
    let peak = 0
    const sampling = setInterval(() => (peak = Math.max(peak, process.memoryUsage.rss())), 20)
    const code = [
      `print('the head')`,
      `line = '0123456789' * 10_000`,
      'for _ in range(2000): print(line)',
      `print('the tail')`,
    ].join('\n')
    const result = await tools.runPythonCode(code)
    clearInterval(sampling)
    expect(result.success).toBe(true)
    expect(result.stdout.length).toBeLessThan(1.1 * MEGABYTE)
    expect(result.stdout).toMatch(/^the head\n0123/)
    expect(result.stdout).toMatch(/789\nthe tail\n$/)
    expect(result.stdout).toMatch(/\n\[\.\.\. \d+ bytes left out \.\.\.\]\n/)
    expect(result.notices).toEqual([expect.stringMatching(/^stdout had 2000\d{5} bytes/)])
    expect(peak - before).toBeLessThan(150 * MEGABYTE)
    await expectXKept(tools)
  })

  it('shows noise as what Python makes of it, bad bytes escaped', async () => {
    const tools = await makeToolset({ maxOutputBytes: 20_000_000 })
    const code = [
      'import os, random',
      'noise = random.Random(7).randbytes(1_000_000).replace(b"\\r", b"")',
      'n = os.write(1, noise[:300_000]) + os.write(1, noise[300_000:])',
      'size = len(noise.decode("utf-8", "backslashreplace"))',
    ].join('\n')
    const result = await tools.runPythonCode(code, { result_var_name: 'size' })
    // JavaScript counts characters beyond the basic plane twice.
    expect(Array.from(result.stdout).length).toBe(result.result)
  })
})

function reencode(): string {
  return `import sys\nsys.stdout.reconfigure(encoding='latin-1')\nprint('\\xe9')`
}

function useOwnFile(): string {
  return `import sys\nsys.stdout = open(1, 'w', closefd=False)\nprint(1)`
}

describe('a namespace or module that is broken', () => {
  it.each([
    ['a deleted json module', `import json, sys\ndel sys.modules['json']\ndel json`],
    ['broken functions of json', 'import json\njson.dumps = json.loads = None'],
    ['broken classes of json', breakJson()],
    ['no modules at all', 'import sys\nsys.modules.clear()'],
    ['another __main__', `import sys\nsys.modules['__main__'] = None`],
    ['no __builtins__', 'del __builtins__'],
    ['other __builtins__', '__builtins__ = {}'],
    ['shadowed names', 'print = list = open = repr = str = len = dict = type = None'],
    ['another __name__', '__name__ = 5\n__annotations__ = None\n__doc__ = 1'],
    ['a broken builtins.print', 'import builtins\nbuiltins.print = None'],
    ['a broken builtins.list', 'import builtins\nbuiltins.list = None'],
    ['a broken builtins.open', 'import builtins\nbuiltins.open = None'],
    ['broken builtins', breakBuiltins()],
    [
      'deleted builtins',
      'import builtins\ndel builtins.len, builtins.isinstance, builtins.ValueError',
    ],
    ['a broken time', 'import time\ntime.perf_counter = time.monotonic = time.time = None'],
    ['a broken threading', 'import threading\nthreading.enumerate = threading.active_count = None'],
    ['a broken os', 'import os\nos.write = os.dup2 = os.getpid = os.close = None'],
    ['a broken traceback', 'import traceback\ntraceback.TracebackException = None'],
    ['a broken linecache', 'import linecache\nlinecache.cache = None'],
    ['no environment and no path', 'import os, sys\nos.environ.clear()\nsys.path.clear()'],
    ['no descriptors left', limit('RLIMIT_NOFILE', 4)],
    ['a trace function that raises', raiseIn('settrace')],
    ['a profile function that raises', raiseIn('setprofile')],
  ])('as by %s does not end the session', async (_, code) => {
    const tools = await makeToolset()
    await tools.runPythonCode('kept = [1, "a"]')
    const result = await tools.runPythonCode(code, { echo: 'none' })
    expect(result).toMatchObject({ state: 'kept' })
    expect(result).not.toHaveProperty('interpreter_crashed')
    // By `kept.copy`, since no name of a builtin need work in the session itself any more.
    const value = await tools.runPythonCode('y = kept.copy()', { result_var_name: 'y' })
    expect(value).toMatchObject({ success: true, result: [1, 'a'], state: 'kept' })
    const error = await tools.runPythonCode('1/0')
    expect(error).toMatchObject({ error: { name: 'ZeroDivisionError' }, state: 'kept' })
  })

  it('as by builtins that are broken is whole again in the next run', async () => {
    const tools = await sessionWithX()
    await tools.runPythonCode(breakBuiltins())
    const result = await tools.runPythonCode('print(len(list([1, 2])), repr(x))\nx')
    expect(result).toMatchObject({ success: true, stdout: '2 42\n42\n' })
  })

  it('as by shadowed names stays as the code has left it', async () => {
    const tools = await sessionWithX()
    await tools.runPythonCode('print = lambda text: None')
    expect(await tools.runPythonCode('print(x)\nx')).toMatchObject({ stdout: '42\n' })
    await tools.runPythonCode('del print')
    await expectXKept(tools)
  })

  it('as by an empty namespace can be used again', async () => {
    const tools = await makeToolset()
    expect(await tools.runPythonCode('globals().clear()')).toMatchObject({ success: true })
    const result = await tools.runPythonCode('class A: pass\nA.__name__\nlen([1])')
    expect(result).toMatchObject({ success: true, stdout: `'A'\n1\n` })
  })
})

function breakJson(): string {
  return [
    'import json, json.decoder, json.encoder',
    'for module in (json, json.decoder, json.encoder):',
    '    for name in list(vars(module)):',
    '        if not name.startswith("__"): delattr(module, name)',
    'from json.encoder import __name__ as _',
  ].join('\n')
}

function breakBuiltins(): string {
  return [
    'import builtins',
    'for name in ("len isinstance list dict str type repr print open getattr hasattr set any all "',
    '             "sorted max min iter next vars map zip enumerate range int float bytes").split():',
    '    setattr(builtins, name, None)',
  ].join('\n')
}

function limit(what: string, most: number): string {
  return `import resource\nresource.setrlimit(resource.${what}, (${most}, ${most}))`
}

function raiseIn(how: string): string {
  return `import sys\ndef fail(*_): raise ValueError('of the hook')\nsys.${how}(fail)`
}

describe('an object that misbehaves', () => {
  it.each([
    ['whose __repr__ raises', `def __repr__(self): raise ValueError('no')`, 'ValueError'],
    ['whose __repr__ is no text', 'def __repr__(self): return 5', 'TypeError'],
    ['whose __repr__ exits', 'def __repr__(self): raise SystemExit(3)', 'SystemExit'],
    [
      'whose __class__ raises',
      `__class__ = property(lambda self: 1 / 0)\n    __repr__ = None`,
      /Error/,
    ],
  ])('%s is an error of the run that shows it', async (_, definition, name) => {
    const tools = await sessionWithX()
    const code = `class Bad:\n    ${definition}\nbad = Bad()`
    const echoed = await tools.runPythonCode(`${code}\nbad`)
    expect(echoed).toMatchObject({ success: false, state: 'kept' })
    expect(echoed.error?.name).toMatch(name)
    const value = await tools.runPythonCode(`print('printed')`, { result_var_name: 'bad' })
    expect(value).toMatchObject({
      success: false,
      stdout: 'printed\n',
      result: null,
      state: 'kept',
    })
    expect(value.notices?.join()).toContain('The code itself ran to its end')
    await expectXKept(tools)
  })

  it.each([
    ['whose __str__ raises', 'Exception', 'def __str__(self): raise ValueError'],
    ['whose __str__ exits', 'Exception', 'def __str__(self): raise SystemExit(3)'],
    ['whose __str__ interrupts', 'Exception', 'def __str__(self): raise KeyboardInterrupt'],
    ['whose __class__ raises', 'Exception', '__class__ = property(lambda self: 1 / 0)'],
    ['whose exit code raises', 'SystemExit', 'code = property(lambda self: 1 / 0)'],
    ['whose cause is itself', 'Exception', '__cause__ = property(lambda self: self)'],
    ['that is a BaseException', 'BaseException', 'pass'],
    ['that is a group', 'ValueError', 'exceptions = [1, None]'],
  ])('an exception %s ends its run, not the session', async (_, base, definition) => {
    const result = await runKeepingX(`class Bad(${base}):\n    ${definition}\nraise Bad`)
    expect(result).toMatchObject({ success: false, error: { name: 'Bad' } })
  })

  it('an exception whose class hides its name ends its run, not the session', async () => {
    const code = [
      'class Meta(type):',
      '    __name__ = property(lambda cls: 1 / 0)',
      'class Bad(Exception, metaclass=Meta): pass',
      'raise Bad',
    ].join('\n')
    expect(await runKeepingX(code)).toMatchObject({ success: false })
  })

  it.each(['GeneratorExit', 'StopIteration', 'KeyboardInterrupt', 'asyncio.CancelledError'])(
    '%s raised by the code is an error like others',
    async (name) => {
      const result = await runKeepingX(`import asyncio\nraise ${name}`)
      expect(result).toMatchObject({
        success: false,
        error: { name: name.replace('asyncio.', '') },
      })
    },
  )
})

describe('input', () => {
  it.each([
    ['input()', `input('name? ')`],
    ['getpass()', 'import getpass\ngetpass.getpass()'],
  ])('by %s is an error that says that it is not available', async (_, code) => {
    const result = await runKeepingX(code)
    expect(result).toMatchObject({ success: false, error: { name: 'InputError' } })
    expect(result.error?.value).toMatch(/not available: nobody can be asked/)
    expect(result.stderr).toBe('')
  })

  it.each([
    ['sys.stdin', 'import sys\nsys.stdin.read()', `''\n`],
    ['descriptor 0', 'import os\nos.read(0, 10)', `b''\n`],
    ['a child', `import subprocess\nsubprocess.run('cat; echo end', shell=True);`, 'end\n'],
    ['a closed sys.stdin', 'import sys\nsys.stdin.close()\nsys.stdin = None', ''],
  ])('from %s is empty', async (_, code, stdout) => {
    expect(await runKeepingX(code)).toMatchObject({ success: true, stdout })
  })
})

describe('a child that holds the output open', () => {
  it('delays neither its run, nor the next, nor closing', async () => {
    const tools = await sessionWithX()
    const code = `import subprocess\nchild = subprocess.Popen(['sleep', '100'])\nchild.pid`
    const startedAt = performance.now()
    const { stdout } = await tools.runPythonCode(code)
    await expectXKept(tools)
    await tools.close()
    expect(performance.now() - startedAt).toBeLessThan(AT_ONCE_MS)
    expect(await isAlive(Number(stdout))).toBe(false)
  })

  it('and writes without end harms neither later runs nor Node', async () => {
    const tools = await sessionWithX()
    await tools.runPythonCode(`import subprocess\nchild = subprocess.Popen(['yes'])`)
    await expectXKept(tools)
    const result = await tools.runPythonCode('child.kill()\nchild.wait()', { echo: 'none' })
    expect(result).toMatchObject({ success: true, stdout: '' })
  })

  it('of a process that died does not delay the result', async () => {
    const tools = await sessionWithX()
    const code = [
      'import os, subprocess',
      `subprocess.Popen(['sleep', '100'], start_new_session=True);`,
      `print('before')`,
      'os._exit(3)',
    ].join('\n')
    const result = await tools.runPythonCode(code, { timeout_ms: AT_ONCE_MS })
    expect(result).toMatchObject({ stdout: 'before\n', interpreter_crashed: true })
    expect(result).not.toHaveProperty('timed_out')
  })
})

describe('a removed workdir', () => {
  it('lets runs go on that do not need it', async () => {
    const tools = await sessionWithX()
    await rm(tools.workdir, { recursive: true })
    await expectXKept(tools)
    const result = await tools.runPythonCode('import os\nos.getcwd()')
    expect(result).toMatchObject({ error: { name: 'FileNotFoundError' }, state: 'kept' })
    expect(await tools.runPythonCode('import calendar')).toMatchObject({ success: true })
  })

  it('keeps figures as data and says why there is no file', async () => {
    const tools = await sessionWithX()
    await rm(tools.workdir, { recursive: true })
    const code = 'import matplotlib.pyplot as plt\nplt.plot([1, 2]);'
    const result = await tools.runPythonCode(code)
    expect(result).toMatchObject({ success: true })
    expect(result.base64_uri).toHaveLength(1)
    expect(result).not.toHaveProperty('fig_storage_path')
    expect(result.notices).toEqual([expect.stringContaining(tools.workdir)])
  })

  it('is a clear error for a new interpreter, until it is there again', async () => {
    const tools = await sessionWithX({ checkpoint: 'off' })
    await rm(tools.workdir, { recursive: true })
    await expect(tools.runPythonCode('1', { client_id: 'new' })).rejects.toMatchObject({
      code: 'START',
      message: expect.stringContaining(tools.workdir) as string,
    })
    const crashed = await tools.runPythonCode('import os\nos._exit(3)')
    expect(crashed).toMatchObject({
      success: false,
      interpreter_crashed: true,
      interpreter_restarted: false,
      state: 'lost',
    })
    expect(crashed.restart_reason).toMatch(/exited with code 3/)
    expect(JSON.stringify(crashed.notices)).toContain(tools.workdir)
    expect(JSON.stringify(crashed)).not.toMatch(/\.\.|\. during/)
    await mkdir(tools.workdir)
    expect(await tools.runPythonCode('print("x" in globals())')).toMatchObject({
      stdout: 'False\n',
      interpreter_restarted: true,
      state: 'lost',
      notices: [expect.not.stringContaining('No new process')],
    })
    await expectXLost(tools)
  })
})

describe('a Python that prints when it is started', () => {
  async function wrapper(...lines: string[]): Promise<string> {
    const file = join(await temporaryFolder(), 'python')
    await writeFile(file, ['#!/bin/sh', ...lines, `exec ${testPython} "$@"`, ''].join('\n'))
    await chmod(file, 0o755)
    return file
  }

  it('as a wrapper does that activates something, is used', async () => {
    const tools = await makeToolset({
      python: await wrapper('echo activating', `echo '{"event": 1}'`),
    })
    expect(await tools.runPythonCode('6 * 7')).toMatchObject({ success: true, stdout: '42\n' })
  })

  it('and ends with that is an error that says what it said', async () => {
    const tools = await makeToolset({
      python: await wrapper('case "$*" in *keeper.py*) echo no licence left; exit 3;; esac'),
    })
    await expect(tools.runPythonCode('1')).rejects.toMatchObject({
      code: 'START',
      message: expect.stringContaining('could not be started. no licence left') as string,
    })
  })

  it.each([['/bin/ls'], ['/bin/echo']])('such as %s is no Python', async (python) => {
    const tools = await makeToolset({ python })
    await expect(tools.runPythonCode('1')).rejects.toMatchObject({ code: 'NO_PYTHON' })
  })
})

describe('wrong parameters', () => {
  const wrongOptions: [string, unknown][] = [
    ['result_var_name', 5],
    ['result_var_name', ['x']],
    ['interpreter_id', 5],
    ['interpreter_id', {}],
    ['timeout_ms', '5'],
    ['timeout_ms', -1],
    ['timeout_ms', 1.5],
    ['timeout_ms', NaN],
    ['timeout_ms', Infinity],
    ['timeout_ms', 2 ** 31],
    ['unknown_key', 1],
  ]
  const wrongInputs: unknown[] = [
    undefined,
    null,
    5,
    true,
    'print(1)',
    [],
    [{ code: '1' }],
    {},
    { code: null },
    { code: 5 },
    { code: ['1'] },
    { code: '1', client_id: 'someone else' },
    { code: '1', signal: {} },
    { code: '1', echo: 'none' },
    ...wrongOptions.map(([key, value]) => ({ code: '1', [key]: value })),
  ]
  const wrongOperations: unknown[] = [
    undefined,
    null,
    5,
    'list',
    [],
    {},
    { operation: 'explode' },
    { operation: null },
    { operation: ['list'] },
    { operation: 'list', interpreter_id: 5 },
    { operation: 'list', client_id: 'someone else' },
    { operation: 'list', unknown_key: 1 },
  ]

  it('of run_python_code are answered with an error that names them, and start nothing', async () => {
    const tools = await makeToolset()
    const [run] = tools.tools()
    for (const input of wrongInputs) {
      const answer = await run?.execute(input)
      expect(answer, JSON.stringify(input)).toEqual({
        success: false,
        error: {
          name: 'InvalidOptionError',
          value: expect.stringMatching(/^run_python_code: ./) as string,
          traceback: '',
        },
      })
    }
    for (const [key, value] of wrongOptions) {
      const answer = await run?.execute({ code: '1', [key]: value })
      expect(answer).toMatchObject({ error: { value: expect.stringContaining(key) as string } })
    }
    const list = await tools.manageInterpreters({ operation: 'list' })
    expect(list).toEqual({ success: true, interpreters: [] })
  })

  it('of manage_interpreters are answered with a sentence', async () => {
    const tools = await makeToolset()
    const [, manage] = tools.tools()
    for (const input of wrongOperations) {
      const answer = await manage?.execute(input)
      expect(answer, JSON.stringify(input)).toEqual({
        success: false,
        error: expect.stringMatching(/^manage_interpreters: ./) as string,
      })
    }
  })

  it('of runPythonCode reject', async () => {
    const tools = await makeToolset()
    const rejection = { name: 'InvalidOptionError', code: 'INVALID_OPTION' }
    const notCode = [undefined, null, 5, true, [], {}, { code: 5 }]
    for (const code of notCode) {
      await expect(tools.runPythonCode(code as string)).rejects.toMatchObject(rejection)
    }
    const wrong = [...wrongOptions, ['client_id', 5], ['client_id', ''], ['echo', 'some']] as const
    for (const [key, value] of [...wrong, ['signal', 5] as const]) {
      const options = { [key]: value } as RunOptions
      await expect(tools.runPythonCode('1', options), key).rejects.toMatchObject({
        ...rejection,
        message: expect.stringContaining(key) as string,
      })
      await expect(tools.runPythonCode({ code: '1', ...options })).rejects.toMatchObject(rejection)
    }
  })

  it.each([[null], [5], ['x'], [[]], [true]])(
    'of runPythonCode as %j for all options reject',
    async (options) => {
      const tools = await makeToolset()
      const call = tools.runPythonCode('1', options as RunOptions)
      await expect(call).rejects.toMatchObject({ code: 'INVALID_OPTION' })
    },
  )

  it('of manageInterpreters reject', async () => {
    const tools = await makeToolset()
    const wrong = wrongOperations.filter(
      (input) => !JSON.stringify(input ?? {}).includes('client_id'),
    )
    for (const input of [...wrong, { operation: 'list', client_id: 5 }]) {
      const call = tools.manageInterpreters(input as ManageOptions)
      await expect(call, JSON.stringify(input)).rejects.toMatchObject({ code: 'INVALID_OPTION' })
    }
  })

  it('of the constructor throw', () => {
    const wrong = [
      { name: 5 },
      { name: '' },
      { workdir: 5 },
      { initCode: 5 },
      { python: '' },
      { env: { A: 5 } },
      { env: [] },
      { inheritEnv: 'PATH' },
      { echo: 'some' },
      { timeoutMs: -1 },
      { interruptGraceMs: '5' },
      { maxOutputBytes: 0 },
      { figures: 'yes' },
      { figures: { folder: '../figures' } },
      { figures: { folder: '/figures' } },
      { engine: {} },
      { unknownKey: 1 },
    ]
    for (const options of wrong) {
      const [key = ''] = Object.keys(options)
      const make = () => new PythonInterpreterToolSet(options as object)
      expect(make, key).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }) as Error)
      expect(make).toThrow(key)
    }
  })

  it('of the constructor are told with what is expected in their place', () => {
    const told: [object, string][] = [
      [{ figures: 'svg' }, 'figures: Invalid input: expected boolean or object'],
      [
        { figures: { format: 'jpg' } },
        'figures.format: Invalid option: expected one of "png"|"svg"',
      ],
      [
        { figures: { fmt: 'svg' } },
        'figures: Unrecognized key: "fmt" (there are: folder, format, dpi)',
      ],
      [{ inheritEnv: 'PATH' }, 'inheritEnv: Invalid input: expected boolean or array'],
      [{ inheritEnv: [1] }, 'inheritEnv.0: Invalid input: expected string, received number'],
    ]
    for (const [options, sentence] of told) {
      const make = () => new PythonInterpreterToolSet(options)
      expect(make).toThrow(`new PythonInterpreterToolSet(): ${sentence}`)
    }
    expect(() => new PythonInterpreterToolSet({ workDir: '.' } as object)).toThrow(
      /"workDir" \(there are: name, workdir, .*engine/,
    )
  })

  it.each([{ start: 'foo' }, { preload: 'numpy' }, { startTimeoutMs: 0 }, { nonsense: 1 }])(
    'of LocalEngine, such as %j, throw',
    (options) => {
      const [key = ''] = Object.keys(options)
      const make = () => new LocalEngine(options as object)
      expect(make).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }) as Error)
      expect(make).toThrow(key)
    },
  )

  it('such as an unknown id are refused, also the id of another client', async () => {
    const tools = await makeToolset()
    const { interpreter_id: others } = await tools.runPythonCode('x = 1', { client_id: 'other' })
    const [run, manage] = tools.tools()
    for (const interpreter_id of ['unknown', '', '__proto__', others]) {
      expect(await run?.execute({ code: '1', interpreter_id })).toMatchObject({
        success: false,
        error: { name: 'UnknownInterpreterError' },
      })
      for (const operation of ['delete', 'restart', 'interrupt']) {
        expect(await manage?.execute({ operation, interpreter_id })).toEqual({
          success: false,
          error: expect.stringContaining(JSON.stringify(interpreter_id)) as string,
        })
      }
      const call = tools.runPythonCode('1', { interpreter_id, client_id: 'me' })
      await expect(call).rejects.toMatchObject({ code: 'UNKNOWN_INTERPRETER' })
    }
    const kept = await tools.runPythonCode('x', { interpreter_id: others })
    expect(kept).toMatchObject({ stdout: '1\n' })
  })

  it.each([5, { client_id: 5 }, { client_id: '' }])(
    'in the context of a tool call, such as %j, are answered',
    async (context) => {
      const tools = await makeToolset()
      const inputs = [{ code: '1' }, { operation: 'list' }]
      const calls = tools.tools().map((tool, i) => () => tool.execute(inputs[i], context as object))
      for (const call of calls) expect(await call()).toMatchObject({ success: false })
    },
  )
})

describe('a malformed message', () => {
  const run = { type: 'run', run: 1, code: '1', echo: 'all', result_var_name: null, can_ask: false }
  const json = (message: object) => JSON.stringify(message)

  it.each<[string, (string | Buffer)[]]>([
    ['that is empty', ['']],
    ['that is no JSON', ['print(1)']],
    ['that is half JSON', ['{"type": "run"']],
    ['that is no UTF-8', [Buffer.from([0xff, 0xfe, 0x00])]],
    ['of two frames', [json(run), json(run)]],
    ['that is a list', ['[]']],
    ['that is a number', ['5']],
    ['that is null', ['null']],
    ['without a type', [json({ ...run, type: undefined })]],
    ['of an unknown type', [json({ ...run, type: 'explode' })]],
    ['whose type is a list', [json({ ...run, type: ['run'] })]],
    ['without code', [json({ ...run, code: undefined })]],
    ['whose code is a number', [json({ ...run, code: 5 })]],
    ['whose run is a text', [json({ ...run, run: '1' })]],
    ['whose run is a fraction', [json({ ...run, run: 1.5 })]],
    ['whose run is true', [json({ ...run, run: true })]],
    ['whose echo is null', [json({ ...run, echo: null })]],
    ['whose echo is unknown', [json({ ...run, echo: 'sometimes' })]],
    ['whose variable is a list', [json({ ...run, result_var_name: ['x'] })]],
    ['that does not say whether it can ask', [json({ ...run, can_ask: null })]],
    ['that is nested 100,000 levels deep', ['['.repeat(100_000)]],
    ['with a number of 10,000 digits', [`{"type": "run", "run": ${'1'.repeat(10_000)}}`]],
  ])('%s is answered by the worker with an error, and the next is served', async (_, frames) => {
    const worker = await startRawWorker()
    const answer = await worker.ask(...frames)
    expect(answer).toMatchObject({
      type: 'error',
      message: expect.stringContaining('malformed message') as string,
    })
    expect(await worker.ask(json({ ...run, run: 7 }))).toMatchObject({
      type: 'reply',
      run: 7,
      completed: true,
    })
  })

  const socket = [
    'import gc, json, os, zmq',
    'socket = next(o for o in gc.get_objects() if isinstance(o, zmq.Socket))',
  ].join('\n')
  const reply = {
    type: 'reply',
    completed: true,
    error: null,
    notices: [],
    seconds: 0,
    pipes: null,
  }
  const forged = (fields: object) =>
    `socket.send(json.dumps({**json.loads(${JSON.stringify(JSON.stringify(reply))}), ` +
    `**json.loads(${JSON.stringify(JSON.stringify(fields))})}).encode())`

  it.each([
    ['that is no JSON', `socket.send(b'garbage')`],
    ['that is empty', `socket.send(b'')`],
    ['of many frames', `socket.send_multipart([b'a', b'b', b'c'])`],
    ['of an unknown type', `socket.send(b'{"type": "explode"}')`],
    ['that is an error', `socket.send(b'{"type": "error", "message": "x"}')`],
    ['for another run', forged({ run: 999 })],
    [
      'with pipes that are not there',
      forged({ run: 2, pipes: { stdout: '/none', stderr: '/none' } }),
    ],
    ['with pipes that are no pipes', forged({ run: 2, pipes: { stdout: '/', stderr: '/' } })],
  ])('%s from user code ends its process at worst, and harms no other', async (_, send) => {
    const tools = await sessionWithX({ checkpoint: 'off' })
    await tools.runPythonCode('x = 43', { client_id: 'bystander' })
    const result = await tools.runPythonCode(`${socket}\n${send}\nimport time\ntime.sleep(100)`, {
      timeout_ms: AT_ONCE_MS,
    })
    expect(result).toMatchObject({ success: false, interpreter_crashed: true, state: 'lost' })
    expect(result).not.toHaveProperty('timed_out')
    expect(result.restart_reason).toMatch(/message/)
    const bystander = tools.runPythonCode('x', { client_id: 'bystander' })
    const stuck = setTimeout(AT_ONCE_MS, 'stuck', { ref: false })
    expect(await Promise.race([bystander, stuck])).toMatchObject({ stdout: '43\n', state: 'kept' })
    await expectXLost(tools)
  })

  it.each([
    ['a display that is no JSON', `b'x\\n{oops'`],
    ['a display that is null', `b'x\\nnull'`],
    ['a display without data', `b'x\\n{}'`],
    ['a display without name', `b'{}'`],
    ['a display whose image is a number', `b'x\\n{"data": {"image/png": 5}, "metadata": {}}'`],
  ])('in the output pipes, such as %s, does not harm Node', async (_, payload) => {
    const tools = await sessionWithX()
    const code = [
      'import gc, os',
      'output = next(o for o in gc.get_objects() if type(o).__name__ == "Output")',
      `payload = ${payload}`,
      `os.write(1, b'\\x1e' + output._nonce + b'D2:%d\\n' % len(payload) + payload);`,
    ].join('\n')
    const result = await tools.runPythonCode(code, { timeout_ms: AT_ONCE_MS })
    expect(result).not.toHaveProperty('timed_out')
    expect(result).not.toHaveProperty('base64_uri')
    expect(await tools.runPythonCode('1')).toMatchObject({ success: true })
  })
})

describe('code that swallows KeyboardInterrupt', () => {
  it('is not hindered when nobody interrupts it', async () => {
    const code = 'try:\n    raise KeyboardInterrupt\nexcept KeyboardInterrupt:\n    print(x)'
    expect(await runKeepingX(code)).toMatchObject({ success: true, stdout: '42\n' })
  })
})
