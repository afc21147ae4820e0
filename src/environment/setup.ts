/**
 * Makes a virtual environment with pyzmq and the usual packages of data science, and leaves one
 * alone that is complete already.
 */
import { createHash } from 'node:crypto'
import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join, relative, resolve } from 'node:path'

import { InvalidOptionError, NoPythonError } from '../errors.js'
import { choosePython, findPython, findPythonOnPath, isVirtualEnvironment } from './find-python.js'
import { type Failure, install, pipFrom, pipOf, runVisibly, uvFor } from './installers.js'
import { howToInstall, type PythonFacts, probePython } from './probe-python.js'
import { type Progress, type ProgressStream, showProgress } from './progress.js'

/** The data-science set: what code written for data analysis most often imports. */
export const DATA_SCIENCE_PACKAGES = [
  'numpy',
  'pandas',
  'scipy',
  'matplotlib',
  'seaborn',
  'plotly',
  'scikit-learn',
  'statsmodels',
] as const

/** Everything that {@link setup} installs by itself. */
const REQUIRED_PACKAGES = ['pyzmq', ...DATA_SCIENCE_PACKAGES]

/** Remembers, inside an environment, for which requirements it was last found complete. */
const STAMP_NAME = '.python-interpreter-toolset-requirements'

/** Making the environment failed; the message says at what, and what to do. */
export class SetupError extends Error {
  override readonly name = 'SetupError'
}

/** What {@link setup} makes. */
export interface SetupOptions {
  /** The folder of the virtual environment; relative to the current directory. */
  folder: string
  /** The Python to make it from: an executable or a command. Default: `python3` on the PATH. */
  python?: string | undefined
  /** A requirements file, in pip's format, to install besides. */
  requirements?: string | undefined
  /** Shows the progress. Default: `process.stderr`. */
  stream?: ProgressStream | undefined
}

/** What {@link setup} has made, or found. */
export interface SetupResult {
  /** Absolute path of the virtual environment. */
  folder: string
  /** Its Python, with the versions of all required packages. */
  facts: PythonFacts
  /** False if everything was there already. */
  changed: boolean
}

/**
 * Makes a virtual environment, or completes one: pyzmq, the data-science set and a requirements
 * file. Uses uv if it is on the PATH, else venv and pip. What is there is kept and not upgraded;
 * when nothing is missing it takes a fraction of a second.
 *
 * @throws SetupError if the environment could not be made, or packages not be installed
 * @throws NoPythonError if there is no usable Python to make it from
 * @throws InvalidOptionError if the folder or the requirements file cannot be what is meant
 */
export async function setup(options: SetupOptions): Promise<SetupResult> {
  const folder = resolve(options.folder)
  const requirements = await readRequirements(options.requirements)
  const progress = showProgress(options.stream ?? process.stderr)
  try {
    const isNew = await ensureEnvironment(folder, options.python, progress)
    const found = await probePython(await findPythonOf(folder), REQUIRED_PACKAGES)
    if (!isNew) await refuseUnsuited(found, folder, options.python)
    if (missingIn(found).length === 0 && (await isStamped(found, requirements))) {
      progress.done()
      return { folder, facts: found, changed: isNew }
    }

    const facts = await installPackages(found, folder, requirements, progress)
    await stamp(facts, requirements)
    progress.done()
    return { folder, facts, changed: true }
  } catch (error) {
    progress.failed()
    throw error
  }
}

/** The packages of the data-science set, and pyzmq, that a Python lacks. */
export function missingIn(facts: PythonFacts): string[] {
  return REQUIRED_PACKAGES.filter((name) =>
    name === 'pyzmq' ? facts.pyzmq === null : facts.packages[name] == null,
  )
}

