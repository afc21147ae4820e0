/**
 * What the examples of agent frameworks ask: a question about data/sea-surface-temperature.csv. A scripted
 * model, which they use where no key for a real one is set, makes these calls and says these words.
 */
import { join } from 'node:path'
import type { RunOutput } from 'python-interpreter-toolset'

/** Where the data are, and the figures go. */
export const workdir = join(import.meta.dirname, 'data')

export const question =
  'sea-surface-temperature.csv has a row per year and a column per month. Which three years were the ' +
  'warmest for their season? Plot all years.'

const RANK = `import pandas as pd

sea = pd.read_csv('sea-surface-temperature.csv', index_col='year')
anomaly = (sea - sea.mean()).mean(axis=1)
print(anomaly.nlargest(3).round(2))`

const PLOT = `import matplotlib.pyplot as plt

plt.bar(anomaly.index, anomaly, color=['salmon' if a > 0 else 'lightblue' for a in anomaly]);
plt.title('Sea surface temperature, difference from the mean');`

/** The code of two calls of run_python_code; the second needs a variable of the first. */
export const script: readonly string[] = [RANK, PLOT]

export const lastWords = '1997, 1983 and 1998 were the warmest. The figure shows all years.'

/** Prints what code says, as it says it, for the person who watches. */
export function show(output: RunOutput): void {
  if (output.type === 'stream') process.stdout.write(output.text)
  if (output.type === 'display_data') console.log(`[${Object.keys(output.data)[0]}]`)
}
