/** The CPU time of processes, as Linux tells it. */
import { readFile } from 'node:fs/promises'

/** In which /proc counts: USER_HZ, which is 100 wherever Linux runs Node. */
const TICKS_PER_SECOND = 100
/** Where utime and stime are, counted from the process's state, which follows its name. */
const UTIME = 11
const STIME = 12

/** Seconds that all threads of a process have used together; null where unknown. */
export async function cpuSeconds(pid: number): Promise<number | null> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
    // The name, in parentheses, may have spaces and parentheses in it.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return (Number(fields[UTIME]) + Number(fields[STIME])) / TICKS_PER_SECOND
  } catch {
    return null // it has ended, or this is not Linux
  }
}
