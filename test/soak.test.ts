import { readdir } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { ownTemporaryFolder } from './helpers/leaks.js'
import { processesNaming } from './helpers/processes.js'
import { testPython } from './helpers/toolset.js'
import { soak } from './soak/soak.js'

// `npm run test:soak` runs 100,000 over 50 sessions.
const [SEED, RUNS, SESSIONS, LIMIT_MS] = [1, 500, 10, 150_000]

it(
  '500 runs over 10 sessions, with faults, tell the truth and leave nothing behind',
  { timeout: 180_000 },
  async () => {
    const temporary = await ownTemporaryFolder()
    const report = await soak({
      python: testPython,
      seed: SEED,
      runs: RUNS,
      sessions: SESSIONS,
      deadline: performance.now() + LIMIT_MS,
    })
    expect(report.violations.join('\n')).toBe('')
    expect(report.runs).toBe(RUNS)
    expect(await processesNaming(temporary)).toEqual([])
    expect(await readdir(temporary)).toEqual([])
  },
)
