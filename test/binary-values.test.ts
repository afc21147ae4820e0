import {
  tableFromArrays,
  tableFromIPC,
  tableToIPC,
  vectorFromArray,
  type Table,
} from 'apache-arrow'
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import {
  InvalidOptionError,
  LocalEngine,
  NdArray,
  UnknownVariableError,
  ValueNotExpressibleError,
  VariablesError,
  type ArrowVector,
  type JsValue,
  type PythonInterpreterToolSet,
  type PythonInterpreterToolSetOptions,
} from '../src/index.js'
import { tell, waitFor } from './helpers/python-code.js'
import { eventually } from './helpers/processes.js'
import { makeToolset, temporaryFolder } from './helpers/toolset.js'

const LIBRARIES = resolve(import.meta.dirname, '../.venv/libraries')

/** A toolset whose Python finds pyarrow and polars. */
function makeArrowToolset(options: PythonInterpreterToolSetOptions = {}) {
  return makeToolset({ ...options, env: { PYTHONPATH: LIBRARIES } })
}

/** What `print` says of an expression. */
async function show(tools: PythonInterpreterToolSet, expression: string): Promise<string> {
  const { stdout, error } = await tools.runPythonCode(`print((${expression}))`)
  expect(error).toBeUndefined()
  return stdout.trimEnd()
}

async function valueOf(
  tools: PythonInterpreterToolSet,
  code: string,
): Promise<{ value: JsValue; type: string | undefined }> {
  const { result, result_type, error } = await tools.runPythonCode(code, {
    result_var_name: 'x',
    resultAs: 'js',
  })
  expect(error).toBeUndefined()
  return { value: result, type: result_type }
}

