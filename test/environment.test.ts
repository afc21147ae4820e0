import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { chmod, mkdir, readdir, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { delimiter, join, relative } from 'node:path'

import { execa } from 'execa'
import { dir } from 'tmp-promise'
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'

import { LocalEngine } from '../src/engine/local/local-engine.js'
import { InvalidOptionError, NoPythonError, NoPyzmqError } from '../src/errors.js'
import { doctor } from '../src/environment/doctor.js'
import { choosePython, findOnPath, findPython } from '../src/environment/find-python.js'
import { probePython, type PythonFacts } from '../src/environment/probe-python.js'
import { pythonEnvironment } from '../src/environment/python-environment.js'
import { showProgress } from '../src/environment/progress.js'
import { hasCachedPyzmq, installPyzmq, pyzmqCacheFolder } from '../src/environment/pyzmq.js'
import { DATA_SCIENCE_PACKAGES, setup, SetupError } from '../src/environment/setup.js'
import { makeToolset } from './helpers/toolset.js'

const unreachableIndex = 'http://127.0.0.1:9/'

let root: string
let removeRoot: () => Promise<void>
/** The real Python behind `python3`, which is found even where the PATH of a test is empty. */
let python: string

beforeAll(async () => {
  const folder = await dir({ unsafeCleanup: true })
  root = await realpath(folder.path)
  removeRoot = folder.cleanup
  const command = (await findOnPath('python3')) ?? (await findOnPath('python'))
  if (command === undefined) throw new Error('These tests need a Python on the PATH.')
  python = (await probePython(command)).realExecutable
})
afterAll(() => removeRoot())
afterEach(() => vi.unstubAllEnvs())

/** A new folder inside the temporary one. */
async function newFolder(): Promise<string> {
  const { path } = await dir({ tmpdir: root })
  return path
}

/** Writes a shell script that can be run as a command. */
async function script(path: string, ...lines: string[]): Promise<string> {
  await mkdir(join(path, '..'), { recursive: true })
  await writeFile(path, ['#!/bin/sh', ...lines, ''].join('\n'))
  await chmod(path, 0o755)
  return path
}

async function makeEnvironment(folder: string, ...options: string[]): Promise<string> {
  await execa(python, ['-m', 'venv', ...options, folder])
  return findPython({ python: folder, workdir: root })
}

/** Runs code in another Node process, with an export of a module of `src/environment`. */
function runWith(module: string, imported: string, code: string, cwd = process.cwd()) {
  const tsx = import.meta.resolve('tsx')
  const url = new URL(`../src/environment/${module}.ts`, import.meta.url).href
  const whole = `import { ${imported} } from '${url}'; ${code}`
  return execa(process.execPath, ['--import', tsx, '--input-type=module', '--eval', whole], { cwd })
}

async function errorOf(promise: Promise<unknown>): Promise<Error> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (error instanceof Error) return error
  throw new Error('It was expected to fail.')
}

