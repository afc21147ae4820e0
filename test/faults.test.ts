import { readdir } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { campaign } from './faults/campaign.js'
import { ownTemporaryFolder } from './helpers/leaks.js'
import { processesNaming } from './helpers/processes.js'
import { testPython } from './helpers/toolset.js'

// `npm run test:faults` runs thousands, with other seeds.
const [SEED, FAULTS, LIMIT_MS] = [1, 60, 55_000]

it('sessions come out of 60 random faults as they were after some run that is named', async () => {
  const temporary = await ownTemporaryFolder()
  const report = await campaign({
    python: testPython,
    seed: SEED,
    count: FAULTS,
    faultsPerRound: FAULTS,
    deadline: performance.now() + LIMIT_MS,
  })
  expect(report.violations.join('\n\n')).toBe('')
  expect(report.faults).toBe(FAULTS)
  expect(await processesNaming(temporary)).toEqual([])
  expect(await readdir(temporary)).toEqual([])
})
