/** Makes sure that the Python environment of the tests is there, and that no test leaves a process. */
import { existsSync } from 'node:fs'
import { leftOverPythons } from './processes.js'
import { testPython } from './toolset.js'

export default function setup(): () => Promise<void> {
  if (!existsSync(testPython)) {
    throw new Error(`${testPython} is missing. Run \`npm test\`, which makes it.`)
  }
  return async () => {
    const left = await leftOverPythons()
    if (left.length > 0) throw new Error(`Tests left processes behind:\n${left.join('\n')}`)
  }
}
