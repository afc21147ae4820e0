import { describe, expect, it } from 'vitest'
import { makeToolset } from './helpers/toolset.js'

const SPIN = 'import time\nend = time.process_time() + 0.2\nwhile time.process_time() < end: pass'
const SPIN_IN_CHILD = `import subprocess, sys\nsubprocess.run([sys.executable, '-c', ${JSON.stringify(SPIN)}])`
const MB = 1e6

describe('the usage of a run', () => {
  it('is its own time and processor time, and not those of the runs before', async () => {
    const tools = await makeToolset()
    const spun = await tools.runPythonCode(SPIN)
    expect(spun.usage?.cpu_ms).toBeGreaterThanOrEqual(195)
    expect(spun.usage?.wall_ms).toBeGreaterThanOrEqual(195)
    expect(spun.usage?.wall_ms).toBeLessThanOrEqual(spun.duration_ms)
    const slept = await tools.runPythonCode('time.sleep(0.3)')
    expect(slept.usage?.wall_ms).toBeGreaterThanOrEqual(295)
    expect(slept.usage?.cpu_ms).toBeLessThan(195)
  })

  it('counts children that it has waited for', async () => {
    const tools = await makeToolset()
    const { usage } = await tools.runPythonCode(SPIN_IN_CHILD)
    expect(usage?.cpu_ms).toBeGreaterThanOrEqual(195)
  })

  it('has the highest memory that the process has had, which does not fall', async () => {
    const tools = await makeToolset()
    const before = (await tools.runPythonCode('1')).usage?.process_peak_memory_bytes ?? 0
    const large = await tools.runPythonCode('x = b"x" * 200_000_000; del x')
    const peak = large.usage?.process_peak_memory_bytes ?? 0
    expect(peak - before).toBeGreaterThan(150 * MB)
    expect((await tools.runPythonCode('1')).usage?.process_peak_memory_bytes).toBe(peak)
  })

  it('is there for a run that failed or was stopped', async () => {
    const tools = await makeToolset()
    const failed = await tools.runPythonCode(`${SPIN}\n1 / 0`)
    expect(failed.usage?.cpu_ms).toBeGreaterThanOrEqual(195)
    const stopped = await tools.runPythonCode('while True: pass', { timeout_ms: 300 })
    expect(stopped.usage?.wall_ms).toBeGreaterThanOrEqual(295)
    expect(stopped.usage?.cpu_ms).toBeGreaterThan(0)
  })

  it('is only the time of a run in which the process died', async () => {
    const tools = await makeToolset()
    const died = await tools.runPythonCode('import os, time; time.sleep(0.2); os._exit(1)')
    expect(Object.keys(died.usage ?? {})).toEqual(['wall_ms'])
    expect(died.usage?.wall_ms).toBeGreaterThanOrEqual(195)
    expect(died.usage?.wall_ms).toBeLessThanOrEqual(died.duration_ms)
  })

  it('comes with the end of a detached run, not before', async () => {
    const tools = await makeToolset()
    const detached = await tools.runPythonCode(`import time; time.sleep(0.3)\n${SPIN}`, {
      timeout_ms: 100,
      on_timeout: 'detach',
    })
    expect(detached).toMatchObject({ detached: true })
    expect(detached).not.toHaveProperty('usage')
    const waited = await tools.wait()
    if (waited.running) throw new Error('it still runs')
    expect(waited.run.usage?.cpu_ms).toBeGreaterThanOrEqual(195)
  })

  it('is nothing that a model reads', async () => {
    const tools = await makeToolset()
    const result = await tools.runPythonCode('1')
    expect(result.hidden_to_model).toContain('usage')
    const [tool] = tools.tools()
    expect(tool?.toModelText(result)).toBe('stdout:\n1')
  })
})