describe.skipIf(process.platform === 'win32')('findPython', () => {
  /** An environment that is no more than the two files which make it one. */
  async function sketchEnvironment(folder: string): Promise<string> {
    await mkdir(folder, { recursive: true })
    await writeFile(join(folder, 'pyvenv.cfg'), '')
    return script(join(folder, 'bin', 'python'))
  }

  it('takes an executable by its absolute or relative path', async () => {
    const file = await script(join(await newFolder(), 'my-python'))
    expect(await findPython({ python: file, workdir: root })).toBe(file)
    const near = `./${relative(process.cwd(), file)}`
    expect(await findPython({ python: near, workdir: root })).toBe(file)
  })

  it('takes a virtual environment by its folder, and keeps its symbolic link', async () => {
    const folder = await newFolder()
    const link = await makeEnvironment(join(folder, 'env'), '--without-pip')
    expect(link).toBe(join(folder, 'env', 'bin', 'python'))
  })

  it('looks a bare name up on the PATH', async () => {
    const folder = await newFolder()
    const file = await script(join(folder, 'python3.99'))
    const env = { PATH: ['', '/nowhere', folder].join(delimiter) }
    expect(await findPython({ python: 'python3.99', workdir: root, env })).toBe(file)
  })

  it('is not misled by a folder that is called like a command', async () => {
    const file = await script(join(await newFolder(), 'src'))
    // The tests run where there is a folder `src`.
    const env = { PATH: join(file, '..') }
    expect(await findPython({ python: 'src', workdir: root, env })).toBe(file)
  })

  it('prefers VIRTUAL_ENV to .venv, that to the PATH, and python3 to python', async () => {
    const workdir = await newFolder()
    const active = await sketchEnvironment(join(workdir, 'active'))
    const local = await sketchEnvironment(join(workdir, '.venv'))
    const onPath = await script(join(workdir, 'bin', 'python'))
    const env: NodeJS.ProcessEnv = {
      PATH: join(workdir, 'bin'),
      VIRTUAL_ENV: join(active, '../..'),
    }

    const choose = () => choosePython({ workdir, env })
    expect(await choose()).toEqual({
      executable: active,
      reason: 'in the active virtual environment ($VIRTUAL_ENV)',
    })
    env['VIRTUAL_ENV'] = ''
    expect(await choose()).toEqual({
      executable: local,
      reason: 'in the virtual environment .venv of the working directory',
    })
    await rm(join(workdir, '.venv'), { recursive: true })
    expect(await choose()).toEqual({ executable: onPath, reason: '`python` on the PATH' })
    const better = await script(join(workdir, 'bin', 'python3'))
    expect(await choose()).toEqual({ executable: better, reason: '`python3` on the PATH' })
  })

  it('runs nothing', async () => {
    const folder = await newFolder()
    const file = await script(join(folder, 'python'), `touch ${join(folder, 'was-run')}`)
    await findPython({ python: file, workdir: root })
    expect(await readdir(folder)).toEqual(['python'])
  })

  it('says where it looked if there is none, and what to do', async () => {
    const workdir = await newFolder()
    const error = await errorOf(findPython({ workdir, env: { PATH: '/nowhere' } }))
    expect(error).toBeInstanceOf(NoPythonError)
    expect(error.message).toContain(join(workdir, '.venv'))
    expect(error.message).toMatch(/no python3 or python on the PATH \(\/nowhere\)/)
    expect(error.message).toContain('Install Python 3.9 or later')
  })

  it.each([
    ['/nowhere/python', /\/nowhere\/python \(given as `python`\) does not exist/],
    ['python3.999', /no command python3\.999 .* on the PATH/],
    ['./package.json', /package\.json .* is not an executable file/],
    ['./src', /is a folder but not a virtual environment: it has no bin\/python/],
  ])('refuses %s', async (given, message) => {
    const error = await errorOf(findPython({ python: given, workdir: root }))
    expect(error).toBeInstanceOf(NoPythonError)
    expect(error.message).toMatch(message)
  })

  it.each([[''], ['a\0b'], [3], [null]])('refuses %j as no name of a Python', async (given) => {
    const options = { python: given as string, workdir: root }
    await expect(findPython(options)).rejects.toThrow(InvalidOptionError)
  })

  it('does not skip an environment that cannot be used', async () => {
    const workdir = await newFolder()
    const env = { VIRTUAL_ENV: '/nowhere/env' }
    const missing = await errorOf(findPython({ workdir, env }))
    expect(missing.message).toMatch(/\/nowhere\/env \(named by the variable VIRTUAL_ENV\)/)

    const local = join(workdir, '.venv')
    await rm(await sketchEnvironment(local))
    await symlink('/nowhere/python3.8', join(local, 'bin', 'python'))
    const broken = await errorOf(findPython({ workdir, env: {} }))
    expect(broken.message).toMatch(/\.venv .* is broken: its bin\/python leads to \/nowhere/)

    await rm(join(local, 'pyvenv.cfg'))
    const bare = await errorOf(findPython({ workdir, env: {} }))
    expect(bare.message).toMatch(/\.venv .* is broken: its bin\/python leads to \/nowhere/)

    await rm(join(local, 'bin'), { recursive: true })
    const empty = await errorOf(findPython({ workdir, env: {} }))
    expect(empty.message).toMatch(/\.venv .* is a folder but not a virtual environment/)
    expect(empty.message).toContain(`Remove it, or pass \`python\`, or make one: `)

    await rm(local, { recursive: true })
    await symlink('/nowhere/env', local)
    const link = await errorOf(findPython({ workdir, env: {} }))
    expect(link.message).toMatch(/\.venv .* is a link that leads nowhere/)
  })

  it('does not advise to make an environment where an executable was meant', async () => {
    const errorAt = async (path: string) => errorOf(findPython({ python: path, workdir: root }))
    expect((await errorAt('/nowhere/python3.12')).message).not.toContain('setup')
    expect((await errorAt('/nowhere/env')).message).toContain('setup /nowhere/env')
  })
})

