/** A file that takes all that a run writes to a stream. */
import { open, type FileHandle } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { inFolder } from '../files/inside.js'

/** A run that never stops to write must not fill the disk. */
const MAX_BYTES = 256 * 1024 * 1024

/** A file that begins with what there was before. */
export class WholeOutput {
  readonly path: string
  #file: Promise<FileHandle> | null = null
  #bytes = 0
  #written: Promise<void> = Promise.resolve()
  #trouble: Error | null = null

  constructor(path: string, before: string) {
    this.path = path
    this.append(before)
  }

  /** Whether the file has become so long that its end is left out. */
  get isFull(): boolean {
    return this.#bytes >= MAX_BYTES
  }

  /** Resolves when all that was appended is in the file, or has failed. */
  get written(): Promise<void> {
    return this.#written
  }

  append(text: string): void {
    if (this.isFull || this.#trouble !== null) return
    const bytes = Buffer.from(text).subarray(0, MAX_BYTES - this.#bytes)
    this.#bytes += bytes.length
    this.#written = this.#written
      .then(async () => (await this.#open()).appendFile(bytes))
      .catch((error: unknown) => {
        this.#trouble ??= error as Error
      })
  }

  /** Why it does not hold what it should; null if it does. */
  get trouble(): Error | null {
    return this.#trouble
  }

  async close(): Promise<void> {
    await this.#written
    await this.#file?.then((file) => file.close()).catch(() => undefined)
  }

  #open(): Promise<FileHandle> {
    this.#file ??= this.#make()
    return this.#file
  }

  /**
   * Makes the file and its folder, but not the one that this is in: a workdir that was removed is not
   * ours to bring back. User code may have put a link in the folder's place, which is not followed.
   */
  #make(): Promise<FileHandle> {
    const folder = dirname(this.path)
    return inFolder(dirname(folder), basename(folder), true, (opened) =>
      open(opened.at(basename(this.path)), 'wx'),
    )
  }
}