describe('values of JavaScript', () => {
  it.each<[string, unknown, string]>([
    ['null', null, 'None'],
    ['undefined', undefined, 'None'],
    ['a boolean', true, 'True'],
    ['an integer', 3, '3'],
    ['the largest safe integer', Number.MAX_SAFE_INTEGER, '9007199254740991'],
    ['a number beyond it', 2 ** 53, '9007199254740992.0'],
    ['a fraction', 1.5, '1.5'],
    ['a large number', 1e300, '1e+300'],
    ['minus zero', -0, '-0.0'],
    ['NaN', NaN, 'nan'],
    ['the infinities', [Infinity, -Infinity], '[inf, -inf]'],
    ['a bigint', -(2n ** 70n), '-1180591620717411303424'],
    ['text', 'é\u{1f600}"\n', `'é\u{1f600}"\\n'`],
    ['a lone surrogate', '\ud800', `'\\ud800'`],
    ['a list with holes', [1, , 'a'], `[1, None, 'a']`], // eslint-disable-line no-sparse-arrays
    ['an object', { a: { b: [] } }, `{'a': {'b': []}}`],
    ['an object with the key of tags', { $: 'int', value: 1 }, `{'$': 'int', 'value': 1}`],
    ['an object without prototype', Object.assign(Object.create(null), { a: 1 }), `{'a': 1}`],
    ['a key named __proto__', JSON.parse('{"__proto__": 1}'), `{'__proto__': 1}`],
    [
      'a Date',
      new Date('2024-02-29T01:02:03.004Z'),
      'datetime.datetime(2024, 2, 29, 1, 2, 3, 4000, tzinfo=datetime.timezone.utc)',
    ],
    [
      'an old Date',
      new Date('0001-01-01T00:00:00Z'),
      'datetime.datetime(1, 1, 1, 0, 0, tzinfo=datetime.timezone.utc)',
    ],
    ['bytes', new Uint8Array([0, 255]), `b'\\x00\\xff'`],
    ['a part of a Buffer', Buffer.from('abcdef').subarray(1, 4), `b'bcd'`],
    ['an ArrayBuffer', new Uint8Array([1, 2]).buffer, `b'\\x01\\x02'`],
    ['no bytes', new Uint8Array(), `b''`],
    [
      'a Map',
      new Map<unknown, unknown>([
        [1, 'a'],
        ['b', null],
        [[1, 2], 3],
      ]),
      `{1: 'a', 'b': None, (1, 2): 3}`,
    ],
    ['a Set', new Set([1]), '{1}'],
    ['a Set of sets', new Set([new Set(['a'])]), `{frozenset({'a'})}`],
    ['a typed array', new Float64Array([1, NaN]), 'array([ 1., nan])'],
    ['small integers', new Int8Array([-1, 1]), 'array([-1,  1], dtype=int8)'],
    [
      'large integers',
      new BigUint64Array([2n ** 64n - 1n]),
      'array([18446744073709551615], dtype=uint64)',
    ],
    ['clamped bytes', new Uint8ClampedArray([1]), 'array([1], dtype=uint8)'],
    [
      'a part of a typed array',
      new Int16Array([1, 2, 3]).subarray(1),
      'array([2, 3], dtype=int16)',
    ],
    [
      'an array with a shape',
      new NdArray(new Uint8Array([1, 0, 0, 1]), { shape: [2, 2], dtype: 'bool' }),
      'array([[ True, False],\n       [False,  True]])',
    ],
    [
      'an array of dates',
      new NdArray(new BigInt64Array([0n]), { dtype: 'datetime64[s]' }),
      `array(['1970-01-01T00:00:00'], dtype='datetime64[s]')`,
    ],
  ])('%s can be a variable', async (_, value, expected) => {
    const tools = await makeToolset()
    const result = await tools.runPythonCode('print(repr(x))', { inputs: { x: value } })
    expect(result).toMatchObject({ success: true, stdout: `${expected}\n`, execution_count: 1 })
    expect(await tools.setVariables({ y: value })).toMatchObject({ execution_count: 2 })
    expect(await show(tools, 'repr(y)')).toBe(expected)
  })

  it('of large arrays arrive whole, and can be written to', async () => {
    const tools = await makeToolset()
    const large = Float64Array.from({ length: 100_000 }, (_, i) => i / 2)
    const bytes = new Uint8Array(100_000).fill(7)
    await tools.setVariables({ large, bytes, all: [large, bytes] })
    large.fill(0)
    expect(await show(tools, 'large.sum(), len(bytes), set(bytes), large.flags.aligned')).toBe(
      '(np.float64(2499975000.0), 100000, {7}, True)',
    )
    expect(await show(tools, 'large.__setitem__(0, 5), large[0], all[0][0]')).toBe(
      '(None, np.float64(5.0), np.float64(0.0))',
    )
  })

  it('are array.array without numpy', async () => {
    const tools = await makeToolset({ initCode: 'import sys; sys.modules["numpy"] = None' })
    await tools.setVariables({ x: new Float32Array([1.5]) })
    expect(await show(tools, 'x')).toBe(`array('f', [1.5])`)
    const table = { m: { a: [new NdArray(new Float32Array(4), { shape: [2, 2] })] } }
    await expect(tools.setVariables(table)).rejects.toThrow(
      /^variables\.m\.a\[0\] .* install numpy/,
    )
    const result = await tools.runPythonCode('print(1)', { inputs: table })
    expect(result).toMatchObject({
      success: false,
      stdout: '',
      error: {
        name: 'ValueNotExpressible',
        value: expect.stringContaining('inputs.m.a[0]') as string,
      },
    })
  })

  class Cat {
    readonly name = 'Tom'
  }
  const cycle: unknown[] = []
  cycle.push({ cycle })
  const deep = Array.from({ length: 200 }).reduce<unknown>((inner) => [inner], 1)
  it.each<[string, unknown, string]>([
    ['a function', { a: { b: [1, 2, 3, () => 1] } }, 'inputs.x.a.b[3]'],
    ['a symbol', [Symbol('s')], 'inputs.x[0]'],
    ['a symbol for a key', { [Symbol('s')]: 1 }, 'inputs.x'],
    ['an instance', { 'a b': new Cat() }, 'inputs.x["a b"]'],
    ['an instance in a Map', new Map([['k', new Cat()]]), `inputs.x.get('k')`],
    ['a promise', Promise.resolve(), 'inputs.x'],
    ['an Error', new Error('x'), 'inputs.x'],
    ['a cycle', cycle, 'inputs.x[0].cycle'],
    ['what is nested too deeply', deep, `inputs.x${'[0]'.repeat(100)}`],
    ['no date', new Date(NaN), 'inputs.x'],
    ['a date too far away', new Date(8.64e15), 'inputs.x'],
    ['an object for a key', new Map([[{}, 1]]), 'inputs.x.key({})'],
    ['a list with a list in a Set', new Set([[{}]]), 'inputs.x.key([ {} ]).key({})'],
  ])('such as %s are refused with their path', async (_, value, path) => {
    const tools = await makeToolset()
    const call = tools.runPythonCode('1', { inputs: { x: value } })
    await expect(call).rejects.toThrow(ValueNotExpressibleError)
    await expect(call).rejects.toMatchObject({ code: 'VALUE_NOT_EXPRESSIBLE', path })
    expect(await tools.runPythonCode('1')).toMatchObject({ execution_count: 1 })
  })

  it('with keys that are equal in Python are refused', async () => {
    const tools = await makeToolset()
    const map = new Map<unknown, string>([
      [1, 'a'],
      [true, 'b'],
    ])
    await expect(tools.setVariables({ ok: 1, x: [map] })).rejects.toThrow(
      /variables\.x\[0\] has keys .* equal in Python/,
    )
    expect(await show(tools, `'ok' in globals()`)).toBe('False')
  })

  it('need names that code can use', async () => {
    const tools = await makeToolset()
    await expect(tools.setVariables({ 'a b': 1 })).rejects.toThrow(InvalidOptionError)
    await expect(tools.setVariables({ class: 1 })).rejects.toThrow(/'class' cannot be the name/)
    await expect(tools.setVariables([1] as never)).rejects.toThrow(InvalidOptionError)
    await tools.setVariables({ größe: 1 })
    expect(await show(tools, 'größe')).toBe('1')
  })
})

