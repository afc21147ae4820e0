import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { makeToolset } from './helpers/toolset.js'

describe('the namespace of runs', () => {
  it('is the real __main__', async () => {
    const tools = await makeToolset()
    const { stdout } = await tools.runPythonCode(
      'import __main__\nx = 1\n__name__\n__main__.x\n"__file__" in globals()\nimport sys\nsys.argv',
    )
    expect(stdout).toBe("'__main__'\n1\nFalse\n['']\n")
  })

  it('imports modules of the workdir, whatever they are called', async () => {
    const tools = await makeToolset()
    await writeFile(join(tools.workdir, 'worker.py'), 'answer = 42')
    const { stdout } = await tools.runPythonCode('import worker\nworker.answer')
    expect(stdout).toBe('42\n')
  })

  it('pickles classes and functions of runs', async () => {
    const tools = await makeToolset()
    await tools.runPythonCode(
      'class P:\n    def __init__(self, n): self.n = n\ndef f(): return P(3)',
    )
    const { stdout } = await tools.runPythonCode(
      'import pickle\npickle.loads(pickle.dumps(P(7))).n\npickle.loads(pickle.dumps(f))().n',
    )
    expect(stdout).toBe('7\n3\n')
  })

  it('serves multiprocessing with fork, the default on Linux', async () => {
    const tools = await makeToolset()
    const { stdout, error } = await tools.runPythonCode(
      'import multiprocessing\ndef square(x): return x * x\nwith multiprocessing.Pool(2) as pool:\n    print(pool.map(square, range(4)))\nmultiprocessing.get_start_method()',
    )
    expect(error).toBeUndefined()
    expect(stdout).toBe("[0, 1, 4, 9]\n'fork'\n")
  })

  it.each([
    ['a pool', 'with context.Pool(1) as pool:\n    pool.map(square, [1])'],
    ['a process', 'context.Process(target=square, args=(1,)).start()'],
    [
      'an executor',
      'import concurrent.futures\nwith concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as e:\n    e.submit(square, 1).result()',
    ],
  ])('says to write a module when spawn is used with %s', async (_, code) => {
    const tools = await makeToolset()
    const { error } = await tools.runPythonCode(
      `import multiprocessing\ncontext = multiprocessing.get_context("spawn")\ndef square(x): return x * x\n${code}`,
      { timeout_ms: 20_000 },
    )
    expect(error).toMatchObject({ name: 'PicklingError' })
    expect(error?.value).toContain('Write it to a module')
  })

  it('runs functions of modules in spawned processes', async () => {
    const tools = await makeToolset()
    await writeFile(join(tools.workdir, 'mymath.py'), 'def square(x): return x * x')
    const { stdout, error } = await tools.runPythonCode(
      'import multiprocessing, mymath\nwith multiprocessing.get_context("spawn").Pool(1) as pool:\n    print(pool.map(mymath.square, [3]))',
    )
    expect(error).toBeUndefined()
    expect(stdout).toBe('[9]\n')
  })

  it('lets inspect find the source of functions and classes', async () => {
    const tools = await makeToolset()
    await tools.runPythonCode('def f(x):\n    return x + 1')
    await tools.runPythonCode('class A:\n    def m(self): pass\n\nclass Empty:\n    x = 1')
    const { stdout, error } = await tools.runPythonCode(
      'import inspect\nprint(inspect.getsource(f))\nprint(inspect.getsource(A))\nprint(inspect.getsource(Empty))',
    )
    expect(error).toBeUndefined()
    expect(stdout).toBe(
      'def f(x):\n    return x + 1\n\nclass A:\n    def m(self): pass\n\nclass Empty:\n    x = 1\n\n',
    )
  })

  it('shows a warning again in a later run', async () => {
    const tools = await makeToolset()
    const code = 'import warnings\nwarnings.warn("careful")'
    expect((await tools.runPythonCode(code)).stderr).toContain('UserWarning: careful')
    expect((await tools.runPythonCode(code)).stderr).toContain('<run 2>:2: UserWarning: careful')
  })

  it('shows the warning of a module again in a later run', async () => {
    const tools = await makeToolset()
    await writeFile(
      join(tools.workdir, 'careful.py'),
      'import warnings\ndef f(): warnings.warn("careful")',
    )
    await tools.runPythonCode('import careful\ncareful.f()')
    expect((await tools.runPythonCode('careful.f()')).stderr).toContain('UserWarning: careful')
  })

  it('keeps a logging handler working in the next run', async () => {
    const tools = await makeToolset()
    await tools.runPythonCode(
      'import logging\nlogging.basicConfig(level="INFO", format="%(message)s")',
    )
    expect((await tools.runPythonCode('logging.info("hello")')).stderr).toBe('hello\n')
  })

  it('runs init_code in every new process, and shows what it printed as late output of run 0', async () => {
    const tools = await makeToolset({ initCode: 'import math\nprint("ready")' })
    const result = await tools.runPythonCode('math.pi')
    expect(result.stdout).toBe('3.141592653589793\n')
    expect(result.late_outputs).toEqual([{ execution_count: 0, stdout: 'ready\n', stderr: '' }])
  })

  it('rejects with the traceback when init_code fails', async () => {
    const tools = await makeToolset({ initCode: 'x = 1\n1 / 0' })
    await expect(tools.runPythonCode('1')).rejects.toMatchObject({
      name: 'InitCodeError',
      code: 'INIT_CODE',
      message: expect.stringContaining('File "<init_code>", line 2') as string,
    })
  })
})
