/** What the code of a run asks the host while it runs, and the answers: input, and calls of its functions. */
import type {
  CallMessage,
  InputMessage,
  NodeMessage,
  WorkerMessage,
} from '../../channel/protocol.js'
import type { HostCall, OnCall, OnInput, Question } from '../engine.js'

/** Questions of one run at a time; those whose run was interrupted meanwhile are still open. */
const MOST_QUESTIONS = 100
/** Of one run. More can only be made by code that does not wait for the answers, which would pile up. */
const MOST_CALLS = 100_000
/** Of the calls of a run that wait for their answers: the code need not keep what it has sent. */
const MAX_CALL_BYTES = 256 * 1024 * 1024

/** Who answers, and how it comes to the process. */
export interface Host {
  /** Null: nobody can be asked. */
  readonly onInput: OnInput | null
  /** Null: there are no functions. */
  readonly onCall: OnCall | null
  readonly send: (message: NodeMessage, ...frames: (string | Uint8Array)[]) => void
  /** Ends the process, whose code asks for more than there can be. */
  readonly kill: (reason: string) => void
}

/** Of one run. */
export class AskedByRun {
  readonly #host: Host
  #openQuestions = 0
  /** The calls that wait for their answer, by number. */
  readonly #openCalls = new Map<number, AbortController>()
  #calls = 0
  /** Of the messages of those that wait. */
  #callBytes = 0
  #isInterrupted = false
  #hasEnded = false

  constructor(host: Host) {
    this.#host = host
  }

  /**
   * Takes a message that asks something; answers whether it is one that a worker can send.
   *
   * @param bytes - its size
   */
  take(message: WorkerMessage, bytes: number): boolean {
    if (message.type === 'input') {
      if (this.#openQuestions >= MOST_QUESTIONS) return false
      void this.#answerQuestion(message)
      return true
    }
    const { onCall } = this.#host
    if (message.type !== 'call' || onCall === null || this.#openCalls.has(message.number)) {
      return false
    }
    void this.#answerCall(onCall, message, bytes)
    return true
  }

  /** The code does not wait for the answer to this call any more. */
  cancel(number: number): void {
    this.#openCalls.get(number)?.abort()
  }

  /** Has its calls fail, those to come too. */
  interrupt(): void {
    this.#isInterrupted = true
    this.#abortCalls()
  }

  /** Nobody waits for an answer any more. */
  end(): void {
    this.#hasEnded = true
    this.#abortCalls()
  }

  #abortCalls(): void {
    for (const controller of this.#openCalls.values()) controller.abort()
  }

  async #answerQuestion({ number, prompt, password }: InputMessage): Promise<void> {
    this.#openQuestions += 1
    const answer = await answerTo(this.#host.onInput, { prompt, password })
    this.#openQuestions -= 1
    // An interrupt may have ended the run meanwhile.
    if (!this.#hasEnded) this.#host.send({ type: 'answer', number, ...answer })
  }

  async #answerCall(
    onCall: OnCall,
    { number, tool, arguments: input }: CallMessage,
    bytes: number,
  ): Promise<void> {
    const controller = new AbortController()
    this.#calls += 1
    if (this.#calls > MOST_CALLS) {
      this.#host.kill(`was killed because it made more than ${MOST_CALLS} calls in one run`)
      return
    }
    this.#callBytes += bytes
    if (this.#callBytes > MAX_CALL_BYTES) {
      this.#host.kill('was killed because calls with more than 256 MB waited for their answers')
      return
    }
    if (this.#isInterrupted) controller.abort()
    this.#openCalls.set(number, controller)
    const { error, frames } = await answerOf(onCall, { tool, input, signal: controller.signal })
    this.#openCalls.delete(number)
    this.#callBytes -= bytes
    if (this.#hasEnded) return
    const about = { type: 'answer', number, text: null, error } as const
    this.#host.send(frames.length === 0 ? about : { ...about, inputs: true }, ...frames)
  }
}

/** What `onInput` answers, or why it does not. */
async function answerTo(onInput: OnInput | null, question: Question) {
  try {
    const text: unknown = await onInput?.(question)
    if (typeof text === 'string') return { text, error: null }
    return { text: null, error: 'onInput answered no string.' }
  } catch (error) {
    return { text: null, error: reasonOf(error) }
  }
}

/** What a function answers, or why it does not. */
async function answerOf(onCall: OnCall, call: HostCall) {
  try {
    const { json, frames } = await onCall(call)
    return { error: null, frames: [json, ...frames] }
  } catch (error) {
    return { error: reasonOf(error), frames: [] }
  }
}

/** Code of others can throw anything. */
function reasonOf(error: unknown): string {
  try {
    return String(error instanceof Error ? error.message : error)
  } catch {
    return 'It threw what cannot be told.'
  }
}
