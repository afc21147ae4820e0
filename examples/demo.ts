/**
 * The main job on real data: one session over several runs that loads a dataset, summarises and
 * plots it, and goes on after a segfault. Run by `npm run demo`.
 *
 * The data are US macroeconomic quarters, 1959 to 2009, in the public domain, which come with the
 * Python package statsmodels (statsmodels.datasets.macrodata): compiled by Skipper Seabold from
 * FRED, Federal Reserve Bank of St. Louis, and from the Bureau of Labor Statistics.
 */
import { join, relative } from 'node:path'
import { styleText } from 'node:util'
import { PythonInterpreterToolSet, type RunResult } from 'python-interpreter-toolset'

const LOAD = `
from statsmodels.datasets import macrodata

us = macrodata.load_pandas().data
us['growth'] = us.realgdp.pct_change(4) * 100  # on the year before
us = us[us.year >= 1960].astype({'year': int, 'quarter': int})
print(len(us), 'quarters from', us.year.min(), 'to', us.year.max())`

const SUMMARISE = `
decade = (us.year // 10 * 10).astype(str) + 's'
decades = us.groupby(decade)[['growth', 'unemp', 'infl']].mean().round(1)`

const PLOT = `
import matplotlib.pyplot as plt

when = us.year + (us.quarter - 0.5) / 4
figure, (top, bottom) = plt.subplots(2, sharex=True, figsize=(8, 5.5), layout='constrained')
top.bar(when, us.growth, 0.25, color=['salmon' if g < 0 else 'lightblue' for g in us.growth])
bottom.fill_between(when, us.unemp, color='wheat')
for axes, column in (top, 'growth'), (bottom, 'unemp'):
    axes.spines[['top', 'right']].set_visible(False)
    for name, mean in decades[column].items():
        start = int(name[:4])
        axes.hlines(mean, start, start + 10, color='black')
        axes.text(start + 5, mean, mean, ha='center', va='bottom')
figure.suptitle('Growth and unemployment in the United States', fontweight='bold')
top.set(ylabel='real GDP, % on year before', xlim=(1960, 2010))
bottom.set(ylabel='unemployment, %', xlabel='lines: means of the decades. Data: FRED, BLS')
plt.show()`

const CRASH = `
import ctypes
print('Reading from address 0.')
ctypes.string_at(0)`

const SHOWN_LINES = 5

const startedAt = performance.now()
// By default, runs that follow each other as fast as these share a checkpoint, and a crash may cost
// more than the run that it happens in.
await using python = new PythonInterpreterToolSet({
  python: '.venv',
  echo: 'last',
  checkpoint: 'always',
})

heading('One Python session: real data, a figure, a real segfault')

expectSuccess(await run('load a public dataset', LOAD))

const summary = expectSuccess(await run('summarise it by decade', SUMMARISE, 'decades'))
printTable(summary)

const plot = expectSuccess(await run('plot it', PLOT))
printFacts(plot, ['fig_storage_path'])

const crash = await run('crash the Python process', CRASH)
noteLines(crash.error?.traceback.match(/^.*(Fatal|<run ).*$/gm)?.join('\n') ?? '')
printFacts(crash, ['success', 'interpreter_crashed', 'restart_reason'])
printFacts(crash, ['interpreter_restarted', 'state', 'restored_to'])

const again = expectSuccess(
  await run('summarise once more, without loading again', SUMMARISE, 'decades'),
)
const same = JSON.stringify(again.result) === JSON.stringify(summary.result)
note(`the same summary as in run ${summary.execution_count}: ${yesOrNo(same)}`)
note(`the same interpreter_id: ${yesOrNo(again.interpreter_id === summary.interpreter_id)}`)

const figure = relative('.', join(python.workdir, plot.fig_storage_path ?? ''))
heading(`Done in ${seconds(performance.now() - startedAt)}. The figure is in ${figure}\n`)
if (!same) process.exitCode = 1

/** Runs code and prints it, shortened, and what it printed. */
async function run(title: string, code: string, variable?: string): Promise<RunResult> {
  const source = code.trim()
  const result = await python.runPythonCode(source, { result_var_name: variable })
  const number = `run ${result.execution_count}`
  const took = seconds(result.duration_ms)
  console.log(`\n  ${paint('bold', number)}  ${title}  ${paint('dim', took)}`)
  const lines = source.split('\n').filter((line) => line !== '')
  for (const line of lines.slice(0, SHOWN_LINES)) console.log(paint('dim', `  | ${line}`))
  const more = lines.length - SHOWN_LINES
  if (more > 0) console.log(paint('dim', `  | ... ${more} more lines`))
  noteLines(result.stdout)
  return result
}

function expectSuccess(result: RunResult): RunResult {
  if (!result.success) throw new Error(result.error.traceback)
  return result
}

/** Prints a DataFrame: in JSON it has columns, an index and rows. */
function printTable({ result, result_type }: RunResult): void {
  const frame = result as { columns: string[]; index: string[]; data: number[][] }
  const line = (name: string, cells: readonly unknown[]) =>
    name.padEnd(8) + cells.map((cell) => String(cell).padStart(10)).join('')
  note(paint('dim', `result, a ${result_type ?? ''} as JSON, printed by TypeScript:`))
  note(paint('bold', line('decade', ['growth %', 'unempl. %', 'inflat. %'])))
  frame.data.forEach((row, i) => {
    note(
      line(
        frame.index[i] ?? '',
        row.map((cell) => cell.toFixed(1)),
      ),
    )
  })
}

type Fact =
  | 'success'
  | 'state'
  | 'restored_to'
  | 'fig_storage_path'
  | 'restart_reason'
  | 'interpreter_crashed'
  | 'interpreter_restarted'

/** Prints fields of a result as they are. */
function printFacts(result: RunResult, names: readonly Fact[]): void {
  for (const name of names) {
    const value = result[name]
    const isBad = value === false || value === 'lost' || name.endsWith('crashed')
    note(`${name.padEnd(22)} ${paint(isBad ? 'red' : 'green', String(value))}`)
  }
}

function heading(text: string): void {
  console.log(`\n  ${paint(['bold', 'cyan'], text)}`)
}

function noteLines(text: string): void {
  for (const line of text.split('\n')) if (line !== '') note(line)
}

function note(text: string): void {
  console.log(`    ${text}`)
}

function yesOrNo(fact: boolean): string {
  return fact ? 'yes' : 'no'
}

function seconds(milliseconds: number): string {
  return milliseconds < 100
    ? `${milliseconds.toFixed(1)} ms`
    : `${(milliseconds / 1000).toFixed(2)} s`
}

function paint(format: Parameters<typeof styleText>[0], text: string): string {
  // https://no-color.org: any value but the empty string counts.
  return process.stdout.isTTY && !process.env['NO_COLOR'] ? styleText(format, text) : text
}
