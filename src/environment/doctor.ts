/** Says what is found on this machine and what is missing, without changing anything. */
import { createRequire } from 'node:module'
import { release } from 'node:os'
import { resolve } from 'node:path'

import { LIMIT_NAMES } from '../engine/engine.js'
import { PythonInterpreterError } from '../errors.js'
import { tryBubblewrap } from './bubblewrap.js'
import { choosePython, type FindPythonOptions, type PythonChoice } from './find-python.js'
import { commandLine, pipOf, uvFor } from './installers.js'
import { cgroupState, enforcementOf } from './limit-enforcement.js'
import { type PythonFacts, probePython } from './probe-python.js'
import { hasCachedPyzmq, pyzmqCacheFolder } from './pyzmq.js'
import { DATA_SCIENCE_PACKAGES } from './setup.js'
import { requireFolder } from './workdir.js'

/** What {@link doctor} looks at. */
export interface DoctorOptions {
  /** As the toolset's option of that name. */
  python?: string | undefined
  /** The working directory whose `.venv` counts. Default: the current directory. */
  workdir?: string | undefined
  /** Takes the report, line by line. */
  write: (line: string) => void
}

/**
 * Reports platform, Node, the ZeroMQ binding, the working directory, the Python that would be used and
 * why, pyzmq, the data-science set, what enforces limits and whether there can be a sandbox, and ends with
 * what to do if something is missing.
 *
 * @returns whether all that running code needs is there: a Python, pyzmq (its own or in the cache),
 * the ZeroMQ binding and the working directory
 */
export async function doctor(options: DoctorOptions): Promise<boolean> {
  const { write } = options
  const row = (name: string, value: string) => write(`${name.padEnd(13)} ${value}`)
  const todo: string[] = []

  row('platform', `${process.platform} ${process.arch} (${release()})`)
  row('Node', process.version)
  const bindingWorks = await reportBinding(row, todo)
  const workdir = resolve(options.workdir ?? '.')
  const workdirWorks = await reportWorkdir(workdir, row, todo)
  const pythonWorks = await reportPython({ python: options.python, workdir }, row, todo)
  reportLimits(row)
  await reportSandbox(row)

  write('')
  const works = bindingWorks && workdirWorks && pythonWorks
  write(
    works
      ? 'All that running code needs is there.'
      : 'Something that running code needs is missing.',
  )
  for (const advice of todo) write(advice)
  return works
}

/** What `sandbox` needs; nothing else does. */
async function reportSandbox(row: Row): Promise<void> {
  try {
    row('sandbox', `can be used: ${await tryBubblewrap()}`)
  } catch (error) {
    row('sandbox', messageOf(error))
  }
}

type Row = (name: string, value: string) => void

async function reportBinding(row: Row, todo: string[]): Promise<boolean> {
  try {
    const { version } = await import('zeromq')
    row('zeromq', `${packageVersion('zeromq')} (libzmq ${version})`)
    return true
  } catch (error) {
    row('zeromq', `cannot be loaded: ${messageOf(error)}`)
    todo.push('The ZeroMQ binding cannot be loaded; install it again: npm rebuild zeromq')
    return false
  }
}

function packageVersion(name: string): string {
  const manifest: unknown = createRequire(import.meta.url)(`${name}/package.json`)
  const hasVersion = typeof manifest === 'object' && manifest !== null && 'version' in manifest
  return hasVersion ? String(manifest.version) : 'of unknown version'
}

async function reportWorkdir(workdir: string, row: Row, todo: string[]): Promise<boolean> {
  try {
    await requireFolder(workdir)
    row('workdir', workdir)
    return true
  } catch (error) {
    row('workdir', `${workdir}, which is not a folder`)
    todo.push(messageOf(error))
    return false
  }
}

async function reportPython(
  options: FindPythonOptions,
  row: Row,
  todo: string[],
): Promise<boolean> {
  let choice: PythonChoice | undefined
  try {
    choice = await choosePython(options)
    row('Python', choice.executable)
    row('  chosen', `because it is ${choice.reason}`)
    const facts = await probePython(choice.executable, DATA_SCIENCE_PACKAGES)
    row('  version', facts.version)
    if (facts.realExecutable !== choice.executable) row('  really', facts.realExecutable)
    const works = await reportPyzmq(facts, row, todo)
    reportPackages(facts, row, todo)
    return works
  } catch (error) {
    if (!(error instanceof PythonInterpreterError)) throw error
    row(choice ? '  version' : 'Python', 'none that can be used')
    todo.push(error.message)
    return false
  }
}

async function reportPyzmq(facts: PythonFacts, row: Row, todo: string[]): Promise<boolean> {
  const folder = pyzmqCacheFolder(facts.abiTag)
  const isCached = await hasCachedPyzmq(folder)
  row('pyzmq', facts.pyzmq ?? (isCached ? 'in the cache folder' : 'missing'))
  row('cache folder', `${folder} (${isCached ? 'filled' : 'not there, made when needed'})`)
  if (facts.pyzmq !== null || isCached) return true

  const installer = pipOf(facts) ?? (await uvFor(facts.executable))
  todo.push(
    installer
      ? `pyzmq is missing; the first run will try to install it into the cache folder with ` +
          `${installer.name}. To do it now: ${nowCommand(facts)}`
      : 'pyzmq is missing, and so are pip and uv to install it with. Make an environment: ' +
          'npx python-interpreter-toolset setup',
  )
  return false
}

function nowCommand({ pip, externallyManaged, executable }: PythonFacts): string {
  return pip && !externallyManaged
    ? commandLine(executable, '-m', 'pip', 'install', 'pyzmq')
    : 'npx python-interpreter-toolset setup'
}

function reportPackages(facts: PythonFacts, row: Row, todo: string[]): void {
  for (const name of DATA_SCIENCE_PACKAGES) row(name, facts.packages[name] ?? 'missing')
  const missing = DATA_SCIENCE_PACKAGES.filter((name) => facts.packages[name] == null)
  if (missing.length === 0) return
  const command = facts.inVirtualEnvironment
    ? commandLine('npx', 'python-interpreter-toolset', 'setup', facts.prefix)
    : 'npx python-interpreter-toolset setup'
  todo.push(`For the missing packages of the data-science set: ${command}`)
}

function reportLimits(row: Row): void {
  row('limits', 'what enforces each of them here, for this user:')
  for (const name of LIMIT_NAMES) {
    const enforcement = enforcementOf(name)
    const value = enforcement.by ?? `cannot be enforced because ${enforcement.why}`
    row(`  ${name}`, value)
  }
  row('  cgroups v2', cgroupState())
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
