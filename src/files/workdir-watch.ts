/**
 * Which files below a folder change while code runs. The kernel tells (inotify, through `fs.watch`), so
 * that nobody's writes are missed: Python's, those of native libraries, and those of child processes.
 * A run that changes no file costs four turns of Node's event loop, not a scan of the folder.
 */
import { lstatSync, opendirSync, readFileSync, watch, type FSWatcher } from 'node:fs'
import { join, posix } from 'node:path'
import { Recording } from './recording.js'

type Kind = 'file' | 'folder' | 'other'

interface WatchedFolder {
  /** Relative to the root; the root's is empty. */
  readonly path: string
  readonly inode: number
  readonly watcher: FSWatcher
  readonly entries: Map<string, Kind>
}

const MAX_FOLDERS = 512
const MAX_ENTRIES = 50_000
/** What the kernel queues by default; takes Node less than 0.1 s. */
const MAX_EVENTS_IN_A_ROW = 16_384
/** How long finding folders to watch may take at a time, on a slow file system. */
const MAX_SEARCH_MS = 200

const SKIPPED_FOLDERS = new Set(['node_modules', '__pycache__'])
/** What marks a virtual environment: https://docs.python.org/3/library/venv.html */
const VIRTUAL_ENVIRONMENT = 'pyvenv.cfg'
/** What events of a watched folder itself are called, and no file is. */
const ITSELF = '.'

/** Listens to the folders below one, from the first run on. Only on Linux: elsewhere it hears nothing. */
export class WorkdirWatch {
  /** Absolute path of the folder. */
  readonly root: string
  readonly #isSkipped: (path: string) => boolean
  readonly #folders = new Map<string, WatchedFolder>()
  readonly #recordings = new Set<Recording>()
  #entryCount = 0
  /** Whether the folders have to be found, again or for the first time. */
  #stale = true
  #closed = process.platform !== 'linux'
  #eventsInARow = 0
  #maxEventsInARow = MAX_EVENTS_IN_A_ROW
  #tooMuch: 'no' | 'yes' | 'told' = 'no'

  /**
   * @param root - absolute
   * @param isSkipped - whether a folder, relative to the root, is nobody's business
   */
  constructor(root: string, isSkipped: (path: string) => boolean) {
    this.root = root
    this.#isSkipped = isSkipped
  }

  /** Prepares to record the changes of one run. */
  recording(): Recording {
    return new Recording(this)
  }

  /** Stops listening, for good. */
  close(): void {
    this.#closed = true
    this.#unwatch('')
  }

