/** Which environment variables Python sees. */
import { existsSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'

/** What every Python sees of the host's environment, where it is set. */
const INHERITED = ['PATH', 'HOME', 'LANG', 'TZ', 'TMPDIR', 'VIRTUAL_ENV', 'LD_LIBRARY_PATH']
const INHERITED_PATTERN = /^(LC_|CONDA_|CUDA_).|_PROXY$/i
/** Without these, Windows programs do not start. */
const INHERITED_ON_WINDOWS = [
  'SYSTEMROOT',
  'COMSPEC',
  'PATHEXT',
  'TEMP',
  'TMP',
  'USERPROFILE',
  'APPDATA',
]

/** Nobody sits in front of a child process: no pager, no editor, no question, no colour. */
const UNATTENDED = {
  PAGER: 'cat',
  GIT_PAGER: 'cat',
  MANPAGER: 'cat',
  EDITOR: 'false',
  VISUAL: 'false',
  GIT_EDITOR: 'false',
  GIT_TERMINAL_PROMPT: '0',
  TERM: 'dumb',
  NO_COLOR: '1',
  PYTHON_COLORS: '0',
  PIP_DISABLE_PIP_VERSION_CHECK: '1',
}

/**
 * The environment of a Python process.
 *
 * @param python - the executable; one of a virtual environment comes first on the PATH, so that a
 *   `pip` that code calls is that environment's
 * @param env - the caller's own variables, which win over everything else
 * @param inheritEnv - true passes all of the host's variables, a list those it names
 */
export function pythonEnvironment(
  python: string,
  env: Readonly<Record<string, string>>,
  inheritEnv: boolean | readonly string[],
): Record<string, string> {
  const environment: Record<string, string> = {}
  for (const [name, value] of Object.entries(process.env)) {
    if (value !== undefined && isInherited(name, inheritEnv)) environment[name] = value
  }
  activate(environment, python)
  return { ...environment, ...UNATTENDED, ...env }
}

function isInherited(name: string, inheritEnv: boolean | readonly string[]): boolean {
  if (inheritEnv === true) return true
  if (INHERITED.includes(name) || INHERITED_PATTERN.test(name)) return true
  if (process.platform === 'win32' && INHERITED_ON_WINDOWS.includes(name.toUpperCase())) return true
  return Array.isArray(inheritEnv) && inheritEnv.includes(name)
}

/** Does what a virtual environment's `activate` script does. */
function activate(environment: Record<string, string>, python: string): void {
  const binaries = dirname(python)
  const prefix = dirname(binaries)
  delete environment['VIRTUAL_ENV']
  if (!existsSync(join(prefix, 'pyvenv.cfg'))) return
  environment['VIRTUAL_ENV'] = prefix
  environment['PATH'] = [binaries, environment['PATH'] ?? ''].join(delimiter)
}