describe('pythonEnvironment', () => {
  it('has what programs need to know that nobody looks at them, unless the caller says else', () => {
    const unattended = { PAGER: 'cat', TERM: 'dumb', PIP_DISABLE_PIP_VERSION_CHECK: '1' }
    expect(pythonEnvironment('/nowhere/python', {}, false)).toMatchObject(unattended)
    const env = { TERM: 'xterm' }
    expect(pythonEnvironment('/nowhere/python', env, false)).toMatchObject({
      ...unattended,
      ...env,
    })
  })
})

describe('probePython', () => {
  it('tells version, place, pip and packages', async () => {
    const environment = join(await newFolder(), 'env')
    const executable = await makeEnvironment(environment, '--without-pip')
    const facts = await probePython(executable, ['pip', 'no-such-package'])
    expect(facts).toMatchObject({
      executable,
      prefix: environment,
      inVirtualEnvironment: true,
      pip: null,
      pyzmq: null,
      packages: { pip: null, 'no-such-package': null },
    })
    expect(facts.version).toMatch(/^3\.\d+\.\d+$/)
    expect(facts.abiTag).toMatch(/3/)
  })

  it('is not misled by modules in the current directory', async () => {
    const folder = await newFolder()
    await writeFile(join(folder, 'json.py'), 'raise SystemExit("taken")')
    await writeFile(join(folder, 'zmq.py'), '__version__ = "taken"')
    const code = `console.log(JSON.stringify(await probePython(${JSON.stringify(python)})))`
    const { stdout } = await runWith('probe-python', 'probePython', code, folder)
    expect(stdout).not.toContain('taken')
  })

  it.skipIf(process.platform === 'win32')('names version and path of one too old', async () => {
    const answer = '{"version": [3, 6, 15], "realExecutable": "/opt/old/python3"}'
    const file = await script(join(await newFolder(), 'python3'), `echo '${answer}'`)
    const error = await errorOf(probePython(file))
    expect(error).toBeInstanceOf(NoPythonError)
    expect(error.message).toContain(`${file} is Python 3.6.15, and 3.9 or later is needed.`)
  })

  it('is understood by a Python that is too old', async ({ skip }) => {
    const old = await workingCommand('python2.7', 'python2', 'python3.6', 'python3.7', 'python3.8')
    if (old === undefined) return skip('there is no old Python on the PATH')
    const error = await errorOf(probePython(old))
    expect(error.message).toMatch(/is Python \d\.\d\.\d+, and 3\.9 or later is needed/)
  })

  it('says what a program said that is no Python', async () => {
    const error = await errorOf(probePython(process.execPath))
    expect(error).toBeInstanceOf(NoPythonError)
    expect(error.message).toContain(`${process.execPath} does not work as a Python: `)
  })
})

async function workingCommand(...names: string[]): Promise<string | undefined> {
  for (const name of names) {
    const file = await findOnPath(name)
    if (file && !(await execa(file, ['-c', ''], { reject: false })).failed) return file
  }
  return undefined
}