  /** Has the recording hear of every change from now on, and of none before. */
  async attach(recording: Recording): Promise<void> {
    if (this.#closed) return
    if (this.#stale) this.#watchAfresh()
    if (this.#folders.size === 0) return
    await queuedEvents()
    this.#recordings.add(recording)
  }

  /** Resolves when the recording has heard of every change until now. */
  async detach(recording: Recording): Promise<void> {
    if (!this.#recordings.has(recording)) return
    await queuedEvents()
    this.#recordings.delete(recording)
  }

  /** Whether a file is known to be there now. */
  hasFile(path: string): boolean {
    const { dir, base } = posix.parse(path)
    return this.#folders.get(dir)?.entries.get(base) === 'file'
  }

  /** What has to be said once: that not all is watched. */
  takeNotices(): string[] {
    if (this.#tooMuch !== 'yes') return []
    this.#tooMuch = 'told'
    return [
      'The working directory has too many folders or files to watch all of them: files lists ' +
        'changes in some only.',
    ]
  }

  #watchAfresh(): void {
    this.#unwatch('')
    this.#maxEventsInARow = Math.min(MAX_EVENTS_IN_A_ROW, maxQueuedEvents())
    this.#watchTree('', false)
    this.#stale = lstatIfThere(this.root) === null
  }

  /** @param isNew - whether all in it has come with it, while runs may be recorded */
  #watchTree(top: string, isNew: boolean): void {
    const giveUpAt = performance.now() + MAX_SEARCH_MS
    const paths = [top]
    for (const path of paths) {
      if (this.#folders.size >= MAX_FOLDERS || performance.now() > giveUpAt) {
        this.#noteTooMuch()
        return
      }
      for (const [name, kind] of this.#watchFolder(path)) {
        const inner = posix.join(path, name)
        if (isNew) this.#note(inner, false)
        if (kind === 'folder' && this.#isWatchable(inner)) paths.push(inner)
      }
    }
  }

  /** Answers the entries of the folder, none if it is not watched. */
  #watchFolder(path: string): ReadonlyMap<string, Kind> {
    const absolute = join(this.root, path)
    const entries = new Map<string, Kind>()
    let watcher: FSWatcher | null = null
    try {
      // The dot at the end is how libuv then calls the folder itself in events: else they are told
      // by its name, as are those of a file in it with the same name.
      watcher = watch(`${absolute}/${ITSELF}`, { persistent: false })
      const folder = { path, inode: lstatSync(`${absolute}/${ITSELF}`).ino, watcher, entries }
      watcher.on('change', (event, name) => this.#hear(folder, event, name))
      watcher.on('error', () => this.#unwatch(path))
      this.#folders.set(path, folder)
      // Read after that: what comes meanwhile is seen twice rather than never.
      this.#readEntries(absolute, entries)
      if (path !== '' && entries.has(VIRTUAL_ENVIRONMENT)) this.#unwatch(path)
    } catch (error) {
      // One that is gone or that nobody may read has nothing to miss; else there are too many.
      if (!isGoneOrForbidden(error)) this.#noteTooMuch()
      watcher?.close()
      this.#unwatch(path)
    }
    return this.#folders.get(path)?.entries ?? new Map()
  }

  #readEntries(absolute: string, entries: Map<string, Kind>): void {
    const directory = opendirSync(absolute, { bufferSize: 1024 })
    try {
      for (let entry = directory.readSync(); entry !== null; entry = directory.readSync()) {
        entries.set(entry.name, kindOf(entry))
        this.#entryCount += 1
        if (this.#entryCount > MAX_ENTRIES) throw new Error('too many entries')
      }
    } finally {
      directory.closeSync()
    }
  }

  /** Stops listening to a folder and all below it. */
  #unwatch(top: string): void {
    for (const [path, { watcher, entries }] of this.#folders) {
      if (path !== top && top !== '' && !path.startsWith(`${top}/`)) continue
      watcher.close()
      this.#folders.delete(path)
      this.#entryCount -= entries.size
    }
  }

  #hear(folder: WatchedFolder, event: string, name: string | Buffer): void {
    this.#countEvent()
    if (typeof name !== 'string' || this.#folders.get(folder.path) !== folder) return
    if (name === ITSELF) {
      if (folder.path === '') this.#lookAtRoot(folder)
      // It is gone. Its parent tells of what is in its place, be it with the same inode number.
      else if (event === 'rename') this.#unwatch(folder.path)
      return
    }
    const path = posix.join(folder.path, name)
    const existed = folder.entries.has(name)
    this.#note(path, existed)
    if (event === 'rename' || !existed) this.#look(folder, name, path)
  }

  /** Finds out what has become of an entry that was created, deleted or moved. */
  #look(folder: WatchedFolder, name: string, path: string): void {
    const stat = lstatIfThere(join(this.root, path))
    const before = this.#folders.get(path)
    if (before !== undefined && before.inode !== stat?.ino) this.#unwatch(path)
    const { entries } = folder
    const size = entries.size
    if (stat === null) entries.delete(name)
    else entries.set(name, kindOf(stat))
    this.#entryCount += entries.size - size
    if (stat === null) for (const recording of this.#recordings) recording.noteGone(path)
    if (this.#entryCount > MAX_ENTRIES) {
      this.#noteTooMuch()
      this.#unwatch(folder.path)
    } else if (name === VIRTUAL_ENVIRONMENT && folder.path !== '') {
      this.#unwatch(folder.path)
    } else if (
      stat?.isDirectory() === true &&
      !this.#folders.has(path) &&
      this.#isWatchable(path)
    ) {
      this.#watchTree(path, true)
    }
  }

  /** A root that was removed or moved is looked for at the next run. */
  #lookAtRoot({ inode }: WatchedFolder): void {
    if (lstatIfThere(`${this.root}/${ITSELF}`)?.ino === inode) return
    this.#unwatch('')
    this.#stale = true
  }

  #isWatchable(path: string): boolean {
    const name = posix.basename(path)
    return !name.startsWith('.') && !SKIPPED_FOLDERS.has(name) && !this.#isSkipped(path)
  }

  #note(path: string, existed: boolean): void {
    for (const recording of this.#recordings) recording.note(path, existed)
  }

  #noteTooMuch(): void {
    if (this.#tooMuch === 'no') this.#tooMuch = 'yes'
  }

  /**
   * Gives up where more events come in a row than the kernel queues: some may have been dropped, and
   * libuv, which does not tell of that, goes on reading before anything else happens in Node:
   * https://github.com/libuv/libuv/blob/v1.x/src/unix/linux.c
   */
  #countEvent(): void {
    if (this.#eventsInARow === 0) setImmediate(() => (this.#eventsInARow = 0))
    this.#eventsInARow += 1
    if (this.#eventsInARow < this.#maxEventsInARow) return
    for (const recording of this.#recordings) recording.overflow()
    this.#recordings.clear()
    this.#unwatch('')
    this.#stale = true
  }
}

/**
 * Resolves when all events that the kernel had queued at the call have been heard: of two turns of the
 * event loop, the second is whole, and in it libuv empties the queue.
 */
function queuedEvents(): Promise<void> {
  return new Promise((resolve) => setImmediate(() => setImmediate(resolve)))
}

/** See inotify(7). */
function maxQueuedEvents(): number {
  try {
    return Number(readFileSync('/proc/sys/fs/inotify/max_queued_events', 'utf8'))
  } catch {
    return Infinity
  }
}

function kindOf(entry: { isFile(): boolean; isDirectory(): boolean }): Kind {
  if (entry.isFile()) return 'file'
  return entry.isDirectory() ? 'folder' : 'other'
}

function lstatIfThere(path: string) {
  try {
    return lstatSync(path)
  } catch {
    return null
  }
}

function isGoneOrForbidden(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : null
  return code === 'ENOENT' || code === 'ENOTDIR' || code === 'EACCES'
}
