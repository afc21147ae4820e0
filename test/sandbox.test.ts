import { mkdir, readdir, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { v4 as uuid } from 'uuid'
import { describe, expect, it, onTestFinished } from 'vitest'
import {
  LocalEngine,
  type InterpreterInfo,
  type PythonInterpreterToolSet,
  type PythonInterpreterToolSetOptions,
} from '../src/index.js'
import { isAlive, processesNaming } from './helpers/processes.js'
import { makeToolset, temporaryFolder } from './helpers/toolset.js'

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

it.each<[string, { venv?: true; read?: string[]; write?: string[] }, RegExp]>([
  ['whose Python is in its workdir', { venv: true }, /Code could change it/],
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
