/**
 * Control groups, where they are delegated: docs/limits.md says how a program is started with them. Run
 * these tests in the same way; elsewhere they are skipped.
 */
import { readdir, readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { delegatedCgroup, HOST_GROUP } from '../src/environment/delegated-cgroup.js'
import { doctor } from '../src/environment/doctor.js'
import {
  LocalEngine,
  type InterpreterInfo,
  type PythonInterpreterToolSet,
  type PythonInterpreterToolSetOptions,
} from '../src/index.js'
import { makeToolset, testPython } from './helpers/toolset.js'

const MB = 2 ** 20
const delegated = delegatedCgroup()
const whyNot =
  delegated.folder === null
    ? delegated.why
    : delegated.controllers.size < 3 && `only ${[...delegated.controllers].join(' ')} are delegated`
const parent = delegated.folder ?? ''

/** The control group of a process, which is a folder of `parent`. */
async function groupOf(pid: number | string): Promise<string> {
  const lines = await readFile(`/proc/${pid}/cgroup`, 'utf8')
  return /^0::(.*)$/m.exec(lines)?.[1] ?? ''
}

async function listed(tools: PythonInterpreterToolSet): Promise<InterpreterInfo[]> {
  const answer = await tools.manageInterpreters({ operation: 'list' })
  return (answer.success && answer.interpreters) || []
}

/** The groups that there are beside that of this process. */
async function groups(): Promise<string[]> {
  const entries = await readdir(parent, { withFileTypes: true })
  const names = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name)
  return names.filter((name) => name !== HOST_GROUP)
}

/** The pids in the group of that name. */
async function members(group: string): Promise<number[]> {
  const text = await readFile(join(parent, group, 'cgroup.procs'), 'utf8')
  return text.split('\n').filter(Boolean).map(Number)
}

const CHILD = `
import subprocess, sys
child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'], start_new_session=True)`
/** Takes memory in six processes at once. */
function children(bytes: number): string {
  return `
import subprocess, sys
code = 'kept = b"x" * ${bytes}; input()'
children = [subprocess.Popen([sys.executable, '-c', code], stdin=subprocess.PIPE) for _ in range(6)]
for child in children: child.communicate()`
}
const FORKS = `
import os, time
pids = []
for _ in range(40):
    pid = os.fork()
    if pid == 0:
        time.sleep(600)
        os._exit(0)
    pids.append(pid)`

