/** Drives the Python side of a worker by raw frames, as a Node that has gone wrong would. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { onTestFinished } from 'vitest'
import { Router } from 'zeromq'
import { pythonPackage } from '../../src/engine/local/python-package.js'
import { testPython } from './toolset.js'

const IDENTITY = 'the worker'

/** A worker process without keeper and engine. */
export interface RawWorker {
  /** Sends frames and answers the message that comes back. */
  ask(...frames: (string | Buffer)[]): Promise<Record<string, unknown>>
}

/** Starts a worker that is ready, and ended when the test ends. */
export async function startRawWorker(): Promise<RawWorker> {
  // Not below the temporary folder of the test, whose path may be too long for a socket.
  const folder = await mkdtemp(join(tmpdir(), 'worker-'))
  const socket = new Router({ linger: 0, receiveTimeout: 10_000 })
  await socket.bind(`ipc://${folder}/channel`)
  const config = {
    endpoint: `ipc://${folder}/channel`,
    identity: IDENTITY,
    nonce: '0'.repeat(32),
    folder,
    id: 'worker',
    pyzmq_path: null,
    init_code: null,
    modules: null,
    host_tools: [],
    figures: null,
    checkpoint: null,
    sandbox: false,
  }
  const worker = execa(testPython, [pythonPackage], {
    input: JSON.stringify(config),
    reject: false,
    all: true,
  })
  onTestFinished(async () => {
    worker.kill('SIGKILL')
    await worker
    socket.close()
    await rm(folder, { recursive: true })
  })
  const receive = async () => {
    const ended = worker.then(({ all, exitCode }) => {
      throw new Error(`The worker exited with code ${exitCode ?? '?'}: ${all}`)
    })
    const [, message] = await Promise.race([socket.receive(), ended])
    return JSON.parse(String(message)) as Record<string, unknown>
  }
  await receive() // ready
  return {
    async ask(...frames) {
      await socket.send([IDENTITY, ...frames])
      return receive()
    },
  }
}
