import { execa } from 'execa'
import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { v4 as uuid } from 'uuid'
import { describe, expect, it, onTestFinished } from 'vitest'
import {
  LocalEngine,
  type InterpreterInfo,
  type PythonInterpreterToolSet,
  type PythonInterpreterToolSetOptions,
} from '../src/index.js'
import { pythonPackage } from '../src/engine/local/python-package.js'
import { Walls } from '../src/engine/local/walls.js'
import { engineFolders, ownTemporaryFolder } from './helpers/leaks.js'
import { eventually, isAlive, processesNaming } from './helpers/processes.js'
import { makeToolset, temporaryFolder, testPython } from './helpers/toolset.js'

/** Runs code that has to succeed, and answers what it printed. */
async function output(tools: PythonInterpreterToolSet, code: string, client_id = 'default') {
  const result = await tools.runPythonCode(code, { client_id })
  expect(result).toMatchObject({ success: true })
  return result.stdout
}

async function listed(tools: PythonInterpreterToolSet): Promise<InterpreterInfo[]> {
  const answer = await tools.manageInterpreters({ operation: 'list' })
  return (answer.success && answer.interpreters) || []
}

/** The keeper of a session inside of walls is the parent of its first worker. */
async function parentOf(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  const parent = Number(/^PPid:\s*(\d+)$/m.exec(status)?.[1])
  // 0 and NaN would mean this process and all of its group.
  if (!(parent > 1)) throw new Error(`${pid} has no parent.`)
  return parent
}

/** The keeper of an engine whose private folder is in this folder. */
async function engineKeeper(temporary: string): Promise<number> {
  for (const text of await processesNaming(temporary)) {
    const pid = parseInt(text)
    if (/keeper\.py/.test(text) && !/bwrap/.test(text) && (await parentOf(pid)) === process.pid) {
      return pid
    }
  }
  throw new Error('The engine has no keeper.')
}