/** Returns whether it had to be made. */
async function ensureEnvironment(
  folder: string,
  python: string | undefined,
  progress: Progress,
): Promise<boolean> {
  if (await isVirtualEnvironment(folder)) return false
  const entries = await entriesOf(folder)
  if (entries && entries.length > 0) {
    throw new InvalidOptionError(
      `${folder} exists and is not a virtual environment. Name another folder, or empty this one.`,
    )
  }
  const base = await basePython(python)
  progress.step(`Making the virtual environment ${nearName(folder)} with Python ${base.version}`)
  const failure = await makeEnvironment(base, folder)
  if (!failure) return true
  // Only what was not there before: an empty folder of the user's may stay as it is.
  if (!entries) await rm(folder, { recursive: true, force: true })
  throw new SetupError(
    `The virtual environment ${folder} could not be made. Tried:\n${tell(failure)}`,
  )
}

/** The entries of a folder, or undefined if nothing is there. */
async function entriesOf(folder: string): Promise<string[] | undefined> {
  try {
    return await readdir(folder)
  } catch (error) {
    if (isCode(error, 'ENOENT')) return undefined
    const reason = isCode(error, 'ENOTDIR') ? 'is not a folder' : `cannot be read: ${String(error)}`
    throw new InvalidOptionError(`${folder} ${reason}. Name another folder for the environment.`)
  }
}

/** Never `$VIRTUAL_ENV` nor `.venv`: an environment is not made from another one. */
async function basePython(python: string | undefined): Promise<PythonFacts> {
  const choice =
    python === undefined ? await findPythonOnPath() : await choosePython({ python, workdir: '.' })
  if (choice) return probePython(choice.executable)
  throw new NoPythonError(
    'There is no Python on the PATH to make the environment from. Install Python 3.9 or later ' +
      `(${howToInstall()}), or name one with --python.`,
  )
}

async function makeEnvironment(base: PythonFacts, folder: string): Promise<Failure | undefined> {
  const uv = await uvFor(base.executable)
  // pip is seeded because people expect it in an environment.
  const args = ['venv', '--seed', '--python', base.realExecutable, folder]
  if (uv && !(await runVisibly(uv.file, args))) return undefined

  const withoutPip = base.hasEnsurepip ? [] : ['--without-pip']
  if (!base.hasEnsurepip && !pipFrom(base, folder)) throw new SetupError(ensurepipAdvice(base))
  return runVisibly(base.executable, ['-I', '-m', 'venv', ...withoutPip, folder])
}

function ensurepipAdvice({ executable, version }: PythonFacts): string {
  return (
    `${executable} (Python ${version}) cannot make virtual environments: its module ensurepip is ` +
    'missing, which Debian and Ubuntu pack separately. Run: sudo apt install python3-venv\n' +
    'Then run this again. Elsewhere, name another Python with --python, or install uv ' +
    '(https://docs.astral.sh/uv/).'
  )
}

/** Finds the Python of an environment; says what is wrong with a broken one. */
function findPythonOf(folder: string): Promise<string> {
  return findPython({ python: folder, workdir: folder })
}

/** What exists may be a whole Python installation, or an environment made from another Python. */
async function refuseUnsuited(
  facts: PythonFacts,
  folder: string,
  python: string | undefined,
): Promise<void> {
  if (!facts.inVirtualEnvironment) {
    throw new InvalidOptionError(
      `${folder} holds a Python of its own and is not a virtual environment. Name a folder for one.`,
    )
  }
  if (python === undefined) return
  const wanted = await basePython(python)
  if (wanted.version === facts.version) return
  throw new InvalidOptionError(
    `The virtual environment ${folder} has Python ${facts.version}, not the ${wanted.version} of ` +
      `${wanted.executable}. Name another folder, or remove this one to make it anew.`,
  )
}

