/** The memory of other processes, as Linux tells it. */
import { readFile } from 'node:fs/promises'

const BYTES_PER_MB = 1e6

/** Resident memory in MB: what is shared with other processes counts in full. */
export async function rssOf(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]
  if (kibibytes === undefined) throw new Error(`/proc/${pid}/status tells no VmRSS.`)
  return (Number(kibibytes) * 1024) / BYTES_PER_MB
}

/** The parent of a process. */
export async function parentOf(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return Number(/^PPid:\s+(\d+)$/m.exec(status)?.[1])
}
