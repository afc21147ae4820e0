/** What processes inside of walls are called outside of them. */
import { readFileSync } from 'node:fs'

/**
 * The pid, as this process sees it, of the descendant of `root` that has `pid` so many PID namespaces
 * `deep`; null if there is none any more. See pid_namespaces(7).
 */
export function outsidePid(root: number, pid: number, deep: number): number | null {
  const waiting = [root]
  for (const parent of waiting) {
    for (const child of childrenOf(parent)) {
      if (namesOf(child)[deep] === pid) return child
      waiting.push(child)
    }
  }
  return null
}

function childrenOf(pid: number): number[] {
  return numbers(read(`/proc/${pid}/task/${pid}/children`))
}

/** What a process is called in each namespace that it is in, the outermost first. */
function namesOf(pid: number): number[] {
  const line = /^NSpid:(.*)$/m.exec(read(`/proc/${pid}/status`))
  return numbers(line?.[1] ?? '')
}

function numbers(text: string): number[] {
  return text.split(/\s+/).filter(Boolean).map(Number)
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return '' // it has ended
  }
}
