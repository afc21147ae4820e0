/** The folder that code runs in. */
import { stat } from 'node:fs/promises'

import { StartError } from '../errors.js'

/** @throws StartError unless the path is that of a folder */
export async function requireFolder(workdir: string): Promise<void> {
  const found = await stat(workdir).catch(() => null)
  if (found?.isDirectory() === true) return
  throw new StartError(`The workdir ${workdir} is not a folder. Create it, or name another.`)
}
