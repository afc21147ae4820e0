import { existsSync } from 'node:fs'
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { describe, expect, it, onTestFinished } from 'vitest'
import { LocalEngine } from '../src/index.js'
import { openDescriptors } from './helpers/descriptors.js'
import { engineFolders, ownTemporaryFolder } from './helpers/leaks.js'
import { eventually, isAlive, processesNaming } from './helpers/processes.js'
import { daemon, tell } from './helpers/python-code.js'
import { makeToolset, temporaryFolder, testPython } from './helpers/toolset.js'

const SESSIONS = 200
/** How soon everything must be gone when Node has ended. */
const GONE_MS = 2_000

const fixture = (name: string) => join(import.meta.dirname, 'fixtures', name)
const tsx = ['--import', import.meta.resolve('tsx')]
/** Has V8 keep nothing that it learns of running code. */
const PLAIN_HEAP = [
  '--expose-gc',
  '--no-opt',
  '--no-maglev',
  '--no-sparkplug',
  '--no-flush-bytecode',
  '--no-lazy-feedback-allocation',
]
/** Less than the smallest object with a name. */
const MOST_BYTES_A_TIME = 50

async function expectNothingLeft(temporary: string): Promise<void> {
  expect(await processesNaming(temporary)).toEqual([])
  expect(await engineFolders(temporary)).toEqual([])
}

