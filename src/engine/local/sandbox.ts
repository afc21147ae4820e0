/**
 * What a sandboxed session can see: the walls are made by bubblewrap, https://github.com/containers/bubblewrap,
 * around the keeper of that session, with all that it starts.
 */
import { existsSync, readFileSync, realpathSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative, resolve } from 'node:path'
import { findBubblewrap } from '../../environment/bubblewrap.js'
import { SandboxError } from '../../errors.js'
import type { Sandbox } from '../engine.js'
import { enterScript, pythonPackage } from './python-package.js'

/** What programs need, and nobody keeps secrets in; but for what {@link HIDDEN} names. */
const SYSTEM_FOLDERS = [
  'usr',
  'bin',
  'sbin',
  'lib',
  'lib32',
  'lib64',
  'libx32',
  'etc',
  'opt',
  'nix',
]
const HIDDEN = [
  '/etc/shadow',
  '/etc/shadow-',
  '/etc/gshadow',
  '/etc/gshadow-',
  '/etc/sudoers',
  '/etc/sudoers.d',
  '/etc/ssh',
  '/etc/ssl/private',
  '/etc/pki/tls/private',
  '/etc/letsencrypt',
  '/etc/wireguard',
  '/etc/krb5.keytab',
  '/etc/NetworkManager/system-connections',
  '/etc/apt/auth.conf',
  '/etc/apt/auth.conf.d',
]
/** Where the session's own temporary files are, its home folder among them. */
const TEMPORARY = '/tmp'
export const HOME = '/tmp/home'
/** Of each of the folders for temporary files, which are in memory. */
export const TEMPORARY_BYTES = 2 ** 30
/**
 * Where a session's keeper and workers put what Node reads, such as output pipes. In memory, too, so
 * that code can neither fill a disk with it nor leave anything behind; and where nothing else is shown.
 */
export const SESSION_FOLDER = '/dev/session'
export const SESSION_BYTES = 2 ** 26

/** What in `/proc` is of the whole system, and root's to change, whatever it is called inside. */
export const SETTINGS = ['/proc/sys', '/proc/irq', '/proc/bus', '/proc/sysrq-trigger']

/** What root is called inside: as itself, it could not be there. See user_namespaces(7). */
const NOBODY = '65534'

/** What a wall is built around. */
export interface Inside {
  readonly python: string
  readonly pyzmqPath: string | null
  readonly workdir: string
  readonly sandbox: Sandbox
}

/** What each session has of its own: in its place, nothing else can be seen. */
const OWN_PLACES = [TEMPORARY, '/var/tmp', '/dev', '/proc']

/**
 * Makes sure that nothing which code may write to decides what the host runs, or what is bound where.
 *
 * @throws SandboxError with what is in the way of what
 */
export function requireSeparate({ python, workdir, sandbox }: Omit<Inside, 'pyzmqPath'>): void {
  const writable = [workdir, ...sandbox.write]
  for (const path of [...writable, ...sandbox.read]) {
    if (!existsSync(path))
      throw new SandboxError(`The sandbox is to show ${path}, which is not there.`)
    const real = realpathSync(path)
    if (real !== path) throw new SandboxError(`${path} is ${real} in truth: give the sandbox that.`)
    const own = OWN_PLACES.find((place) => isIn(place, path))
    if (own !== undefined)
      throw new SandboxError(`${path} cannot be shown: ${own} is a session's own.`)
  }
  const why = 'Code could change it for the host and for other sessions'
  for (const [index, folder] of writable.entries()) {
    const others = [...writable.filter((_, other) => other !== index), ...sandbox.read]
    const ofPython = pythonFolders(python)
    for (const path of [...others, realpathSync(tmpdir()), ...ofPython]) {
      if (!isIn(path, folder)) continue
      const advice = ofPython.includes(path)
        ? `give the session a workdir without it, such as ${join(folder, 'work')}, and name it as python`
        : 'have it elsewhere'
      throw new SandboxError(
        `${path} is in ${folder}, which the sandbox can write to. ${why}: ${advice}.`,
      )
    }
  }
}

/** Whether a path is a folder or below it. */
function isIn(path: string, folder: string): boolean {
  return !relative(folder, path).startsWith('..')
}

/** The variables that are different inside. */
export const SANDBOXED_ENVIRONMENT = { HOME, TMPDIR: TEMPORARY }

