/** The memory of other processes, as Linux tells it. */
import { readdir, readFile } from 'node:fs/promises'

const BYTES_PER_MB = 1e6

/** Resident memory in MB: what is shared with other processes counts in full. */
export async function rssOf(pid: number): Promise<number> {
  return megabytes(await readFile(`/proc/${pid}/status`, 'utf8'), 'VmRSS')
}

/** Proportional memory in MB: what n processes share counts as an nth in each, so that sums are true. */
export async function pssOf(pids: readonly number[]): Promise<number> {
  const each = pids.map(async (pid) => {
    const rollup = await unlessEnded(readFile(`/proc/${pid}/smaps_rollup`, 'utf8'))
    return rollup === null ? 0 : megabytes(rollup, 'Pss')
  })
  return (await Promise.all(each)).reduce((sum, own) => sum + own, 0)
}

/** These processes, and all below them. */
export async function withDescendants(pids: readonly number[]): Promise<number[]> {
  const below = await Promise.all(pids.map(descendantsOf))
  return [...pids, ...below.flat()]
}

/** All processes below one. */
export async function descendantsOf(pid: number): Promise<number[]> {
  return withDescendants(await childrenOf(pid))
}

/** The parent of a process. */
export async function parentOf(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return Number(/^PPid:\s+(\d+)$/m.exec(status)?.[1])
}

async function childrenOf(pid: number): Promise<number[]> {
  const threads = (await unlessEnded(readdir(`/proc/${pid}/task`))) ?? []
  const lists = threads.map((thread) =>
    unlessEnded(readFile(`/proc/${pid}/task/${thread}/children`, 'utf8')),
  )
  const words = (await Promise.all(lists)).flatMap((list) => list?.match(/\d+/g) ?? [])
  return words.map(Number)
}

/** What /proc tells of a process, or null if that has ended meanwhile. */
async function unlessEnded<T>(told: Promise<T>): Promise<T | null> {
  try {
    return await told
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ESRCH') return null
    throw error
  }
}

function megabytes(text: string, field: string): number {
  const kibibytes = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(text)?.[1]
  if (kibibytes === undefined) throw new Error(`/proc tells no ${field}.`)
  return (Number(kibibytes) * 1024) / BYTES_PER_MB
}
