/**
 * What code does that means harm, each attack run for real: inside of the sandbox, where it fails for a
 * reason that is named, and without, where the table says what is not held. Targets are planted by the
 * tests; bombs are small.
 */
import { existsSync } from 'node:fs'
import { chmod, chown, copyFile, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { homedir, networkInterfaces } from 'node:os'
import { join, relative } from 'node:path'
import { execa } from 'execa'
import { v4 as uuid } from 'uuid'
import { describe, expect, it, onTestFinished } from 'vitest'
import { enforcementOf } from '../src/environment/limit-enforcement.js'
import {
  LimitError,
  LocalEngine,
  type InterpreterInfo,
  type PythonInterpreterToolSet,
  type PythonInterpreterToolSetOptions,
  type RunResult,
} from '../src/index.js'
import { isAlive } from './helpers/processes.js'
import { makeToolset, temporaryFolder } from './helpers/toolset.js'

const isRoot = process.getuid?.() === 0
/** A user that nobody is. */
const STRANGER = 65_533

const yama = await readFile('/proc/sys/kernel/yama/ptrace_scope', 'utf8').catch(() => '0')
/** Whether the system lets processes of one user look into each other. */
const mayTrace = yama.trim() === '0' || (isRoot && yama.trim() !== '3')

/** Whether who runs the tests may look into the first process of this machine. */
const mayLook = await Promise.all([readdir('/proc/1/root'), readFile('/proc/1/environ')]).then(
  () => true,
  () => false,
)

/** An address of this machine that is not its loopback; none on a machine without network. */
const ownAddress = Object.values(networkInterfaces())
  .flat()
  .find((known) => known?.internal === false && known.family === 'IPv4')?.address

/** What there is to be attacked. */
interface Targets {
  /** A file in the home folder, with `a secret`. */
  readonly secret: string
  /** A folder of somebody else's, with a file `secret` and a Unix socket `socket`. */
  readonly folder: string
  /** The port of a TCP server on all addresses of this machine. */
  readonly port: number
  /** A process of somebody else's, whose environment has `A_SECRET=a secret`. */
  readonly pid: number
  /** A program with the set-user-ID bit that shows by which rights it runs, in the workdir. */
  readonly program: string
  readonly sibling: Sibling
  /** A run in the sibling. */
  readonly inSibling: (code: string) => Promise<RunResult>
}

/** A session of the same toolset, with targets of its own. */
interface Sibling {
  readonly pid: number
  /** Each with `a secret`. */
  readonly files: readonly string[]
  readonly socket: string
  /** In the abstract name space. */
  readonly name: string
  /** The named pipe that carries its output. */
  readonly pipe: string
  /** Where `in memory` is in its memory. */
  readonly address: number
}

const sibling = (folder: string) => `
import ctypes, json, os, socket
x = 43
memory = ctypes.create_string_buffer(b'in memory')
folder = ${py(folder)}
os.makedirs(folder, exist_ok=True) # inside, a folder for temporary files is its own
files = [folder + '/file', *(place + '/of-' + os.path.basename(folder) for place in ('/var/tmp', '/dev/shm'))]
for path in files:
    with open(path, 'w') as file: file.write('a secret')
def serve(address):
    server = socket.socket(socket.AF_UNIX)
    server.bind(address)
    server.listen()
    return server
servers = [serve(folder + '/socket'), serve(chr(0) + folder)]
print(json.dumps({'files': files, 'socket': folder + '/socket', 'name': folder,
    'pipe': os.readlink('/proc/self/fd/1'), 'address': ctypes.addressof(memory)}))`

interface Attack {
  readonly name: string
  readonly code: (targets: Targets) => string
  /** What shows that it has succeeded: what it prints, or what is to be seen from outside. */
  readonly proof: RegExp | ((targets: Targets, result: RunResult) => Promise<boolean> | boolean)
  /** How it fails in the sandbox: the error that names the reason, or what it prints. */
  readonly inside: RegExp
  /** How it fails without the sandbox; null where nothing holds it. */
  readonly outside: RegExp | null
  readonly limits?: PythonInterpreterToolSetOptions['limits']
  /** The variable that the host asks for. */
  readonly resultVarName?: string
  /** Why it cannot be tried on this machine. */
  readonly skip?: string | false
}

/** That a session with such limits does not even start. */
const REFUSED = /^LimitError: /
const FEW_PROCESSES =
  enforcementOf('processes').by === null ? REFUSED : /^BlockingIOError: .*\(processes\)$/
const NOT_THERE = /^FileNotFoundError: /
const NO_WAY_IN = /^(FileNotFoundError: |OSError: .*Read-only file system)/

const ATTACKS: Attack[] = [
  // Files.
  {
    name: 'reads a file of the home folder',
    code: ({ secret }) => `print(open(${py(secret)}).read())`,
    proof: /^a secret$/,
    inside: NOT_THERE,
    outside: null,
  },
  {
    name: 'reads a file of the home folder by a path with ..',
    code: ({ secret }) => `import os\nprint(open(os.path.relpath(${py(secret)})).read())`,
    proof: /^a secret$/,
    inside: NOT_THERE,
    outside: null,
  },
  {
    name: 'reads a file of the home folder by a symbolic link',
    code: ({ secret }) =>
      `import os\nos.symlink(${py(secret)}, 'link')\nprint(open('link').read())`,
    proof: /^a secret$/,
    inside: NOT_THERE,
    outside: null,
  },
  {
    name: 'writes through a symbolic link to a folder',
    code: ({ folder }) =>
      `import os\nos.symlink(${py(folder)}, 'link')\nopen('link/planted', 'w').close()`,
    proof: ({ folder }) => existsSync(join(folder, 'planted')),
    inside: NO_WAY_IN,
    outside: null,
  },
  {
    name: 'reads a file of somebody else',
    code: ({ folder }) => `print(open(${py(join(folder, 'secret'))}).read())`,
    proof: /^a secret$/,
    inside: NOT_THERE,
    outside: null,
  },
  {
    name: 'writes into the home folder',
    code: ({ secret }) => `open(${py(`${secret}-more`)}, 'w').close()`,
    proof: ({ secret }) => existsSync(`${secret}-more`),
    inside: NO_WAY_IN,
    outside: null,
  },
  {
    name: 'writes over a file of somebody else',
    code: ({ folder }) => `open(${py(join(folder, 'secret'))}, 'w').write('changed')`,
    proof: async ({ folder }) => (await readFile(join(folder, 'secret'), 'utf8')) === 'changed',
    inside: NO_WAY_IN,
    outside: null,
  },
  {
    name: 'reads the password hashes',
    code: () => 'print(open("/etc/shadow").read(5))',
    proof: /^root:$/,
    inside: /^PermissionError: /,
    outside: isRoot ? null : /^PermissionError: /,
  },
  {
    name: 'opens a setting of the kernel to write to it',
    code: () =>
      'import os\nos.close(os.open("/proc/sys/kernel/core_pattern", os.O_WRONLY))\nprint("open")',
    proof: /^open$/,
    inside: /Read-only file system|^PermissionError: /,
    outside: isRoot ? null : /^PermissionError: /,
  },

  // The network, and sockets.
  {
    name: 'connects to a server on the loopback',
    code: ({ port }) => connectTo('127.0.0.1', port),
    proof: /^reached$/,
    inside: /^ConnectionRefusedError: /,
    outside: null,
  },
  {
    name: 'connects to an address of the network',
    code: ({ port }) => connectTo(ownAddress ?? '', port),
    proof: /^reached$/,
    inside: /^OSError: .*Network is unreachable/,
    outside: null,
    skip: ownAddress === undefined && 'this machine has no network',
  },
  {
    name: 'sends a packet to an address of the network',
    code: () =>
      `import socket\nsocket.socket(type=socket.SOCK_DGRAM).sendto(b'x', (${py(ownAddress ?? '')}, 9))\nprint("sent")`,
    proof: /^sent$/,
    inside: /^OSError: .*Network is unreachable/,
    outside: null,
    skip: ownAddress === undefined && 'this machine has no network',
  },
  {
    name: 'connects to the Unix socket of another program',
    code: ({ folder }) => connectTo(join(folder, 'socket')),
    proof: /^reached$/,
    inside: NOT_THERE,
    outside: null,
  },

  // Other sessions.
  {
    name: 'connects to a socket of a sibling',
    code: ({ sibling }) => `${connecting(sibling.socket)}\nprint("connected")`,
    proof: /^connected$/,
    inside: NOT_THERE,
    outside: null,
  },
  {
    name: 'connects to a socket of a sibling without a file',
    code: ({ sibling }) => `${connecting(`\0${sibling.name}`)}\nprint("connected")`,
    proof: /^connected$/,
    inside: /^ConnectionRefusedError: /,
    outside: null,
  },
  {
    name: 'opens the pipe by which a sibling speaks',
    code: ({ sibling }) =>
      `import os\nos.close(os.open(${py(sibling.pipe)}, os.O_WRONLY | os.O_NONBLOCK))\nprint("open")`,
    proof: /^open$/,
    inside: NOT_THERE,
    outside: null,
  },
  ...['/tmp', '/var/tmp', '/dev/shm'].map((place, index) => ({
    name: `reads a file of a sibling in ${place}`,
    code: ({ sibling }: Targets) => `print(open(${py(sibling.files[index] ?? '')}).read())`,
    proof: /^a secret$/,
    inside: NOT_THERE,
    outside: null,
  })),
  {
    name: 'reads the memory of a sibling',
    code: ({ sibling }) => `
with open('/proc/${sibling.pid}/mem', 'rb', 0) as memory:
    memory.seek(${sibling.address})
    print(memory.read(9).decode())`,
    proof: /^in memory$/,
    inside: NOT_THERE,
    outside: mayTrace ? null : /^PermissionError: /,
  },
  {
    name: 'kills a sibling',
    code: ({ sibling }) => `import os, signal\nos.kill(${sibling.pid}, signal.SIGKILL)`,
    proof: async ({ inSibling }) => (await inSibling('1')).state !== 'kept',
    inside: /^ProcessLookupError: /,
    outside: null,
  },

  // Other processes.
  {
    name: 'kills a process of another program',
    code: ({ pid }) => `import os, signal\nos.kill(${pid}, signal.SIGKILL)`,
    proof: async ({ pid }) => !(await isAlive(pid)),
    inside: /^ProcessLookupError: /,
    outside: null,
  },
  {
    name: 'kills its parent',
    // The system keeps signals from the first process of a namespace that are sent within it.
    code: () =>
      'import os\nfor number in (15, 19, 11, 9): os.kill(os.getppid(), number)\nprint("unharmed:", os.getppid())',
    proof: async ({ inSibling }, { state }) =>
      state !== 'kept' || (await inSibling('1')).state !== 'kept',
    inside: /^unharmed: 1$/,
    outside: null,
  },
  {
    name: 'sees the files of the first process',
    code: () => 'import os\nprint(os.listdir("/proc/1/root"))',
    proof: /^\[/,
    inside: /^PermissionError: /,
    outside: mayLook ? null : /^PermissionError: /,
  },
  ...['environ', 'maps', 'mem'].map((file) => ({
    name: `opens /proc/1/${file}`,
    code: () => `open("/proc/1/${file}", "rb").close()\nprint("open")`,
    proof: /^open$/,
    inside: /^PermissionError: /,
    outside: mayLook ? null : /^PermissionError: /,
  })),
  {
    name: 'reads a variable of the host',
    code: () => 'import os\nprint(os.environ["A_SECRET_OF_THE_HOST"])',
    proof: /^a secret$/,
    inside: /^KeyError: /,
    outside: /^KeyError: /,
  },
  {
    name: 'reads the variables of another program',
    code: ({ pid }) => `print('A_SECRET=a secret' in open('/proc/${pid}/environ').read())`,
    proof: /^True$/,
    inside: NOT_THERE,
    outside: null,
  },

  // Rights.
  {
    name: 'makes namespaces by a system call, and mounts in them',
    code: () =>
      inChild(`c.unshare(0x10000000 | 0x00020000) or c.mount(b'x', b'/tmp', b'tmpfs', 0, None)`),
    proof: /^done$/,
    inside: /^PermissionError: .*Operation not permitted/,
    outside: null,
  },
  {
    name: 'traces by a system call',
    code: () => inChild('c.ptrace(0, 0, None, None)'),
    proof: /^done$/,
    inside: /^PermissionError: .*Operation not permitted/,
    outside: null,
  },
  {
    name: 'gains rights by a program with the set-user-ID bit',
    code: ({ program }) =>
      `import subprocess\nprint(subprocess.check_output([${py(program)}, '-u'], text=True))`,
    proof: new RegExp(`^${STRANGER}$`),
    // The uid that root has inside.
    inside: /^65534$/,
    outside: null,
    skip: !isRoot && 'only root can make one that is somebody else’s',
  },

  // The machine. These are held by limits, with and without a sandbox.
  {
    name: 'forks without end',
    code: () => `
import os, time
for started in range(40):
    if os.fork() == 0:
        time.sleep(60)
        os._exit(0)
print(started)`,
    proof: /^39$/,
    inside: FEW_PROCESSES,
    outside: FEW_PROCESSES,
    limits: { processes: 10 },
  },
  {
    name: 'takes memory without end',
    code: () => 'kept = []\nfor _ in range(1500): kept.append(bytes(1_000_000))\nprint("taken")',
    proof: /^taken$/,
    inside: /^MemoryError: .*\(memory\)$/,
    outside: /^MemoryError: .*\(memory\)$/,
    limits: { memory: 600 * 2 ** 20 },
  },
  {
    name: 'fills the disk',
    code: () => `
import time
for i in range(300):
    with open(f'f{i}', 'wb') as f: f.write(bytes(100_000))
    time.sleep(0.01)
print('filled')`,
    proof: /^filled$/,
    inside: /^LimitExceeded: .*\(diskBytes\)$/,
    outside: /^LimitExceeded: .*\(diskBytes\)$/,
    limits: { diskBytes: 4_000_000 },
  },
  {
    name: 'writes a file without end',
    code: () =>
      'with open("large", "wb") as f:\n    for _ in range(100): f.write(bytes(1_000_000))\nprint("written")',
    proof: /^written$/,
    inside: /^OSError: .*File too large.*\(fileSize\)$/,
    outside: /^OSError: .*File too large.*\(fileSize\)$/,
    limits: { fileSize: 4_000_000 },
  },
  {
    name: 'prints without end',
    code: () => 'for _ in range(300_000): print("y" * 100)\nopen("printed", "w").close()',
    proof: (_, { files }) => files?.some(({ path }) => path === 'printed') === true,
    inside: /^LimitExceeded: .*\(outputBytes\)$/,
    outside: /^LimitExceeded: .*\(outputBytes\)$/,
    limits: { outputBytes: 100_000 },
  },

  // The host.
  {
    name: 'has the host unpickle what it answers',
    // Given as text: Node unpickles nothing.
    code: ({ folder }) => `
import os, pickle
class Evil:
    def __reduce__(self): return os.system, (${py(`touch '${join(folder, 'ran')}'`)},)
x = {'pickle': pickle.dumps(Evil()), 'object': Evil()}`,
    proof: ({ folder }) => existsSync(join(folder, 'ran')),
    inside: /^\{"pickle":"/,
    outside: /^\{"pickle":"/,
    resultVarName: 'x',
  },
]

describe.each([
  { where: 'inside of the sandbox, forked,', sandbox: true, start: 'fork' },
  { where: 'inside of the sandbox, spawned,', sandbox: true, start: 'spawn' },
  { where: 'without the sandbox', sandbox: false, start: 'fork' },
] as const)('code that $where', ({ sandbox, start }) => {
  it.for(ATTACKS)('$name', async (attack, { skip }) => {
    const { code, proof, limits = {} } = attack
    if (typeof attack.skip === 'string') skip(attack.skip)
    const held = sandbox ? attack.inside : attack.outside
    const engine = new LocalEngine({ start, preload: [] })
    onTestFinished(() => engine.close())
    const workdir = await temporaryFolder()
    const tools = await makeToolset({ engine, sandbox, limits, workdir, echo: 'none' })
    if (held === REFUSED) {
      await expect(tools.runPythonCode('1')).rejects.toThrow(LimitError)
      return
    }
    const targets = await plant(tools)
    const result = await tools.runPythonCode(code(targets), {
      client_id: 'attacker',
      timeout_ms: 30_000,
      ...(attack.resultVarName === undefined ? {} : { result_var_name: attack.resultVarName }),
    })
    const outcome = outcomeOf(result)
    const hasSucceeded =
      proof instanceof RegExp ? proof.test(outcome) : await proof(targets, result)
    expect(`${hasSucceeded ? 'succeeds' : 'is held'}: ${outcome}`).toMatch(
      held === null ? /^succeeds: / : /^is held: /,
    )
    if (held === null) return
    expect(outcome).toMatch(held)
    // Neither is anybody else harmed, nor the session itself.
    expect(await targets.inSibling('print(x)')).toMatchObject({ stdout: '43\n', state: 'kept' })
    expect(await tools.runPythonCode('1', { client_id: 'attacker' })).toMatchObject({
      success: true,
      state: 'kept',
    })
  })
})

describe('a path with .. is refused', () => {
  it.each<[string, (tools: PythonInterpreterToolSet, path: string) => Promise<unknown>]>([
    ['files.read', (tools, path) => tools.files.read(path)],
    ['files.readText', (tools, path) => tools.files.readText(path)],
    ['files.write', (tools, path) => tools.files.write(path, 'changed')],
    ['files.remove', (tools, path) => tools.files.remove(path)],
    ['files.list', (tools, path) => tools.files.list(path)],
  ])('by %s', async (_, use) => {
    const [workdir, folder] = [await temporaryFolder(), await temporaryFolder()]
    await mkdir(join(workdir, 'inner'))
    await writeFile(join(folder, 'secret'), 'a secret')
    const tools = await makeToolset({ workdir })
    const outside = relative(workdir, join(folder, 'secret'))
    for (const path of [outside, `inner/../${outside}`, join(folder, 'secret'), '..']) {
      await expect(use(tools, path), path).rejects.toMatchObject({ code: 'OUTSIDE_WORKDIR' })
    }
    expect(await readFile(join(folder, 'secret'), 'utf8')).toBe('a secret')
  })

  it.each(['..', '../figures', 'a/../../b'])('as the folder of figures (%s)', async (folder) => {
    await expect(makeToolset({ figures: { folder } })).rejects.toMatchObject({
      code: 'INVALID_OPTION',
    })
  })

  it('as a folder of the sandbox that has its workdir', async () => {
    for (const sandbox of [{ write: ['..'] }, { write: ['../..'] }]) {
      const tools = await makeToolset({ sandbox })
      await expect(tools.runPythonCode('1')).rejects.toMatchObject({ code: 'SANDBOX' })
    }
  })

  it('or names no file, in ids and names', async () => {
    const [parent, name] = [await temporaryFolder(), `planted-${uuid()}`]
    const workdir = join(parent, 'workdir')
    await mkdir(workdir)
    const tools = await makeToolset({ workdir, checkpoint: 'always' })
    const id = `../${name}`
    expect(await tools.runPythonCode('x = 1', { client_id: id })).toMatchObject({ success: true })
    await tools.checkpoint({ client_id: id, name: id })
    await expect(tools.runPythonCode('1', { interpreter_id: id })).rejects.toMatchObject({
      code: 'UNKNOWN_INTERPRETER',
    })
    const [, manage] = tools.tools()
    for (const operation of ['rollback', 'peek'] as const) {
      const input = { operation, checkpoint: id, execution_id: id }
      expect(await manage?.execute(input)).toMatchObject({ success: false })
    }
    expect(existsSync(join(parent, name))).toBe(false)
    expect(existsSync(join(workdir, name))).toBe(false)
  })
})

/** What a run came to: its error with the limit that it went over, else its value or what it printed. */
function outcomeOf({ error, limit, result, stdout }: RunResult): string {
  if (error === undefined) {
    return result === null ? stdout.trim() : JSON.stringify(result)
  }
  return `${error.name}: ${error.value}${limit === undefined ? '' : ` (${limit})`}`
}

/** A Python literal; JSON is one for texts. */
function py(text: string): string {
  return JSON.stringify(text)
}

function connecting(path: string): string {
  return `import socket\nconnection = socket.socket(socket.AF_UNIX)\nconnection.connect(${py(path)})`
}

function connectTo(address: string, port?: number): string {
  const connect =
    port === undefined
      ? connecting(address)
      : `import socket\nconnection = socket.create_connection((${py(address)}, ${port}), 5)`
  return `${connect}\nprint(connection.recv(9).decode())`
}

/** Makes system calls in a child, so that what they change is gone with it. */
function inChild(calls: string): string {
  return `
import ctypes, os
c = ctypes.CDLL(None, use_errno=True)
pid = os.fork()
if pid == 0: os._exit(ctypes.get_errno() if ${calls} else 0)
number = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
if number: raise OSError(number, os.strerror(number))
print('done')`
}

/** Plants what there is to be attacked. */
async function plant(tools: PythonInterpreterToolSet): Promise<Targets> {
  const secret = join(homedir(), `planted-${uuid()}`)
  const folder = await temporaryFolder()
  await writeFile(secret, 'a secret')
  onTestFinished(() => rm(secret, { force: true }))
  onTestFinished(() => rm(`${secret}-more`, { force: true }))
  await writeFile(join(folder, 'secret'), 'a secret')
  process.env['A_SECRET_OF_THE_HOST'] = 'a secret'
  onTestFinished(() => {
    delete process.env['A_SECRET_OF_THE_HOST']
  })
  const other = execa('sleep', ['600'], { env: { A_SECRET: 'a secret' }, reject: false })
  onTestFinished(async () => {
    other.kill('SIGKILL')
    await other
  })
  const { port } = (await listen({ host: '0.0.0.0', port: 0 })) as AddressInfo
  await listen({ path: join(folder, 'socket') })
  const program = join(tools.workdir, 'id')
  await copyFile('/usr/bin/id', program)
  if (isRoot) await chown(program, STRANGER, STRANGER)
  await chmod(program, 0o4755)
  const inSibling = (code: string) => tools.runPythonCode(code, { client_id: 'sibling' })
  const started = await inSibling(sibling(await temporaryFolder()))
  const listed = await tools.manageInterpreters({ operation: 'list', client_id: 'sibling' })
  const [info] = (listed as { interpreters: InterpreterInfo[] }).interpreters
  const own = JSON.parse(started.stdout) as Omit<Sibling, 'pid'>
  for (const path of own.files) onTestFinished(() => rm(path, { force: true }))
  const targets = { secret, folder, port, pid: other.pid ?? 0, program, inSibling }
  return { ...targets, sibling: { ...own, pid: info?.pid ?? 0 } }
}

/** A server that answers `reached`, closed when the test ends; where it listens. */
async function listen(options: { host: string; port: number } | { path: string }) {
  const server = createServer((socket) => socket.end('reached'))
  await new Promise<void>((resolve) => server.listen(options, resolve))
  onTestFinished(() => void server.close())
  return server.address()
}
