/** Small text files that a worker writes into its folder for Node. */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'

const MAX_BYTES = 1 << 16

/**
 * The text of such a file, or its beginning; empty where there is none. User code can put anything in
 * its place: a link to another file, a pipe at which Node would wait for ever, a file without end.
 */
export function readWorkerFile(path: string): string {
  try {
    const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants
    const descriptor = openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
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
