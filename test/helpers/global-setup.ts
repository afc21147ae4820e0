/** Gives the tests a temporary folder of their own, and checks that they leave nothing behind. */
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { eventually, processesNaming } from './processes.js'
import { testPython } from './toolset.js'

export default async function setup(): Promise<() => Promise<void>> {
  if (!existsSync(testPython)) {
    throw new Error(`${testPython} is missing. Run \`npm test\`, which makes it.`)
  }
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'toolset-tests-')))
  // Test processes inherit it, and every Python process below them, by which they are found again.
  process.env['TMPDIR'] = folder
  return async () => {
    let processes: string[] = []
    let files: string[] = []
    await eventually('the tests left nothing behind', async () => {
      processes = await processesNaming(folder)
      // Node's own cache of compiled code, which tools that run tests may keep.
      files = (await readdir(folder)).filter((name) => !/^(tsx-|node-compile-cache)/.test(name))
      return processes.length === 0 && files.length === 0
    }).catch((error: unknown) => {
      throw new Error([String(error), ...processes, ...files].join('\n'))
    })
    await rm(folder, { recursive: true, force: true })
  }
}