describe.each(['fork', 'spawn'] as const)('a sandboxed session (%s)', (start) => {
  async function makeSandboxed(
    options: PythonInterpreterToolSetOptions = {},
  ): Promise<PythonInterpreterToolSet> {
    const engine = new LocalEngine({ start, preload: ['numpy'] })
    onTestFinished(() => engine.close())
    return makeToolset({ engine, sandbox: true, checkpoint: 'always', ...options })
  }

  it('computes, keeps its variables over a crash, and branches', async () => {
    const tools = await makeSandboxed()
    expect(await output(tools, 'import numpy\nx = numpy.arange(3)\nx.sum()')).toContain('3')
    expect(await tools.runPythonCode('import ctypes\nctypes.string_at(0)')).toMatchObject({
      interpreter_crashed: true,
      restart_reason: 'The Python process was killed by SIGSEGV.',
      state: 'restored',
      restored_to: 1,
    })
    expect(await output(tools, 'int(x.sum())')).toBe('3\n')
    const { interpreter_id } = await tools.branch()
    const branch = await tools.runPythonCode('int(x.sum())', { interpreter_id })
    expect(branch.stdout).toBe('3\n')
  })

  it('is stopped when its time is over, and killed when it does not stop', async () => {
    const tools = await makeSandboxed({ interruptGraceMs: 300 })
    await output(tools, 'x = 1')
    expect(await tools.runPythonCode('while True: pass', { timeout_ms: 200 })).toMatchObject({
      timed_out: true,
      state: 'kept',
    })
    const swallow = 'import time\nwhile True:\n  try: time.sleep(9)\n  except: pass'
    expect(await tools.runPythonCode(swallow, { timeout_ms: 200 })).toMatchObject({
      timed_out: true,
      state: 'restored',
    })
    expect(await output(tools, 'x')).toBe('1\n')
  })

  it('starts as it was asked to, and its process is known by its pid outside', async () => {
    const tools = await makeSandboxed()
    expect(await output(tools, 'import os\nos.getpid()')).toBe('2\n')
    const [info] = await listed(tools)
    expect(info).toMatchObject({ started_by: start, memory_bytes: expect.any(Number) as number })
    expect(await isAlive(info?.pid ?? 0)).toBe(true)
  })

  it('ends with its walls where their keeper does not answer, and says so', async () => {
    const tools = await makeSandboxed({ interruptGraceMs: 300 })
    await output(tools, 'x = 1')
    const [info] = await listed(tools)
    process.kill(await parentOf(info?.pid ?? 0), 'SIGSTOP')
    expect(await tools.runPythonCode('while True: pass', { timeout_ms: 200 })).toMatchObject({
      timed_out: true,
      interpreter_crashed: true,
      restart_reason: expect.stringContaining('did not stop at the time limit') as string,
      state: 'lost',
    })
    expect(await isAlive(info?.pid ?? 0)).toBe(false)
    expect(await output(tools, '"x" in globals()')).toBe('False\n')
  })

  it('is closed although its keeper does not answer', async () => {
    const tools = await makeSandboxed()
    await output(tools, 'x = 1')
    const [info] = await listed(tools)
    const keeper = await parentOf(info?.pid ?? 0)
    process.kill(keeper, 'SIGSTOP')
    await tools.close()
    for (const pid of [keeper, info?.pid ?? 0]) {
      await eventually('it has ended', async () => !(await isAlive(pid)))
    }
  })

  it('goes on where the keeper of its engine was killed', async () => {
    const temporary = await ownTemporaryFolder()
    const engine = new LocalEngine({ start, preload: [] })
    onTestFinished(() => engine.close())
    const tools = await makeSandboxed({ engine })
    await output(tools, 'x = 1')
    const [info] = await listed(tools)
    const keeper = await engineKeeper(temporary)
    process.kill(keeper, 'SIGKILL')
    await eventually('it has ended', async () => !(await isAlive(keeper)))
    expect(await output(tools, 'x += 1\nx', 'default')).toBe('2\n')
    expect(await output(tools, '1', 'another')).toBe('1\n')
    expect((await listed(tools))[0]?.pid).toBe(info?.pid)
    expect(await tools.runPythonCode('import os\nos._exit(1)')).toMatchObject({ restored_to: 2 })
    expect(await output(tools, 'x')).toBe('2\n')
    expect(await isAlive(await engineKeeper(temporary))).toBe(true)
    expect(await engineFolders(temporary)).toHaveLength(1)
    await engine.close()
    expect(await engineFolders(temporary)).toEqual([])
  })

  it('has no place on a disk but its workdir', async () => {
    const temporary = await ownTemporaryFolder()
    const engine = new LocalEngine({ start, preload: [] })
    onTestFinished(() => engine.close())
    const tools = await makeSandboxed({ engine })
    const fill = `import os
folder = os.path.dirname(os.path.dirname(os.readlink("/proc/self/fd/1")))
os.makedirs(folder + "/locked/inner"); os.chmod(folder + "/locked", 0)
with open(folder + "/much", "wb") as file:
    for _ in range(1 << 10): file.write(bytes(1 << 20))`
    expect((await tools.runPythonCode(fill)).error?.value).toMatch(/No space left/)
    expect(await output(tools, '1')).toBe('1\n')
    const [name = ''] = await engineFolders(temporary)
    const onDisk = await readdir(join(temporary, name))
    expect(onDisk.filter((entry) => !['channel', 'keeper', 'walls'].includes(entry))).toEqual([])
    expect(await tools.runPythonCode('os._exit(1)')).toMatchObject({ state: 'lost' })
    expect(await output(tools, '1')).toBe('1\n')
    await engine.close()
    expect(await engineFolders(temporary)).toEqual([])
  })

  it('exchanges much with the host', async () => {
    const initCode = `many = len(${JSON.stringify('x'.repeat(1_000_000))})`
    const tools = await makeSandboxed({ initCode })
    const result = await tools.runPythonCode('print("y" * 300_000)\nall = given * 2, many', {
      inputs: { given: 'z'.repeat(5_000_000) },
      result_var_name: 'all',
    })
    expect(result.stdout).toHaveLength(300_001)
    expect(result.result).toEqual(['z'.repeat(10_000_000), 1_000_000])
  })

  it('leads Node to no file outside by a link in the place of its folder', async () => {
    const outside = await temporaryFolder()
    await writeFile(join(outside, 'crash'), 'planted\n  File "<run 1>", line 1 in <module>\n')
    const tools = await makeSandboxed()
    const attack = `import ctypes, os
folder = os.path.dirname(os.readlink("/proc/self/fd/1"))
os.rename(folder, folder + "-away")
os.symlink(${JSON.stringify(outside)}, folder)
ctypes.string_at(0)`
    const { error, interpreter_crashed } = await tools.runPythonCode(attack)
    expect(interpreter_crashed).toBe(true)
    expect(JSON.stringify(error)).not.toContain('planted')
    expect(await readdir(outside)).toEqual(['crash'])
  })

  it('is gone with all that it has started when it is deleted', async () => {
    const tools = await makeSandboxed()
    const mark = uuid()
    const code = `import subprocess, sys
for _ in range(2):
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)", "${mark}"], start_new_session=True)`
    await output(tools, code)
    expect(await processesNaming(mark)).toHaveLength(2)
    await tools.close()
    expect(await processesNaming(mark)).toEqual([])
  })

  it('writes to its workdir and temporary files of its own, and to nothing else', async () => {
    const tools = await makeSandboxed()
    await output(tools, 'import pathlib\n_ = pathlib.Path("mine").write_text("x")')
    expect((await tools.files.list()).map(({ path }) => path)).toContain('mine')
    await output(tools, 'import tempfile\nwith tempfile.TemporaryFile() as f: f.write(b"x")')
    for (const path of [
      '/planted',
      '/etc/planted',
      '/usr/planted',
      '/var/planted',
      '/dev/planted',
      '/proc/sys/x',
    ]) {
      const { error } = await tools.runPythonCode(`open(${JSON.stringify(path)}, "w")`)
      expect(`${path}: ${error?.value}`).toMatch(/Read-only|Permission|No such file/)
    }
    const settings = ['kernel/core_pattern', 'vm/overcommit_memory', 'net/ipv4/ip_forward']
    for (const name of settings) {
      const { error } = await tools.runPythonCode(
        `import os\nos.open("/proc/sys/${name}", os.O_WRONLY)`,
      )
      expect(`${name}: ${error?.value}`).toMatch(/Read-only|Permission/)
    }
    const sibling = await temporaryFolder()
    await tools.runPythonCode(`open(${JSON.stringify(join(sibling, 'planted'))}, "w")`)
    expect(await readdir(sibling)).toEqual([])
  })

  it('can talk with itself', async () => {
    const tools = await makeSandboxed()
    const code = `import socket, threading
server = socket.create_server(("127.0.0.1", 0))
threading.Thread(target=lambda: server.accept()[0].sendall(b"heard")).start()
socket.create_connection(server.getsockname()).recv(9)`
    expect(await output(tools, code)).toBe("b'heard'\n")
  })

  it('shares no random numbers with another session', async () => {
    const tools = await makeSandboxed()
    const code = 'import numpy, random\nrandom.random(), float(numpy.random.rand())'
    const drawn = [await output(tools, code, 'one'), await output(tools, code, 'two')]
    const numbers = drawn.flatMap((text) => text.match(/\d\.\d+/g))
    expect(numbers).toHaveLength(4)
    expect(new Set(numbers).size).toBe(4)
  })

  it('has no system calls that attacks are made of', async () => {
    const tools = await makeSandboxed()
    const code = `import ctypes, os
c = ctypes.CDLL(None, use_errno=True)
def tried(name, *arguments):
    ctypes.set_errno(0)
    return getattr(c, name)(*arguments), os.strerror(ctypes.get_errno())
calls = [("ptrace", 16, 1, 0, 0), ("mount", b"none", b"/tmp", b"tmpfs", 0, 0), ("umount2", b"/proc", 2),
    ("unshare", 0x10000000), ("setns", 0, 0), ("chroot", b"/tmp"), ("process_vm_readv", 1, 0, 0, 0, 0, 0)]
{tried(*call) for call in calls}`
    expect(await output(tools, code)).toBe("{(-1, 'Operation not permitted')}\n")
    const others = `import resource, socket
def refused(call):
    try: call()
    except PermissionError: return True
(refused(lambda: resource.prlimit(1, resource.RLIMIT_NOFILE, (0, 0))),
    refused(lambda: socket.socket(40, socket.SOCK_STREAM)), resource.getrlimit(resource.RLIMIT_NOFILE)[0] > 0)`
    expect(await output(tools, others)).toBe('(True, True, True)\n')
    const rights =
      '[l.split()[1] for l in open("/proc/self/status") if l[:6] in ("CapEff", "CapPrm", "CapBnd", "NoNewP")]'
    expect(await output(tools, rights)).toBe(
      "['0000000000000000', '0000000000000000', '0000000000000000', '1']\n",
    )
  })

  it('decides when its own processes run, and not when its keeper does', async () => {
    const tools = await makeSandboxed()
    const code = `import ctypes, os, platform, struct, subprocess, sys, threading
c = ctypes.CDLL(None, use_errno=True)
numbers = {"sched_setparam": (142, 118), "sched_setscheduler": (144, 119), "sched_setaffinity": (203, 122),
    "sched_setattr": (314, 274), "setpriority": (141, 140), "ioprio_set": (251, 30)}
def call(name, *arguments):
    ctypes.set_errno(0)
    c.syscall(numbers[name][platform.machine() == "aarch64"], *arguments)
    return os.strerror(ctypes.get_errno())
zero = ctypes.byref(ctypes.c_int(0))
mask = ctypes.create_string_buffer(b"\\xff" * 128, 128)
attributes = ctypes.create_string_buffer(struct.pack("IIQiIQQQ", 48, 0, 0, 19, 0, 0, 0, 0))
def all_of(pid):
    return [call("sched_setparam", pid, zero), call("sched_setscheduler", pid, 0, zero),
        call("sched_setaffinity", pid, 128, mask), call("sched_setattr", pid, attributes, 0),
        call("setpriority", 0, pid, 19), call("ioprio_set", 1, pid, 2 << 13 | 5)]
kinds = [*all_of(1), call("setpriority", 1, 1, 1), call("ioprio_set", 2, 1, 2 << 13 | 5),
    call("setpriority", 2, 0, 1), call("ioprio_set", 3, 0, 2 << 13 | 5),
    call("setpriority", 2, os.getuid(), 1)]
set(kinds)`
    expect(await output(tools, code)).toBe("{'Operation not permitted'}\n")
    const own = `threads = []
waiting = threading.Event()
thread = threading.Thread(target=waiting.wait)
thread.start()
child = subprocess.Popen([sys.executable, "-c", "import os; os.nice(1); os.sched_setaffinity(os.getpid(), os.sched_getaffinity(0)); input()"],
    stdin=subprocess.PIPE)
done = {*all_of(0), *all_of(os.getpid()), *all_of(thread.native_id), *all_of(child.pid)}
_ = waiting.set(), child.communicate(b"\\n")
done, child.returncode`
    expect(await output(tools, own)).toBe("({'Success'}, 0)\n")
  })

  it('has no segments of memory of its own', async () => {
    const tools = await makeSandboxed()
    const code = `import ctypes, os, platform
c = ctypes.CDLL(None, use_errno=True)
_ = c.syscall(154, 0, ctypes.create_string_buffer(64), 64) if platform.machine() == "x86_64" else ctypes.set_errno(1)
os.strerror(ctypes.get_errno())`
    expect(await output(tools, code)).toBe("'Operation not permitted'\n")
  })

  it('has only variables that it was given', async () => {
    process.env['A_SECRET_OF_THE_HOST'] = 'a secret'
    onTestFinished(() => {
      delete process.env['A_SECRET_OF_THE_HOST']
    })
    const tools = await makeSandboxed({ env: { GIVEN: 'yes' } })
    const code = `import glob, os
found = []
for path in glob.glob("/proc/*/environ"):
    try: found.append(open(path).read())
    except OSError: pass
os.environ["GIVEN"], "A_SECRET_OF_THE_HOST" in os.environ, any("A_SECRET" in text for text in found)`
    expect(await output(tools, code)).toBe("('yes', False, False)\n")
    expect(await output(tools, 'os.environ["HOME"], os.path.isdir(os.environ["HOME"])')).toBe(
      "('/tmp/home', True)\n",
    )
  })

  it('sees folders that it was given', async () => {
    const [mine, theirs] = [await temporaryFolder(), await temporaryFolder()]
    await writeFile(join(theirs, 'text'), 'for all')
    const tools = await makeSandboxed({ sandbox: { read: [theirs], write: [mine] } })
    expect(await output(tools, `open(${JSON.stringify(join(theirs, 'text'))}).read()`)).toBe(
      "'for all'\n",
    )
    await output(tools, `_ = open(${JSON.stringify(join(mine, 'text'))}, "w").write("x")`)
    const { error } = await tools.runPythonCode(
      `open(${JSON.stringify(join(theirs, 'more'))}, "w")`,
    )
    expect(error?.value).toMatch(/Read-only/)
  })
})

