/**
 * One ROUTER socket that all workers of an engine connect to. Carries frames to and from peers known
 * by a secret; never looks inside a frame.
 */
import { Router } from 'zeromq'

// A receive that nobody answers any more, because its worker died, must not keep Node from exiting.
const RECEIVE_MS = 1000
/** Of one frame; more cannot be a value (`values_to_js.py`), and ends the peer's connection. */
const MAX_FRAME_BYTES = 2 ** 31
/** Messages of one peer that wait to be received: it owes one at a time. */
const MOST_WAITING = 2

type Listener = (frames: Buffer[]) => void

/** Sends to workers, and receives for as long as an answer is due. */
export class Channel {
  readonly endpoint: string
  readonly #socket: Router
  readonly #listeners = new Map<string, Listener>()
  #due = 0
  #receiving = false
  #sending: Promise<void> = Promise.resolve()

  private constructor(endpoint: string) {
    this.endpoint = endpoint
    this.#socket = new Router({
      linger: 0,
      receiveTimeout: RECEIVE_MS,
      // One message is under way to a worker at a time, so nothing can pile up.
      sendHighWaterMark: 0,
      receiveHighWaterMark: MOST_WAITING,
      maxMessageSize: MAX_FRAME_BYTES,
      // A second peer with the same identity is refused, and never takes the first one's place.
      handover: false,
    })
  }

  /** Binds a socket at `endpoint`, for example `ipc:///path`. */
  static async bind(endpoint: string): Promise<Channel> {
    const channel = new Channel(endpoint)
    await channel.#socket.bind(endpoint)
    return channel
  }

  /** Hands all frames from the peer that calls itself `identity` to `listener`, which never throws. */
  listen(identity: string, listener: Listener): void {
    this.#listeners.set(identity, listener)
  }

  /** Forgets the peer; what it may still send is dropped. */
  unlisten(identity: string): void {
    this.#listeners.delete(identity)
  }

  /** Sends frames to a peer. Rejects only when the channel is closed. */
  send(identity: string, ...frames: (string | Uint8Array)[]): Promise<void> {
    // zeromq.js allows one pending send: https://zeromq.github.io/zeromq.js/classes/Writable.html
    const sent = this.#sending.then(() => this.#socket.send([identity, ...frames]))
    this.#sending = sent.catch(() => undefined)
    return sent
  }

  /**
   * Receives until the function it returns is called. While nobody expects anything, nothing is
   * pending on the socket, and Node can exit.
   */
  expect(): () => void {
    this.#due += 1
    if (!this.#receiving) void this.#receive()
    let done = false
    return () => {
      if (!done) this.#due -= 1
      done = true
    }
  }

  close(): void {
    this.#listeners.clear()
    this.#socket.close()
  }

  async #receive(): Promise<void> {
    this.#receiving = true
    while (this.#due > 0 && !this.#socket.closed) {
      const message = await this.#socket.receive().catch((error: unknown) => {
        if (!isTimeout(error)) this.#due = 0 // closed
        return null
      })
      if (message === null) continue
      const [identity, ...frames] = message
      this.#listeners.get(String(identity))?.(frames)
    }
    this.#receiving = false
  }
}

function isTimeout(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EAGAIN'
}