describe('values of Python', () => {
  it.each<[string, string, unknown]>([
    ['None', 'x = None', null],
    ['numbers', 'x = [1, -2.5, True, 2**53 - 1]', [1, -2.5, true, 2 ** 53 - 1]],
    ['a large int', 'x = -2**70', -(2n ** 70n)],
    ['a very large int', 'x = 10**5000', 10n ** 5000n],
    ['floats that JSON lacks', 'x = [float("nan"), float("-inf"), -0.0]', [NaN, -Infinity, -0]],
    ['bytes', 'x = b"\\x00\\xff"', new Uint8Array([0, 255])],
    ['a strided memoryview', 'x = memoryview(b"abcd")[::2]', new Uint8Array([97, 99])],
    [
      'a zoned datetime',
      'import datetime as dt; x = dt.datetime(2024, 1, 1, 2, tzinfo=dt.timezone(dt.timedelta(hours=2)))',
      new Date('2024-01-01T00:00:00Z'),
    ],
    [
      'a naive datetime',
      'import datetime as dt; x = dt.datetime(2024, 1, 1, 2)',
      new Date('2024-01-01T02:00:00Z'),
    ],
    [
      'an old datetime',
      'import datetime as dt; x = dt.datetime(1969, 12, 31, 23, 59, 59, 999999)',
      new Date(-1),
    ],
    ['a date', 'import datetime as dt; x = dt.date(2024, 1, 1)', '2024-01-01'],
    ['a set', 'x = {1, frozenset({"a"})}', new Set<unknown>([1, new Set(['a'])])],
    [
      'a dict with text for keys',
      'x = {"b": 1, "__proto__": {}}',
      JSON.parse('{"b": 1, "__proto__": {}}'),
    ],
    ['a dict with the key of tags', 'x = {"$": "int", "value": "f"}', { $: 'int', value: 'f' }],
    [
      'a dict with other keys',
      'x = {1: "a", None: {}, (1, 2): 3}',
      new Map<unknown, unknown>([
        [1, 'a'],
        [null, {}],
        [[1, 2], 3],
      ]),
    ],
    [
      'numpy scalars',
      'import numpy as np; x = [np.float32(0.5), np.int64(2**62), np.bool_(True), np.datetime64("1970-01-02"), np.datetime64("NaT")]',
      [0.5, 2n ** 62n, true, new Date(86_400_000), null],
    ],
    [
      'a pandas Timestamp',
      'import pandas as pd; x = pd.Timestamp("2024-01-01", tz="UTC")',
      new Date('2024-01-01T00:00:00Z'),
    ],
    ['anything else', 'import decimal; x = decimal.Decimal("1.10")', '1.10'],
    ['an array of text', 'import numpy as np; x = np.array([["a", "b"]])', [['a', 'b']]],
    [
      'an array of objects',
      'import numpy as np; x = np.array([1, b"a", None], object)',
      [1, new Uint8Array([97]), null],
    ],
    [
      'a structured array',
      'import numpy as np; x = np.array([(1, 2.5)], [("a", int), ("$", float)])',
      [{ a: 1, $: 2.5 }],
    ],
    ['a masked array', 'import numpy as np; x = np.ma.array([1.5, 2], mask=[0, 1])', [1.5, null]],
  ])('%s', async (_, code, expected) => {
    const tools = await makeToolset()
    const { value } = await valueOf(tools, code)
    expect(value).toEqual(expected)
    expect((await tools.getVariables(['x'])).x).toEqual(expected)
  })

  const f8 = (...items: number[]) => new Float64Array(items)
  it.each<[string, string, NdArray]>([
    ['floats', 'np.array([1.5, np.nan])', new NdArray(f8(1.5, NaN))],
    [
      'two dimensions',
      'np.arange(4.).reshape(2, 2)',
      new NdArray(f8(0, 1, 2, 3), { shape: [2, 2] }),
    ],
    [
      'a transposed array',
      'np.arange(4.).reshape(2, 2).T',
      new NdArray(f8(0, 2, 1, 3), { shape: [2, 2] }),
    ],
    ['a strided array', 'np.arange(6, dtype="i4")[::2]', new NdArray(new Int32Array([0, 2, 4]))],
    ['big-endian numbers', 'np.array([1, 2], ">i4")', new NdArray(new Int32Array([1, 2]))],
    ['booleans', 'np.array([True, False])', new NdArray(new Uint8Array([1, 0]), { dtype: 'bool' })],
    ['large integers', 'np.array([2**63], "u8")', new NdArray(new BigUint64Array([2n ** 63n]))],
    ['half floats', 'np.array([0.5], "f2")', new NdArray(new Float32Array([0.5]))],
    ['long floats', 'np.array([0.5], np.longdouble)', new NdArray(f8(0.5))],
    ['complex numbers', 'np.array([1 + 2j])', new NdArray(f8(1, 2), { dtype: 'complex128' })],
    [
      'dates',
      'np.array(["1970-01-02", "NaT"], "M8[ms]")',
      new NdArray(new BigInt64Array([86_400_000n, -(2n ** 63n)]), { dtype: 'datetime64[ms]' }),
    ],
    [
      'times',
      'np.array([1], "m8[ns]")',
      new NdArray(new BigInt64Array([1n]), { dtype: 'timedelta64[ns]' }),
    ],
    ['no items', 'np.zeros((0, 3))', new NdArray(f8(), { shape: [0, 3] })],
    ['a matrix', 'np.matrix([[1.]])', new NdArray(f8(1), { shape: [1, 1] })],
  ])('numpy arrays: %s', async (_, expression, expected) => {
    const tools = await makeToolset()
    const { value, type } = await valueOf(tools, `import numpy as np; x = ${expression}`)
    expect(value).toEqual(expected)
    expect(type).toBe(expression.startsWith('np.matrix') ? 'numpy.matrix' : 'numpy.ndarray')
  })

  it('of large arrays are theirs alone, as they were when the run ended', async () => {
    const tools = await makeToolset()
    const code = 'import numpy as np; x = np.arange(1e6); y = x'
    const { value } = await valueOf(tools, code)
    await tools.runPythonCode('x[:] = 0')
    const { data, shape } = value as NdArray<Float64Array>
    expect(shape).toEqual([1_000_000])
    expect(data.every((item, index) => item === index)).toBe(true)
    data.fill(1)
    const { x, y } = await tools.getVariables(['x', 'y'])
    expect((x as NdArray<Float64Array>).data[5]).toBe(0)
    expect((x as NdArray).data.buffer).not.toBe((y as NdArray).data.buffer)
  })

  it('leave no thread behind that a checkpoint would lack', async () => {
    const tools = await makeToolset({ checkpoint: 'always' })
    await valueOf(tools, 'import numpy as np; x = np.zeros(1_000_000)')
    const threads = `len(__import__('threading').enumerate()), len(__import__('os').listdir('/proc/self/task'))`
    const before = await show(tools, threads)
    await tools.getVariables(['x'])
    expect(await show(tools, threads)).toBe(before)
    const crashed = await tools.runPythonCode('import os; os.abort()')
    expect(crashed).toMatchObject({ state: 'restored', restored_to: 3 })
    const { x } = await tools.getVariables(['x'])
    expect((x as NdArray).data).toHaveLength(1_000_000)
  })

  it('of which there are none, or which contain themselves, are errors', async () => {
    const tools = await makeToolset()
    const detached = { resultAs: 'js', on_timeout: 'detach' } as const
    await expect(tools.runPythonCode('1', detached)).rejects.toThrow(InvalidOptionError)
    const missing = await tools.runPythonCode('1', { result_var_name: 'x', resultAs: 'js' })
    expect(missing).toMatchObject({ success: false, result: null, error: { name: 'NameError' } })
    const cycle = await tools.runPythonCode('x = [{}]; x[0]["a"] = x', {
      result_var_name: 'x',
      resultAs: 'js',
    })
    expect(cycle.error?.value).toContain(`x[0]['a'] is x again`)
    await expect(tools.getVariables(['x'])).rejects.toThrow(ValueNotExpressibleError)
    await expect(tools.getVariables(['a', 'b'])).rejects.toThrow(UnknownVariableError)
    await expect(tools.getVariables(['a', 'x', 'b'])).rejects.toThrow(/'a', 'b' are not defined/)
  })
})

