/** Reads, writes and lists the files of a workdir. */
import { constants } from 'node:fs'
import { lstat, open, readdir, unlink, type FileHandle } from 'node:fs/promises'
import { basename, dirname, join, sep } from 'node:path'
import { FileError, InvalidOptionError, NoFileError, PythonInterpreterError } from '../errors.js'
import { inFolder, pathInside, resolveLinks, type OpenFolder } from './inside.js'
import { mimeType } from './mime-types.js'

/** What `list` answers of one file or folder. */
export interface FileEntry {
  /** Relative to the workdir, with `/` between its parts. */
  path: string
  type: 'file' | 'folder' | 'symlink' | 'other'
  /** In bytes; only of files. */
  size?: number
  /** When its content was last changed: ISO 8601, UTC. */
  modified_at: string
  /** By the ending of the file's name; only of files. */
  mime_type?: string
}

/** Options of {@link WorkdirFiles.list}. */
export interface ListOptions {
  /** Whether to list what is in folders below, too; those behind links are not. @default false */
  readonly recursive?: boolean
}

/** Options of {@link WorkdirFiles.read}. */
export interface ReadOptions {
  /** @default any number */
  readonly maxBytes?: number
}

/** What several operations open files with: no link is followed, and no pipe is waited for. */
const SAFELY = constants.O_NOFOLLOW | constants.O_NONBLOCK

/**
 * The files below a toolset's workdir. Paths are relative to it, or absolute and in it. Symbolic links
 * are followed as long as they stay in it. Every method rejects with
 *
 * - an {@link OutsideWorkdirError} for a path that leads out of the workdir,
 * - a {@link NoFileError} where there is nothing,
 * - a {@link FileError} for what else stands in the way, such as a folder where a file is meant,
 * - an {@link InvalidOptionError} for arguments of the wrong type.
 */
export class WorkdirFiles {
  readonly #workdir: string

  /** @param workdir - absolute */
  constructor(workdir: string) {
    this.#workdir = workdir
  }

  /** The content of a file. One that is larger than `maxBytes` is an error, and not read. */
  read(path: string, { maxBytes = Infinity }: ReadOptions = {}): Promise<Uint8Array> {
    return this.#withFile(path, constants.O_RDONLY, async (file) => {
      const { size } = await file.stat()
      if (size > maxBytes) {
        throw new FileError(path, `it has ${size} bytes, and ${maxBytes} are the most here`)
      }
      return file.readFile()
    })
  }

  /** The content of a file as text; bytes that are no UTF-8 become U+FFFD. */
  async readText(path: string): Promise<string> {
    return Buffer.from(await this.read(path)).toString('utf8')
  }

  /** Writes a file, in place of what it held; makes the folders that are missing. Text is UTF-8. */
  async write(path: string, content: string | Uint8Array): Promise<void> {
    if (typeof content !== 'string' && !(content instanceof Uint8Array)) {
      throw new InvalidOptionError('files.write(): content must be a string or a Uint8Array.')
    }
    await this.#withFile(path, constants.O_WRONLY | constants.O_CREAT, async (file) => {
      await file.truncate()
      await file.writeFile(content)
    })
  }

  /** Removes a file; of a symbolic link, the link. */
  remove(path: string): Promise<void> {
    return reporting(path, async () => {
      const inside = await pathInside(this.#workdir, path)
      const parent = await resolveLinks(this.#workdir, dirname(inside))
      await inFolder(this.#workdir, parent, false, (folder) => unlink(folder.at(basename(inside))))
    })
  }

  /** What is in a folder, by path. */
  list(path = '.', { recursive = false }: ListOptions = {}): Promise<FileEntry[]> {
    return reporting(path, async () => {
      const real = await resolveLinks(this.#workdir, await pathInside(this.#workdir, path))
      const entries = await inFolder(this.#workdir, real, false, (folder) =>
        entriesOf(folder, real, recursive),
      )
      return entries.sort((a, b) => (a.path < b.path ? -1 : 1))
    })
  }

  #withFile<T>(path: string, flags: number, use: (file: FileHandle) => Promise<T>): Promise<T> {
    return reporting(path, async () => {
      const real = await resolveLinks(this.#workdir, await pathInside(this.#workdir, path))
      const create = (flags & constants.O_CREAT) !== 0
      return inFolder(this.#workdir, dirname(real), create, async (folder) => {
        const file = await open(folder.at(basename(real)), flags | SAFELY)
        try {
          if (!(await file.stat()).isFile()) throw new FileError(path, 'it is no regular file')
          return await use(file)
        } finally {
          await file.close()
        }
      })
    })
  }
}

async function entriesOf(
  folder: OpenFolder,
  path: string,
  recursive: boolean,
): Promise<FileEntry[]> {
  const entries: FileEntry[] = []
  for (const name of await readdir(folder.at('.'))) {
    const entry = await entryOf(folder, join(path, name))
    if (entry === null) continue
    entries.push(entry)
    if (!recursive || entry.type !== 'folder') continue
    const inner = await folder.enter(name)
    try {
      entries.push(...(await entriesOf(inner, join(path, name), recursive)))
    } finally {
      await inner.handle.close()
    }
  }
  return entries
}

/** Null where it has gone meanwhile. */
async function entryOf(folder: OpenFolder, path: string): Promise<FileEntry | null> {
  const stat = await lstat(folder.at(basename(path))).catch(() => null)
  if (stat === null) return null
  const common = { path: path.split(sep).join('/'), modified_at: stat.mtime.toISOString() }
  if (stat.isFile()) {
    return { ...common, type: 'file', size: stat.size, mime_type: mimeType(path) }
  }
  if (stat.isDirectory()) return { ...common, type: 'folder' }
  return { ...common, type: stat.isSymbolicLink() ? 'symlink' : 'other' }
}

/** Gives what the file system says a type and the path. */
async function reporting<T>(path: string, operation: () => Promise<T>): Promise<T> {
  if (typeof path !== 'string' || path.includes('\0')) {
    throw new InvalidOptionError('The path of a file must be a string without NUL characters.')
  }
  try {
    return await operation()
  } catch (error) {
    if (error instanceof PythonInterpreterError || !(error instanceof Error)) throw error
    const code = 'code' in error ? error.code : null
    if (code === 'ENOENT') throw new NoFileError(path, { cause: error })
    throw new FileError(path, REASONS[String(code)] ?? error.message, { cause: error })
  }
}

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'permission is denied',
  EISDIR: 'it is a folder',
  ELOOP: 'it has symbolic links that lead nowhere',
  ENOTDIR: 'a part of the path is no folder',
  ENXIO: 'it is no regular file',
}