/**
 * The command that runs what follows it inside of walls: its own processes, temporary files and network
 * without any way out; of other files only those that it needs, read-only but for the workdir.
 *
 * @param channel - the socket that its processes connect to
 * @throws SandboxError where there is no bubblewrap
 */
export function wallCommand(inside: Inside, channel: string): string[] {
  const processes = ['--unshare-pid', '--as-pid-1', '--proc', '/proc']
  const settings = SETTINGS.flatMap((path) => ['--ro-bind-try', path, path])
  return command(inside, [...processes, ...settings, '--bind', channel, channel])
}

/** The same for a template: it sees the engine's private folder, and has a `/proc` that is whole. */
export function templateWallCommand(inside: Inside, folder: string): string[] {
  const more = ['--dev-bind', '/proc', '/proc', '--bind', folder, folder]
  return [...command(inside, more), inside.python, '-I', '-S', enterScript]
}

/** Paths that those see who are inside, wherever they are. */
export function keptPaths(inside: Inside): string[] {
  const { workdir, sandbox } = inside
  return [...sandbox.read, workdir, ...sandbox.write, ...needed(inside)]
}

function command(inside: Inside, more: readonly string[]): string[] {
  const { workdir, sandbox } = inside
  const inMemory = (path: string, mode: string, bytes: number) => [
    ...['--perms', mode, '--size', String(bytes), '--tmpfs', path],
  ]
  const temporary = (path: string) => inMemory(path, '1777', TEMPORARY_BYTES)
  const readOnly = (path: string) => ['--ro-bind', path, path]
  const writable = (path: string) => ['--bind', path, path]
  return [
    findBubblewrap(),
    ...['--unshare-user', '--unshare-ipc', '--unshare-net', '--unshare-uts'],
    ...['--unshare-cgroup-try', '--die-with-parent', '--cap-drop', 'ALL'],
    ...(process.getuid?.() === 0 ? ['--uid', NOBODY, '--gid', NOBODY] : []),
    ...SYSTEM_FOLDERS.flatMap((name) => ['--ro-bind-try', `/${name}`, `/${name}`]),
    ...HIDDEN.filter((path) => existsSync(path)).flatMap(hide),
    // Terminals of others who see the same devices could be written to.
    ...['--dev', '/dev', '--tmpfs', '/dev/pts', '--remount-ro', '/dev/pts'],
    ...[...inMemory(SESSION_FOLDER, '0700', SESSION_BYTES), '--remount-ro', '/dev'],
    ...[...temporary(TEMPORARY), '--dir', HOME, ...temporary('/var/tmp'), ...temporary('/dev/shm')],
    ...sandbox.read.flatMap(readOnly),
    ...[workdir, ...sandbox.write].flatMap(writable),
    ...needed(inside).flatMap(readOnly),
    ...more,
    ...['--remount-ro', '/', '--chdir', workdir, '--setenv', 'HOME', HOME, '--'],
  ]
}

function hide(path: string): string[] {
  return statSync(path).isDirectory() ? ['--tmpfs', path] : ['--ro-bind', '/dev/null', path]
}

function needed({ python, pyzmqPath }: Inside): string[] {
  const paths = [...pythonFolders(python), dirname(pythonPackage)]
  if (pyzmqPath !== null) paths.push(pyzmqPath)
  return paths.filter((path) => !isBelowSystemFolder(path))
}

/** Folders that Python itself is in, wherever it is installed. */
function pythonFolders(python: string): string[] {
  const own = dirname(dirname(resolve(python)))
  const paths = [own, dirname(dirname(realpathSync(python)))]
  return existsSync(join(own, VIRTUAL_ENVIRONMENT)) ? [...paths, ...homeOf(own)] : paths
}

const VIRTUAL_ENVIRONMENT = 'pyvenv.cfg'

/** The Python that a virtual environment was made with: https://docs.python.org/3/library/venv.html */
function homeOf(environment: string): string[] {
  const settings = readFileSync(join(environment, VIRTUAL_ENVIRONMENT), 'utf8')
  const bin = /^home\s*=\s*(.+)$/m.exec(settings)?.[1]?.trim()
  return bin === undefined ? [] : [dirname(bin), dirname(realpathSync(bin))]
}

function isBelowSystemFolder(path: string): boolean {
  return SYSTEM_FOLDERS.some((name) => isIn(path, `/${name}`))
}
