/**
 * Reaching what is below a folder without ever leaving it, whoever swaps folders and symbolic links
 * meanwhile: links are resolved first, and the path that results is then opened one folder after the
 * other, each below the one before and none through a link.
 */
import { constants } from 'node:fs'
import { mkdir, open, readlink, realpath, type FileHandle } from 'node:fs/promises'
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path'
import { OutsideWorkdirError } from '../errors.js'

/** A folder that is open, so that its entries can be reached wherever its name now leads. */
export class OpenFolder {
  /** @param path - absolute and without symbolic links */
  constructor(
    readonly handle: FileHandle,
    readonly path: string,
  ) {}

  /** A path of one of its entries. Node has no openat(2): on Linux, the descriptor has a path. */
  at(name: string): string {
    if (process.platform !== 'linux') return join(this.path, name)
    return `/proc/self/fd/${this.handle.fd}/${name}`
  }

  /** Opens a folder in it. */
  async enter(name: string): Promise<OpenFolder> {
    const { O_DIRECTORY, O_NOFOLLOW } = constants
    const handle = await open(this.at(name), O_DIRECTORY | O_NOFOLLOW)
    return new OpenFolder(handle, join(this.path, name))
  }
}

/**
 * A path relative to `root`, made of a path as somebody gave it; empty for the root itself.
 *
 * @param root - absolute
 * @throws OutsideWorkdirError for one that is written so that it leads outside
 */
export async function pathInside(root: string, path: string): Promise<string> {
  const absolute = resolve(root, path)
  for (const start of [root, await realpath(root)]) {
    const inside = relative(start, absolute)
    if (!leavesRoot(inside)) return inside
  }
  throw new OutsideWorkdirError(path)
}

/**
 * Resolves the symbolic links in a path relative to `root`; what does not exist has none.
 *
 * @throws OutsideWorkdirError where they lead outside
 */
export async function resolveLinks(root: string, path: string): Promise<string> {
  const realRoot = await realpath(root)
  const inside = relative(realRoot, await realPathOf(join(realRoot, path)))
  if (leavesRoot(inside)) throw new OutsideWorkdirError(path)
  return inside
}

/**
 * Opens a folder below `root` for as long as `use` takes.
 *
 * @param path - relative to `root`, without symbolic links
 * @param create - whether to make the folders that are missing
 */
export async function inFolder<T>(
  root: string,
  path: string,
  create: boolean,
  use: (folder: OpenFolder) => Promise<T>,
): Promise<T> {
  const realRoot = await realpath(root)
  let folder = new OpenFolder(await open(realRoot, constants.O_DIRECTORY), realRoot)
  try {
    for (const name of path.split(sep).filter(Boolean)) {
      if (create) await mkdir(folder.at(name)).catch(unlessItExists)
      const next = await folder.enter(name)
      await folder.handle.close()
      folder = next
    }
    return await use(folder)
  } finally {
    await folder.handle.close()
  }
}

async function realPathOf(path: string): Promise<string> {
  try {
    return await realpath(path)
  } catch (error) {
    if (!isNotFound(error)) throw error
    const parent = await realPathOf(dirname(path))
    const target = await readlink(join(parent, basename(path))).catch(() => null)
    // A link to what is not there would be followed by whoever creates it.
    return target === null ? join(parent, basename(path)) : realPathOf(resolve(parent, target))
  }
}

/** Whether a relative path, without needless parts, leads outside of what it is relative to. */
export function leavesRoot(inside: string): boolean {
  return inside === '..' || inside.startsWith(`..${sep}`) || isAbsolute(inside)
}

function isNotFound(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}

function unlessItExists(error: unknown): void {
  if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
}
