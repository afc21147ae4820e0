// What user code can do to the channel, the keeper, the output pipes and Node: attacks, each run for real.
import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { dirname, join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { Channel } from '../src/channel/channel.js'
import {
  hostTool,
  InvalidOptionError,
  type PythonInterpreterToolSet,
  VariablesError,
} from '../src/index.js'
import { eventually } from './helpers/processes.js'
import { makeToolset, temporaryFolder } from './helpers/toolset.js'

/** A call that has not settled by then hangs. */
const HANGS_MS = 20_000

/** What user code finds of the worker that it runs in. */
const FIND = `
import gc, json, os, socket, time
def found(name):
    return next(thing for thing in gc.get_objects() if type(thing).__name__ == name)
copies, output, channel = found('Copies'), found('Output'), found('Channel')
asking = found('Asking')
def connect():
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    connection.connect(copies._control)
    return connection
def say(connection, **event):
    connection.send(json.dumps(event).encode())
def ask_keeper(connection):
    connection.settimeout(10)
    try:
        return connection.recv(10)
    except OSError as error:
        return error
def introduce(connection, copy_id, run=1, **more):
    about = {'worker': copies._worker_id, 'secret': copies._secret, **more}
    say(connection, event='copying', id=copy_id, run=run, **about)
def frame(kind, run, payload=b''):
    return b'\\x1e' + output._nonce + kind + b'%d:%d\\n' % (run, len(payload)) + payload
def reply(run, **more):
    fields = {'completed': True, 'error': None, 'notices': [], 'pipes': None, 'interrupted': False}
    return json.dumps({'type': 'reply', 'run': run, **fields, **more}).encode()
`

/** A session that attacks, and one beside it that has `x = 43`. */
async function sessions(): Promise<PythonInterpreterToolSet> {
  const tools = await makeToolset({ echo: 'none', figures: false })
  await tools.runPythonCode('x = 43', { client_id: 'bystander' })
  expect(await attack(tools, FIND)).toMatchObject({ success: true })
  return tools
}

async function attack(tools: PythonInterpreterToolSet, code: string, timeout_ms = 10_000) {
  const result = await Promise.race([
    tools.runPythonCode(code, { client_id: 'attacker', timeout_ms }),
    setTimeout(HANGS_MS, null, { ref: false }),
  ])
  if (result === null) throw new Error('The run never ends.')
  return result
}

/** Connects to a channel, and says what a worker's socket would (ZMTP 3.0), but no identity. */
function rawPeer(path: string): Socket {
  const greeting = Buffer.alloc(64)
  greeting.set([0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3, 0])
  greeting.write('NULL', 12)
  const type = Buffer.from('\x0bSocket-Type\0\0\0\x06DEALER', 'latin1')
  const ready = Buffer.concat([Buffer.from('\x05READY'), type])
  const peer = connect(path)
  peer.resume()
  peer.write(Buffer.concat([greeting, Buffer.from([4, ready.length]), ready]))
  return peer
}

const MORE = 1

/** The header of a long frame. */
function frameHeader(flags: number, bytes: number): Buffer {
  const header = Buffer.alloc(9)
  header[0] = 2 | flags
  header.writeBigUInt64BE(BigInt(bytes), 1)
  return header
}

async function expectBystanderWell(tools: PythonInterpreterToolSet): Promise<void> {
  const result = await tools.runPythonCode('print(x)', { client_id: 'bystander' })
  expect(result).toMatchObject({ stdout: '43\n', state: 'kept' })
}

describe('the socket of the keeper', () => {
  it.each([
    ['no JSON', `b'?'`],
    ['a number', `b'5'`],
    ['an empty packet', `b''`],
    ['JSON without end', `b'[' * 60_000`],
    ['a failure that is no text', `b'{"event": "failed", "message": 5}'`],
    ['an event of templates', `b'{"event": "template", "threads": [], "failed": []}'`],
    ['a copy that is nobody’s', `b'{"event": "asleep", "id": "a", "pid": 1}'`],
  ])('takes %s for nothing', async (_, packet) => {
    const tools = await sessions()
    const result = await attack(tools, `c = connect(); c.send(${packet}); print(ask_keeper(c))`)
    expect(result).toMatchObject({ success: true, stdout: "b''\n", state: 'kept' })
    await expectBystanderWell(tools)
  })

  it.each([
    ['the id of a worker', 'copies._worker_id', '1'],
    ['an id that is a path', `'../../x'`, '1'],
    ['an id that is a list', `[]`, '1'],
    ['a run that is a text', `'a'`, `'1'`],
    ['a run that no number of Node is', `'a'`, '2 ** 60'],
    ['a run before the first', `'a'`, '-1'],
  ])('refuses a copy with %s', async (_, id, run) => {
    const tools = await sessions()
    const result = await attack(
      tools,
      `c = connect(); introduce(c, ${id}, ${run}); print(ask_keeper(c))`,
    )
    expect(result).toMatchObject({ success: true, stdout: "b''\n" })
    await expectBystanderWell(tools)
  })

  it('does not believe who knows the secret of another worker', async () => {
    const tools = await sessions()
    const theirs = await tools.runPythonCode(
      `${FIND}\nprint(repr(dict(worker=copies._worker_id, secret=copies._secret)))`,
      { client_id: 'bystander' },
    )
    const result = await attack(
      tools,
      `c = connect(); introduce(c, 'a', **${theirs.stdout.trim()}); print(ask_keeper(c))`,
    )
    expect(result).toMatchObject({ success: true, stdout: "b''\n" })
  })

  it('takes no other process for a copy: not a bystander, which would die with it', async () => {
    const tools = await sessions()
    const { stdout } = await tools.runPythonCode('import os; print(os.getpid())', {
      client_id: 'bystander',
    })
    await attack(
      tools,
      `c = connect(); introduce(c, 'forged'); say(c, event='copied')
say(c, event='asleep', id='forged', pid=${stdout.trim()}); print(ask_keeper(c))`,
    )
    const list = await tools.manageInterpreters({ operation: 'list' })
    expect(JSON.stringify(list)).not.toContain('forged')
    await expectBystanderWell(tools)
  })

  it('is not kept from others by who connects without end and says nothing', async () => {
    const tools = await sessions()
    const flood = attack(
      tools,
      `import resource
limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
kept, end = [], time.time() + 2
while time.time() < end and len(kept) < limit - 100: kept.append(connect())`,
    )
    const started = await tools.runPythonCode('print(1)', { client_id: 'newcomer' })
    expect(started).toMatchObject({ stdout: '1\n', state: 'kept' })
    await flood
    await expectBystanderWell(tools)
  })

  it('hears of a copy nothing but what it forks', async () => {
    const tools = await sessions()
    // The thread is in the copy, which asks the keeper for nothing else.
    await attack(
      tools,
      `import threading
def lie():
    time.sleep(0.3)
    for fd in os.listdir('/proc/self/fd'):
        try: peer = socket.socket(fileno=os.dup(int(fd)))
        except OSError: continue
        for packet in (b'5', b'{"event": "bogus"}', b'{"event": "exited"}', b'{"event": "failed"}'):
            try: peer.send(packet)
            except OSError: pass
        peer.detach()
    open('lied', 'w').close()
os.register_at_fork(after_in_child=lambda: threading.Thread(target=lie).start())`,
    )
    await eventually('the copy has lied', () => existsSync(join(tools.workdir, 'lied')), 10_000)
    await expectBystanderWell(tools)
    expect(await attack(tools, 'print(1)')).toMatchObject({ success: true, state: 'kept' })
  })
})

describe('the private folder', () => {
  it('can be entered by its user alone', async () => {
    const tools = await sessions()
    const { stdout } = await attack(tools, 'print(os.path.dirname(copies._control))')
    const folder = stdout.trim()
    expect((await stat(folder)).mode & 0o077).toBe(0)
    for (const name of await readdir(folder)) {
      const entry = await stat(join(folder, name))
      if (entry.isDirectory()) expect(entry.mode & 0o077).toBe(0)
    }
  })

  it('and no command or environment has a secret of a session', async () => {
    const tools = await sessions()
    const secrets = 'print(copies._secret, output._nonce.decode(), os.getppid())'
    const { stdout } = await attack(tools, secrets)
    const [secret = '', nonce = '', keeper = ''] = stdout.trim().split(' ')
    const children = await readFile(`/proc/${keeper}/task/${keeper}/children`, 'utf8')
    for (const pid of [keeper, ...children.trim().split(' ')]) {
      for (const file of ['cmdline', 'environ']) {
        const text = await readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => '')
        expect(text.includes(secret) || text.includes(nonce)).toBe(false)
      }
    }
  })

  it('and the memory of a session that is forked later has none of an earlier one', async () => {
    const tools = await sessions()
    // Spelt backwards, so that the code that looks does not find itself.
    const { stdout } = await attack(
      tools,
      'print(copies._secret[::-1], output._nonce.decode()[::-1])',
    )
    const [secret = '', nonce = ''] = stdout.trim().split(' ')
    const look = `
wanted = [text[::-1].encode() for text in (${JSON.stringify(secret)}, ${JSON.stringify(nonce)})]
hits = 0
with open('/proc/self/maps') as maps, open('/proc/self/mem', 'rb', 0) as memory:
    for line in maps:
        fields = line.split()
        if 'rw' not in fields[1]: continue
        start, end = (int(part, 16) for part in fields[0].split('-'))
        try:
            memory.seek(start)
            block = memory.read(end - start)
        except OSError: continue
        # That which is looked for is in the list itself, once.
        hits += sum(block.count(text) for text in wanted)
        del block
print(hits)`
    const own = await attack(tools, look, 60_000)
    const other = await tools.runPythonCode(look, { client_id: 'later' })
    expect(Number(own.stdout)).toBeGreaterThan(Number(other.stdout))
    expect(Number(other.stdout)).toBeLessThanOrEqual(4)
  })

  it.each([
    ['a pipe', 'os.mkfifo(path)'],
    ['a link to what has no end', `os.symlink('/dev/zero', path)`],
  ])('with %s in the place of its reports does not make Node wait', async (_, put) => {
    const tools = await sessions()
    const code = `
folder = os.path.dirname(os.readlink('/proc/self/fd/1'))
for name in ('crash', 'no-checkpoint'):
    path = os.path.join(folder, name)
    if os.path.lexists(path): os.unlink(path)
    ${put}
os.abort()`
    expect(await attack(tools, code)).toMatchObject({ interpreter_crashed: true })
    await expectBystanderWell(tools)
  })

  it('with links in the place of pipes has Node write nowhere else', async () => {
    const tools = await sessions()
    const victim = join(tools.workdir, 'victim')
    await writeFile(victim, 'as it was')
    const code = `
for descriptor in (1, 2):
    path = os.readlink(f'/proc/self/fd/{descriptor}')
    os.unlink(path)
    os.symlink(${JSON.stringify(victim)}, path)
print('the last words', flush=True)
os._exit(1)`
    const result = await attack(tools, code)
    expect(result).toMatchObject({ interpreter_crashed: true, stdout: 'the last words\n' })
    expect(await readFile(victim, 'utf8')).toBe('as it was')
  })
})

