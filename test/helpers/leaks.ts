/** What toolsets could leave behind, told apart from what other tests are doing at the same time. */
import { readdir, readFile, readlink } from 'node:fs/promises'
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

/**
 * The processes whose command line or environment names the text, as `pid command`. A keeper names
 * its folder in the one; workers and their descendants inherit TMPDIR in the other.
 */
export async function processesNaming(text: string): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const found = await Promise.all(
    pids.map(async (pid) => {
      const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
      const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '')
      const names = Number(pid) !== process.pid && (command + environment).includes(text)
      return names ? [`${pid} ${command.replaceAll('\0', ' ')}`] : []
    }),
  )
  return found.flat()
}

/** What the open file descriptors of this process are, sorted. */
export async function openDescriptors(): Promise<string[]> {
  const descriptors = await readdir('/proc/self/fd')
  const targets = await Promise.all(
    descriptors.map((descriptor) => readlink(`/proc/self/fd/${descriptor}`).catch(() => null)),
  )
  // The one with which the folder was read is gone by now.
  return targets.filter((target) => target !== null).sort()
}
