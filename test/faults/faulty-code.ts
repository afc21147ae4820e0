/** Python code that ends its process, or comes close to it. */

/** What is spoilt first must not be seen after a restore. */
const SPOIL = `if 'spoil' in globals(): spoil()\nprint('begun')\n`

const LIMIT_MEMORY = `
import resource
was = resource.getrlimit(resource.RLIMIT_AS)
size = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (size + (100 << 20), was[1]))
`

/** Ends the process in the run; by the kind of the fault. */
export const DEADLY = {
  segfault: `${SPOIL}import ctypes\nctypes.string_at(0)`,
  abort: `${SPOIL}import os\nos.abort()`,
  exit: `${SPOIL}import os\nos._exit(3)`,
  'kill itself': `${SPOIL}import os\nos.kill(os.getpid(), 9)`,
  'out of memory in C': `${SPOIL}${LIMIT_MEMORY}
import ctypes
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.memset(ctypes.c_void_p(libc.malloc(ctypes.c_size_t(1 << 30))), 0, ctypes.c_size_t(1 << 30))`,
} as const

/** Never comes back to the interpreter: only killing helps. */
export const ENDLESS = `${SPOIL}import itertools\nmax(itertools.repeat(1))`

/** Holds the interpreter lock; whether an interrupt ends it is the C library's matter. */
export const ASLEEP_IN_C = `import ctypes\nctypes.PyDLL(None).sleep(100)`

/** Raises MemoryError, and harms nothing. */
export const OUT_OF_MEMORY = `${LIMIT_MEMORY}
try:
    block = bytearray(1 << 30)
finally:
    resource.setrlimit(resource.RLIMIT_AS, was)`

/** Spoils all values, says so by a file, and waits to be killed. */
export function waitingToBeKilled(file: string): string {
  return `${SPOIL}import time\nopen(${JSON.stringify(file)}, 'w').close()\ntime.sleep(100)`
}
