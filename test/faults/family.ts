/** The processes below one keeper, and what each of them is. */
import { readFileSync } from 'node:fs'

const MARK = /(?:^|\0)PYTHON_INTERPRETER_WORKER=([^\0]*)/

/** The parent of a process; null where it is gone. */
export function parentOf(pid: number): number | null {
  const stat = read(`/proc/${pid}/stat`)
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return fields[1] === undefined ? null : Number(fields[1])
}

/** All children of a keeper. */
export function childrenOf(keeper: number): number[] {
  return read(`/proc/${keeper}/task/${keeper}/children`).split(' ').filter(Boolean).map(Number)
}

/** The worker, checkpoint or template that a process says it belongs to; null: to none. */
export function markOf(pid: number): string | null {
  return MARK.exec(read(`/proc/${pid}/environ`))?.[1] ?? null
}

/**
 * The template of a keeper and its spare: the only ones that share a mark which is neither a worker's
 * nor a checkpoint's.
 */
export function templatesOf(
  keeper: number,
  workers: readonly number[],
  checkpoints: readonly string[],
): number[] {
  const known = new Set([...workers.map(markOf), ...checkpoints])
  const byMark = new Map<string, number[]>()
  for (const pid of childrenOf(keeper)) {
    const mark = markOf(pid)
    if (mark !== null && !known.has(mark)) byMark.set(mark, [...(byMark.get(mark) ?? []), pid])
  }
  return [...byMark.values()].find((pids) => pids.length > 1) ?? []
}

/** Whether a process was started with this in its environment. */
export function hasInEnvironment(pid: number, variable: string): boolean {
  return read(`/proc/${pid}/environ`).split('\0').includes(variable)
}

/** Whether a process is a keeper that this process has started. */
export function isOwnKeeper(pid: number): boolean {
  return parentOf(pid) === process.pid && read(`/proc/${pid}/cmdline`).includes('keeper.py')
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
