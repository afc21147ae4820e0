/**
 * Watches a run: text, progress, values, a figure and an error as the code says them. The times are
 * those of when each was heard.
 */
import { styleText } from 'node:util'
import { PythonInterpreterToolSet, type RunOutput } from 'python-interpreter-toolset'

const CODE = `
import sys, time
import numpy as np

rng = np.random.default_rng(7)
waits = rng.exponential(3.0, 500)
print('500 waiting times; how sure is their median?')
np.median(waits).round(2)

medians = []
for i in range(1, 41):
    medians += [np.median(rng.choice(waits, 500)) for _ in range(100)]
    print(f'\\rresampled {i * 100:4} times, {i / 40:4.0%}', end='', flush=True)
    time.sleep(0.05)
print('\\rresampled 4000 times       ')
print('all in memory, nothing was saved', file=sys.stderr)
np.percentile(medians, [2.5, 97.5]).round(2)

import matplotlib.pyplot as plt
plt.hist(medians, bins=40);
plt.show()
medians[4000]`

await using python = new PythonInterpreterToolSet({ python: '.venv' })
await python.runPythonCode('import matplotlib.pyplot')

const isTerminal = process.stdout.isTTY || process.env['FORCE_COLOR'] !== undefined
const startedAt = performance.now()
/** The line that has been begun. */
let begun = ''
for await (const output of python.stream(CODE)) show(output)

function show(output: RunOutput): void {
  if (output.type === 'progress') {
    // Without a terminal, the line that is there at the end is enough.
    if (isTerminal) process.stdout.write(`\r${line(output.type, output.text)}`)
    return
  }
  const lines = (begun + textOf(output)).split('\n')
  begun = lines.pop() ?? ''
  const start = isTerminal ? '\r' : ''
  for (const text of lines) process.stdout.write(`${start}${line(output.type, text)}\n`)
}

function textOf(output: RunOutput): string {
  switch (output.type) {
    case 'stream':
      return output.text.replaceAll('\r', '')
    case 'execute_result': {
      const text = output.data['text/plain']
      return typeof text === 'string' ? `${text}\n` : ''
    }
    case 'error':
      return `${output.name}: ${output.value}\n`
    case 'notice':
      return `${output.text}\n`
    default:
      return `${'data' in output ? (Object.keys(output.data)[0] ?? '') : ''}\n`
  }
}

function line(type: RunOutput['type'], text: string): string {
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(2)
  const colour = type === 'error' ? 'red' : type === 'progress' ? 'yellow' : 'cyan'
  return `${styleText('dim', `${seconds} s`)}  ${styleText(colour, type.padEnd(15))} ${text}`
}
