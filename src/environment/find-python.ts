/**
 * Chooses which Python to use by looking at files only: no Python is run here, so that a cold start
 * does not pay for it. What a chosen Python can do is the business of `probe-python.ts`.
 */
import { access, constants, lstat, readlink, stat } from 'node:fs/promises'
import { basename, delimiter, join, resolve } from 'node:path'
import { inspect } from 'node:util'

import { InvalidOptionError, NoPythonError } from '../errors.js'
import { howToInstall } from './probe-python.js'

const ON_WINDOWS = process.platform === 'win32'

/** Where a virtual environment (or a conda environment) keeps its Python. */
const PYTHONS_IN_ENVIRONMENT = ON_WINDOWS
  ? [join('Scripts', 'python.exe'), 'python.exe']
  : [join('bin', 'python'), join('bin', 'python3')]

/** What no virtual environment is called: `python`, `python3.12`. */
const LIKE_AN_EXECUTABLE = /^python[\d.]*(\.exe)?$/

/** Where a Python was looked for that nobody has named. */
const IN_WORKDIR = 'in the working directory'

/** The commands that are looked for on the PATH when nothing else decides, in this order. */
const PYTHON_COMMANDS = ON_WINDOWS ? ['python'] : ['python3', 'python']

/** What {@link findPython} and {@link choosePython} go by. */
export interface FindPythonOptions {
  /**
   * An executable or the folder of a virtual environment. A path is relative to the current
   * directory; a bare name (`python3.12`) is looked up on the PATH unless it names a virtual
   * environment in the current directory. Default: the rules of {@link choosePython}.
   */
  python?: string | undefined
  /** The folder whose `.venv` is used if there is one. */
  workdir: string
  /** Where `VIRTUAL_ENV` and `PATH` are read from. Default: `process.env`. */
  env?: NodeJS.ProcessEnv | undefined
}

/** A Python, and the rule that chose it. */
export interface PythonChoice {
  /** Absolute path; symbolic links are kept, because they are what makes a virtual environment. */
  executable: string
  /** Completes the sentence "this Python is used because it is ...". */
  reason: string
}

/**
 * The absolute path of the Python to use, as {@link choosePython} chooses it.
 *
 * @throws NoPythonError, InvalidOptionError as {@link choosePython} does
 */
export async function findPython(options: FindPythonOptions): Promise<string> {
  return (await choosePython(options)).executable
}

/**
 * Chooses a Python: `python` if given, then `$VIRTUAL_ENV`, then `<workdir>/.venv`, then `python3`
 * (then `python`; on Windows only `python`) on the PATH. Nothing is run, so that the version is not
 * known yet. What is there but cannot be used is an error; it is never skipped for the next rule.
 *
 * @throws NoPythonError if there is none where it was looked for
 * @throws InvalidOptionError if `python` is not a non-empty string
 */
export async function choosePython(options: FindPythonOptions): Promise<PythonChoice> {
  const { python, workdir, env = process.env } = options
  if (python !== undefined) {
    return { executable: await givenPython(python, env), reason: 'given as `python`' }
  }

  const active = variable(env, 'VIRTUAL_ENV')
  if (active) {
    const executable = await pythonAt(resolve(active), 'named by the variable VIRTUAL_ENV')
    return { executable, reason: 'in the active virtual environment ($VIRTUAL_ENV)' }
  }

  const local = join(resolve(workdir), '.venv')
  if (await isThere(local)) {
    const executable = await pythonAt(local, IN_WORKDIR)
    return { executable, reason: 'in the virtual environment .venv of the working directory' }
  }

  const onPath = await findPythonOnPath(env)
  if (onPath) return onPath
  throw new NoPythonError(
    `No Python was found: the variable VIRTUAL_ENV is not set, there is no virtual environment ` +
      `${local}, and no ${PYTHON_COMMANDS.join(' or ')} on the PATH (${pathOf(env)}). ` +
      `Install Python 3.9 or later (${howToInstall()}), or pass \`python\` with the path of an ` +
      'executable or a virtual environment.',
  )
}

/** The last rule of {@link choosePython} alone, or undefined if the PATH has no Python. */
export async function findPythonOnPath(env = process.env): Promise<PythonChoice | undefined> {
  for (const command of PYTHON_COMMANDS) {
    const executable = await findOnPath(command, env)
    if (executable) return { executable, reason: `\`${command}\` on the PATH` }
  }
  return undefined
}

/**
 * The absolute path of the first executable of that name on the PATH, or undefined.
 *
 * @param command - a name without a path, and on Windows without `.exe`
 */
export async function findOnPath(
  command: string,
  env: NodeJS.ProcessEnv = process.env,
): Promise<string | undefined> {
  const name = ON_WINDOWS && !/\.exe$/i.test(command) ? `${command}.exe` : command
  // An empty entry means the current directory, from where nothing should be run by accident.
  for (const folder of pathOf(env).split(delimiter).filter(Boolean)) {
    const file = resolve(folder, name)
    if ((await kindOf(file)) === 'executable') return file
  }
  return undefined
}

