/** The open file descriptors of this process. */
import { readdir, readlink } from 'node:fs/promises'

/** What the open file descriptors of this process are, sorted. */
export async function openDescriptors(): Promise<string[]> {
  const descriptors = await readdir('/proc/self/fd')
  const targets = await Promise.all(
    descriptors.map((descriptor) => readlink(`/proc/self/fd/${descriptor}`).catch(() => null)),
  )
  // The one with which the folder was read is gone by now.
  return targets.filter((target) => target !== null).sort()
}
