/** Looking at the processes of this machine. */
import { readdir, readFile } from 'node:fs/promises'

const DEADLINE_MS = 5_000
const POLL_MS = 20

/** Whether a process with this pid exists and is no zombie. */
export async function isAlive(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null)
  return stat !== null && !/\) Z /.test(stat)
}

/** Polls until `condition` holds; fails with `what` after a deadline. */
export async function eventually(
  what: string,
  condition: () => boolean | Promise<boolean>,
  deadlineMs = DEADLINE_MS,
): Promise<void> {
  const deadline = performance.now() + deadlineMs
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`Not within ${deadlineMs} ms: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  }
}

/**
 * The processes but this one that have `text` in their command or environment, as `pid command`. A
 * keeper names its folder in the one; workers and their descendants inherit TMPDIR in the other.
 */
export async function processesNaming(text: string): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const found = await Promise.all(
    pids.map(async (pid) => {
      const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
      const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '')
      const isOther = Number(pid) !== process.pid
      return isOther && (command + environment).includes(text)
        ? [`${pid} ${command.replaceAll('\0', ' ')}`]
        : []
    }),
  )
  return found.flat()
}