describe('a closed toolset', () => {
  it('leaves nothing behind of 200 sessions that were used in parallel', async () => {
    const temporary = await ownTemporaryFolder()
    // What Node itself opens once and keeps.
    const first = await makeToolset()
    await first.runPythonCode('1')
    await first.close()
    const descriptors = await openDescriptors()

    const tools = await makeToolset()
    const clients = Array.from({ length: SESSIONS }, (_, i) => `client ${i}`)
    const set = clients.map((client_id, i) => tools.runPythonCode(`x = ${i}`, { client_id }))
    for (const result of await Promise.all(set)) expect(result).toMatchObject({ success: true })
    const got = clients.map((client_id) => tools.runPythonCode('x', { client_id }))
    for (const [i, result] of (await Promise.all(got)).entries()) {
      expect(result).toMatchObject({ success: true, state: 'kept', stdout: `${i}\n` })
    }
    expect((await processesNaming(temporary)).length).toBeGreaterThan(SESSIONS)

    await tools.close()
    await expectNothingLeft(temporary)
    await eventually('no descriptor is left', async () => {
      return (await openDescriptors()).length <= descriptors.length
    })
    expect(await readdir(tools.workdir)).toEqual([])
  })

  it('gives back what each deleted session had, while others go on', async () => {
    const temporary = await ownTemporaryFolder()
    const engine = new LocalEngine({ start: 'spawn' }) // a template would come meanwhile
    onTestFinished(() => engine.close())
    const tools = await makeToolset({ engine, checkpoint: 'off' })
    await tools.runPythonCode('x = 1')
    const [folder = ''] = await engineFolders(temporary)
    const before = {
      descriptors: (await openDescriptors()).length,
      processes: (await processesNaming(temporary)).length,
      files: (await readdir(join(temporary, folder), { recursive: true })).length,
    }
    for (let i = 0; i < 10; i += 1) {
      const client_id = `client ${i}`
      // A child process makes the next run use new pipes.
      await tools.runPythonCode('import os\nos.system("true")', { client_id })
      await tools.runPythonCode('1', { client_id })
      await tools.manageInterpreters({ operation: 'delete', client_id })
    }
    await eventually('as few descriptors are open as before', async () => {
      return (await openDescriptors()).length <= before.descriptors
    })
    expect((await processesNaming(temporary)).length).toBe(before.processes)
    const files = await readdir(join(temporary, folder), { recursive: true })
    expect(files.length, files.join('\n')).toBe(before.files)
    expect(await tools.runPythonCode('x')).toMatchObject({ stdout: '1\n', state: 'kept' })
  })

  it('gives back what dead processes had when they are replaced', async () => {
    const temporary = await ownTemporaryFolder()
    const tools = await makeToolset({ checkpoint: 'off' })
    await tools.runPythonCode('1')
    const [folder = ''] = await engineFolders(temporary)
    const descriptors = (await openDescriptors()).length
    const files = (await readdir(join(temporary, folder), { recursive: true })).length
    for (let i = 0; i < 10; i += 1) {
      expect(await tools.runPythonCode('import os\nos._exit(3)')).toMatchObject({ state: 'lost' })
    }
    await eventually('as few descriptors are open as before', async () => {
      return (await openDescriptors()).length <= descriptors
    })
    const left = await readdir(join(temporary, folder), { recursive: true })
    expect(left.length, left.join('\n')).toBe(files)
  })

  it('gives back the pipes of 100 runs that started child processes', async () => {
    const temporary = await ownTemporaryFolder()
    const tools = await makeToolset()
    await tools.runPythonCode('import os\nos.system("true");')
    await tools.runPythonCode('1')
    const [folder = ''] = await engineFolders(temporary)
    const descriptors = (await openDescriptors()).length
    const files = (await readdir(join(temporary, folder), { recursive: true })).length
    const inPython = async () =>
      Number((await tools.runPythonCode(`len(os.listdir('/proc/self/fd'))`)).stdout)
    const ofPython = await inPython()
    for (let i = 0; i < 100; i += 1) await tools.runPythonCode('os.system("true");')
    await tools.runPythonCode('1')
    await eventually('as few descriptors are open as before', async () => {
      return (await openDescriptors()).length <= descriptors
    })
    expect(await inPython()).toBe(ofPython)
    const left = await readdir(join(temporary, folder), { recursive: true })
    expect(left.length, left.join('\n')).toBe(files)
  })

  it.each(['inherited', 'empty'] as const)(
    'ends daemons that its code has started, with an environment that is %s',
    async (environment) => {
      await ownTemporaryFolder()
      const tools = await makeToolset()
      const pid = Number((await tools.runPythonCode(daemon(environment))).stdout)
      expect(await isAlive(pid)).toBe(true)
      await tools.close()
      expect(await isAlive(pid)).toBe(false)
    },
  )

  it('ends daemons of a session that is deleted or restarted, at once', async () => {
    await ownTemporaryFolder()
    const tools = await makeToolset()
    for (const operation of ['restart', 'delete'] as const) {
      const pid = Number((await tools.runPythonCode(daemon())).stdout)
      expect(await isAlive(pid)).toBe(true)
      expect(await tools.manageInterpreters({ operation })).toMatchObject({ success: true })
      expect(await isAlive(pid)).toBe(false)
    }
  })

  it('leaves nothing behind when no process could be started', async () => {
    const temporary = await ownTemporaryFolder()
    const descriptors = (await openDescriptors()).length
    const failing = await makeToolset({ initCode: 'raise ValueError("no")' })
    await expect(failing.runPythonCode('1')).rejects.toMatchObject({ code: 'INIT_CODE' })
    await failing.close()
    const unusable = await makeToolset({ python: '/bin/false' })
    await expect(unusable.runPythonCode('1')).rejects.toMatchObject({ code: 'NO_PYTHON' })
    await unusable.close()
    await expectNothingLeft(temporary)
    await eventually('no descriptor is left', async () => {
      return (await openDescriptors()).length <= descriptors
    })
  })

  it('leaves nothing behind where the temporary folder has too long a name for a socket', async () => {
    const parent = await ownTemporaryFolder()
    const temporary = join(parent, 'l'.repeat(100))
    await mkdir(temporary)
    process.env['TMPDIR'] = temporary
    const tools = await makeToolset()
    await tools.runPythonCode('1').catch((error: unknown) => {
      expect(error).toMatchObject({ code: 'START' })
    })
    await tools.close()
    await expectNothingLeft(temporary)
  })

  it('can be closed twice, and at once', async () => {
    const temporary = await ownTemporaryFolder()
    const tools = await makeToolset()
    const run = tools.runPythonCode('1').catch((error: unknown) => error)
    await Promise.all([tools.close(), tools.close()])
    await run
    await expectNothingLeft(temporary)
    await expect(tools.runPythonCode('1')).rejects.toMatchObject({ code: 'CLOSED' })
  })
})

describe('the heap of Node', () => {
  it('keeps nothing of what has been done and ended', { timeout: 180_000 }, async () => {
    const file = fixture('heap-of-calls.ts')
    const workdir = await temporaryFolder()
    const args = [...PLAIN_HEAP, ...tsx, file, workdir, testPython]
    const { stdout } = await execa(process.execPath, args)
    const grown = Object.entries(JSON.parse(stdout) as Record<string, number>)
    expect(grown.length).toBeGreaterThan(10)
    expect(grown.filter(([, bytes]) => bytes > MOST_BYTES_A_TIME)).toEqual([])
  })
})