describe('tables', () => {
  const frame =
    'pd.DataFrame({"a": [1.5, None], "b": ["x", None], "t": pd.to_datetime(["2024-01-01", None])}, index=["p", "q"])'

  it('of pandas are Arrow tables, there and back', async () => {
    const tools = await makeArrowToolset()
    const { value, type } = await valueOf(tools, `import pandas as pd; x = ${frame}`)
    const table = value as unknown as Table
    expect(type).toBe('pandas.DataFrame')
    expect(table.schema.names).toEqual(['a', 'b', 't', '__index_level_0__'])
    expect(table.getChild('b')?.toArray()).toEqual(['x', null])
    await tools.setVariables({ y: table, copy: tableFromIPC(tableToIPC(table)) })
    expect(await show(tools, 'x.equals(y), x.equals(copy), type(y).__module__')).toBe(
      `(True, True, 'pandas')`,
    )
    expect(await show(tools, `y.__setitem__('a', 0.5), y.a.sum()`)).toBe('(None, np.float64(1.0))')
  })

  it('of polars are Arrow tables, and a Series is a vector', async () => {
    const tools = await makeArrowToolset()
    const code =
      'import polars as pl; x = pl.DataFrame({"a": [1, 2], "b": ["x", None]}); s = x["a"]'
    const table = (await valueOf(tools, code)).value as unknown as Table
    expect(table.toArray().map(String)).toEqual(['{"a": 1, "b": "x"}', '{"a": 2, "b": null}'])
    const { s } = await tools.getVariables(['s'])
    expect((s as ArrowVector).toArray()).toEqual(new BigInt64Array([1n, 2n]))
  })

  it('of JavaScript are pandas DataFrames and Series', async () => {
    const tools = await makeArrowToolset()
    const df = tableFromArrays({ a: new Float64Array([1, 2]), b: ['x', 'y'] })
    await tools.setVariables({ df, s: vectorFromArray([1.5, 2.5]) })
    expect(await show(tools, 'df.to_dict("list"), type(s).__name__, list(s)')).toBe(
      `({'a': [1.0, 2.0], 'b': ['x', 'y']}, 'Series', [1.5, 2.5])`,
    )
  })

  it('of JavaScript are polars DataFrames where only that is there', async () => {
    const initCode = 'import sys; sys.modules["pandas"] = sys.modules["pyarrow"] = None'
    const tools = await makeArrowToolset({ initCode })
    await tools.setVariables({ df: tableFromArrays({ a: new Int32Array([1, 2]) }) })
    expect(await show(tools, 'type(df).__module__.split(".")[0], df["a"].to_list()')).toBe(
      `('polars', [1, 2])`,
    )
  })

  it('of JavaScript need pyarrow or polars', async () => {
    const tools = await makeToolset()
    const df = tableFromArrays({ a: new Int32Array([1, 2]) })
    await expect(tools.setVariables({ x: { df } })).rejects.toThrow(
      /^variables\.x\.df is an Arrow table, .* install pyarrow/,
    )
  })

  it('of pandas are their columns without pyarrow', async () => {
    const tools = await makeToolset()
    const { value } = await valueOf(tools, `import pandas as pd; x = ${frame}; s = x.a`)
    expect(value).toEqual({
      columns: ['a', 'b', 't'],
      index: ['p', 'q'],
      data: [
        new NdArray(new Float64Array([1.5, NaN])),
        ['x', null],
        new NdArray(new BigInt64Array([1_704_067_200_000_000n, -(2n ** 63n)]), {
          dtype: 'datetime64[us]',
        }),
      ],
    })
    const { s } = await tools.getVariables(['s'])
    expect(s).toEqual({
      name: 'a',
      index: ['p', 'q'],
      data: new NdArray(new Float64Array([1.5, NaN])),
    })
  })

  it('that Arrow cannot hold are an error that says why', async () => {
    const tools = await makeArrowToolset()
    const result = await tools.runPythonCode(
      'import pandas as pd; x = pd.DataFrame({"mixed": [1, "a"]})',
      { result_var_name: 'x', resultAs: 'js' },
    )
    expect(result).toMatchObject({
      success: false,
      state: 'kept',
      error: { name: 'ValueNotExpressible' },
    })
    expect(result.error?.value).toMatch(/x is a pandas\.DataFrame that Arrow cannot hold .*mixed/)
  })
})

