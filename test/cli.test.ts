import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { execa } from 'execa'
import { dir } from 'tmp-promise'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'

const repository = fileURLToPath(new URL('..', import.meta.url))
const cli = join(repository, 'src', 'cli', 'cli.ts')
/** Made by `npm run setup`, which `npm test` runs first. */
const environment = join(repository, '.venv')

let folder: string
let removeFolder: () => Promise<void>

beforeAll(async () => {
  if (!existsSync(environment)) throw new Error('These tests need .venv: npm run setup')
  const made = await dir({ unsafeCleanup: true })
  folder = made.path
  removeFolder = made.cleanup
})
afterAll(() => removeFolder())

/** Runs the tool in a temporary folder. */
async function tool(args: readonly string[], input = '') {
  const node = ['--import', import.meta.resolve('tsx'), cli, ...args]
  const options = { cwd: folder, input, reject: false, stripFinalNewline: false } as const
  const { exitCode, stdout, stderr } = await execa(process.execPath, node, options)
  return { exitCode, stdout, stderr }
}

describe('the command line', () => {
  it('explains itself', async () => {
    const main = await tool(['--help'])
    expect(main).toMatchObject({ exitCode: 0, stderr: '' })
    expect(main.stdout).toMatch(/^Usage: python-interpreter-toolset COMMAND/)
    for (const command of ['setup', 'run', 'mcp', 'doctor']) {
      expect(main.stdout).toMatch(new RegExp(`^  ${command} `, 'm'))
      const own = await tool([command, '--help'])
      expect(own).toMatchObject({ exitCode: 0, stderr: '' })
      expect(own.stdout).toMatch(new RegExp(`^Usage: python-interpreter-toolset ${command} `))
    }
  })

  it('tells its version', async () => {
    const manifest = JSON.parse(await readFile(join(repository, 'package.json'), 'utf8')) as {
      version: string
    }
    expect(await tool(['--version'])).toEqual({
      exitCode: 0,
      stdout: `${manifest.version}\n`,
      stderr: '',
    })
  })

  it.each([
    [[], 'Name a command: setup, run, mcp, doctor.'],
    [['install'], 'There is no command install. The commands are: setup, run, mcp, doctor.'],
    [['--verbose'], 'There is no option --verbose.'],
    [['setup', '--force'], 'There is no option --force here.'],
    [['setup', '--python'], 'The option --python needs a value'],
    [['setup', '--help=yes'], 'The option --help takes no value.'],
    [['setup', 'a', 'b'], 'setup takes one folder at most.'],
    [['doctor', 'a'], 'doctor takes options only.'],
    [['run'], 'run takes one file, or - for the standard input.'],
    [['run', 'a.py', 'b.py'], 'run takes one file, or - for the standard input.'],
    [['run', 'none.py'], 'The file none.py cannot be read: ENOENT'],
    [['run', '-', '--timeout', '-1'], '--timeout takes a whole number of milliseconds'],
    [['run', '-', '--timeout', 'soon'], '--timeout takes a whole number of milliseconds'],
    [['mcp', 'a'], 'mcp takes options only.'],
    [['mcp', '--idle', 'soon'], '--idle takes a whole number of milliseconds'],
    [['mcp', '--port', '65536'], '--port takes a number up to 65535'],
    [['mcp', '--tier', 'huge'], '--tier takes small, medium or large; it is huge.'],
    [['mcp', '--sandbox=yes'], 'The option --sandbox takes no value.'],
    [['mcp', '--host', '0.0.0.0'], '--host needs --port'],
    [['mcp', '--port', '0', '--token', 'short'], 'A token must have 16 characters at least.'],
    [['mcp', '--port', '0', '--host', '0.0.0.0'], 'Whoever reaches 0.0.0.0 could run code here'],
  ])('refuses %j with a sentence', async (args, sentence) => {
    const { exitCode, stdout, stderr } = await tool(args)
    expect(exitCode).toBe(2)
    expect(stdout).toBe('')
    expect(stderr.split('\n')[0]).toContain(sentence)
  })
})

describe('setup', () => {
  it('tells what is wrong without a stack', async () => {
    await mkdir(join(folder, 'used', 'inner'), { recursive: true })
    const { exitCode, stderr } = await tool(['setup', 'used'])
    expect(exitCode).toBe(1)
    expect(stderr).toMatch(/used exists and is not a virtual environment\. .*\n$/)
    expect(stderr.split('\n')).toHaveLength(2)
  })

  it('leaves a complete environment alone', async () => {
    const { exitCode, stdout, stderr } = await tool(['setup', environment])
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
    expect(stdout).toMatch(/\.venv was ready already: Python 3\..* pyzmq \d.*, numpy \d/)
  })
})

