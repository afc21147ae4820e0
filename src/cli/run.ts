/** `python-interpreter-toolset run`: a thin wrapper of `runPythonCode`. */
import { readFile } from 'node:fs/promises'
import { text } from 'node:stream/consumers'

import { textOf } from '../interpreter/execution.js'
import { errorText } from '../toolset/model-text.js'
import type { RunOutput, RunResult } from '../toolset/result.js'
import { millisecondsIn, readArguments, UsageError } from './arguments.js'
import { RUN_HELP } from './help.js'

/** Runs the command; returns the exit code. */
export async function runCommand(args: readonly string[]): Promise<number> {
  const { options, positionals, help } = readArguments(args, ['python', 'timeout', 'workdir'])
  if (help) {
    process.stdout.write(RUN_HELP)
    return 0
  }
  const [file, ...rest] = positionals
  if (file === undefined || rest.length > 0) {
    throw new UsageError('run takes one file, or - for the standard input.')
  }
  const { python, workdir, timeout } = options
  const timeoutMs = timeout === undefined ? undefined : millisecondsIn('timeout', timeout)
  const code = await readCode(file)

  const { PythonInterpreterToolSet } = await import('../toolset/toolset.js')
  const tools = new PythonInterpreterToolSet({
    ...(python !== undefined && { python }),
    ...(workdir !== undefined && { workdir }),
    ...(timeoutMs !== undefined && { timeoutMs }),
  })
  try {
    const result = await tools.runPythonCode(code, { onOutput: print })
    printEnd(result)
    return result.success ? 0 : 1
  } finally {
    await tools.close()
  }
}

async function readCode(file: string): Promise<string> {
  if (file === '-') return text(process.stdin)
  try {
    return (await readFile(file, 'utf8')).replace(/^\ufeff/, '')
  } catch (error) {
    throw new UsageError(
      `The file ${file} cannot be read: ${error instanceof Error ? error.message : String(error)}.`,
    )
  }
}

/** Prints what the code says, as it says it. A progress bar is printed as it is at its end. */
function print(output: RunOutput): void {
  if (output.type === 'stream') process[output.name].write(output.text)
  else if ('data' in output) {
    const text = textOf(output)
    if (text !== null) process.stdout.write(`${text}\n`)
  }
}

/** Prints what is known at the end. */
function printEnd(result: RunResult): void {
  for (const late of result.late_outputs ?? []) {
    process.stdout.write(late.stdout)
    process.stderr.write(late.stderr)
  }
  if (result.error) {
    process.stderr.write(withNewline(errorText(result.error)))
  }
  const hint = hintOf(result)
  if (hint !== undefined) process.stderr.write(`hint: ${hint}\n`)
  for (const survivor of result.survivors ?? [])
    process.stderr.write(`still running: ${survivor}\n`)
  for (const notice of result.notices ?? []) {
    if (!isOnRestart(notice, result)) process.stderr.write(`notice: ${notice}\n`)
  }
  for (const path of result.fig_storage_paths ?? []) {
    process.stderr.write(`figure: ${path}\n`)
  }
}

/** What helps who has a command line instead of a session, with neither earlier runs nor later ones. */
function hintOf({ hint, timed_out, interpreter_crashed }: RunResult): string | undefined {
  if (timed_out) return 'Try it on a part of the data first, or give it longer: --timeout MS.'
  return interpreter_crashed ? undefined : hint
}

/** Whether a notice says what became of the session when its process died, which the error says too. */
function isOnRestart(notice: string, { restart_reason: reason }: RunResult): boolean {
  const death = reason?.replace(/^The /, 'the ').replace(/\.$/, '')
  return death !== undefined && notice.startsWith(`During this run, ${death}`)
}

function withNewline(lines: string): string {
  return lines === '' || lines.endsWith('\n') ? lines : `${lines}\n`
}
