/** What Node reads in a worker's folder: output pipes, and small text files. */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { join } from 'node:path'

const MAX_BYTES = 1 << 16

/** A worker's part of a private folder, as Node sees it. */
export interface WorkerFolder {
  readonly path: string
  /** The file system that all of it is on; null where code may use any as Node may. */
  readonly device: number | null
}

/**
 * Opens a file to read it, and answers its descriptor. User code can put anything in its place: a link
 * to another file, a pipe at which Node would wait for ever.
 *
 * @throws what the system says, or an error for a file that is elsewhere
 */
export function openWorkerFile({ path, device }: WorkerFolder, name: string): number {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants
  const descriptor = openSync(join(path, name), O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
  // The folder itself may have become a link, which would lead Node out of the walls.
  if (device === null || fstatSync(descriptor).dev === device) return descriptor
  closeSync(descriptor)
  throw new Error(`${name} is not in the folder of its worker`)
}

/** The text of a small file, or its beginning; empty where there is none. */
export function readWorkerFile(folder: WorkerFolder, name: string): string {
  try {
    const descriptor = openWorkerFile(folder, name)
    try {
      if (!fstatSync(descriptor).isFile()) return ''
      const bytes = Buffer.alloc(MAX_BYTES)
      return bytes.toString('utf8', 0, readSync(descriptor, bytes, 0, MAX_BYTES, 0))
    } finally {
      closeSync(descriptor)
    }
  } catch {
    return ''
  }
}