/** The Python of a virtual environment, or undefined if the folder has none that can be run. */
export async function pythonInEnvironment(folder: string): Promise<string | undefined> {
  for (const name of PYTHONS_IN_ENVIRONMENT) {
    const file = join(folder, name)
    if ((await kindOf(file)) === 'executable') return file
  }
  return undefined
}

/** Whether a folder says of itself that it is a virtual environment, be it whole or broken. */
export async function isVirtualEnvironment(folder: string): Promise<boolean> {
  const signs = ['pyvenv.cfg', ...PYTHONS_IN_ENVIRONMENT].map((name) => join(folder, name))
  return (await Promise.all(signs.map(isThere))).includes(true)
}

async function givenPython(python: unknown, env: NodeJS.ProcessEnv): Promise<string> {
  if (typeof python !== 'string' || python.trim() === '' || python.includes('\0')) {
    throw new InvalidOptionError(
      '`python` must be the path of a Python executable or of a virtual environment, ' +
        `or the name of a command on the PATH; it is ${inspect(python)}.`,
    )
  }
  const isCommand = !/[\\/]/.test(python)
  // A folder that happens to be called `python` must not hide the command.
  if (!isCommand || (await isVirtualEnvironment(resolve(python)))) {
    return pythonAt(resolve(python), 'given as `python`')
  }
  const executable = await findOnPath(python, env)
  if (executable) return executable
  throw new NoPythonError(
    `There is no command ${python} (given as \`python\`) on the PATH (${pathOf(env)}), and no ` +
      `virtual environment ${resolve(python)}. Pass the path of a Python 3.9 or later, or of a ` +
      'virtual environment, or leave `python` out.',
  )
}

/**
 * The Python at a path.
 *
 * @param path - absolute path of an executable or a virtual environment
 * @param origin - says in an error where the path came from
 */
async function pythonAt(path: string, origin: string): Promise<string> {
  switch (await kindOf(path)) {
    case 'executable':
      return path
    case 'file':
      throw new NoPythonError(
        `${path} (${origin}) is not an executable file. Name a Python 3.9 or later, or the folder ` +
          'of a virtual environment.',
      )
    case 'missing':
      throw new NoPythonError(
        `${path} (${origin}) ${(await isThere(path)) ? 'is a link that leads nowhere' : 'does not exist'}. ` +
          `${adviceFor(origin)}${LIKE_AN_EXECUTABLE.test(basename(path)) ? '.' : setupAdvice(path)}`,
      )
    case 'folder':
      return (await pythonInEnvironment(path)) ?? (await refuseFolder(path, origin))
  }
}

async function refuseFolder(folder: string, origin: string): Promise<never> {
  if (!(await isVirtualEnvironment(folder))) {
    throw new NoPythonError(
      `${folder} (${origin}) is a folder but not a virtual environment: it has no ` +
        `${PYTHONS_IN_ENVIRONMENT[0] ?? ''}. ${adviceFor(origin)}, or make one: ` +
        `npx python-interpreter-toolset setup ${origin === IN_WORKDIR ? folder : 'DIR'}`,
    )
  }
  throw new NoPythonError(
    `The virtual environment ${folder} (${origin}) is broken: ${await defectOf(folder)}. ` +
      'Remove the folder and make it anew: ' +
      `npx python-interpreter-toolset setup ${folder}`,
  )
}

/** Most broken environments point to a Python that has been removed since. */
async function defectOf(folder: string): Promise<string> {
  for (const name of PYTHONS_IN_ENVIRONMENT) {
    const link = join(folder, name)
    const target = await readlink(link).catch(() => undefined)
    if (target) return `its ${name} leads to ${target}, which does not exist or cannot be run`
  }
  return `it has no ${PYTHONS_IN_ENVIRONMENT[0] ?? ''} that can be run`
}

function setupAdvice(folder: string): string {
  return `, or make a virtual environment there: npx python-interpreter-toolset setup ${folder}`
}

function adviceFor(origin: string): string {
  if (origin === IN_WORKDIR) return 'Remove it, or pass `python`'
  return origin.includes('VIRTUAL_ENV')
    ? 'Correct or unset VIRTUAL_ENV'
    : 'Name a Python 3.9 or later, or the folder of a virtual environment'
}

/** Whether there is anything at a path, be it a link that leads nowhere. */
async function isThere(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  )
}

type Kind = 'executable' | 'file' | 'folder' | 'missing'

async function kindOf(path: string): Promise<Kind> {
  const stats = await stat(path).catch(() => undefined)
  if (!stats) return 'missing'
  if (stats.isDirectory()) return 'folder'
  if (!stats.isFile()) return 'file'
  return access(path, constants.X_OK).then(
    (): Kind => 'executable',
    (): Kind => 'file',
  )
}

function pathOf(env: NodeJS.ProcessEnv): string {
  return variable(env, 'PATH') ?? ''
}

/** Windows does not distinguish case in names of variables; a plain object does. */
function variable(env: NodeJS.ProcessEnv, name: string): string | undefined {
  if (!ON_WINDOWS || env[name] !== undefined) return env[name]
  const key = Object.keys(env).find((candidate) => candidate.toUpperCase() === name)
  return key === undefined ? undefined : env[key]
}
