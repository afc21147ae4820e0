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

/** The template of a keeper and its spare: the only ones that share a mark which is no worker's. */
export function templatesOf(keeper: number, workers: readonly number[]): number[] {
  const known = new Set(workers.map(markOf))
  const byMark = new Map<string, number[]>()
  for (const pid of childrenOf(keeper)) {
    const mark = markOf(pid)
    if (mark !== null && !known.has(mark)) byMark.set(mark, [...(byMark.get(mark) ?? []), pid])
  }
  return [...byMark.values()].find((pids) => pids.length > 1) ?? []
}

/** Sends SIGKILL; answers whether there was such a process. */
export function kill(pid: number): boolean {
  try {
    return process.kill(pid, 'SIGKILL')
  } catch {
    return false
  }
}

/** Kills new children of a keeper as soon as they appear, until stopped; answers how many. */
export class Ambush {
  #killed = 0
  #stopped = false
  readonly #known: Set<number>

  constructor(
    readonly keeper: number,
    readonly most: number,
  ) {
    this.#known = new Set(childrenOf(keeper))
    this.#look()
  }

  stop(): number {
    this.#stopped = true
    return this.#killed
  }

  #look(): void {
    if (this.#stopped) return
    for (const pid of childrenOf(this.keeper)) {
      if (this.#known.has(pid) || this.#killed === this.most) continue
      this.#known.add(pid)
      if (kill(pid)) this.#killed += 1
    }
    setImmediate(() => this.#look())
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