describe('an engine', () => {
  it('that is closed ends the interpreters of all its toolsets', async () => {
    const temporary = await ownTemporaryFolder()
    const engine = new LocalEngine()
    const [one, two] = [
      await makeToolset({ engine, checkpoint: 'off' }),
      await makeToolset({ engine, checkpoint: 'off' }),
    ]
    await one.runPythonCode('1')
    const run = two.runPythonCode(`${tell('started')}\nwhile True: pass`)
    await eventually('the code runs', () => existsSync(join(two.workdir, 'started')))
    await engine.close()
    expect(await run).toMatchObject({ success: false, interpreter_crashed: true, state: 'lost' })
    await expectNothingLeft(temporary)
  })
})

describe('the death of the keeper', () => {
  it('ends its workers, and the next run works and tells of the loss', async () => {
    const temporary = await ownTemporaryFolder()
    const tools = await makeToolset()
    const { result } = await tools.runPythonCode('import os\npids = [os.getppid(), os.getpid()]', {
      result_var_name: 'pids',
    })
    const [keeper = 0, worker = 0] = result as number[]
    process.kill(keeper, 'SIGKILL')
    await eventually('the worker ends', async () => !(await isAlive(worker)))
    const next = await tools.runPythonCode(`'pids' in globals()`)
    expect(next).toMatchObject({
      success: true,
      stdout: 'False\n',
      interpreter_restarted: true,
      state: 'lost',
    })
    expect(next.restart_reason).toContain('keeper')
    expect(await tools.runPythonCode('1')).toMatchObject({ state: 'kept' })
    expect(await engineFolders(temporary), 'the folder of the dead keeper').toHaveLength(1)
    await tools.close()
    await expectNothingLeft(temporary)
  })

  it('when it was about to start a process is no obstacle to the next', async () => {
    const temporary = await ownTemporaryFolder()
    const tools = await makeToolset()
    const { stdout } = await tools.runPythonCode('import os\nprint(os.getppid(), os.getpid())')
    const [keeper = 0, worker = 0] = stdout.split(' ').map(Number)
    const [folder = ''] = await engineFolders(temporary)
    // It removes this at once, if it can.
    await writeFile(join(temporary, folder, 'config'), '')
    process.kill(keeper, 'SIGKILL')
    await eventually('the worker ends', async () => !(await isAlive(worker)))
    expect(await tools.runPythonCode('1')).toMatchObject({ success: true, stdout: '1\n' })
    await tools.close()
    // Those of the first keeper end by themselves.
    const areThere = async () => (await processesNaming(temporary)).length > 0
    await eventually('all have ended', async () => !(await areThere()))
    await expectNothingLeft(temporary)
  })

  it('in a run is told by that run', async () => {
    const temporary = await ownTemporaryFolder()
    const tools = await makeToolset()
    const code = 'import os, signal\nos.kill(os.getppid(), signal.SIGKILL)\nwhile True: pass'
    const result = await tools.runPythonCode(code)
    expect(result).toMatchObject({
      success: false,
      interpreter_crashed: true,
      interpreter_restarted: true,
      state: 'lost',
    })
    expect(await tools.runPythonCode('1')).toMatchObject({ success: true, state: 'kept' })
    await tools.close()
    await expectNothingLeft(temporary)
  })
})

describe('Node', () => {
  it.each([
    ['end normally', { exitCode: 0 }],
    ['process.exit', { exitCode: 3 }],
    ['uncaught exception', { exitCode: 1 }],
    ['SIGTERM', { signal: 'SIGTERM' }],
    ['SIGKILL', { signal: 'SIGKILL' }],
  ])('that ends by %s leaves nothing behind', async (how, expected) => {
    const temporary = await temporaryFolder()
    const workdir = await temporaryFolder()
    const node = execa(
      process.execPath,
      [...tsx, fixture('end-of-node.ts'), how, workdir, testPython],
      { env: { TMPDIR: temporary }, reject: false, cleanup: true },
    )
    onTestFinished(() => void node.kill('SIGKILL'))
    const ready = new Promise((resolve) => node.stdout.once('data', resolve))
    await Promise.race([ready, node])
    if (how.startsWith('SIG')) node.kill(how as NodeJS.Signals)
    const ended = await node
    expect(ended.stdout, ended.stderr).toBe('ready')
    expect(ended).toMatchObject(expected)
    await eventually(
      'everything is gone',
      async () =>
        (await processesNaming(temporary)).length === 0 &&
        (await engineFolders(temporary)).length === 0,
      GONE_MS,
    )
  })
})
