/**
 * A data-science session scoped to a folder: code names files as seen from there, and figures are
 * saved below it. data/README.md says where the data come from.
 */
import { join, relative } from 'node:path'
import { PythonInterpreterToolSet } from 'python-interpreter-toolset'

const workdir = join(import.meta.dirname, 'data')

await using python = new PythonInterpreterToolSet({ workdir, python: '.venv', echo: 'last' })

const loaded = await python.runPythonCode(`
import pandas as pd

sea = pd.read_csv('sea-surface-temperature.csv', index_col='year')
sea.shape`)
console.log('years and months:', loaded.stdout.trim())

const warmest = await python.runPythonCode(
  `
anomaly = (sea - sea.mean()).mean(axis=1)  # from the usual temperature of each month
warmest = anomaly.nlargest(3).round(2)`,
  { result_var_name: 'warmest' },
)
console.log('warmest years, degrees above the mean:', warmest.result)

const plot = await python.runPythonCode(`
import matplotlib.pyplot as plt

figure, axes = plt.subplots(figsize=(8, 3.5), layout='constrained')
axes.bar(anomaly.index, anomaly, color=['salmon' if a > 0 else 'lightblue' for a in anomaly])
axes.axhline(0, color='black', linewidth=0.8)
for year in warmest.index:
    axes.text(year, anomaly[year], year, ha='center', va='bottom')
axes.margins(x=0.02, y=0.1)
axes.set(title='El Niño: sea surface temperature, eastern tropical Pacific',
         xlabel='year', ylabel='difference from the mean, °C')
plt.show()`)
if (!plot.success) throw new Error(plot.error.traceback)
console.log('figure:', relative('.', join(workdir, plot.fig_storage_path ?? '')))
