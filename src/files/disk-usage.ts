/** How much room the files of a folder take. */
import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'

const BLOCK = 512 // what stat counts in, whatever the file system does

/** Bytes on disk of all that is below a folder; what vanishes meanwhile, or cannot be read, is none. */
export async function diskUsage(folder: string): Promise<number> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
  let bytes = 0
  // One after the other: many at once would take all of Node's threads for files.
  for (const entry of entries) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) bytes += await diskUsage(path)
    else
      bytes += await lstat(path)
        .then(({ blocks }) => blocks * BLOCK)
        .catch(() => 0)
  }
  return bytes
}
