/**
 * Asks a Python what it is, by running it. This takes tens of milliseconds, so that only `doctor`,
 * `setup` and the installation of pyzmq do it, never the start of an interpreter.
 */
import { execa } from 'execa'

import { NoPythonError } from '../errors.js'

/** The oldest version that the worker supports, as major and minor number. */
export const OLDEST_PYTHON = [3, 9] as const

/** A Python that does not answer within this time, in milliseconds, is given up. */
const PROBE_TIMEOUT_MS = 60_000

/** What {@link probePython} found. */
export interface PythonFacts {
  /** The path that was run. */
  executable: string
  /** What that Python calls itself (`sys.executable`): for a launcher or shim, the real one. */
  realExecutable: string
  /** For example `3.12.1`. */
  version: string
  /** `sys.prefix`: the folder of the environment. */
  prefix: string
  /** Where pip puts pure Python packages. */
  sitePackages: string
  /** Whether it belongs to a virtual environment. */
  inVirtualEnvironment: boolean
  /** Whether the system's packager forbids pip to install into it (PEP 668). */
  externallyManaged: boolean
  /** The version of pip if it can run `-m pip`, else null. */
  pip: string | null
  /** Whether it can run `-m ensurepip`, which `-m venv` needs; Debian packs that separately. */
  hasEnsurepip: boolean
  /** Names its binary interface, for example `cpython-312-x86_64-linux-gnu`. */
  abiTag: string
  /** The version of pyzmq if it can be imported, else null. */
  pyzmq: string | null
  /** For each distribution asked for, its version, or null if it is not installed. */
  packages: Record<string, string | null>
}

/**
 * Runs without `-I`, which Python 2 does not know and which would hide the packages of the user's
 * own site folder, which a worker sees; so the current directory has to leave the path by hand.
 * All of it must parse on Python 2, or an old one would answer with a syntax error.
 */
const PROBE_CODE = `
import sys
sys.path.pop(0)
import json
facts = {'version': list(sys.version_info[:3]), 'realExecutable': sys.executable}
if sys.version_info[:2] >= (${OLDEST_PYTHON.join(', ')}):
    import importlib.machinery, importlib.util, os, platform, sysconfig
    from importlib import metadata
    def has(module):
        return importlib.util.find_spec(module) is not None
    def installed(name):
        try:
            return metadata.version(name)
        except metadata.PackageNotFoundError:
            return None
    try:
        import zmq
        pyzmq = zmq.__version__
    except Exception:
        pyzmq = None
    abi_tag = importlib.machinery.EXTENSION_SUFFIXES[0].split('.')[1]
    if sys.platform == 'darwin':
        abi_tag += '-' + platform.machine()
    in_virtual_environment = sys.prefix != sys.base_prefix
    marker = os.path.join(sysconfig.get_path('stdlib'), 'EXTERNALLY-MANAGED')
    facts.update(
        prefix=sys.prefix,
        sitePackages=sysconfig.get_path('purelib'),
        inVirtualEnvironment=in_virtual_environment,
        externallyManaged=not in_virtual_environment and os.path.exists(marker),
        pip=(installed('pip') or 'unknown') if has('pip') else None,
        hasEnsurepip=has('ensurepip'),
        abiTag=abi_tag,
        pyzmq=pyzmq,
        packages=dict((name, installed(name)) for name in sys.argv[1:]),
    )
print(json.dumps(facts))
`

/**
 * Runs a Python and asks it for its version, its place, pyzmq and the given distributions.
 *
 * @param executable - as {@link findPython} returns it
 * @param packages - names of distributions, as pip spells them
 * @throws NoPythonError if it cannot be run, is no Python, or is older than 3.9
 */
export async function probePython(
  executable: string,
  packages: readonly string[] = [],
): Promise<PythonFacts> {
  const run = await execa(executable, ['-E', '-c', PROBE_CODE, ...packages], {
    reject: false,
    stdin: 'ignore',
    timeout: PROBE_TIMEOUT_MS,
  })
  const facts = parseFacts(lastLine(run.stdout))
  if (run.failed || !facts) {
    const reason = complaintIn(run.stderr) || run.shortMessage || 'it gave no answer'
    throw new NoPythonError(
      `${executable} does not work as a Python: ${reason.replace(/\.$/, '')}. ` +
        'Repair it, or name another one.',
      { cause: run.failed ? run : undefined },
    )
  }
  const version = facts.version.join('.')
  if (isTooOld(facts.version)) {
    throw new NoPythonError(
      `${executable} is Python ${version}, and ${OLDEST_PYTHON.join('.')} or later is needed. ` +
        `Install a newer one (${howToInstall()}) or name one that is installed already.`,
    )
  }
  return { ...facts, executable, version }
}

/** A traceback ends with its reason; launchers and shims begin with it and go on with hints. */
function complaintIn(stderr: string): string {
  return stderr.startsWith('Traceback') ? lastLine(stderr) : (stderr.trim().split('\n')[0] ?? '')
}

type RawFacts = Omit<PythonFacts, 'executable' | 'version'> & { version: number[] }

/** Undefined for what our own code cannot have printed. */
function parseFacts(line: string): RawFacts | undefined {
  try {
    const facts: unknown = JSON.parse(line)
    const isOurs = typeof facts === 'object' && facts !== null && 'realExecutable' in facts
    return isOurs ? (facts as RawFacts) : undefined
  } catch {
    return undefined
  }
}

function isTooOld([major = 0, minor = 0]: number[]): boolean {
  const [oldestMajor, oldestMinor] = OLDEST_PYTHON
  return major < oldestMajor || (major === oldestMajor && minor < oldestMinor)
}

/** How to get a Python on this platform, as a part of a sentence. */
export function howToInstall(): string {
  if (process.platform === 'linux') return 'on Debian and Ubuntu: sudo apt install python3'
  if (process.platform === 'darwin') return 'for example: brew install python'
  return 'https://www.python.org/downloads/'
}

/** The last line that is not blank, without surrounding space; for error messages. */
export function lastLine(text: string): string {
  return text.trim().split('\n').at(-1)?.trim() ?? ''
}
