import { chmod, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { execa } from 'execa'
import { describe, expect, it, onTestFinished } from 'vitest'
import {
  InvalidOptionError,
  LimitError,
  LocalEngine,
  StartError,
  toModelText,
  type PythonInterpreterToolSet,
} from '../src/index.js'
import { doctor } from '../src/environment/doctor.js'
import { isAlive } from './helpers/processes.js'
import { makeToolset, temporaryFolder, testPython } from './helpers/toolset.js'

const root = join(import.meta.dirname, '..')
const MB = 2 ** 20
/** Room for numpy and pandas, which templates import, and little more. */
const MEMORY = 600 * MB

/** What most limits are seen by. */
const RLIMITS =
  'import resource\nprint(*(resource.getrlimit(getattr(resource, "RLIMIT_" + name))[0] for name in ("AS", "FSIZE", "NOFILE")))'

async function stdoutOf(tools: PythonInterpreterToolSet, code: string): Promise<string> {
  const result = await tools.runPythonCode(code)
  expect(result).toMatchObject({ success: true })
  return result.stdout
}

// Each of these ends by itself, or at a time limit, should nothing hold it: with 1.5 GB, 40 processes.
describe('memory', () => {
  it.each([
    ['Python', 'kept = []\nfor _ in range(1500): kept.append(bytes(1_000_000))', 'del kept'],
    [
      'many small objects',
      'kept = [1]\nfor _ in range(15_000_000): kept = [kept, kept]',
      'del kept',
    ],
    ['numpy', 'import numpy\nkept = numpy.ones(2**27)', 'pass'],
  ])('is refused to a bomb of %s, and the session goes on', async (_, bomb, cleanUp) => {
    const tools = await makeToolset({ limits: { memory: MEMORY } })
    await tools.runPythonCode('x = 42')
    const result = await tools.runPythonCode(bomb)
    expect(result).toMatchObject({ success: false, limit: 'memory', state: 'kept' })
    expect(result.error?.name).toMatch(/MemoryError$/)
    expect(toModelText(result)).toContain(
      `NOTICE: The run went over its limit of ${MEMORY} bytes of memory (memory).`,
    )
    expect(await stdoutOf(tools, `${cleanUp}\nprint(x)`)).toBe('42\n')
  })

  it('is refused to child processes, too', async () => {
    const tools = await makeToolset({ limits: { memory: MEMORY } })
    const { stdout } = await tools.runPythonCode(
      `import subprocess, sys\nprint(subprocess.run([sys.executable, '-c', 'bytes(${MEMORY})'], capture_output=True, text=True).stderr)`,
    )
    expect(stdout).toContain('MemoryError')
  })

  it('that does not even suffice for a start is told so', async () => {
    const tools = await makeToolset({
      limits: { memory: 64 * MB },
      engine: engine('fork'),
    })
    await expect(tools.runPythonCode('1')).rejects.toThrow(StartError)
    await expect(tools.runPythonCode('1')).rejects.toThrow(
      /limits.memory is 67108864 bytes, but .* Ask for \d+ or more/,
    )
  })
})

describe('a limit', () => {
  it('is told where it is known only', async () => {
    const limits = { memory: MEMORY, fileSize: MB, openFiles: 100, cpuSeconds: 5, outputBytes: MB }
    const tools = await makeToolset({ limits })
    const codes = [
      'raise MemoryError("said by code")',
      'raise OSError(27, "said by code")',
      'open("none")',
      'import os, signal\nos.kill(os.getpid(), signal.SIGXCPU)\nprint("unharmed")',
      'print("x" * 1000)',
    ]
    for (const code of codes) {
      expect(await tools.runPythonCode(code)).not.toHaveProperty('limit')
    }
    const unlimited = await makeToolset()
    const error = { name: 'MemoryError' }
    const result = await unlimited.runPythonCode('bytes(2**60)')
    expect(result).toMatchObject({ success: false, error })
    expect(result).not.toHaveProperty('limit')
  })

  it('is told where what it caused was raised again as something else', async () => {
    const tools = await makeToolset({ limits: { memory: MEMORY } })
    const code = 'try: bytes(2**40)\nexcept MemoryError as e: raise ValueError("too large") from e'
    expect(await tools.runPythonCode(code)).toMatchObject({
      limit: 'memory',
      error: { name: 'ValueError' },
    })
  })

  it('cannot be raised by code', async () => {
    const tools = await makeToolset({ limits: { memory: MEMORY, fileSize: MB, openFiles: 100 } })
    for (const name of ['AS', 'FSIZE', 'NOFILE']) {
      const { error } = await tools.runPythonCode(
        `import resource\nresource.setrlimit(resource.RLIMIT_${name}, (2**40, 2**40))`,
      )
      expect(error?.name, name).toBe('ValueError')
    }
  })

  it.each(['fork', 'spawn'] as const)(
    'holds after a restore, after a restart and in a branch of a session that is started by %s',
    async (start) => {
      const limits = { memory: MEMORY, fileSize: MB, openFiles: 100, cpus: 1 }
      const tools = await makeToolset({ limits, checkpoint: 'always', engine: engine(start) })
      const look = `${RLIMITS}\nimport os; print(len(os.sched_getaffinity(0)))`
      const held = `${MEMORY} ${MB} 100\n1\n`
      expect(await stdoutOf(tools, look)).toBe(held)
      await tools.runPythonCode('import os\nos.kill(os.getpid(), 9)')
      expect(await stdoutOf(tools, look)).toBe(held)
      const { interpreter_id } = await tools.branch()
      const branched = await tools.runPythonCode(look, { interpreter_id })
      expect(branched.stdout).toBe(held)
      await tools.manageInterpreters({ operation: 'restart' })
      expect(await stdoutOf(tools, look)).toBe(held)
    },
  )

  it('is refused where it is not one', async () => {
    for (const limits of [{ memory: 0 }, { cpus: 1.5 }, { wallMs: -1 }, { openFiles: 10 }]) {
      await expect(makeToolset({ limits })).rejects.toThrow(InvalidOptionError)
    }
    // @ts-expect-error: there is none of this name
    await expect(makeToolset({ limits: { ram: 1 } })).rejects.toThrow(/Unrecognized key: "ram"/)
  })
})

describe('cpus', () => {
  it('and memory come from a tier, which limits override', async () => {
    const tools = await makeToolset({ tier: 'small', limits: { memory: MEMORY } })
    const code = `${RLIMITS}\nimport os\nprint(len(os.sched_getaffinity(0)), os.environ['OMP_NUM_THREADS'])`
    expect(await stdoutOf(tools, code)).toMatch(new RegExp(`^${MEMORY} -1 \\d+\n1 1\n$`))
  })
})

describe('cpuSeconds', () => {
  it('ends Python code with an error, and counts for each run anew', async () => {
    const tools = await makeToolset({ limits: { cpuSeconds: 1 } })
    await tools.runPythonCode('x = 42')
    for (let i = 0; i < 2; i++) {
      expect(await tools.runPythonCode('while True: pass')).toMatchObject({
        success: false,
        limit: 'cpuSeconds',
        state: 'kept',
        // Said by the worker or, on a busy machine, by Node.
        error: { name: 'TimeoutError', value: expect.stringContaining('CPU time') as string },
      })
    }
    expect(await stdoutOf(tools, 'print(x)')).toBe('42\n')
  })

  it('ends code that catches the error', async () => {
    const tools = await makeToolset({ limits: { cpuSeconds: 1 } })
    const result = await tools.runPythonCode(
      'while True:\n    try:\n        while True: pass\n    except Exception: pass',
    )
    expect(result).toMatchObject({ success: false, limit: 'cpuSeconds', state: 'kept' })
  })

  it('kills C code that does not stop, and the session is restored, with its limits', async () => {
    const limits = { cpuSeconds: 1 }
    const tools = await makeToolset({ limits, checkpoint: 'always', interruptGraceMs: 200 })
    await tools.runPythonCode('x = 42')
    for (let i = 0; i < 2; i++) {
      const result = await tools.runPythonCode('sum(range(10**13))')
      expect(result).toMatchObject({
        success: false,
        limit: 'cpuSeconds',
        interpreter_crashed: true,
        state: 'restored',
        restored_to: 1,
        error: { name: 'TimeoutError' },
      })
      expect(result.error?.value).toMatch(/^The run went over its limit of 1 s of CPU time/)
    }
    expect(await stdoutOf(tools, 'print(x)')).toBe('42\n')
  })

  it('that code has switched off is held by Node', async () => {
    const tools = await makeToolset({ limits: { cpuSeconds: 1 } })
    const code =
      'import resource, signal\nresource.setrlimit(resource.RLIMIT_CPU, (-1, -1))\n' +
      'signal.signal(signal.SIGXCPU, signal.SIG_IGN)\nwhile True: pass'
    expect(await tools.runPythonCode(code)).toMatchObject({
      limit: 'cpuSeconds',
      error: { name: 'TimeoutError' },
    })
  })
})

describe('fileSize', () => {
  it('ends the run that writes more, and its child processes', async () => {
    const tools = await makeToolset({ limits: { fileSize: MB } })
    await tools.runPythonCode('x = 42')
    expect(await tools.runPythonCode('open("a", "wb").write(bytes(2**21))')).toMatchObject({
      limit: 'fileSize',
      error: { name: 'OSError' },
      files: [{ path: 'a', size: MB }],
      state: 'kept',
    })
    await tools.runPythonCode(
      'import subprocess\nsubprocess.run("head -c 3000000 /dev/zero > b", shell=True)',
    )
    expect((await tools.files.read('b')).length).toBe(MB)
    expect(await stdoutOf(tools, 'print(x)')).toBe('42\n')
  })
})

describe('openFiles', () => {
  it('leaves the worker what it needs for a checkpoint', async () => {
    const tools = await makeToolset({ limits: { openFiles: 80 }, checkpoint: 'always' })
    const full = 'files = []\nwhile True: files.append(open("/dev/null"))'
    const result = await tools.runPythonCode(full)
    expect(result).toMatchObject({ limit: 'openFiles', error: { name: 'OSError' }, state: 'kept' })
    await tools.checkpoint()
    expect(await tools.runPythonCode('import os\nos.kill(os.getpid(), 9)')).toMatchObject({
      state: 'restored',
      restored_to: 1,
    })
    expect(await tools.runPythonCode('open("/dev/null")')).toMatchObject({ limit: 'openFiles' })
  })
})

describe('outputBytes', () => {
  it('stops a run that prints without an end', async () => {
    const tools = await makeToolset({ limits: { outputBytes: 100_000 }, timeoutMs: 10_000 })
    await tools.runPythonCode('x = 42')
    const result = await tools.runPythonCode('import sys\nwhile True: print("y", file=sys.stderr)')
    expect(result).toMatchObject({
      success: false,
      limit: 'outputBytes',
      state: 'kept',
      error: {
        name: 'LimitExceeded',
        value:
          'The run was stopped because it went over its limit of 100000 bytes of output (outputBytes).',
      },
    })
    expect(await stdoutOf(tools, 'print(x)')).toBe('42\n')
  })

  it('kills one that does not stop, and the session is restored', async () => {
    const tools = await makeToolset({
      limits: { outputBytes: 100_000 },
      timeoutMs: 10_000,
      checkpoint: 'always',
      interruptGraceMs: 200,
    })
    await tools.runPythonCode('x = 42')
    const result = await tools.runPythonCode(
      'while True:\n    try:\n        while True: print("y" * 100)\n    except BaseException: pass',
    )
    expect(result).toMatchObject({ limit: 'outputBytes', state: 'restored', restored_to: 1 })
    expect(result.restart_reason).toContain('went over a limit')
    expect(await stdoutOf(tools, 'print(x)')).toBe('42\n')
  })

  it('is told of a run that has ended by itself meanwhile', async () => {
    const tools = await makeToolset({ limits: { outputBytes: 1000 } })
    const { limit } = await tools.runPythonCode('print("x" * 2000)')
    expect(limit).toBe('outputBytes')
  })
})

describe('diskBytes', () => {
  it('stops a run that fills the workdir, and lets one run that clears it', async () => {
    const tools = await makeToolset({ limits: { diskBytes: 4 * MB } })
    const fill =
      'import time\nfor i in range(1000):\n    with open(f"f{i}", "wb") as f: f.write(bytes(100_000))\n    time.sleep(0.01)'
    expect(await tools.runPythonCode(fill)).toMatchObject({
      success: false,
      limit: 'diskBytes',
      state: 'kept',
      error: { name: 'LimitExceeded' },
    })
    const clear = await tools.runPythonCode(
      'import glob, os\nfor f in glob.glob("f*")[1:]: os.remove(f); time.sleep(0.01)',
    )
    expect(clear).toMatchObject({ success: true })
    expect(clear).not.toHaveProperty('limit')
    const quick = await tools.runPythonCode('open("quick", "wb").write(bytes(5_000_000))')
    expect(quick).toMatchObject({ limit: 'diskBytes' })
  })
})

describe('wallMs', () => {
  it('ends a run whatever time it has asked for, be it detached', async () => {
    const tools = await makeToolset({ limits: { wallMs: 1000 } })
    await tools.runPythonCode('x = 42\nimport time')
    for (const options of [
      {},
      { timeout_ms: 0 },
      { timeout_ms: 60_000, on_timeout: 'detach' as const },
    ]) {
      expect(await tools.runPythonCode('time.sleep(60)', options)).toMatchObject({
        success: false,
        limit: 'wallMs',
        timed_out: true,
        state: 'kept',
        error: { name: 'TimeoutError' },
      })
    }
    const call = await tools.runPythonCode('time.sleep(60)', {
      timeout_ms: 100,
      on_timeout: 'detach',
    })
    expect(call).toMatchObject({ detached: true })
    expect(call).not.toHaveProperty('limit')
    const ended = await tools.wait()
    expect(ended).toMatchObject({ running: false, run: { limit: 'wallMs' } })
    const shorter = await tools.runPythonCode('time.sleep(60)', { timeout_ms: 100 })
    expect(shorter).toMatchObject({ timed_out: true })
    expect(shorter).not.toHaveProperty('limit')
    expect(await stdoutOf(tools, 'print(x)')).toBe('42\n')
  })
})

describe('processes', () => {
  /** How a process is started that is not exempt from the limit; null where that cannot be. */
  const unprivileged =
    process.getuid?.() !== 0
      ? []
      : [
          'setpriv',
          ...['--reuid=65534', '--regid=65534', '--clear-groups'],
          // The Python of the tests may be in a folder that is root's alone.
          ...['--inh-caps=-all,+dac_override', '--ambient-caps=+dac_override'],
        ]

  it('are refused to fork bombs and threads, also after a restore', async () => {
    const workdir = await temporaryFolder()
    // What access() says of the Python itself is not true of who has this capability.
    const python = join(workdir, 'python')
    await writeFile(python, `#!/bin/sh\nexec ${JSON.stringify(testPython)} "$@"\n`, { mode: 0o755 })
    await chmod(dirname(workdir), 0o711)
    await chmod(workdir, 0o777)
    const [command = '', ...args] = [
      ...unprivileged,
      process.execPath,
      ...['--import', import.meta.resolve('tsx')],
      join(root, 'test/fixtures/process-limit.ts'),
      ...[workdir, python],
    ]
    const { stdout } = await execa(command, args, { cwd: workdir })
    const results = stdout.split('\n').map((line) => JSON.parse(line) as Record<string, unknown>)
    const refused = { success: false, limit: 'processes', error: 'BlockingIOError' }
    const [, bomb, , started, raised, of, threads, joined, again, killed, restored, last] = results
    expect(bomb).toMatchObject({ ...refused, state: 'kept' })
    expect(Number(started?.['stdout']?.toString().split(' ')[1])).toBeLessThanOrEqual(10 + 8)
    expect(raised).toMatchObject({ error: 'ValueError' })
    expect(of).toMatchObject({ error: 'BlockingIOError' })
    expect(of).not.toHaveProperty('limit')
    expect(threads).toMatchObject({ limit: 'processes', error: 'RuntimeError' })
    expect(Number(joined?.['stdout'])).toBeLessThanOrEqual(10 + 8)
    expect(again).toMatchObject(refused)
    expect(killed).toMatchObject({ success: false, state: 'restored' })
    expect(restored).toMatchObject({ success: true, stdout: '42\n' })
    expect(last).toMatchObject(refused)
  })

  it.runIf(process.getuid?.() === 0)('cannot be limited for root, and say so', async () => {
    const tools = await makeToolset({ limits: { processes: 10 } })
    const refused = tools.runPythonCode('1')
    await expect(refused).rejects.toThrow(LimitError)
    await expect(refused).rejects.toThrow(
      /^limits\.processes cannot be enforced here because root is exempt .* bestEffort: true/,
    )
    await expect(refused).rejects.toMatchObject({ code: 'LIMIT', limit: 'processes' })

    const bestEffort = await makeToolset({ limits: { processes: 10, bestEffort: true } })
    expect(await bestEffort.runPythonCode('1')).toMatchObject({ success: true })
    const { interpreters } = (await bestEffort.manageInterpreters({ operation: 'list' })) as {
      interpreters: { unenforced_limits: object; pid: number }[]
    }
    expect(interpreters[0]?.unenforced_limits).toEqual({
      processes: expect.stringContaining('root is exempt') as string,
    })
    expect(await isAlive(interpreters[0]?.pid ?? 0)).toBe(true)
  })
})

describe('a capability', () => {
  it.runIf(process.getuid?.() === 0)('that is dropped does not come back by exec', async () => {
    // Another than the one that is dropped for limits, which the machine may have dropped itself.
    const code =
      'import subprocess, sys\nsys.path[:0] = ["python"]\n' +
      'from _python_interpreter_toolset.limits import drop_capability\n' +
      'drop_capability(25)\n' +
      'has = lambda text: [int(line.split()[1], 16) >> 25 & 1 for line in text.splitlines() if line.startswith(("CapEff", "CapPrm", "CapBnd"))]\n' +
      'print(has(open("/proc/self/status").read()), has(subprocess.run(["cat", "/proc/self/status"], capture_output=True, text=True).stdout))'
    const before = await execa('cat', ['/proc/self/status'])
    expect(before.stdout).toMatch(/CapEff:\s+[0-9a-f]{9}[2367abef]/)
    const { stdout } = await execa(testPython, ['-c', code], { cwd: root })
    expect(stdout).toBe('[0, 0, 0] [0, 0, 0]')
  })
})

describe('a control group', () => {
  it('is asked for the memory that it leaves, as the Python tests of that say', async () => {
    const args = ['-m', 'unittest', 'discover', '-s', 'test/python', '-p', 'test_cgroup_memory.py']
    const { stderr } = await execa(testPython, args, { cwd: root })
    expect(stderr).toMatch(/Ran \d tests[^]*\nOK/)
  })
})

describe('doctor', () => {
  it('says what enforces each limit', async () => {
    const lines: string[] = []
    await doctor({ python: testPython, write: (line) => lines.push(line) })
    expect(lines).toContainEqual(expect.stringMatching(/^ {2}memory +RLIMIT_AS, for each process/))
    expect(lines).toContainEqual(expect.stringMatching(/^ {2}wallMs +Node$/))
    expect(lines).toContainEqual(expect.stringMatching(/^ {2}cgroups v2 +\S/))
    const processes = lines.find((line) => line.startsWith('  processes'))
    expect(processes).toContain(
      process.getuid?.() === 0 ? 'cannot be enforced because root is exempt' : 'RLIMIT_NPROC',
    )
  })
})

/** One that is closed when the test ends. */
function engine(start: 'fork' | 'spawn'): LocalEngine {
  const made = new LocalEngine({ start })
  onTestFinished(() => made.close())
  return made
}
