/** What toolsets could leave behind, told apart from what other tests are doing at the same time. */
import { readdir } from 'node:fs/promises'
import { onTestFinished, vi } from 'vitest'
import { temporaryFolder } from './toolset.js'

const ENGINE_FOLDER = /^python-interpreter/

/** Has toolsets of this test put their private folders into a folder of their own, and answers it. */
export async function ownTemporaryFolder(): Promise<string> {
  const folder = await temporaryFolder()
  vi.stubEnv('TMPDIR', folder)
  onTestFinished(() => void vi.unstubAllEnvs())
  return folder
}

/** The private folders of engines in a temporary folder. */
export async function engineFolders(temporary: string): Promise<string[]> {
  return (await readdir(temporary)).filter((name) => ENGINE_FOLDER.test(name))
}