describe('doctor', () => {
  it('succeeds where code can be run', async () => {
    const { exitCode, stdout } = await tool(['doctor', '--python', environment])
    expect(exitCode).toBe(0)
    expect(stdout).toMatch(/^numpy +\d/m)
  })

  it('fails where it cannot', async () => {
    const { exitCode, stdout } = await tool(['doctor', '--python', 'no-python'])
    expect(exitCode).toBe(1)
    expect(stdout).toContain('There is no command no-python')
  })
})

describe('run', () => {
  const run = (args: string[], input?: string) =>
    tool(['run', ...args, '--python', environment], input)

  it('passes on both outputs of a file', async () => {
    const code = 'import sys\nprint("out")\nprint("err", file=sys.stderr)\n'
    await writeFile(join(folder, 'hello.py'), code)
    expect(await run(['hello.py'])).toEqual({ exitCode: 0, stdout: 'out\n', stderr: 'err\n' })
  })

  it('prints while the code runs', async () => {
    const heard = join(folder, 'heard')
    const code = [
      'import os, sys, time',
      'print("first", flush=True)',
      '"second"',
      'print("third", file=sys.stderr)',
      `while not os.path.exists(${JSON.stringify(heard)}): time.sleep(0.01)`,
    ].join('\n')
    const node = ['--import', import.meta.resolve('tsx'), cli, 'run', '-', '--python', environment]
    const running = execa(process.execPath, node, { cwd: folder, input: code, reject: false })
    onTestFinished(() => void running.kill('SIGKILL'))
    await Promise.all([once(running.stdout, 'data'), once(running.stderr, 'data')])
    await writeFile(heard, '')
    const { exitCode, stdout, stderr } = await running
    expect({ exitCode, stdout, stderr }).toEqual({
      exitCode: 0,
      stdout: "first\n'second'",
      stderr: 'third',
    })
  })

  it('runs the standard input in the working directory', async () => {
    await mkdir(join(folder, 'work'), { recursive: true })
    const code = 'import os\nprint(os.path.basename(os.getcwd()))'
    const { exitCode, stdout } = await run(['-', '--workdir', 'work'], code)
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: 'work\n' })
  })

  it('shows the traceback of code that fails, after its output', async () => {
    const { exitCode, stdout, stderr } = await run(['-'], 'print("before")\n1 / 0')
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: 'before\n' })
    expect(stderr).toMatch(/^Traceback[^]*ZeroDivisionError: division by zero\n$/)
  })

  it('says what would mend the error, after the traceback', async () => {
    const { exitCode, stderr } = await run(['-'], 'console.log(1)')
    expect(exitCode).toBe(1)
    expect(stderr).toMatch(
      /^Traceback[^]*\nNameError: [^\n]*\nhint: In Python, write `print\(\.\.\.\)` for [^\n]*\n$/,
    )
  })

  it('ends code that takes too long, and proposes what can be given here', async () => {
    const { exitCode, stderr } = await run(['-', '--timeout', '200'], 'while True: pass')
    expect(exitCode).toBe(1)
    expect(stderr).toMatch(/TimeoutError: [^\n]*\nhint: [^\n]* --timeout MS\.\n$/)
    expect(stderr).not.toMatch(/timeout_ms|detach/)
  })

  it('says of a crash what it was, and nothing of a session', async () => {
    const { exitCode, stderr } = await run(['-'], 'import os\nos.kill(os.getpid(), 11)')
    expect(exitCode).toBe(1)
    expect(stderr).toContain('InterpreterCrashed: The Python process was killed by SIGSEGV')
    expect(stderr).not.toMatch(/notice|hint|taken over|restored|lost/)
  })

  it('names the figures', async () => {
    const code = 'import matplotlib.pyplot as plt\nplt.plot([1, 2]);'
    const { exitCode, stderr } = await run(['-'], code)
    expect(exitCode).toBe(0)
    const path = /^figure: (.+)$/m.exec(stderr)?.[1] ?? ''
    const image = await readFile(join(folder, path))
    expect(image.subarray(1, 4).toString()).toBe('PNG')
  })

  it('says what is wrong with the Python that it was given', async () => {
    const { exitCode, stderr } = await tool(['run', '-', '--python', '/nowhere/python'])
    expect(exitCode).toBe(1)
    expect(stderr).toMatch(/^\/nowhere\/python \(given as `python`\) does not exist\..*\n$/)
  })
})