describe('the channel', () => {
  it('lets nobody have the identity of a worker that is connected', async () => {
    const tools = await sessions()
    const { stdout } = await tools.runPythonCode(`${FIND}\nprint(copies._secret)`, {
      client_id: 'bystander',
    })
    const result = await attack(
      tools,
      `import zmq
thief = zmq.Context().socket(zmq.DEALER)
thief.setsockopt(zmq.LINGER, 0)
thief.setsockopt(zmq.IDENTITY, ${JSON.stringify(stdout.trim())}.encode())
thief.connect(channel._endpoint)
time.sleep(0.2)
thief.send(b'garbage')
print(thief.poll(500))`,
    )
    expect(result.stdout).toBe('0\n')
    await expectBystanderWell(tools)
  })

  it.each([
    ['an unknown', `b'somebody'`],
    ['an empty', `b''`],
  ])('drops what is sent under %s identity', async (_, identity) => {
    const tools = await sessions()
    const result = await attack(
      tools,
      `import zmq
stranger = zmq.Context().socket(zmq.DEALER)
stranger.setsockopt(zmq.LINGER, 0)
if ${identity}: stranger.setsockopt(zmq.IDENTITY, ${identity})
stranger.connect(channel._endpoint)
end = time.time() + 1
while time.time() < end:
    stranger.send(reply(asking._run + 1, value=1))
print('done')`,
    )
    expect(result).toMatchObject({ success: true, stdout: 'done\n', result: null })
    await expectBystanderWell(tools)
  })

  it.each([
    ['a checkpoint that nobody has asked for', `b'{"type":"checkpoint","id":"a","trouble":null}'`],
    [
      'that it is ready, again',
      `json.dumps({'type': 'ready', 'protocol': 1, 'error': None, 'pipes': None}).encode()`,
    ],
    [
      'a value that is nested too deeply',
      `reply(asking._run)[:-1] + b',"value":' + b'[' * 5000 + b']' * 5000 + b'}'`,
    ],
    ['a reply, and then another', 'reply(asking._run)'],
    [
      'a call of a tool where there is none',
      `json.dumps({'type': 'call', 'run': asking._run, 'number': 1, 'tool': 'x', 'arguments': {}}).encode()`,
    ],
    [
      'that it cancels a call where there is no tool',
      `json.dumps({'type': 'cancel', 'run': asking._run, 'number': 1}).encode()`,
    ],
  ])('ends who says %s', async (_, message) => {
    const tools = await sessions()
    const code = `for _ in range(3): channel._socket.send(${message})\ntime.sleep(100)`
    const result = await attack(tools, code)
    expect(result.restart_reason).toMatch(/malformed message/)
    await expectBystanderWell(tools)
  })

  it('ends who calls tools for ever without reading the answers', async () => {
    const ping = hostTool({
      description: 'Answers.',
      inputSchema: z.object({}),
      execute: () => 'pong',
    })
    const tools = await makeToolset({ hostTools: { ping } })
    const code = `${FIND}
for number in range(1_000_000):
    call = {'type': 'call', 'run': asking._run, 'number': number, 'tool': 'ping', 'arguments': {}}
    channel._socket.send(json.dumps(call).encode())
time.sleep(100)`
    const before = process.memoryUsage().rss
    const result = await tools.runPythonCode(code, { client_id: 'attacker' })
    expect(result.restart_reason).toMatch(/more than 100000 calls in one run/)
    expect(process.memoryUsage().rss - before).toBeLessThan(400e6)
    expect((await tools.runPythonCode('ping()')).stdout).toBe("'pong'\n")
  })

  it('ends who asks without waiting for answers', async () => {
    const tools = await sessions()
    let asked = 0
    const result = await tools.runPythonCode(
      `for number in range(1000):
    question = {'type': 'input', 'run': asking._run, 'number': number, 'prompt': '', 'password': False}
    channel._socket.send(json.dumps(question).encode())
time.sleep(100)`,
      {
        client_id: 'attacker',
        timeout_ms: 10_000,
        onInput: async () => {
          asked += 1
          await setTimeout(60_000, null, { ref: false })
          return ''
        },
      },
    )
    expect(result.restart_reason).toMatch(/malformed message/)
    expect(asked).toBeLessThanOrEqual(100)
  })

  it('lets go of a peer that announces a frame which no memory can hold', async () => {
    const path = `${await temporaryFolder()}/c`
    const channel = await Channel.bind(`ipc://${path}`)
    const done = channel.expect()
    const peer = rawPeer(path)
    const closed = new Promise<string>((resolve) => {
      peer.on('close', () => resolve('closed'))
      peer.on('error', () => resolve('closed'))
    })
    peer.write(frameHeader(0, 2 ** 40))
    const late = setTimeout(5_000, 'still open', { ref: false })
    expect(await Promise.race([closed, late])).toBe('closed')
    done()
    channel.close()
  })
})