async function installPackages(
  facts: PythonFacts,
  folder: string,
  requirements: Requirements | undefined,
  progress: Progress,
): Promise<PythonFacts> {
  const missing = missingIn(facts)
  const wanted = [...missing, ...(requirements ? [`what ${requirements.file} lists`] : [])]
  progress.step(`Installing ${wanted.join(', ')}`)

  const what = [...REQUIRED_PACKAGES, ...(requirements ? ['-r', requirements.file] : [])]
  const failures: Failure[] = []
  const uv = await uvFor(facts.executable)
  if (uv) {
    const failure = await install(uv, what, progress.activity)
    if (!failure) return checked(facts, folder)
    failures.push(failure)
  }
  const failure = await installWithPip(facts, what, progress)
  if (!failure) return checked(facts, folder)
  throw new SetupError(
    `Installing packages into ${folder} failed. Tried:\n` +
      `${[...failures, failure].map(tell).join('\n')}\n` +
      'When the cause is removed (often the network), run this again: it goes on from here.',
  )
}

/** With the environment's own pip, which is made if need be, or else with that of its base. */
async function installWithPip(
  facts: PythonFacts,
  what: readonly string[],
  progress: Progress,
): Promise<Failure | undefined> {
  const own = pipOf(facts)
  if (own) return install(own, what, progress.activity)
  if (facts.hasEnsurepip) {
    const failure = await runVisibly(facts.executable, ['-I', '-m', 'ensurepip'])
    const pip = pipOf({ ...facts, pip: 'unknown' })
    return failure ?? (pip && install(pip, what, progress.activity))
  }
  const base = await basePython(undefined)
  const pip = pipFrom(base, facts.executable)
  if (!pip) throw new SetupError(ensurepipAdvice(facts))
  return install(pip, what, progress.activity)
}

/** An installer's success is believed only if the packages are there. */
async function checked(before: PythonFacts, folder: string): Promise<PythonFacts> {
  const facts = await probePython(before.executable, REQUIRED_PACKAGES)
  const missing = missingIn(facts)
  if (missing.length === 0) return facts
  throw new SetupError(
    `${missing.join(', ')} cannot be used in ${folder} although the installer reported success. ` +
      'Remove the folder and run this again.',
  )
}

interface Requirements {
  file: string
  text: string
}

async function readRequirements(file: string | undefined): Promise<Requirements | undefined> {
  if (file === undefined) return undefined
  try {
    return { file, text: await readFile(file, 'utf8') }
  } catch (error) {
    const reason = isCode(error, 'ENOENT') ? 'does not exist' : `cannot be read: ${String(error)}`
    throw new InvalidOptionError(
      `The requirements file ${resolve(file)} ${reason}. Correct --requirements, or leave it out.`,
    )
  }
}

/**
 * Whether the installer said "complete" for these very requirements, and nothing has been installed
 * or removed since. To ask the installer again would take seconds.
 */
async function isStamped(facts: PythonFacts, requirements: Requirements | undefined) {
  if (!requirements) return true
  if (!isSelfContained(requirements)) return false
  const stamped = await readFile(join(facts.prefix, STAMP_NAME), 'utf8').catch(() => undefined)
  return stamped === (await stampFor(facts, requirements))
}

async function stamp(facts: PythonFacts, requirements: Requirements | undefined): Promise<void> {
  if (!requirements || !isSelfContained(requirements)) return
  await writeFile(join(facts.prefix, STAMP_NAME), await stampFor(facts, requirements))
}

/** Whether no line refers to other files or folders, whose contents are not known here. */
function isSelfContained({ text }: Requirements): boolean {
  return !/^\s*[-./]/m.test(text)
}

async function stampFor(facts: PythonFacts, { text }: Requirements): Promise<string> {
  const names = (await readdir(facts.sitePackages)).filter((name) => name.endsWith('.dist-info'))
  return createHash('sha256')
    .update(JSON.stringify([text, names.sort()]))
    .digest('hex')
}

function tell({ command, lastWords }: Failure): string {
  return `- ${command}\n  ${lastWords}`
}

/** A folder as a person would name it: short if it is near. */
export function nearName(folder: string): string {
  const near = relative(process.cwd(), folder)
  return near && !near.startsWith('..') ? near : folder
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
