/**
 * Gives a Python that lacks pyzmq a private copy of it, in a cache folder that only the worker puts
 * on its path: the user's own environment is never changed.
 */
import { existsSync } from 'node:fs'
import { access, mkdir, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, isAbsolute, join } from 'node:path'

import { NoPyzmqError } from '../errors.js'
import { commandLine, type Failure, install, pipOf, runVisibly, uvFor } from './installers.js'
import { type PythonFacts, probePython } from './probe-python.js'

/** What {@link installPyzmq} can be told. */
export interface InstallPyzmqOptions {
  /** Hears each line about the progress. Default: it is written to stderr. */
  onProgress?: ((line: string) => void) | undefined
}

/** An unfinished folder older than this, in milliseconds, belongs to a process that was killed. */
const ABANDONED_AFTER_MS = 60 * 60 * 1000

/** Installations going on in this process, so that sessions that start together share one. */
const underWay = new Map<string, Promise<string>>()

/**
 * The folder of a private pyzmq, be it there or not.
 *
 * @param abiTag - as {@link PythonFacts.abiTag}; one folder serves all Pythons that share it
 */
export function pyzmqCacheFolder(abiTag: string): string {
  return join(cacheRoot(), 'python-interpreter-toolset', `pyzmq-${abiTag}`)
}

/** Whether a folder of {@link pyzmqCacheFolder} is there; it is never there in part. */
export async function hasCachedPyzmq(folder: string): Promise<boolean> {
  return access(join(folder, 'zmq', '__init__.py')).then(
    () => true,
    () => false,
  )
}

/**
 * Makes pyzmq available to a Python that lacks it, and returns the folder to put on its `sys.path`.
 * If it is in the cache already, nothing is installed. Several processes may do this at once: each
 * installs aside, the first to finish wins, and the others use its folder.
 *
 * @param executable - as `findPython` returns it
 * @throws NoPyzmqError if neither pip nor uv could install it
 * @throws NoPythonError if the executable does not work or is too old
 */
export function installPyzmq(
  executable: string,
  options: InstallPyzmqOptions = {},
): Promise<string> {
  const known = underWay.get(executable)
  if (known) return known
  const installing = provide(executable, options.onProgress ?? writeToStderr).finally(() =>
    underWay.delete(executable),
  )
  underWay.set(executable, installing)
  return installing
}

async function provide(executable: string, onProgress: (line: string) => void): Promise<string> {
  const facts = await probePython(executable)
  const folder = pyzmqCacheFolder(facts.abiTag)
  if (await hasCachedPyzmq(folder)) return folder

  onProgress(`${executable} lacks pyzmq; installing it once into ${folder}`)
  const started = Date.now()
  const aside = await makeAside(folder, facts)
  try {
    await installInto(aside, folder, facts, onProgress)
    await moveIntoPlace(aside, folder)
  } finally {
    await rm(aside, { recursive: true, force: true })
  }
  onProgress(`pyzmq is ready after ${((Date.now() - started) / 1000).toFixed(1)} s`)
  return folder
}

/** A new folder beside the final one, so that a rename moves it into place in one step. */
async function makeAside(folder: string, facts: PythonFacts): Promise<string> {
  try {
    await mkdir(dirname(folder), { recursive: true })
    await removeAbandoned(dirname(folder))
    return await mkdtemp(`${folder}.unfinished-`)
  } catch (error) {
    throw new NoPyzmqError(
      `${nameOf(facts)} lacks pyzmq, and the folder that would take a private copy, ${folder}, ` +
        `cannot be written: ${error instanceof Error ? error.message : String(error)}. ` +
        `Set XDG_CACHE_HOME to a folder that can be, or run: ${mendingCommand(facts, undefined)}`,
      { cause: error },
    )
  }
}