describe('forged frames in the output pipes', () => {
  it.each([
    ['a switch that never comes', `frame(b'W', 1, b'1e999')`],
    ['a switch that is no number', `frame(b'W', 1, b'x')`],
    ['the end of a pipe', `frame(b'X', 0)`],
    ['the start of a run to come', `frame(b'S', 10 ** 15)`],
    ['the end of another run', `frame(b'E', 10 ** 15)`],
  ])('such as %s keep no result back', async (_, forged) => {
    const tools = await sessions()
    const result = await attack(tools, `os.write(1, ${forged} + b'after')`, 0)
    expect(result).toMatchObject({ success: true, state: 'kept' })
    expect(await attack(tools, 'print("next")', 0)).toMatchObject({ stdout: 'next\n' })
  })

  it('do not give output to runs that are yet to come', async () => {
    const tools = await sessions()
    const result = await attack(
      tools,
      `for run in range(1000, 3000): os.write(1, frame(b'T', run, b'x'))`,
    )
    expect(result.stdout).toBe('x'.repeat(2000))
    expect(await attack(tools, 'pass')).not.toHaveProperty('late_outputs')
  })

  it('give a result no more late output than it can hold', async () => {
    const tools = await sessions()
    for (let run = 0; run < 25; run += 1) await attack(tools, 'pass')
    const result = await attack(
      tools,
      `for run in range(1, 27): os.write(1, frame(b'T', run, b'late'))`,
    )
    expect(result.late_outputs).toHaveLength(20)
    expect(result.late_outputs?.at(-1)?.stderr).toContain('left out')
  })

  it('with parts of displays that never end, end their process', async () => {
    const tools = await sessions()
    const before = process.memoryUsage().rss
    const result = await attack(
      tools,
      `part = frame(b'd', asking._run, b'name\\n' + b'x' * 3900)
while True: os.write(1, part)`,
      60_000,
    )
    expect(result.restart_reason).toMatch(/larger than 256 MB/)
    expect(process.memoryUsage().rss - before).toBeLessThan(2 ** 30)
    await expectBystanderWell(tools)
  })
})