describe('the template inside of walls', () => {
  it('is made anew only once after its death, however many need it', async () => {
    const [folder, workdir] = [await temporaryFolder(), await temporaryFolder()]
    const walls = new Walls(folder, join(folder, 'channel'))
    onTestFinished(() => walls.close())
    const sandbox = { read: [], write: [] }
    const inside = { python: testPython, pyzmqPath: null, workdir, sandbox }
    const wanted = { python: testPython, pyzmqPath: null, env: {}, preload: [], walls: null }
    const built = async () => {
      const all = await processesNaming(folder)
      return all.filter((text) => /bwrap.*enter\.py/.test(text)).map((text) => parseInt(text))
    }
    expect(await walls.warm(inside, wanted)).toMatchObject({ fit: true })
    const before = await built()
    expect(before).toHaveLength(1)
    for (const pid of before) process.kill(pid, 'SIGKILL')
    await eventually('its end is known', async () => !(await walls.now(inside, wanted)).fit)
    await Promise.all([walls.warm(inside, wanted), walls.warm(inside, wanted)])
    expect(await built()).toHaveLength(1)
  })

  it('may hang: sessions then start and end without it', async () => {
    const engine = new LocalEngine({ start: 'fork', preload: [] })
    onTestFinished(() => engine.close())
    const tools = await makeToolset({ engine, sandbox: true })
    await output(tools, '1', 'one')
    const [one] = await listed(tools)
    const keeper = await parentOf(one?.pid ?? 0)
    process.kill(await parentOf(keeper), 'SIGSTOP')
    expect(await output(tools, '2', 'one')).toBe('2\n')
    expect(await output(tools, '3', 'two')).toBe('3\n')
    await engine.close()
    expect(await isAlive(keeper)).toBe(false)
  })
})