async function removeAbandoned(parent: string): Promise<void> {
  for (const name of await readdir(parent)) {
    if (!name.includes('.unfinished-')) continue
    const path = join(parent, name)
    const stats = await stat(path).catch(() => undefined)
    if (stats && Date.now() - stats.mtimeMs > ABANDONED_AFTER_MS) {
      await rm(path, { recursive: true, force: true })
    }
  }
}

/** Tries pip, then uv; what cannot be imported afterwards counts as not installed. */
async function installInto(
  aside: string,
  folder: string,
  facts: PythonFacts,
  onProgress: (line: string) => void,
): Promise<void> {
  const tried: string[] = []
  const pip = pipOf(facts)
  const uv = await uvFor(facts.executable)
  for (const installer of [pip, uv]) {
    if (!installer) continue
    const failure =
      (await install(installer, ['--target', aside, 'pyzmq'], onProgress)) ??
      (await importFrom(aside, facts))
    if (!failure) return
    tried.push(`- ${failure.command}\n  ${failure.lastWords}`)
    await rm(aside, { recursive: true, force: true })
  }
  if (!pip) tried.unshift(`- ${commandLine(facts.executable, '-m', 'pip')}\n  It has no pip.`)
  if (!uv) tried.push('- uv\n  It is not on the PATH.')
  throw new NoPyzmqError(
    `${nameOf(facts)} lacks pyzmq, and installing a private copy of it failed. Tried:\n` +
      `${tried.join('\n')}\nTo mend it, run: ${mendingCommand(facts, folder)}`,
  )
}

/** Proves that the copy works with this Python, before anyone can see it. */
function importFrom(folder: string, facts: PythonFacts): Promise<Failure | undefined> {
  const code = 'import sys; sys.path[0] = sys.argv[1]; import zmq'
  return runVisibly(facts.executable, ['-E', '-c', code, folder])
}

async function moveIntoPlace(aside: string, folder: string): Promise<void> {
  try {
    await rename(aside, folder)
  } catch (error) {
    // Another process was faster.
    if (await hasCachedPyzmq(folder)) return
    // Something is there that is not whole, which only a person can have done.
    await rm(folder, { recursive: true, force: true })
    await rename(aside, folder).catch(() => {
      throw error
    })
  }
}

/** The one command after which the next attempt works. */
function mendingCommand(facts: PythonFacts, folder: string | undefined): string {
  const { executable } = facts
  if (facts.pip) {
    // Into an environment that its packager keeps, pip installs nothing; beside it, it does.
    const where = facts.externallyManaged && folder ? ['--target', folder] : []
    return commandLine(executable, '-m', 'pip', 'install', ...where, 'pyzmq')
  }
  if (isDebians(facts)) {
    return 'sudo apt install python3-zmq'
  }
  if (facts.hasEnsurepip) return commandLine(executable, '-m', 'ensurepip')
  return process.platform === 'win32'
    ? 'winget install astral-sh.uv'
    : 'curl -LsSf https://astral.sh/uv/install.sh | sh'
}

/** Debian's own Python has no pip and no ensurepip unless their packages are installed. */
function isDebians({ executable, inVirtualEnvironment }: PythonFacts): boolean {
  const isSystems = executable.startsWith('/usr/bin/') && !inVirtualEnvironment
  return isSystems && existsSync('/etc/debian_version')
}

function nameOf(facts: PythonFacts): string {
  return `${facts.executable} (Python ${facts.version})`
}

function cacheRoot(): string {
  const chosen = process.env['XDG_CACHE_HOME']
  // The XDG specification says to ignore a relative path.
  if (chosen && isAbsolute(chosen)) return chosen
  if (process.platform === 'darwin') return join(homedir(), 'Library', 'Caches')
  if (process.platform !== 'win32') return join(homedir(), '.cache')
  return process.env['LOCALAPPDATA'] ?? join(homedir(), 'AppData', 'Local')
}

function writeToStderr(line: string): void {
  process.stderr.write(`python-interpreter-toolset: ${line}\n`)
}