describe('what code answers', () => {
  it('never runs in Node, and changes no prototypes', async () => {
    const tools = await sessions()
    const hostile = `{'__proto__': {'polluted': 1}, 'constructor': {'prototype': {'polluted': 1}}}`
    const code = `
import pickle, os
class Evil:
    def __reduce__(self): return os.system, ('touch ran-in-the-host',)
    def _repr_mimebundle_(self, **_): return {'text/plain': 'x', '__proto__': ${hostile}}
x = ${hostile}
x['list'] = [${hostile}]
from IPython.display import display
display(Evil())
x['pickle'] = pickle.dumps(Evil())`
    const options = { client_id: 'attacker', result_var_name: 'x' }
    const result = await tools.runPythonCode(code, options)
    expect(result).toMatchObject({ success: true })
    const js = await tools.runPythonCode('pass', { ...options, resultAs: 'js' })
    expect(js).toMatchObject({ success: true })
    await tools.getVariables(['x'], { client_id: 'attacker' })
    await tools.variables({ client_id: 'attacker' })
    expect(({} as { polluted?: number }).polluted).toBeUndefined()
    expect((result.result as { polluted?: number }).polluted).toBeUndefined()
    expect((js.result as { polluted?: number }).polluted).toBeUndefined()
    expect(existsSync(join(tools.workdir, 'ran-in-the-host'))).toBe(false)
    await expectBystanderWell(tools)
  })
})

