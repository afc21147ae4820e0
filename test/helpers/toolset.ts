/** Toolsets for tests: in a temporary workdir, closed and removed when the test ends. */
import { mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { onTestFinished } from 'vitest'
import { PythonInterpreterToolSet, type PythonInterpreterToolSetOptions } from '../../src/index.js'

/** The Python that has the data-science set. */
export const testPython = resolve(
  process.env['PYTHON_FOR_TESTS'] ?? join(import.meta.dirname, '../../.venv/bin/python'),
)

/** A temporary folder that is removed when the test ends. */
export async function temporaryFolder(): Promise<string> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'toolset-test-')))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** A toolset in a temporary workdir, closed when the test ends. */
export async function makeToolset(
  options: PythonInterpreterToolSetOptions = {},
): Promise<PythonInterpreterToolSet> {
  const workdir = options.workdir ?? (await temporaryFolder())
  const toolset = new PythonInterpreterToolSet({ python: testPython, ...options, workdir })
  onTestFinished(() => toolset.close())
  return toolset
}
