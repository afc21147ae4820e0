/**
 * Drives Pyodide in this fresh process. Its first line is the ms from the loading of Pyodide to the
 * result of `1`; then each line of input, `TIMES PAUSE_MS`, is answered by the ms of that many runs
 * of `1`, with a pause before each: JSON arrays, one a line. It ends with its input.
 *
 * Plain JavaScript, for Node runs this text as it stands: tsx would add some 60 MB to its process.
 */
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { loadPyodide } from 'pyodide'

const startedAt = performance.now()
const pyodide = await loadPyodide()
run()
console.log(JSON.stringify([performance.now() - startedAt]))

for await (const line of createInterface({ input: process.stdin })) {
  const [times = 0, pauseMs = 0] = line.split(' ').map(Number)
  const samples = []
  for (let i = 0; i < times; i += 1) {
    if (pauseMs > 0) await sleep(pauseMs)
    const before = performance.now()
    run()
    samples.push(performance.now() - before)
  }
  console.log(JSON.stringify(samples))
}

function run() {
  if (pyodide.runPython('1') !== 1) throw new Error('Not the result of 1.')
}