describe('answers about variables', () => {
  it.each(['5', 'null', '[5]', '[{}]'])('that are %s are refused', async (value) => {
    const tools = await sessions()
    await attack(
      tools,
      `last = asking._run
class Answering(type(channel)):
    def send(self, message, frames=()):
        if message.get('type') == 'reply' and message['run'] == last and 'value' in message:
            message = {**message, 'value': json.loads(${JSON.stringify(value)})}
        super().send(message, frames)
channel.__class__ = Answering
y = 1`,
    )
    const options = { client_id: 'attacker' }
    await expect(tools.variables(options)).rejects.toThrow(VariablesError)
    if (!value.startsWith('[')) {
      await expect(tools.getVariables(['y'], options)).rejects.toThrow(VariablesError)
    }
    await expectBystanderWell(tools)
  })
})

describe('files that Node writes for a run', () => {
  it.each(['..', '../figures', 'a/../../b', 'a\0b'])(
    'cannot be asked for outside of the workdir (%j)',
    async (folder) => {
      await expect(makeToolset({ figures: { folder } })).rejects.toThrow(InvalidOptionError)
    },
  )

  it('do not follow a link that code has put in the place of their folder', async () => {
    const [workdir, outside] = [await temporaryFolder(), await temporaryFolder()]
    const tools = await makeToolset({ workdir, maxOutputBytes: 100, figures: { folder: 'a/b' } })
    await symlink(outside, join(workdir, '.outputs'))
    await mkdir(join(workdir, 'a'))
    await symlink(outside, join(workdir, 'a', 'b'))
    const result = await tools.runPythonCode(
      `import matplotlib.pyplot as plt\nplt.plot([1])\nplt.show()\nprint('x' * 1000)`,
    )
    expect(result.success).toBe(true)
    expect(result.notices?.join('\n')).toMatch(/figures could not be written to files/)
    expect(result.notices?.join('\n')).toMatch(/whole could not be written to a file/)
    expect(await readdir(outside)).toEqual([])
    expect(dirname(outside)).toBe(dirname(workdir))
  })
})

