/** The raw limit of arrays: one large message of ZeroMQ, which neither side copies. */
import { execa } from 'execa'
import { mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import { Router } from 'zeromq'
import type { Contender, Setting } from '../benchmark.js'

const SCRIPT = join(import.meta.dirname, '../messages.py')
const PATIENCE_MS = 10_000

/** Messages of so many float64 from Python, each asked for by a small one. */
export function messageFromPython(numbers: number, times: number) {
  return (setting: Setting) =>
    withPeer(numbers, times, setting, async (router, peer) => {
      await router.send([peer, 'send'])
      const [, { buffer, byteOffset } = Buffer.alloc(0)] = await router.receive()
      const array = new Float64Array(buffer, byteOffset, numbers)
      if (array[numbers - 1] !== numbers - 1) throw new Error('Not the array.')
    })
}

/** Messages of so many float64 to Python, each answered by a small one. */
export function messageToPython(numbers: number, times: number) {
  const array = Buffer.from(new Float64Array(numbers).fill(1).buffer)
  return (setting: Setting) =>
    withPeer(numbers, times, setting, async (router, peer) => {
      await router.send([peer, 'take', array])
      await router.receive()
    })
}

async function withPeer(
  numbers: number,
  times: number,
  { python, folder }: Setting,
  act: (router: Router, peer: Buffer) => Promise<void>,
): Promise<Contender> {
  const endpoint = `ipc://${join(await mkdtemp(join(folder, 'messages-')), 'socket')}`
  const router = new Router({ linger: 0, receiveTimeout: PATIENCE_MS })
  await router.bind(endpoint)
  const child = execa(python, [SCRIPT, endpoint, String(numbers)], {
    stdin: 'pipe',
    stdout: 'ignore',
    stderr: 'inherit',
  })
  const close = async () => {
    child.stdin.end()
    await child.catch(() => undefined)
    router.close()
  }
  try {
    const [peer = Buffer.alloc(0)] = await router.receive()
    const round = async () => {
      const samples: number[] = []
      for (let i = 0; i < times; i += 1) {
        const startedAt = performance.now()
        await act(router, peer)
        samples.push(performance.now() - startedAt)
      }
      return samples
    }
    return { round, close }
  } catch (error) {
    await close()
    throw error
  }
}