describe('installPyzmq', () => {
  let withPip: string
  let withoutPip: string
  let facts: PythonFacts

  beforeAll(async () => {
    withPip = await makeEnvironment(join(root, 'with-pip'))
    withoutPip = await makeEnvironment(join(root, 'without-pip'), '--without-pip')
    facts = await probePython(withPip)
  })

  async function useNewCache(): Promise<string> {
    const cache = await newFolder()
    vi.stubEnv('XDG_CACHE_HOME', cache)
    return join(cache, 'python-interpreter-toolset')
  }

  it('installs once, into a folder of its own, and leaves the environment alone', async () => {
    const parent = await useNewCache()
    const lines: string[] = []
    const onProgress = (line: string) => lines.push(line)
    const [folder, same] = await Promise.all([
      installPyzmq(withPip, { onProgress }),
      installPyzmq(withPip, { onProgress }),
    ])
    expect(same).toBe(folder)
    expect(folder).toBe(pyzmqCacheFolder(facts.abiTag))
    expect(await readdir(parent)).toEqual([`pyzmq-${facts.abiTag}`])
    expect(lines[0]).toContain(`${withPip} lacks pyzmq`)
    expect(lines.at(-1)).toMatch(/^pyzmq is ready after/)
    expect((await probePython(withPip)).pyzmq).toBeNull()
    const code = 'import sys; sys.path.append(sys.argv[1]); import zmq; print(zmq.__file__)'
    const { stdout } = await execa(withPip, ['-c', code, folder])
    expect(stdout.startsWith(folder)).toBe(true)

    lines.length = 0
    // This one could not install anything.
    vi.stubEnv('PATH', '')
    expect(await installPyzmq(withoutPip, { onProgress })).toBe(folder)
    expect(lines).toEqual([])
  })

  it('is found by sessions that are forked in a sandbox', async () => {
    await useNewCache()
    const engine = new LocalEngine({ start: 'fork', preload: [] })
    onTestFinished(() => engine.close())
    const tools = await makeToolset({ engine, python: withPip, sandbox: true })
    expect((await tools.runPythonCode('6 * 7')).stdout).toBe('42\n')
    const answer = await tools.manageInterpreters({ operation: 'list' })
    expect(answer).toMatchObject({ interpreters: [{ started_by: 'fork' }] })
  })

  it('lets several processes install at once', async () => {
    const parent = await useNewCache()
    const code = `console.log(await installPyzmq(${JSON.stringify(withPip)}))`
    const runs = await Promise.all([1, 2, 3].map(() => runWith('pyzmq', 'installPyzmq', code)))
    const folder = pyzmqCacheFolder(facts.abiTag)
    expect(runs.map((run) => run.stdout)).toEqual([folder, folder, folder])
    expect(await readdir(parent)).toEqual([`pyzmq-${facts.abiTag}`])
    expect(await hasCachedPyzmq(folder)).toBe(true)
  })

  it('leaves the folder alone that another process finished first', async () => {
    await useNewCache()
    const folder = join(pyzmqCacheFolder(facts.abiTag), 'zmq')
    const finishFirst = () => {
      if (existsSync(folder)) return
      mkdirSync(folder, { recursive: true })
      writeFileSync(join(folder, '__init__.py'), '# first')
    }
    await installPyzmq(withPip, { onProgress: finishFirst })
    expect(await readFile(join(folder, '__init__.py'), 'utf8')).toBe('# first')
  })

  it('replaces a folder that is not whole', async () => {
    await useNewCache()
    const folder = pyzmqCacheFolder(facts.abiTag)
    await mkdir(join(folder, 'zmq'), { recursive: true })
    await installPyzmq(withPip, { onProgress: () => undefined })
    expect(await hasCachedPyzmq(folder)).toBe(true)
  })

  it('uses uv where there is no pip', async ({ skip }) => {
    if ((await findOnPath('uv')) === undefined) return skip('there is no uv on the PATH')
    await useNewCache()
    const folder = await installPyzmq(withoutPip, { onProgress: () => undefined })
    expect(await hasCachedPyzmq(folder)).toBe(true)
  })

  it('says what to do where there is neither pip nor uv', async () => {
    const parent = await useNewCache()
    vi.stubEnv('PATH', '')
    const error = await errorOf(installPyzmq(withoutPip, { onProgress: () => undefined }))
    expect(error).toBeInstanceOf(NoPyzmqError)
    expect(error.message).toContain(`${withoutPip} (Python ${facts.version}) lacks pyzmq`)
    expect(error.message).toContain(`${withoutPip} -m pip\n  It has no pip.`)
    expect(error.message).toContain('uv\n  It is not on the PATH.')
    expect(error.message).toMatch(/To mend it, run: \S.*$/)
    expect(await readdir(parent)).toEqual([])
  })

  it('repeats the last words of pip, and leaves nothing behind', async () => {
    const parent = await useNewCache()
    vi.stubEnv('PATH', '')
    vi.stubEnv('PIP_INDEX_URL', unreachableIndex)
    vi.stubEnv('PIP_RETRIES', '1')
    vi.stubEnv('PIP_FIND_LINKS', '')
    const error = await errorOf(installPyzmq(withPip, { onProgress: () => undefined }))
    expect(error).toBeInstanceOf(NoPyzmqError)
    expect(error.message).toMatch(/connection broken by/i)
    expect(error.message).toContain('No matching distribution found for pyzmq')
    expect(error.message).toMatch(`To mend it, run: ${withPip} -m pip install pyzmq`)
    expect(await readdir(parent)).toEqual([])
  })

  it('names a cache folder that cannot be made', async () => {
    const file = join(await newFolder(), 'file')
    await writeFile(file, '')
    vi.stubEnv('XDG_CACHE_HOME', file)
    const error = await errorOf(installPyzmq(withPip, { onProgress: () => undefined }))
    expect(error).toBeInstanceOf(NoPyzmqError)
    expect(error.message).toContain(pyzmqCacheFolder(facts.abiTag))
    expect(error.message).toContain('Set XDG_CACHE_HOME')
  })
})

