/** The files that one run has created and changed. */
import { lstat } from 'node:fs/promises'
import { join } from 'node:path'
import { mimeType } from './mime-types.js'
import type { WorkdirWatch } from './workdir-watch.js'

/** Files listed of one run: more would fill the result, and nobody reads them. */
const MAX_LISTED = 1_000

/** A file that was created or changed while a run executed. */
export interface FileChange {
  /** Relative to the workdir, with `/` between its parts. */
  path: string
  /** Whether the file was there when the run began. */
  change: 'created' | 'changed'
  /** In bytes. */
  size: number
  /** By the ending of the file's name. */
  mime_type: string
}

/** What became known of one run's files. */
export interface FileChanges {
  /** By path; at most 1000. */
  readonly files: readonly FileChange[]
  readonly notices: readonly string[]
}

/** The changes of one run. */
export class Recording {
  readonly #watch: WorkdirWatch
  /** Paths that changed, and whether there was something before. */
  readonly #noted = new Map<string, boolean>()
  #paths: readonly string[] | null = null
  #overflowed = false
  #changes: FileChanges = { files: [], notices: [] }

  /** @see WorkdirWatch.recording */
  constructor(watch: WorkdirWatch) {
    this.#watch = watch
  }

  /** What was recorded, when it has ended. */
  get changes(): FileChanges {
    return this.#changes
  }

  /** Awaited before the code begins. */
  begin(): Promise<void> {
    return this.#watch.attach(this)
  }

  /** Awaited when the code has ended, before other code of that session begins. */
  async end(): Promise<void> {
    await this.#watch.detach(this)
    const notices = this.#watch.takeNotices()
    const paths = this.#settle()
    if (paths.length === 0 && notices.length === 0 && !this.#overflowed) return
    if (paths.length > MAX_LISTED) {
      notices.push(
        `${paths.length} files were created or changed; files lists the first ${MAX_LISTED} by path.`,
      )
    }
    if (this.#overflowed) {
      notices.push('Files changed faster than could be followed: files may lack some of them.')
    }
    const files = await Promise.all(paths.slice(0, MAX_LISTED).map((path) => this.#change(path)))
    this.#changes = { files: files.filter((file) => file !== null), notices }
  }

  /** A path has changed; `existed` tells whether there was something just before. */
  note(path: string, existed: boolean): void {
    if (!this.#noted.has(path)) this.#noted.set(path, existed)
  }

  /** There is nothing at a path any more: if there was nothing when the run began, nothing changed. */
  noteGone(path: string): void {
    if (this.#noted.get(path) === false) this.#noted.delete(path)
  }

  /** From now on, changes are missed. */
  overflow(): void {
    this.#overflowed = true
    this.#settle()
  }

  /** Fixes which files it lists. */
  #settle(): readonly string[] {
    this.#paths ??= [...this.#noted.keys()].filter((path) => this.#watch.hasFile(path)).sort()
    return this.#paths
  }

  async #change(path: string): Promise<FileChange | null> {
    const stat = await lstat(join(this.#watch.root, path)).catch(() => null)
    if (stat?.isFile() !== true) return null
    const change = this.#noted.get(path) === true ? 'changed' : 'created'
    return { path, change, size: stat.size, mime_type: mimeType(path) }
  }
}
