/** Which limits can be enforced on this machine, and by what. */
import { readFileSync } from 'node:fs'
import {
  LIMIT_NAMES,
  type LimitName,
  type ResourceLimits,
  type UnenforcedLimits,
} from '../engine/engine.js'
import { LimitError } from '../errors.js'
import { delegatedCgroup, type Controller } from './delegated-cgroup.js'

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
/** By what they are, in place of that, where control groups are delegated. */
const BY_CGROUP: Partial<Record<LimitName, string>> = {
  memory: 'a control group for each session, and RLIMIT_AS for each process',
  cpus: 'a control group for each session, and CPU affinity',
  processes: 'a control group for each session',
}
const CONTROLLERS: Partial<Record<LimitName, Controller>> = {
  memory: 'memory',
  cpus: 'cpu',
  processes: 'pids',
}
const BY_NODE_ALONE: readonly LimitName[] = ['diskBytes', 'outputBytes', 'wallMs']

/** What enforces a limit on this machine, for processes of the user that Node runs as. */
export function enforcementOf(limit: LimitName): Enforcement {
  if (process.platform !== 'linux' && !BY_NODE_ALONE.includes(limit)) {
    return { by: null, why: 'only on Linux is that done' }
  }
  const byCgroup = BY_CGROUP[limit]
  if (byCgroup !== undefined && isHeldByCgroup(limit)) return { by: byCgroup }
  if (limit === 'processes' && isExemptFromProcessLimit()) {
    return { by: null, why: 'root is exempt from RLIMIT_NPROC, and no control group is delegated' }
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

/** Whether sessions have control groups of their own here. */
export function cgroupState(): string {
  const delegated = delegatedCgroup()
  if (delegated.folder === null) return `not used, because ${delegated.why}`
  return `each session with such limits has one in ${delegated.folder} (${[...delegated.controllers].join(' ')})`
}

function isHeldByCgroup(limit: LimitName): boolean {
  const controller = CONTROLLERS[limit]
  const delegated = delegatedCgroup()
  return (
    controller !== undefined && delegated.folder !== null && delegated.controllers.has(controller)
  )
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
