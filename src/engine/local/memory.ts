/** The memory of processes, as Linux tells it. */
import { readFile } from 'node:fs/promises'

/** Resident memory in bytes; null where it is unknown. */
export function residentSetSize(pid: number): Promise<number | null> {
  return kilobytes(`/proc/${pid}/status`, /^VmRSS:\s+(\d+) kB$/m)
}

/** Resident memory in bytes, with what processes share divided among them; null if unknown. */
export function proportionalSetSize(pid: number): Promise<number | null> {
  return kilobytes(`/proc/${pid}/smaps_rollup`, /^Pss:\s+(\d+) kB$/m)
}

async function kilobytes(path: string, pattern: RegExp): Promise<number | null> {
  try {
    const found = pattern.exec(await readFile(path, 'utf8'))?.[1]
    return found === undefined ? null : Number(found) * 1024
  } catch {
    return null // it has ended, or this is not Linux
  }
}
