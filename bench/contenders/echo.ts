/** The raw limit: what ZeroMQ itself takes from Node to Python and back. */
import { execa } from 'execa'
import { mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Router } from 'zeromq'
import { encodeMessage } from '../../src/channel/protocol.js'
import type { Contender, Setting } from '../benchmark.js'

const SCRIPT = join(import.meta.dirname, '../echo.py')
const PATIENCE_MS = 10_000

/** Of the size that a request for a trivial run has. */
const MESSAGE = Buffer.from(
  encodeMessage({
    type: 'run',
    run: 1000,
    code: '1',
    echo: 'all',
    result_var_name: null,
    can_ask: false,
  }),
)

/** Round trips with one echo, `times` a round, with a pause before each. */
export function echoRuns(times: number, pauseMs = 0) {
  return (setting: Setting) =>
    withEchoes(1, setting, async (router, [peer = Buffer.alloc(0)]) => {
      const samples: number[] = []
      for (let i = 0; i < times; i += 1) {
        if (pauseMs > 0) await sleep(pauseMs)
        const startedAt = performance.now()
        await router.send([peer, MESSAGE])
        const [, reply] = await router.receive()
        samples.push(performance.now() - startedAt)
        if (reply?.equals(MESSAGE) !== true) throw new Error('The echo did not answer the message.')
      }
      return samples
    })
}

/** Round trips per second with several echoes, one message under way to each. */
export function echoThroughput(echoes: number, seconds: number) {
  return (setting: Setting) =>
    withEchoes(echoes, setting, async (router, peers) => {
      const startedAt = performance.now()
      const deadline = startedAt + seconds * 1000
      for (const peer of peers) await router.send([peer, MESSAGE])
      let trips = 0
      for (let due = peers.length; due > 0;) {
        const [peer = Buffer.alloc(0)] = await router.receive()
        trips += 1
        if (performance.now() < deadline) await router.send([peer, MESSAGE])
        else due -= 1
      }
      return [(trips * 1000) / (performance.now() - startedAt)]
    })
}

async function withEchoes(
  echoes: number,
  { python, folder }: Setting,
  round: (router: Router, peers: readonly Buffer[]) => Promise<number[]>,
): Promise<Contender> {
  const endpoint = `ipc://${join(await mkdtemp(join(folder, 'echo-')), 'socket')}`
  const router = new Router({ linger: 0, receiveTimeout: PATIENCE_MS })
  await router.bind(endpoint)
  const processes = Array.from({ length: echoes }, () =>
    execa(python, [SCRIPT, endpoint], { stdin: 'pipe', stdout: 'ignore', stderr: 'inherit' }),
  )
  const close = async () => {
    for (const process of processes) process.stdin.end()
    await Promise.allSettled(processes)
    router.close()
  }
  try {
    const peers: Buffer[] = []
    while (peers.length < echoes) peers.push(...(await router.receive()).slice(0, 1))
    return { round: () => round(router, peers), close }
  } catch (error) {
    await close()
    throw error
  }
}