it.each<[string, { venv?: true; read?: string[]; write?: string[] }, RegExp]>([
  [
    'whose Python is in its workdir',
    { venv: true },
    /Code could change it.* a workdir without it, such as .*\/work, and name it as python/,
  ],
  ['with a folder to write to in its workdir', { write: ['inner'] }, /inner is in .* can write to/],
  ['with a folder to read in its workdir', { read: ['inner'] }, /inner is in .* can write to/],
  ['that is shown a link', { read: ['link'] }, /link is \/usr in truth/],
  ['that is shown nothing', { read: ['nothing'] }, /nothing, which is not there/],
  ['that is shown all', { write: ['/'] }, /a session's own/],
])('starts no session %s', async (_, { venv = false, ...shown }, message) => {
  const workdir = await temporaryFolder()
  await mkdir(join(workdir, 'inner'))
  await symlink('/usr', join(workdir, 'link'))
  const python = join(workdir, '.venv', 'bin', 'python')
  if (venv) {
    // As code could put it there for the host to run.
    await mkdir(dirname(python), { recursive: true })
    await writeFile(python, `#!/bin/sh\ntouch ${join(workdir, 'ran')}\n`, { mode: 0o755 })
  }
  const tools = await makeToolset({ workdir, sandbox: shown, ...(venv ? { python } : {}) })
  await expect(tools.runPythonCode('1')).rejects.toMatchObject({
    code: 'SANDBOX',
    message: expect.stringMatching(message) as string,
  })
  expect(await readdir(workdir)).not.toContain('ran')
})

it('does not wait at what code puts in the place of an output pipe that is being made', async () => {
  const code = `import os, sys
from _python_interpreter_toolset.keeper import make_pipe
path = sys.argv[1]
def plant(event, arguments):
    if event == "open" and arguments[2] & os.O_WRONLY:
        os.unlink(path)
        os.mkfifo(path)
sys.addaudithook(plant)
try: make_pipe(path)
except OSError as error: print(os.strerror(error.errno))`
  const { stdout } = await execa(testPython, ['-c', code, join(await temporaryFolder(), 'pipe')], {
    env: { PYTHONPATH: dirname(pythonPackage) },
    timeout: 10_000,
  })
  expect(stdout).toBe('No such device or address')
})

it('says what is missing where there is no bubblewrap', async () => {
  const path = process.env['PATH']
  onTestFinished(() => {
    process.env['PATH'] = path
  })
  process.env['PATH'] = '/nowhere'
  const tools = await makeToolset({ sandbox: true })
  await expect(tools.runPythonCode('1')).rejects.toMatchObject({
    code: 'SANDBOX',
    message: expect.stringContaining('apt-get install bubblewrap') as string,
  })
})

it('says why where walls cannot be built, and runs nothing', async () => {
  const path = process.env['PATH']
  onTestFinished(() => {
    process.env['PATH'] = path
  })
  const folder = await temporaryFolder()
  const refusing = '#!/bin/sh\necho "bwrap: setting up uid map: Permission denied" >&2\nexit 1\n'
  await writeFile(join(folder, 'bwrap'), refusing, { mode: 0o755 })
  process.env['PATH'] = `${folder}:${path}`
  const tools = await makeToolset({ sandbox: true })
  await expect(tools.runPythonCode('open("ran", "w")')).rejects.toMatchObject({
    code: 'SANDBOX',
    message: expect.stringContaining('uid map: Permission denied') as string,
  })
  expect(await readdir(tools.workdir)).toEqual([])
})
