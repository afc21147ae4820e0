/** The role that a model plays as Python, and the tools by which it speaks. */
import { tool, type ToolSet } from 'ai'
import { z } from 'zod'
import type { EchoMode, InterpreterSpec, RunRequest } from '../engine.js'

const ECHOES: Record<EchoMode, string> = {
  all: 'Each top-level expression shows its value by execute_result, unless that is None or a semicolon follows.',
  last: 'The last top-level expression shows its value by execute_result, unless that is None or a semicolon follows.',
  none: 'Top-level expressions show nothing.',
}

/** What the model is told before the runs of its session. */
export function roleOf(request: RunRequest, { initCode }: InterpreterSpec): string {
  const value = request.resultVarName
  return [
    'You play a Python interpreter (IPython). Each message is code that a user runs in one session, as ' +
      '"In [number]:" and the code. Work out exactly what real Python would do, with the variables that ' +
      'earlier code has set, and show it by calling your tools, in the order in which it would appear. ' +
      'Answer nothing but calls of tools. Code that shows nothing needs none.',
    ECHOES[request.echo],
    'Where code would raise, show first what it would print before that, then call error once, and ' +
      'nothing after it. input() raises EOFError.',
    ...(value === null
      ? []
      : [`When the code has run to its end, call value with the value of the variable ${value}.`]),
    ...(initCode === null ? [] : [`Before the first message, this code has run:\n${initCode}`]),
  ].join('\n\n')
}

const text = z.object({ text: z.string() })

export const STREAM_CALL = text
export const DISPLAY_CALL = z.object({
  mime_type: z.enum([
    'text/plain',
    'text/markdown',
    'text/html',
    'text/latex',
    'application/json',
    'image/svg+xml',
  ]),
  content: z.string(),
})
export const ERROR_CALL = z.object({
  name: z.string().describe('The class of the exception, such as KeyError.'),
  value: z.string().describe('Its message.'),
  traceback: z.string().describe('As Python prints it; files of code are "<run NUMBER>".'),
})
export const VALUE_CALL = z.object({
  json: z.string().describe('The value as JSON.'),
  type: z.string().describe('The name of its Python type, such as int or pandas.DataFrame.'),
})

/** What each call is answered. */
const shown = () => 'shown'

/** @param wantsValue - whether the value of a variable is asked for */
export function toolsOf(wantsValue: boolean): ToolSet {
  return {
    stdout: tool({
      description: 'Text on stdout, with its line breaks.',
      inputSchema: STREAM_CALL,
      execute: shown,
    }),
    stderr: tool({ description: 'Text on stderr.', inputSchema: STREAM_CALL, execute: shown }),
    execute_result: tool({
      description: 'The value that a top-level expression shows: its repr.',
      inputSchema: STREAM_CALL,
      execute: shown,
    }),
    display: tool({
      description: 'What display() or a figure shows, in one format; figures as SVG.',
      inputSchema: DISPLAY_CALL,
      execute: shown,
    }),
    error: tool({
      description: 'The exception that ended the code.',
      inputSchema: ERROR_CALL,
      execute: shown,
    }),
    ...(wantsValue
      ? {
          value: tool({
            description: 'The value of the variable that is asked for.',
            inputSchema: VALUE_CALL,
            execute: shown,
          }),
        }
      : {}),
  }
}
