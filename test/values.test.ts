import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { makeToolset, testPython } from './helpers/toolset.js'

const root = join(import.meta.dirname, '..')

describe('values', () => {
  it('are mapped as the Python tests of the mapping say', async () => {
    const tests = [
      '-m',
      'unittest',
      'discover',
      '-s',
      join(root, 'test/python'),
      '-p',
      'test_values.py',
    ]
    const { stderr } = await promisify(execFile)(testPython, tests, { cwd: root })
    expect(stderr).toMatch(/Ran \d\d+ tests/)
    expect(stderr).toContain('\nOK')
  })

  it.each([
    ['x = None', null, 'NoneType'],
    ['x = 2**53 - 1', 9007199254740991, 'int'],
    ['x = 2**64', '18446744073709551616', 'int'],
    ['x = [1.5, float("nan"), float("-inf")]', [1.5, 'NaN', '-Infinity'], 'list'],
    ['x = "é\\ud800"', 'é\ud800', 'str'],
    ['x = b"\\xff"', '/w==', 'bytes'],
    ['x = {1: "a", (2, 3): {"b"}}', { '1': 'a', '(2, 3)': ['b'] }, 'dict'],
    ['import datetime; x = datetime.date(2024, 2, 29)', '2024-02-29', 'datetime.date'],
    [
      'import numpy as np; x = np.arange(4).reshape(2, 2)',
      [
        [0, 1],
        [2, 3],
      ],
      'numpy.ndarray',
    ],
    [
      'import pandas as pd; x = pd.DataFrame({"a": [1, 2]}, index=["p", "q"])',
      { columns: ['a'], index: ['p', 'q'], data: [[1], [2]] },
      'pandas.DataFrame',
    ],
  ])('of %s come as JSON', async (code, result, result_type) => {
    const tools = await makeToolset()
    expect(await tools.runPythonCode(code, { result_var_name: 'x' })).toMatchObject({
      success: true,
      result,
      result_type,
    })
  })

  it('that do not exist are a NameError, and the output is kept', async () => {
    const tools = await makeToolset()
    const result = await tools.runPythonCode('print("ran")', { result_var_name: 'x' })
    expect(result).toMatchObject({ success: false, result: null, stdout: 'ran\n', state: 'kept' })
    expect(result.error).toMatchObject({
      name: 'NameError',
      value: "name 'x' is not defined",
    })
    expect(result.notices).toEqual(['The code itself ran to its end; what failed came after it.'])
  })

  it('that contain themselves or are too large are a clear error', async () => {
    const tools = await makeToolset()
    const cycle = await tools.runPythonCode('x = []\nx.append(x)', { result_var_name: 'x' })
    expect(cycle.error?.value).toMatch(/contains itself/)
    const large = await tools.runPythonCode('import numpy as np; x = np.zeros(10**9, "u1")', {
      result_var_name: 'x',
    })
    expect(large.error?.name).toBe('ValueNotExpressible')
  })

  it('are not answered for code that failed', async () => {
    const tools = await makeToolset()
    const result = await tools.runPythonCode('x = 1\n1/0', { result_var_name: 'x' })
    expect(result).toMatchObject({ success: false, result: null })
    expect(result).not.toHaveProperty('result_type')
  })
})
