import { describe, expect, it } from 'vitest'
import { toModelText, type RunResult } from '../src/index.js'
import { makeToolset } from './helpers/toolset.js'

describe('toModelText', () => {
  it('has output and value, and no base64', async () => {
    const tools = await makeToolset()
    const result = await tools.runPythonCode('x = {"a": 1}\nprint("hello")', {
      result_var_name: 'x',
    })
    expect(toModelText(result)).toBe('stdout:\nhello\n\nresult (dict):\n{"a":1}')
    const plot = await tools.runPythonCode('import matplotlib.pyplot as plt\nplt.plot([1]);')
    expect(toModelText(plot)).toBe(
      [
        'what the figures show:',
        'figure 1:',
        '  line: x (-0.055 to 0.055), y (0.945 to 1.055)',
        '    line: 1 point, x 0, y 1',
        '',
        `figures: ${plot.fig_storage_path ?? ''}`,
      ].join('\n'),
    )
  })

  it('has the traceback once', async () => {
    const tools = await makeToolset()
    const text = toModelText(await tools.runPythonCode('1/0'))
    expect(text.match(/division by zero/g)).toHaveLength(1)
  })

  it('says that nothing was printed', async () => {
    const tools = await makeToolset()
    expect(toModelText(await tools.runPythonCode('x = 1'))).toContain('printed nothing')
  })

  it('removes ANSI codes', async () => {
    const tools = await makeToolset()
    const result = await tools.runPythonCode('print("\\x1b[31mred\\x1b[0m")')
    expect(toModelText(result)).toBe('stdout:\nred')
  })

  it('cuts what is too long in its middle, says so, and never cuts a notice', () => {
    const result: RunResult = {
      success: true,
      result: null,
      stdout: `begin${'x'.repeat(100_000)}end`,
      stderr: 'short',
      outputs: [],
      hidden_to_model: ['outputs'],
      interpreter_id: 'i',
      execution_count: 1,
      duration_ms: 1,
      state: 'lost',
      notices: ['The Python process was killed.'],
    }
    const text = toModelText(result, { maxCharacters: 1000 })
    expect(text.length).toBeLessThan(1200)
    expect(text).toMatch(/^NOTICE: The Python process was killed\./)
    expect(text).toMatch(/begin.*characters left out.*end\n\nstderr:\nshort$/s)
  })
})
