/** What a person sees of an agent in a terminal. */
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { stripVTControlCharacters, styleText } from 'node:util'
import { textOf } from '../interpreter/execution.js'
import type { RunOutput } from '../toolset/result.js'
import type { AgentEvent, AgentFinishReason, AgentStep } from './turn.js'

type Style = 'cyan' | 'dim' | 'red' | 'yellow' | null

const CODE = '│ '
const OUTPUT = '  '

/** What is said of an answer that has not come to its own end. */
const ENDS: Record<AgentFinishReason, string> = {
  stop: '',
  'step-limit': 'The agent stopped at its limit of steps (maxSteps). Say "go on" to let it.',
  length: 'The answer was cut off: it became too long.',
  refusal: '',
  'content-filter': "A filter of the model's service took the answer away.",
  other: "The model's service ended the answer, and did not say why.",
}

/** Writes what an agent does, line by line, each kind with its own mark. */
export class Screen {
  readonly #output: NodeJS.WritableStream
  readonly #isTerminal: boolean
  readonly #workdir: string
  /** What the line is that has been begun; null at the beginning of a line. */
  #begun: 'text' | 'output' | 'progress' | null = null

  /** @param workdir - where the paths of figures begin. @default the current directory */
  constructor(output: NodeJS.WritableStream, isTerminal: boolean, workdir = '.') {
    this.#output = output
    this.#isTerminal = isTerminal
    this.#workdir = workdir
  }

  show(event: AgentEvent): void {
    switch (event.type) {
      case 'text-delta':
        this.#write('text', event.text, '', null)
        break
      case 'tool-call':
        this.#lines(event.code ?? callText(event), CODE, 'cyan')
        break
      case 'output':
        this.#showOutput(event.output)
        break
      case 'step':
        this.#showStep(event.step)
        break
      case 'retry':
        this.tell(`The agent is told to repair that (${event.retry}).`)
        break
      case 'finish':
        this.tell(ENDS[event.result.finishReason])
    }
  }

  /** Says something that is not the agent's. */
  tell(text: string): void {
    this.end()
    if (text !== '') this.#lines(text, '', 'dim')
  }

  /** Ends the line that has been begun. */
  end(): void {
    if (this.#begun === 'progress') this.#output.write('\r\u001b[K')
    else if (this.#begun !== null) this.#output.write('\n')
    this.#begun = null
  }

  #showOutput(output: RunOutput): void {
    switch (output.type) {
      case 'stream':
        this.#write('output', output.text, OUTPUT, output.name === 'stderr' ? 'yellow' : 'dim')
        break
      case 'progress':
        if (this.#isTerminal) this.#showProgress(output.text)
        break
      case 'notice':
        this.#lines(output.text, `${OUTPUT}notice: `, 'yellow')
        break
      case 'error':
        this.#lines(`${output.name}: ${output.value}`, OUTPUT, 'red')
        break
      default: {
        const text = textOf(output)
        if (text !== null) this.#lines(text, OUTPUT, 'dim')
      }
    }
  }

  #showProgress(text: string): void {
    this.end()
    this.#output.write(this.#styled(`${OUTPUT}${clean(text)}`, 'dim'))
    this.#begun = 'progress'
  }

  #showStep({ answer, observation, success }: AgentStep): void {
    for (const path of figuresIn(answer)) {
      const { href } = pathToFileURL(resolve(this.#workdir, path))
      this.#lines(`figure: ${href}`, OUTPUT, null)
    }
    // That of code has been heard as an output.
    const isHeard = answer !== null && 'outputs' in answer
    if (!success && !isHeard) this.#lines(observation, OUTPUT, 'red')
    this.end()
  }

  /** Whole lines. */
  #lines(text: string, prefix: string, style: Style): void {
    this.end()
    this.#write('output', text, prefix, style)
    this.end()
  }

  /** Goes on with the line that has been begun, if it is of the same kind. */
  #write(kind: 'text' | 'output', text: string, prefix: string, style: Style): void {
    if (this.#begun !== kind) this.end()
    for (const piece of clean(text).split(/(?<=\n)/)) {
      const line = piece.replace(/\n$/, '')
      const start = this.#begun === null ? prefix : ''
      this.#output.write(this.#styled(start + line, style))
      this.#begun = kind
      if (line !== piece) this.end()
    }
  }

  #styled(text: string, style: Style): string {
    return this.#isTerminal && style !== null && text !== '' ? styleText(style, text) : text
  }
}

function callText({ tool, input }: { readonly tool: string; readonly input: unknown }): string {
  return `${tool} ${typeof input === 'string' ? input : JSON.stringify(input)}`
}

function figuresIn(answer: object | null): string[] {
  const paths: unknown = answer !== null && Reflect.get(answer, 'fig_storage_paths')
  return Array.isArray(paths) ? paths.filter((path) => typeof path === 'string') : []
}

/** Without what could move the cursor, or make the terminal do more than show it. */
function clean(text: string): string {
  // eslint-disable-next-line no-control-regex -- those are what it takes away
  return stripVTControlCharacters(text).replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '')
}
