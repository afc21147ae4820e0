/** Runs pip or uv and tells what they do; knows neither what is installed nor why. */
import { execa } from 'execa'

import { findOnPath } from './find-python.js'
import { lastLine, type PythonFacts } from './probe-python.js'

/** A program that installs distributions for one Python. */
export interface Installer {
  name: 'pip' | 'uv'
  file: string
  /** Comes before what is to be installed and where. */
  args: readonly string[]
}

/**
 * Settings of the user's pip that would contradict `--target` or forbid to install outside of a
 * virtual environment.
 */
const INSTALLER_ENV = { PIP_USER: '0', PIP_REQUIRE_VIRTUALENV: '0' }

const PIP_OPTIONS = ['--disable-pip-version-check', '--no-input']
const PIP_INSTALL_OPTIONS = [
  '--progress-bar',
  'off',
  '--prefer-binary',
  '--no-warn-script-location',
]

/** The pip of a Python, or undefined if it has none. */
export function pipOf(facts: PythonFacts): Installer | undefined {
  return facts.pip === null ? undefined : pip(facts.executable, [])
}

/**
 * The pip of one Python, made to install into the virtual environment of another that has none;
 * undefined if that pip is missing or too old for it.
 */
export function pipFrom(facts: PythonFacts, environmentPython: string): Installer | undefined {
  const [major = 0, minor = 0] = (facts.pip ?? '').split('.').map(Number)
  const canServeOthers = major > 22 || (major === 22 && minor >= 3)
  return canServeOthers ? pip(facts.executable, ['--python', environmentPython]) : undefined
}

function pip(python: string, options: readonly string[]): Installer {
  // Without -I, a PYTHONPATH or a pip.py in the current directory would be taken for pip's own.
  const args = ['-I', '-m', 'pip', ...options, ...PIP_OPTIONS, 'install', ...PIP_INSTALL_OPTIONS]
  return { name: 'pip', file: python, args }
}

/** uv from the PATH, made to install for that Python, or undefined if there is no uv. */
export async function uvFor(python: string): Promise<Installer | undefined> {
  const file = await findOnPath('uv')
  return file ? { name: 'uv', file, args: ['pip', 'install', '--python', python] } : undefined
}

/** How a program ended that did not do what it was asked to: for an error message. */
export interface Failure {
  /** The command as one would type it. */
  command: string
  /** The last line or lines that it printed. */
  lastWords: string
}

/**
 * Installs distributions.
 *
 * @param what - requirements and options, as the installer takes them
 * @param onActivity - hears in a few words what is going on, several times a second
 * @returns undefined if it worked
 */
export async function install(
  installer: Installer,
  what: readonly string[],
  onActivity: (activity: string) => void,
): Promise<Failure | undefined> {
  return runVisibly(installer.file, [...installer.args, ...what], onActivity)
}

/** Runs a program as {@link install} does. */
export async function runVisibly(
  file: string,
  args: readonly string[],
  onActivity: (activity: string) => void = () => undefined,
): Promise<Failure | undefined> {
  const run = execa(file, args, { reject: false, all: true, stdin: 'ignore', env: INSTALLER_ENV })
  for await (const line of run.iterable({ from: 'all' })) {
    const activity = activityIn(line)
    if (activity) onActivity(activity)
  }
  const result = await run
  if (!result.failed) return undefined
  return {
    command: commandLine(file, ...args),
    lastWords: lastWordsOf(result.all) || (result.shortMessage ?? ''),
  }
}

/** A command as one would type it, with those parts quoted that a shell would split. */
export function commandLine(...parts: readonly string[]): string {
  return parts.map((part) => (/[^\w@%+=:,./\\~-]/.test(part) ? `"${part}"` : part)).join(' ')
}

/** What pip and uv print when they turn to something that takes time. */
function activityIn(line: string): string | undefined {
  const text = line.trim()
  if (text.startsWith('Installing collected packages')) return 'installing what was downloaded'
  const isTelling = /^(Collecting|Downloading|Building|Preparing|Resolved|Prepared|Installed) /
  return isTelling.test(text) ? text.replace(/^(Downloading) \S*\//, '$1 ') : undefined
}

/** The errors among what was printed, at most two, and the broken connection that pip only warns of. */
function lastWordsOf(output: string): string {
  const lines = output.split('\n').map((line) => line.trim())
  const broken = lines.filter((line) => line.includes('connection broken by')).slice(-1)
  const errors = lines.filter((line) => /^(error|fatal)\b|No module named/i.test(line)).slice(-2)
  const words = [...broken, ...errors]
  return words.length > 0 ? words.join('\n  ') : lastLine(output)
}
