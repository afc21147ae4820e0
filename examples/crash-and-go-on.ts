/**
 * What a crash and a mistake cost: a real segfault in the middle of an analysis, and columns dropped
 * that are needed after all. The table is there after both.
 *
 * The data are weekly means of the carbon dioxide in the air at Mauna Loa, Hawaii, 1958 to 2001, in
 * the public domain, which come with statsmodels (statsmodels.datasets.co2): C.D. Keeling and
 * T.P. Whorf, Carbon Dioxide Information Analysis Center.
 */
import { PythonInterpreterToolSet, type RunResult } from 'python-interpreter-toolset'

const LOAD = `
from statsmodels.datasets import co2
air = co2.load_pandas().data.resample('D').interpolate()
air['rise'] = air.co2.diff(365)  # in parts per million, on the year before
print(air.tail(2).round(2))`

// The first stride, the bytes from one window to the next, should be that of one value. It is that
// of the whole column: numpy reads beyond the end of it, through memory that is not its own.
const CRASH = `
from numpy.lib.stride_tricks import as_strided
co2 = air.co2.to_numpy()
years = as_strided(co2, (len(co2) - 364, 365), strides=(co2.nbytes, co2.itemsize))
air.loc[air.index[364:], 'year_mean'] = years.mean(axis=1)`

const CORRECTED = `
from numpy.lib.stride_tricks import sliding_window_view
years = sliding_window_view(air.co2.to_numpy(), 365)
air.loc[air.index[364:], 'year_mean'] = years.mean(axis=1)
print(air.tail(2).round(2))`

const DROP = `
air.drop(columns=['co2', 'rise'], inplace=True)
print(air.tail(2).round(2))`

const LOOK = `
print(air.tail(2).round(2))`

// By default a checkpoint is made as soon as it costs no more than a twentieth of the time. These
// runs follow each other faster than people's or models' do, and each should have one.
await using python = new PythonInterpreterToolSet({ python: '.venv', checkpoint: 'always' })

console.log('A table, a segfault in the middle of its analysis, and an undo')

await run('load a table', LOAD)

const crash = await run('mean of the last 365 days, with a mistake that crashes Python', CRASH)
note(`error        ${crash.error?.value ?? ''}`)
note(`where        ${crash.error?.traceback.match(/File "<run .*/)?.[0] ?? ''}`)
tellState(crash)

const corrected = await run('the same without the mistake; nothing is loaded again', CORRECTED)
tellState(corrected)

await run('drop columns, in place', DROP)
const undone = await python.rollback()
console.log('\nRollback: dropping them was a mistake, too')
note(`The session is as it was after run ${undone.execution_count}.`)

const look = await run('the table again', LOOK)
tellState(look)
if (look.stdout !== corrected.stdout) process.exitCode = 1

/** Runs code and prints it, and what it printed. */
async function run(title: string, code: string): Promise<RunResult> {
  const result = await python.runPythonCode(code.trim())
  console.log(`\nRun ${result.execution_count}: ${title}`)
  note(code.trim().replace(/^/gm, '| '))
  if (result.stdout !== '') note(result.stdout)
  return result
}

/** Prints what a result says about the session's variables. */
function tellState(result: RunResult): void {
  note(`state        ${result.state}`)
  if (result.restored_to !== undefined) note(`restored_to  ${result.restored_to}`)
  for (const notice of result.notices ?? []) note(`notice       ${notice}`)
}

function note(text: string): void {
  console.log(text.trimEnd().replace(/^/gm, '   '))
}
