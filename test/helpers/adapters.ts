/** What a model asks for in the tests of every adapter, and what of the answers is looked at. */
import { expect } from 'vitest'
import type { PythonInterpreterToolSet } from '../../src/index.js'

export const RUN = 'run_python_code'

/** Shows a figure that is tall enough for its base64 to be long. */
export const FIGURE = `import matplotlib.pyplot as plt
plt.plot([1, 4, 2]);
plt.show()
print("drawn")`

/** Says that it has begun, and goes on until it is interrupted. */
export const ENDLESS = `print("begun", flush=True)
import time
while True:
    time.sleep(0.01)`

/** Is equal to every text that has this one, or matches it. */
export function said(part: string | RegExp): unknown {
  return typeof part === 'string' ? expect.stringContaining(part) : expect.stringMatching(part)
}

/** Checks that this is the base64 of a whole PNG, and answers it. */
export function expectPng(base64: unknown): string {
  expect(typeof base64).toBe('string')
  const bytes = Buffer.from(base64 as string, 'base64')
  expect(bytes.subarray(1, 4).toString()).toBe('PNG')
  expect(bytes.subarray(-8, -4).toString()).toBe('IEND')
  return base64 as string
}

/** Checks that no text in a value is or has the base64, but for the one that is it alone. */
export function expectOnlyOnce(value: unknown, base64: string): void {
  expect(JSON.stringify(value).split(base64.slice(0, 200)).length - 1).toBe(1)
}

/** Checks that a session answers, with the variable that it was given before. */
export async function expectAlive(
  toolset: PythonInterpreterToolSet,
  client_id: string | undefined,
  name: string,
  value: string,
): Promise<void> {
  const after = await toolset.runPythonCode(name, client_id === undefined ? {} : { client_id })
  expect(after).toMatchObject({ success: true, stdout: `${value}\n`, state: 'kept' })
}
