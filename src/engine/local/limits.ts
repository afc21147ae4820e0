/** What a worker is told of its limits: those that it sets for itself and what it starts. */
import type { ResourceLimits, UnenforcedLimits } from '../engine.js'
import type { Cgroup } from './cgroup.js'

/** By which libraries, each by its own name, know how many threads they may have. */
const THREAD_VARIABLES = [
  'OMP_NUM_THREADS',
  'OPENBLAS_NUM_THREADS',
  'MKL_NUM_THREADS',
  'NUMEXPR_MAX_THREADS',
  'POLARS_MAX_THREADS',
  'RAYON_NUM_THREADS',
  'PYTHON_CPU_COUNT',
]
/** glibc reserves 64 MB of address space for each: with one for each thread, little would be left. */
const MALLOC_ARENAS = '2'

/** The limits in a worker's configuration; null for none. */
export function workerLimits(
  limits: ResourceLimits,
  unenforced: UnenforcedLimits,
  cgroup: Cgroup | null,
): object | null {
  const { memory, cpus, cpuSeconds, processes, fileSize, openFiles } = limits
  const own = {
    memory,
    cpus,
    cpu_seconds: cpuSeconds,
    processes:
      unenforced.processes === undefined && cgroup?.limitsTasks !== true ? processes : undefined,
    file_size: fileSize,
    open_files: openFiles,
    group: cgroup?.name,
  }
  // Only Linux has what this needs.
  const isNone = Object.values(own).every((limit) => limit === undefined)
  return isNone || process.platform !== 'linux' ? null : own
}

/** Environment variables that have libraries keep within the limits. */
export function limitVariables({ memory, cpus }: ResourceLimits): Record<string, string> {
  const threads = cpus === undefined ? [] : THREAD_VARIABLES.map((name) => [name, String(cpus)])
  const arenas = memory === undefined ? [] : [['MALLOC_ARENA_MAX', MALLOC_ARENAS]]
  return Object.fromEntries([...threads, ...arenas]) as Record<string, string>
}
