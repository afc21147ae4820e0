import { describe, expect, it } from 'vitest'
import { makeToolset } from './helpers/toolset.js'

describe('echo', () => {
  it('shows the value of every top-level expression, in its place among what is printed', async () => {
    const tools = await makeToolset()
    const { stdout } = await tools.runPythonCode(
      ['1 + 1', 'print("between")', '"text"', 'None', 'x = 5', '[x, _]'].join('\n'),
    )
    expect(stdout).toBe("2\nbetween\n'text'\n[5, 'text']\n")
  })

  it('does not show expressions inside of compound statements', async () => {
    const tools = await makeToolset()
    const { stdout } = await tools.runPythonCode('for i in range(3):\n    i\nif True:\n    "no"')
    expect(stdout).toBe('')
  })

  it('shows only the last expression, or none, when asked to', async () => {
    const tools = await makeToolset({ echo: 'last' })
    expect((await tools.runPythonCode('1\n2\n3')).stdout).toBe('3\n')
    expect((await tools.runPythonCode('1\nx = 2')).stdout).toBe('')
    expect((await tools.runPythonCode('1\n2', { echo: 'none' })).stdout).toBe('')
    expect((await tools.runPythonCode('1\n2', { echo: 'all' })).stdout).toBe('1\n2\n')
  })

  it.each([
    ['1;', ''],
    ['1 ;  # said', ''],
    ['1; 2', '1\n2\n'],
    ['1; 2;', '1\n'],
    ['";"', "';'\n"],
    ['"é";', ''],
    ['(1 +\n 1);', ''],
    ['1;\n2', '2\n'],
    ['"""a;\nb"""', "'a;\\nb'\n"],
  ])('a semicolon at the end of its line silences an expression: %j', async (code, stdout) => {
    const tools = await makeToolset({ initCode: null })
    expect(await tools.runPythonCode(code)).toMatchObject({ success: true, stdout })
  })

  it('keeps the last value in _ across runs, and goes through sys.displayhook', async () => {
    const tools = await makeToolset()
    await tools.runPythonCode('40')
    expect((await tools.runPythonCode('_ + 2')).stdout).toBe('42\n')
    await tools.runPythonCode('import sys\nsys.displayhook = lambda value: print("shown:", value)')
    expect((await tools.runPythonCode('7')).stdout).toBe('shown: 7\n')
  })

  it('remembers from __future__ imports for later runs, as the prompt does', async () => {
    const tools = await makeToolset()
    await tools.runPythonCode('from __future__ import annotations')
    const { stdout } = await tools.runPythonCode('def f(x: Undefined): pass\nf.__annotations__')
    expect(stdout).toBe("{'x': 'Undefined'}\n")
  })

  it('runs nothing of a cell that does not compile as a whole', async () => {
    const tools = await makeToolset()
    const result = await tools.runPythonCode('print("ran")\nreturn 5')
    expect(result.stdout).toBe('')
    expect(result.error).toMatchObject({
      name: 'SyntaxError',
      value: "'return' outside function (<run 1>, line 2)",
    })
  })
})

describe('tracebacks', () => {
  it("show the user's source lines and none of the worker's frames", async () => {
    const tools = await makeToolset()
    await tools.runPythonCode('def inner(x):\n    return 1 / x')
    const { error } = await tools.runPythonCode('def outer():\n    return inner(0)\nouter()')
    expect(error?.traceback.replace(/^ +[~^]+\n/gm, '')).toBe(
      [
        'Traceback (most recent call last):',
        '  File "<run 2>", line 3, in <module>',
        '    outer()',
        '  File "<run 2>", line 2, in outer',
        '    return inner(0)',
        '  File "<run 1>", line 2, in inner',
        '    return 1 / x',
        'ZeroDivisionError: division by zero',
      ].join('\n'),
    )
  })

  it('of an await begin with the line that awaits', async () => {
    const tools = await makeToolset()
    const { error } = await tools.runPythonCode(
      'async def f():\n    raise ValueError("no")\nawait f()',
    )
    expect(error?.traceback).toMatch(/^Traceback[^\n]*\n {2}File "<run 1>", line 3, in <module>/)
    expect(error?.traceback).not.toContain('asyncio')
  })

  it('include causes, notes and groups', async () => {
    const tools = await makeToolset()
    const { error } = await tools.runPythonCode(
      'try:\n    {}["key"]\nexcept KeyError as e:\n    raise ValueError("bad") from e',
    )
    expect(error?.traceback).toContain("KeyError: 'key'")
    expect(error?.traceback).toContain('direct cause')
    expect(error?.traceback).not.toContain('_python_interpreter_toolset')
  })

  it('of a SyntaxError point at the place, without a stack', async () => {
    const tools = await makeToolset()
    const { error } = await tools.runPythonCode('x = = 1')
    expect(error?.traceback).toMatch(/^ {2}File "<run 1>", line 1\n {4}x = = 1\n/)
  })

  it('are cut in their middle when an error repeats for ever in a pattern', async () => {
    const tools = await makeToolset()
    const { error } = await tools.runPythonCode('def a(): b()\ndef b(): a()\na()')
    expect(error?.name).toBe('RecursionError')
    expect(error?.traceback).toContain('lines left out')
    expect(error?.traceback.split('\n').length).toBeLessThan(250)
  })
})
