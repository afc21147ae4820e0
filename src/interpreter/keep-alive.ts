/** Keeping Node from exiting while somebody waits for Python. */

const FOR_EVER_MS = 2 ** 31 - 1

/** Keeps Node alive until the function it returns is called; the sockets by themselves do not. */
export function keepAlive(): () => void {
  const timer = setInterval(() => undefined, FOR_EVER_MS)
  return () => clearInterval(timer)
}
