/** Which limits can be enforced on this machine, and by what. */
import { accessSync, constants, readFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  LIMIT_NAMES,
  type LimitName,
  type ResourceLimits,
  type UnenforcedLimits,
} from '../engine/engine.js'
import { LimitError } from '../errors.js'

/** What enforces a limit; or why nothing does, which completes "because". */
export type Enforcement = { readonly by: string } | { readonly by: null; readonly why: string }

const CAP_SYS_ADMIN = 21n // linux/capability.h
const CAP_SYS_RESOURCE = 24n

/** By what each is enforced on Linux; `processes` only where the user is not exempt from it. */
const BY: Record<LimitName, string> = {
  memory: 'RLIMIT_AS, for each process by itself',
  cpus: 'CPU affinity, which code can widen again',
  cpuSeconds: 'RLIMIT_CPU, and Node, which stops a run that goes on',
  processes: "RLIMIT_NPROC, which counts all of the user's",
  fileSize: 'RLIMIT_FSIZE',
  openFiles: 'RLIMIT_NOFILE',
  diskBytes: 'Node, which looks while a run goes on',
  outputBytes: 'Node',
  wallMs: 'Node',
}
const BY_NODE_ALONE: readonly LimitName[] = ['diskBytes', 'outputBytes', 'wallMs']

/** What enforces a limit on this machine, for processes of the user that Node runs as. */
export function enforcementOf(limit: LimitName): Enforcement {
  if (process.platform !== 'linux' && !BY_NODE_ALONE.includes(limit)) {
    return { by: null, why: 'only on Linux is that done' }
  }
  if (limit === 'processes' && isExemptFromProcessLimit()) {
    return { by: null, why: 'root is exempt from RLIMIT_NPROC, and no cgroups are used' }
  }
  return { by: BY[limit] }
}

/**
 * The limits that were asked for and cannot be enforced, which only `bestEffort` lets pass.
 *
 * @throws LimitError
 */
export function requireEnforceable(limits: ResourceLimits): UnenforcedLimits {
  const unenforced: Partial<Record<LimitName, string>> = {}
  for (const name of LIMIT_NAMES) {
    if (limits[name] === undefined) continue
    const enforcement = enforcementOf(name)
    if (enforcement.by !== null) continue
    if (limits.bestEffort !== true) throw new LimitError(name, enforcement.why)
    unenforced[name] = enforcement.why
  }
  return unenforced
}

/** Whether there are cgroups in which limits could be set, and what is made of that. */
export function cgroupState(): string {
  try {
    const path = /^0::(\/.*)$/m.exec(readFileSync('/proc/self/cgroup', 'utf8'))?.[1]
    const folder = join('/sys/fs/cgroup', path ?? '')
    const controllers = readFileSync(join(folder, 'cgroup.controllers'), 'utf8').trim()
    accessSync(join(folder, 'cgroup.subtree_control'), constants.W_OK)
    if (/\b(memory|pids|cpu)\b/.test(controllers)) {
      return `may be delegated (${controllers}), but are not used: rlimits hold the limits`
    }
  } catch {
    // There are none, or others manage them.
  }
  return 'not delegated'
}

/** As the kernel decides it in fork(): by the user, or either of two capabilities. */
function isExemptFromProcessLimit(): boolean {
  if (process.getuid?.() === 0) return true
  try {
    const found = /^CapEff:\s+([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]
    const capabilities = BigInt(`0x${found ?? '0'}`)
    return [CAP_SYS_ADMIN, CAP_SYS_RESOURCE].some((bit) => ((capabilities >> bit) & 1n) === 1n)
  } catch {
    return false
  }
}