describe('without a sandbox, it is not held that code', () => {
  it('learns the secret of a session from the memory of its process', async () => {
    const tools = await sessions()
    const victim = await tools.runPythonCode(`${FIND}\nprint(os.getpid(), copies._secret[::-1])`, {
      client_id: 'bystander',
    })
    const [pid = '', reversed = ''] = victim.stdout.trim().split(' ')
    const result = await attack(
      tools,
      `secret = ${JSON.stringify(reversed)}[::-1].encode()
def is_in_memory():
    with open('/proc/${pid}/maps') as maps, open('/proc/${pid}/mem', 'rb', 0) as memory:
        for line in maps:
            fields = line.split()
            if 'rw' not in fields[1]: continue
            start, end = (int(part, 16) for part in fields[0].split('-'))
            try:
                memory.seek(start)
                if secret in memory.read(end - start): return True
            except OSError: pass
    return False
try: print(is_in_memory())
except PermissionError: print('ptrace is restricted')`,
      60_000,
    )
    expect(['True\n', 'ptrace is restricted\n']).toContain(result.stdout)
  })
})

describe('with or without a sandbox, it is not held that code', () => {
  it('fills the memory of Node with a message of endless frames', async () => {
    const [MB, FRAMES] = [1 << 20, 100]
    const path = `${await temporaryFolder()}/c`
    const channel = await Channel.bind(`ipc://${path}`)
    const before = process.memoryUsage.rss()
    const grown = () => (process.memoryUsage.rss() - before) / MB
    const peer = rawPeer(path)
    const frame = Buffer.concat([frameHeader(MORE, MB), Buffer.alloc(MB, 'x')])
    // ZeroMQ reads them although nobody receives, and has no limit but that of one frame.
    for (let i = 0; i < FRAMES; i += 1) peer.write(frame)
    await eventually('they are in the memory of Node', () => grown() > FRAMES * 0.8)
    // They are freed with the connection; when that shows in the size of the process is up to malloc.
    peer.destroy()
    channel.close()
  })
})