describe.skipIf(typeof whyNot === 'string').each([
  { start: 'fork', sandbox: false },
  { start: 'spawn', sandbox: false },
  { start: 'fork', sandbox: true },
  { start: 'spawn', sandbox: true },
] as const)('a session with a control group ($start, sandbox: $sandbox)', ({ start, sandbox }) => {
  async function make(options: PythonInterpreterToolSetOptions): Promise<PythonInterpreterToolSet> {
    const engine = new LocalEngine({ start, preload: [] })
    onTestFinished(() => engine.close())
    return makeToolset({ engine, sandbox, checkpoint: 'always', echo: 'none', ...options })
  }

  it('has its processes in it before initCode runs, and its checkpoints, and goes with them', async () => {
    const initCode = `${CHILD}\ngroup = open('/proc/self/cgroup').read()`
    const tools = await make({ initCode, limits: { memory: 512 * MB, processes: 20, cpus: 1 } })
    const result = await tools.runPythonCode('print(group)\nx = 42')
    const [info] = await listed(tools)
    const group = basename(await groupOf(info?.pid ?? 0))
    expect(await groups()).toEqual([group])
    expect(result.stdout).toContain(`/${group}\n`)
    await tools.checkpoint()
    // The interpreter, its child, and two checkpoints.
    await expect.poll(() => members(group)).toHaveLength(4)
    expect(await groupOf(process.pid)).toMatch(new RegExp(`/${HOST_GROUP}$`))
    const read = async (file: string) => (await readFile(join(parent, group, file), 'utf8')).trim()
    expect(await read('memory.max')).toBe(String(512 * MB))
    expect(await read('pids.max')).toBe('29')
    expect(await read('cpu.max')).toBe('100000 100000')
    await tools.runPythonCode('import os, signal\nos.kill(os.getpid(), signal.SIGKILL)')
    const after = await tools.runPythonCode('print(x)')
    expect(after.stdout).toBe('42\n')
    const [restored] = await listed(tools)
    expect(basename(await groupOf(restored?.pid ?? 0))).toBe(group)
    await tools.close()
    await expect.poll(groups).toEqual([])
  })

  it('is held to its memory in all, and says so, and goes on', async () => {
    const tools = await make({ limits: { memory: 400 * MB }, interruptGraceMs: 300 })
    await tools.runPythonCode('x = 42')
    const result = await tools.runPythonCode(children(150_000_000))
    expect(result).toMatchObject({ limit: 'memory' })
    expect(['kept', 'restored']).toContain(result.state)
    const after = await tools.runPythonCode('print(x)')
    expect(after).toMatchObject({ stdout: '42\n', state: 'kept' })
    expect(after).not.toHaveProperty('limit')
  })

  it('is restored where the system ends its process for that', async () => {
    const tools = await make({ limits: { memory: 400 * MB } })
    await tools.runPythonCode('x = 42')
    // The system ends the largest.
    const result = await tools.runPythonCode(`held = b'x' * 250_000_000\n${children(60_000_000)}`)
    expect(result).toMatchObject({ limit: 'memory', state: 'restored', restored_to: 1 })
    expect(result.restart_reason).toContain('limit of memory')
    expect(await tools.runPythonCode('print(x)')).toMatchObject({ stdout: '42\n', state: 'kept' })
  })

  it('is held to its processes, also for root', async () => {
    const tools = await make({ limits: { processes: 10 } })
    await tools.runPythonCode('x = 42')
    for (let i = 0; i < 2; i++) {
      expect(await tools.runPythonCode(FORKS)).toMatchObject({
        limit: 'processes',
        error: { name: 'BlockingIOError' },
        state: 'kept',
      })
      const end = 'import signal\nfor pid in pids: os.kill(pid, signal.SIGKILL); os.waitpid(pid, 0)'
      const ended = await tools.runPythonCode(`${end}\nprint(x, len(pids) <= 10 + 8)`)
      expect(ended).toMatchObject({ stdout: '42 True\n' })
      expect(ended).not.toHaveProperty('limit')
    }
  })

  it('has none that its branches have, and sees none where it is in a sandbox', async () => {
    const tools = await make({ limits: { memory: 512 * MB } })
    await tools.runPythonCode('x = 42')
    const { interpreter_id } = await tools.branch()
    const branch = await tools.runPythonCode('print(x)', { interpreter_id })
    expect(branch.stdout).toBe('42\n')
    const pids = (await listed(tools)).map(({ pid }) => pid ?? 0)
    expect(new Set(await Promise.all(pids.map(groupOf))).size).toBe(2)
    const seen = await tools.runPythonCode('import os\nprint(os.path.exists("/sys/fs/cgroup"))')
    expect(seen.stdout).toBe(sandbox ? 'False\n' : 'True\n')
    await tools.close()
    await expect.poll(groups).toEqual([])
  })
})

describe.skipIf(typeof whyNot === 'string')('a delegated control group', () => {
  it('has none for sessions without such limits', async () => {
    const tools = await makeToolset({ limits: { fileSize: MB } })
    await tools.runPythonCode('x = 1')
    expect(await groups()).toEqual([])
  })

  it('that is not what kills a session is not named for that', async () => {
    const tools = await makeToolset({ limits: { memory: 512 * MB } })
    const result = await tools.runPythonCode(
      'import os, signal\nos.kill(os.getpid(), signal.SIGKILL)',
    )
    expect(result).toMatchObject({ interpreter_crashed: true })
    expect(result).not.toHaveProperty('limit')
  })

  it('is what doctor says that there is', async () => {
    const lines: string[] = []
    await doctor({ python: testPython, write: (line) => lines.push(line) })
    for (const limit of ['memory', 'cpus', 'processes']) {
      expect(lines).toContainEqual(
        expect.stringMatching(new RegExp(`^ {2}${limit} +a control group for each session`)),
      )
    }
    expect(lines).toContainEqual(expect.stringContaining(`one in ${parent} (memory pids cpu)`))
  })
})

it.runIf(typeof whyNot === 'string')('where none is delegated, doctor says why', async () => {
  const lines: string[] = []
  await doctor({ python: testPython, write: (line) => lines.push(line) })
  expect(lines).toContainEqual(expect.stringMatching(/^ {2}cgroups v2 +not used, because ./))
})
