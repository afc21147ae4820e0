/** Where the Python side is: it ships inside this package. */
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const PACKAGE = join('python', '_python_interpreter_toolset')

/** The folder of the Python package; looked for upwards, from `src` as from `dist`. */
export const pythonPackage = findUpwards(dirname(fileURLToPath(import.meta.url)))

/** The keeper's script. */
export const keeperScript = join(pythonPackage, 'keeper.py')

/** What runs a command in namespaces of its own. */
export const enterScript = join(pythonPackage, 'enter.py')

function findUpwards(folder: string): string {
  const candidate = join(folder, PACKAGE)
  if (existsSync(candidate)) return candidate
  const parent = dirname(folder)
  if (parent === folder) throw new Error(`The package is incomplete: it has no folder ${PACKAGE}.`)
  return findUpwards(parent)
}