describe('setup and doctor', () => {
  /** Packages of the right names and next to no content, so that real installers are quick. */
  beforeAll(async () => {
    await execa(python, ['-c', wheelMaker, root, 'pyzmq:zmq', 'extra', ...DATA_SCIENCE_PACKAGES])
  })

  const wheelMaker = `
import sys, zipfile
folder, *names = sys.argv[1:]
for name in names:
    name, _, module = name.partition(':')
    module = module or name.replace('-', '_')
    stem = name.replace('-', '_') + '-1.0'
    with zipfile.ZipFile(f'{folder}/{stem}-py3-none-any.whl', 'w') as wheel:
        info = f'{stem}.dist-info'
        wheel.writestr(f'{module}/__init__.py', '__version__ = "1.0"')
        wheel.writestr(f'{info}/METADATA', f'Metadata-Version: 2.1\\nName: {name}\\nVersion: 1.0\\n')
        wheel.writestr(f'{info}/WHEEL', 'Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n')
        wheel.writestr(f'{info}/RECORD', '')
`

  /** Shows progress to nobody, and remembers it. */
  function collector() {
    let shown = ''
    return { write: (text: string) => (shown += text), text: () => shown }
  }

  async function useOwnPackages(): Promise<void> {
    vi.stubEnv('PIP_NO_INDEX', '1')
    vi.stubEnv('PIP_FIND_LINKS', root)
    const settings = join(root, 'uv.toml')
    await writeFile(settings, `no-index = true\nfind-links = [${JSON.stringify(root)}]\n`)
    vi.stubEnv('UV_CONFIG_FILE', settings)
  }

  async function report(options: {
    python: string
    workdir?: string
  }): Promise<{ works: boolean; text: string }> {
    const lines: string[] = []
    const works = await doctor({ ...options, write: (line) => lines.push(line) })
    return { works, text: lines.join('\n') }
  }

  it('makes an environment, completes it, and leaves a complete one alone', async () => {
    await useOwnPackages()
    const folder = join(root, 'made')
    const first = collector()
    const made = await setup({ folder, python, stream: first })
    expect(made).toMatchObject({ folder, changed: true, facts: { prefix: folder, pyzmq: '1.0' } })
    expect(first.text()).toMatch(/^Making the virtual environment .*\ndone: .*\nInstalling pyzmq, /)

    const second = collector()
    expect(await setup({ folder, stream: second })).toMatchObject({ changed: false })
    expect(second.text()).toBe('')

    await removePackage(made.facts, 'plotly')
    const third = collector()
    expect(await setup({ folder, stream: third })).toMatchObject({ changed: true })
    expect(third.text()).toMatch(/^Installing plotly \.\.\.\n/)

    const { works, text } = await report({ python: folder })
    expect(works).toBe(true)
    expect(text).toContain('because it is given as `python`')
    expect(text).toMatch(/^pyzmq +1\.0$/m)
    expect(text).toMatch(/^scikit-learn +1\.0$/m)
    expect(text).toMatch(/^zeromq +\d+\.\d+\.\d+ \(libzmq \d/m)
    expect(text).toMatch(/All that running code needs is there\.$/)
  })

  it('installs requirements, and again only when they or the packages have changed', async () => {
    await useOwnPackages()
    const folder = join(root, 'made')
    const requirements = join(await newFolder(), 'requirements.txt')
    const install = () => setup({ folder, requirements, stream: collector() })
    await writeFile(requirements, 'extra==1.0\n')
    const { changed, facts } = await install()
    expect(changed).toBe(true)
    expect((await probePython(facts.executable, ['extra'])).packages).toEqual({ extra: '1.0' })
    expect(await install()).toMatchObject({ changed: false })
    await writeFile(requirements, 'extra>=1.0\n')
    expect(await install()).toMatchObject({ changed: true })
    await removePackage(facts, 'extra')
    expect(await install()).toMatchObject({ changed: true })
    expect((await probePython(facts.executable, ['extra'])).packages).toEqual({ extra: '1.0' })
  })

  it('gives an environment without pip one', async () => {
    await useOwnPackages()
    vi.stubEnv('PATH', '')
    const folder = join(await newFolder(), 'env')
    await makeEnvironment(folder, '--without-pip')
    const { facts } = await setup({ folder, stream: collector() })
    expect(facts.packages['numpy']).toBe('1.0')
  })

  it('names what could not be installed', async () => {
    await useOwnPackages()
    vi.stubEnv('PATH', '')
    const requirements = join(await newFolder(), 'requirements.txt')
    await writeFile(requirements, 'no-such-package\n')
    const stream = collector()
    const error = await errorOf(setup({ folder: join(root, 'made'), requirements, stream }))
    expect(error).toBeInstanceOf(SetupError)
    expect(error.message).toContain('No matching distribution found for no-such-package')
    expect(stream.text()).toMatch(/failed: Installing what .*requirements\.txt lists/)
  })

  it('refuses a folder, a requirements file or a version that cannot be meant', async () => {
    const options = { stream: collector() }
    const used = await newFolder()
    await writeFile(join(used, 'report.txt'), '')
    const folders: [string, RegExp][] = [
      [used, /exists and is not a virtual environment/],
      [join(used, 'report.txt'), /is not a folder/],
      [(await probePython(python)).prefix, /is not a virtual environment/],
    ]
    for (const [folder, message] of folders) {
      const error = await errorOf(setup({ ...options, folder }))
      expect(error).toBeInstanceOf(InvalidOptionError)
      expect(error.message).toMatch(message)
    }
    const requirements = join(used, 'none.txt')
    const error = await errorOf(setup({ ...options, folder: join(used, 'env'), requirements }))
    expect(error.message).toMatch(/none\.txt does not exist/)
    expect(await readdir(used)).toEqual(['report.txt'])
  })

  it.skipIf(process.platform === 'win32')('says which package Debian lacks', async () => {
    // As the Python of a Debian answers that has neither python3-venv nor python3-pip.
    const answer = JSON.stringify({
      version: [3, 11, 2],
      realExecutable: '/usr/bin/python3',
      pip: null,
      hasEnsurepip: false,
      packages: {},
    })
    const file = await script(join(await newFolder(), 'python3'), `echo '${answer}'`)
    vi.stubEnv('PATH', '')
    const folder = join(root, 'never')
    const error = await errorOf(setup({ folder, python: file, stream: collector() }))
    expect(error).toBeInstanceOf(SetupError)
    expect(error.message).toContain('sudo apt install python3-venv')
    expect(await readdir(root)).not.toContain('never')
  })

  it.skipIf(process.platform === 'win32')('leaves nothing of what it could not make', async () => {
    const parent = await newFolder()
    const folder = join(parent, 'env')
    const answer = JSON.stringify({
      version: [3, 11, 2],
      realExecutable: join(parent, 'python3'),
      hasEnsurepip: true,
      packages: {},
    })
    const file = await script(
      join(await newFolder(), 'python3'),
      `case "$*" in *"-m venv"*) mkdir '${folder}'; echo 'no room left' >&2; exit 1;; esac`,
      `echo '${answer}'`,
    )
    vi.stubEnv('PATH', '/usr/bin:/bin')
    const stream = collector()
    const error = await errorOf(setup({ folder, python: file, stream }))
    expect(error).toBeInstanceOf(SetupError)
    expect(error.message).toMatch(/-m venv .*env\n {2}no room left/)
    expect(stream.text()).toMatch(/^failed: Making /m)
    expect(await readdir(parent)).toEqual([])
  })

  it('reports a Python that is missing', async () => {
    const { works, text } = await report({ python: '/nowhere/python' })
    expect(works).toBe(false)
    expect(text).toMatch(/^Python +none that can be used$/m)
    expect(text).toContain('/nowhere/python (given as `python`) does not exist')
  })

  it('reports a workdir that is missing', async () => {
    const { works, text } = await report({ python, workdir: '/nowhere/workdir' })
    expect(works).toBe(false)
    expect(text).toMatch(/^workdir +\/nowhere\/workdir, which is not a folder$/m)
    expect(text).toContain('Create it, or name another.')
  })

  it('reports a missing pyzmq, and one in the cache', async () => {
    vi.stubEnv('XDG_CACHE_HOME', await newFolder())
    const folder = join(await newFolder(), 'env')
    const { abiTag } = await probePython(await makeEnvironment(folder, '--without-pip'))
    const missing = await report({ python: folder })
    expect(missing.works).toBe(false)
    expect(missing.text).toMatch(/^pyzmq +missing$/m)
    expect(missing.text).toMatch(/^numpy +missing$/m)
    expect(missing.text).toContain(`npx python-interpreter-toolset setup ${folder}`)

    await mkdir(join(pyzmqCacheFolder(abiTag), 'zmq'), { recursive: true })
    await writeFile(join(pyzmqCacheFolder(abiTag), 'zmq', '__init__.py'), '')
    const cached = await report({ python: folder })
    expect(cached.works).toBe(true)
    expect(cached.text).toMatch(/^pyzmq +in the cache folder$/m)
  })

  async function removePackage({ sitePackages }: PythonFacts, name: string): Promise<void> {
    await rm(join(sitePackages, name), { recursive: true })
    await rm(join(sitePackages, `${name}-1.0.dist-info`), { recursive: true })
  }
})

describe('showProgress', () => {
  it('redraws one line on a terminal, within its width', () => {
    vi.stubEnv('TERM', 'xterm')
    const written: string[] = []
    const stream = { isTTY: true, columns: 40, write: (text: string) => written.push(text) }
    const progress = showProgress(stream)
    progress.step(`Installing ${'many packages, '.repeat(9)}`)
    progress.step('Cleaning')
    progress.failed()
    expect(written.length).toBe(4)
    expect(written[0]?.replace('\r\u001b[K', '').length).toBeLessThan(40)
    expect(written[1]).toMatch(/✓ Installing many .*s\n$/)
    expect(written[3]).toMatch(/✗ Cleaning +\d+\.\d s\n$/)
  })
})