describe('variables of a session', () => {
  it('are set in the order of the calls, without a run in between', async () => {
    const tools = await makeToolset()
    const [, set, run, values] = await Promise.all([
      tools.runPythonCode('x = 1'),
      tools.setVariables({ x: 2, table: tableFromArrays({ a: [1] }) }).catch(() => null),
      tools.runPythonCode('print(x, y)', { inputs: { y: new Float64Array([3]) } }),
      tools.getVariables(['x', 'y']),
    ])
    expect(set).toBeNull()
    expect(run).toMatchObject({ stdout: '1 [3.]\n', execution_count: 3 })
    expect(values).toEqual({ x: 1, y: new NdArray(new Float64Array([3])) })
  })

  it('belong to the client or interpreter that is named', async () => {
    const tools = await makeToolset()
    const set = await tools.setVariables({ x: 1 }, { client_id: 'a' })
    await expect(tools.getVariables(['x'])).rejects.toThrow(UnknownVariableError)
    const there = { interpreter_id: set.interpreter_id }
    expect(await tools.getVariables(['x'], there)).toEqual({ x: 1 })
    expect(await tools.variables({ client_id: 'a' })).toMatchObject([{ name: 'x' }])
    await expect(
      tools.variables({ interpreter_id: set.interpreter_id, client_id: 'b' }),
    ).rejects.toMatchObject({ code: 'UNKNOWN_INTERPRETER' })
  })

  it('that are set come back after a crash, or are said to be gone', async () => {
    const tools = await makeToolset({ checkpoint: 'always' })
    await tools.runPythonCode('a = 1')
    expect(await tools.setVariables({ b: 2 })).toMatchObject({ execution_count: 2 })
    const crashed = await tools.runPythonCode('import os; os.abort()')
    expect(crashed).toMatchObject({ state: 'restored', restored_to: 2 })
    expect(await tools.getVariables(['a', 'b'])).toEqual({ a: 1, b: 2 })

    await tools.setVariables({ b: 3 })
    await tools.rollback()
    expect(await tools.getVariables(['b'])).toEqual({ b: 2 })
  })

  it('are read without a trace: count, last value and checkpoints stay', async () => {
    const tools = await makeToolset({ checkpoint: 'always', checkpoints: 5 })
    await tools.runPythonCode('x = 1')
    await tools.runPythonCode('x = 2\n"last"')
    await tools.getVariables(['x'])
    await tools.variables()
    const listed = async () => {
      const answer = await tools.manageInterpreters({ operation: 'list' })
      return (answer.success && answer.interpreters?.[0]) || null
    }
    // Who makes them tells of it, while the next call is answered.
    await eventually('all are known', async () => (await listed())?.checkpoints.length === 3)
    expect(await listed()).toMatchObject({
      execution_count: 2,
      checkpoints: [{ execution_count: 0 }, { execution_count: 1 }, { execution_count: 2 }],
    })
    expect(await show(tools, '_')).toBe('last')
    await tools.rollback()
    await tools.getVariables(['x'])
    await tools.rollback()
    expect(await tools.getVariables(['x'])).toEqual({ x: 1 })
  })

  it('of a process that has died are those that were restored, which the next result tells', async () => {
    const tools = await makeToolset({ checkpoint: 'always' })
    await tools.runPythonCode('x = 1')
    const { stdout } = await tools.runPythonCode('import os; print(os.getpid())')
    process.kill(Number(stdout), 'SIGKILL')
    expect(await tools.getVariables(['x'])).toEqual({ x: 1 })
    const next = await tools.runPythonCode('print(x)')
    expect(next).toMatchObject({ stdout: '1\n', state: 'restored', interpreter_restarted: true })
    expect(next.restart_reason).toContain('SIGKILL')
  })

  const SLOW = 'class Slow:\n    def __repr__(self):\n        while True: pass\nx = Slow()'

  it('that take too long to read are given up, and the session goes on', async () => {
    const tools = await makeToolset({ timeoutMs: 300 })
    await tools.runPythonCode(SLOW)
    await expect(tools.getVariables(['x'])).rejects.toThrow(VariablesError)
    expect(await tools.runPythonCode('print(type(x))')).toMatchObject({ state: 'kept' })
  })

  it('that kill the process when they are read are an error, which the next result explains', async () => {
    const tools = await makeToolset({ checkpoint: 'off' })
    await tools.runPythonCode('import os\nclass X:\n    def __repr__(self): os.abort()\nx = X()')
    const call = tools.getVariables(['x'])
    await expect(call).rejects.toThrow(
      /could not be read: the Python process was killed by SIGABRT/,
    )
    await expect(call).rejects.toMatchObject({ code: 'VARIABLES' })
    expect(await tools.runPythonCode('1')).toMatchObject({ state: 'lost', execution_count: 2 })
  })

  it('wait for a run, unless they are aborted', async () => {
    const tools = await makeToolset()
    const folder = await temporaryFolder()
    const [started, go] = [join(folder, 'started'), join(folder, 'go')]
    const run = tools.runPythonCode(`${tell(started)}\n${waitFor(go)}\nx = 1`)
    await eventually('the code runs', () => existsSync(started))
    const { signal, ...controller } = abortable()
    const aborted = tools.variables({ signal })
    const manage = tools.tools()[1]
    const asked = manage?.execute({ operation: 'variables' }, { signal })
    const waits = tools.variables()
    controller.abort()
    await expect(aborted).rejects.toMatchObject({ code: 'ABORTED' })
    await expect(asked).rejects.toMatchObject({ code: 'ABORTED' })
    await tools.runPythonCode(tell(go), { client_id: 'other' })
    await run
    expect(await waits).toMatchObject([{ name: 'x' }])
  })

  it('are listed with what is cheap to know, and no code of theirs runs', async () => {
    const tools = await makeArrowToolset()
    const code = [
      'import numpy as np, pandas as pd, polars as pl, sys, datetime as dt',
      '_hidden = 1',
      'text = "a\\n" * 1000; n = 10**300; f = 1.5; none = None',
      'nested = [1, {"a": (2,)}, {3}, [[[[4]]]]] + [0] * 100',
      'array = np.arange(12.).reshape(3, 4).T',
      'scalar = np.float32(1.5)',
      'df = pd.DataFrame({"a": [1, 2], "b": ["x", None], 3: [pd.Timestamp("2024-01-01")] * 2})',
      's = df["a"]',
      'pf = pl.DataFrame({"a": [1], "b": ["x"]})',
      'def function(): pass',
      'class Loud(dict):',
      '    def boom(self, *_): raise SystemExit("ran")',
      '    __repr__ = __len__ = __iter__ = __getitem__ = __sizeof__ = boom',
      '    __class__ = property(boom)',
      'class Zone(dt.tzinfo): __repr__ = utcoffset = Loud.boom',
      'objects = np.empty(2, object); loud = objects[0] = Loud(); inside = [loud, objects]',
      'zoned = dt.datetime(2024, 1, 1, tzinfo=Zone())',
    ].join('\n')
    expect(await tools.runPythonCode(code)).toMatchObject({ success: true })
    const variables = await tools.variables()
    const preview = Object.fromEntries(variables.map((one) => [one.name, one.preview]))
    const find = (name: string) => variables.find((one) => one.name === name)
    expect(Object.keys(preview).join(' ')).toBe(
      'text n f none nested array scalar df s pf function Loud Zone objects loud inside zoned',
    )
    expect(variables.every((one) => (one.preview ?? '').length <= 100)).toBe(true)
    expect(preview).toMatchObject({
      n: '<int of 997 bits>',
      f: '1.5',
      none: 'None',
      nested: "[1, {'a': (2,)}, {3}, [[[…]]], 0, 0, …]",
      scalar: '1.5',
      function: undefined,
      loud: undefined,
      inside: '[<Loud>, <numpy.ndarray>]',
      objects: '[<Loud>, None]',
      zoned: '<datetime.datetime>',
    })
    expect(find('text')).toMatchObject({ type: 'str', length: 2000 })
    expect(preview['text']).toMatch(/^'a\\na\\n.*…$/)
    expect(find('array')).toEqual({
      name: 'array',
      type: 'numpy.ndarray',
      size_bytes: 96,
      shape: [4, 3],
      dtype: 'float64',
      preview: '[0.0, 4.0, 8.0, 1.0, 5.0, 9.0, …]',
    })
    expect(find('df')).toMatchObject({
      type: 'pandas.DataFrame',
      shape: [2, 3],
      columns: [{ name: 'a', dtype: 'int64' }, { name: 'b', dtype: 'str' }, { name: '3' }],
      preview: `{'a': 1, 'b': 'x', 3: 2024-01-01 00:00:00}`,
    })
    expect(find('s')).toMatchObject({
      length: 2,
      dtype: 'int64',
      size_bytes: expect.any(Number) as number,
      preview: '[1, 2]',
    })
    expect(find('pf')).toMatchObject({ shape: [1, 2], preview: `{'a': 1, 'b': 'x'}` })
    expect(find('function')).toEqual({ name: 'function', type: 'function' })
  })

  it('are listed for a model', async () => {
    const tools = await makeToolset()
    const manage = tools.tools()[1]
    const context = { client_id: 'a' }
    expect(await manage?.execute({ operation: 'variables' }, context)).toMatchObject({
      success: false,
    })
    await tools.setVariables({ rows: [1, 2] }, context)
    const answer = await manage?.execute({ operation: 'variables' }, context)
    expect(answer).toEqual({
      success: true,
      interpreter_id: expect.any(String) as string,
      variables: [{ name: 'rows', type: 'list', length: 2, preview: '[1, 2]' }],
    })
    expect(manage?.toModelText(answer as never)).toContain('"preview":"[1, 2]"')
  })

  it('can be read where no descriptors are left for ZeroMQ', async () => {
    const tools = await makeToolset({ checkpoint: 'off' })
    const none =
      'import resource, numpy; x = numpy.ones(1_000_000); resource.setrlimit(resource.RLIMIT_NOFILE, (5, 5))'
    await tools.setVariables({ x: 1 })
    await tools.getVariables(['x']) // loads what is needed
    await tools.runPythonCode(none)
    const { x } = await tools.getVariables(['x'])
    expect((x as NdArray<Float64Array>).data[999_999]).toBe(1)
    expect(await tools.runPythonCode('1')).toMatchObject({ state: 'kept', execution_count: 3 })
  })

  it('can be asked for in spawned and forked processes alike', async () => {
    const engine = new LocalEngine({ start: 'fork' })
    try {
      const tools = await makeToolset({ engine })
      await tools.setVariables({ x: new Float64Array(1_000_000) })
      const { x } = await tools.getVariables(['x'])
      expect((x as NdArray).data).toHaveLength(1_000_000)
    } finally {
      await engine.close()
    }
  })
})

function abortable() {
  const controller = new AbortController()
  return { signal: controller.signal, abort: () => controller.abort() }
}
