/** Keeping Node from exiting while somebody waits for Python. */

const FOR_EVER_MS = 2 ** 31 - 1

/** Keeps Node alive while it is referenced; the sockets by themselves do not. */
let timer: NodeJS.Timeout | undefined
let holders = 0

/** Keeps Node alive until the function it returns is called, once. */
export function keepAlive(): () => void {
  // Made anew for each run, it would be one of the dearest parts of a trivial one.
  timer ??= setInterval(() => undefined, FOR_EVER_MS)
  if (holders === 0) timer.ref()
  holders += 1
  return release
}

function release(): void {
  holders -= 1
  if (holders === 0) timer?.unref()
}
