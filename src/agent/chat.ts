/** A conversation in a terminal. */
import { createInterface } from 'node:readline'
import type { OnInput } from '../engine/engine.js'
import { PythonInterpreterError } from '../errors.js'
import type { Agent } from './agent.js'
import { Screen } from './screen.js'

/** Options of `agent.chat()`. */
export interface ChatOptions {
  /** Where a person types. @default process.stdin */
  readonly input?: NodeJS.ReadableStream
  /** Where that person reads. @default process.stdout */
  readonly output?: NodeJS.WritableStream
  /** Whether those are a terminal: line editing, Ctrl-C as a key, colours. @default as `output` says */
  readonly terminal?: boolean
  /** Ends the chat, and the answer that is being given. */
  readonly signal?: AbortSignal
}

const PROMPT = '> '
const HOW_TO_LEAVE = 'Ctrl-C once more, "exit" or Ctrl-D leaves.'

/**
 * Talks to a person until that person leaves. Ctrl-C (as a key, or as the signal SIGINT) stops the answer
 * and the code that it runs; at the prompt it leaves at the second time.
 *
 * @param workdir - where the paths of figures begin
 */
export async function chat(
  agent: Pick<Agent, 'name' | 'stream'>,
  workdir: string | undefined,
  { input = process.stdin, output = process.stdout, signal, ...options }: ChatOptions,
): Promise<void> {
  const terminal = options.terminal ?? ('isTTY' in output && output.isTTY === true)
  const screen = new Screen(output, terminal, workdir)
  const editor = createInterface({ input, output, terminal, prompt: PROMPT })
  const lines = new Lines()
  let turn: AbortController | null = null
  let isLeaving = false

  const interrupt = () => {
    if (turn !== null) turn.abort()
    else if (isLeaving) editor.close()
    else {
      isLeaving = true
      editor.write(null, { ctrl: true, name: 'u' }) // forgets what was typed
      output.write('\n') // ends the line of the prompt
      screen.tell(HOW_TO_LEAVE)
      editor.prompt()
    }
  }
  const end = () => {
    turn?.abort()
    editor.close()
  }
  editor.on('line', (line) => lines.push(line))
  editor.on('close', () => lines.end())
  editor.on('SIGINT', interrupt)
  process.on('SIGINT', interrupt)
  signal?.addEventListener('abort', end)
  if (signal?.aborted === true) end()

  const ask: OnInput = async ({ prompt, password }) => {
    if (password) throw new Error('A chat shows what is typed: it cannot ask for a password.')
    editor.setPrompt(prompt)
    editor.prompt()
    const answer = await lines.next(turn?.signal)
    editor.setPrompt(PROMPT)
    if (answer === null) throw new Error('Nobody answers.')
    return answer
  }

  try {
    screen.tell(`You talk to ${agent.name}. Ctrl-C stops an answer. ${HOW_TO_LEAVE}`)
    for (;;) {
      editor.prompt()
      const line = await lines.next()
      if (line === null) output.write('\n')
      if (line === null || line.trim() === 'exit') return
      isLeaving = false
      if (line.trim() === '') continue
      turn = new AbortController()
      try {
        const events = agent.stream(line, { signal: turn.signal, onInput: ask })
        for await (const event of events) screen.show(event)
      } catch (error) {
        if (!(error instanceof PythonInterpreterError)) throw error
        screen.tell(error.code === 'ABORTED' ? 'Stopped.' : error.message)
      }
      turn = null
    }
  } finally {
    signal?.removeEventListener('abort', end)
    process.off('SIGINT', interrupt)
    editor.close()
    screen.end()
  }
}

/** Lines that a person has typed, also while nobody waited for them. */
class Lines {
  readonly #typed: string[] = []
  #hasEnded = false
  #wake: () => void = () => undefined

  push(line: string): void {
    this.#typed.push(line)
    this.#wake()
  }

  end(): void {
    this.#hasEnded = true
    this.#wake()
  }

  /** The next line; null where there is none any more, or nobody wants it any more. */
  async next(signal?: AbortSignal): Promise<string | null> {
    const wake = () => this.#wake()
    signal?.addEventListener('abort', wake)
    while (this.#typed.length === 0 && !this.#hasEnded && signal?.aborted !== true) {
      await new Promise<void>((resolve) => (this.#wake = resolve))
    }
    signal?.removeEventListener('abort', wake)
    return signal?.aborted === true ? null : (this.#typed.shift() ?? null)
  }
}
