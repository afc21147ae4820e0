import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { InvalidOptionError, LocalEngine } from '../src/index.js'
import { makeToolset } from './helpers/toolset.js'

const DENIED =
  'The module socket is not allowed here. All modules can be imported but socket and ftplib.'

describe('denied modules', () => {
  it.each([
    'import socket',
    'import json, socket',
    'import socket as s',
    'from socket import socket',
    'def f():\n    import socket\nf()',
    'import ftplib',
    'exec("import socket")',
    'async def f():\n    import socket\nawait f()',
    '%time import socket',
  ])('are refused with a sentence that says what may be: %s', async (code) => {
    const tools = await makeToolset({ modules: { deny: ['socket', 'ftplib'] } })
    const { error } = await tools.runPythonCode(code)
    const module = code.includes('ftplib') ? 'ftplib' : 'socket'
    expect(error).toMatchObject({ name: 'ImportError', value: DENIED.replace('socket', module) })
    expect(error?.traceback).not.toContain('import_rules')
  })

  it('can be imported by other modules, the initCode and the worker', async () => {
    const tools = await makeToolset({
      modules: { deny: ['socket', 'os', 'json'] },
      initCode: 'import os as system',
    })
    await writeFile(join(tools.workdir, 'helper.py'), 'import socket, json\nname = socket.__name__')
    const result = await tools.runPythonCode(
      'import helper, http.client\nvalue = [helper.name, system.sep]',
      { result_var_name: 'value' },
    )
    expect(result).toMatchObject({ success: true, result: ['socket', '/'] })
    const { error } = await tools.runPythonCode('import os')
    expect(error?.value).toBe(
      'The module os is not allowed here. All modules can be imported but socket, os and json.',
    )
  })

  it('are refused where a template or an earlier run has imported them', async () => {
    const engine = new LocalEngine({ start: 'fork', preload: ['numpy'] })
    const tools = await makeToolset({ engine, modules: { deny: ['numpy'] }, checkpoint: 'always' })
    try {
      expect((await tools.runPythonCode('import numpy')).error?.name).toBe('ImportError')
      const imported = await tools.runPythonCode('import pandas, sys; "numpy" in sys.modules')
      expect(imported.stdout).toBe('True\n')
      const crashed = await tools.runPythonCode('import ctypes; ctypes.string_at(0)')
      expect(crashed.state).toBe('restored')
      expect((await tools.runPythonCode('import numpy')).error?.name).toBe('ImportError')
    } finally {
      await tools.close()
      await engine.close()
    }
  })
})

describe('allowed modules', () => {
  it('are those that are named and the standard library, unless it is denied', async () => {
    const tools = await makeToolset({ modules: { allow: ['numpy'], deny: ['socket'] } })
    const allowed = 'import numpy.linalg, json, os.path, __main__, __future__, zoneinfo'
    expect(await tools.runPythonCode(allowed)).toMatchObject({ success: true })
    for (const module of ['pandas', 'socket', 'not_there']) {
      const { error } = await tools.runPythonCode(`import ${module}`)
      expect(error).toMatchObject({
        name: 'ImportError',
        value:
          `The module ${module} is not allowed here. Only the standard library and numpy can be ` +
          'imported, but not socket.',
      })
    }
  })

  it('may be the standard library alone', async () => {
    const tools = await makeToolset({ modules: { allow: [] } })
    const { error } = await tools.runPythonCode('import numpy')
    expect(error?.value).toMatch(/Only the standard library can be imported\.$/)
  })
})

describe('the option modules', () => {
  it('is told to the model', async () => {
    const tools = await makeToolset({ modules: { deny: ['socket'] } })
    const [run] = tools.tools()
    expect(run?.description).toMatch(/\n- All modules can be imported but socket\.$/)
    const free = await makeToolset({ modules: {} })
    expect(free.tools()[0]?.description).not.toContain('can be imported')
  })

  it('refuses what is no top-level module', async () => {
    for (const deny of [['os.path'], [''], ['a b']]) {
      await expect(makeToolset({ modules: { deny } })).rejects.toThrow(InvalidOptionError)
    }
  })

  it('changes nothing where it is not given', async () => {
    const tools = await makeToolset()
    const { stdout } = await tools.runPythonCode('import builtins\nbuiltins.__import__')
    expect(stdout).toBe('<built-in function __import__>\n')
  })
})
