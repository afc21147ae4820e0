/** Finds bubblewrap, of which the walls of sandboxed sessions are made. */
import { execa } from 'execa'
import { existsSync } from 'node:fs'
import { delimiter, isAbsolute, join } from 'node:path'
import { SandboxError } from '../errors.js'

const TRIAL = ['--unshare-user', '--unshare-pid', '--unshare-net', '--ro-bind', '/', '/', 'true']
const TRIAL_TIMEOUT_MS = 10_000

/** @throws SandboxError where it is not installed, or this is not Linux */
export function findBubblewrap(): string {
  if (process.platform !== 'linux') {
    throw new SandboxError('Only Linux can have a sandbox: its walls are made of namespaces.')
  }
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const candidate = join(folder, 'bwrap')
    if (isAbsolute(folder) && existsSync(candidate)) return candidate
  }
  throw new SandboxError(
    'The sandbox needs bubblewrap, which is not installed. Install it (apt-get install bubblewrap, ' +
      'dnf install bubblewrap), or do without: sandbox: false.',
  )
}

/**
 * Builds walls for a moment; answers bubblewrap's version.
 *
 * @throws SandboxError where that is not possible, with what stands in the way
 */
export async function tryBubblewrap(): Promise<string> {
  const bubblewrap = findBubblewrap()
  const options = { reject: false, timeout: TRIAL_TIMEOUT_MS } as const
  const trial = await execa(bubblewrap, TRIAL, options)
  if (trial.failed) throw wallsError(trial.stderr || (trial.shortMessage ?? ''))
  const { stdout } = await execa(bubblewrap, ['--version'], options)
  return stdout.trim()
}

/** The error for walls that bubblewrap could not build, by what it said. */
export function wallsError(said: string): SandboxError {
  const hint = /uid map|namespace|Operation not permitted/i.test(said) ? ` ${NAMESPACES}` : ''
  return new SandboxError(`The walls of the sandbox cannot be built: ${said.trim()}.${hint}`)
}

const NAMESPACES =
  'They need user namespaces, which some systems forbid (kernel.apparmor_restrict_unprivileged_userns, ' +
  'user.max_user_namespaces) and most containers, too.'
