import { describe, expect, it } from 'vitest'
import { makeToolset } from './helpers/toolset.js'

describe('top-level await', () => {
  it('works, and one loop is kept for the session', async () => {
    const tools = await makeToolset()
    const first = await tools.runPythonCode('import asyncio\nawait asyncio.sleep(0, "slept")')
    expect(first).toMatchObject({ success: true, stdout: "'slept'\n" })
    await tools.runPythonCode(
      'async def which(): return asyncio.get_running_loop()\na = await which()',
    )
    const { stdout } = await tools.runPythonCode('b = await which()\na is b')
    expect(stdout).toBe('True\n')
  })

  it('leaves asyncio.run() usable, also in a run that awaits', async () => {
    const tools = await makeToolset()
    const { stdout, error } = await tools.runPythonCode(
      [
        'import asyncio',
        'async def f(): return 1',
        'x = await f()',
        'y = asyncio.run(f())',
        'z = await f()',
        '(x, y, z)',
      ].join('\n'),
    )
    expect(error).toBeUndefined()
    expect(stdout).toBe('(1, 1, 1)\n')
  })

  it('accepts async for, async with and asynchronous comprehensions', async () => {
    const tools = await makeToolset()
    const { stdout } = await tools.runPythonCode(
      [
        'async def numbers():',
        '    for i in range(3): yield i',
        'async for n in numbers(): print(n)',
        '[n async for n in numbers()]',
      ].join('\n'),
    )
    expect(stdout).toBe('0\n1\n2\n[0, 1, 2]\n')
  })

  it('lets statements that do not await start tasks, in the same run or an earlier one', async () => {
    const tools = await makeToolset()
    const first = await tools.runPythonCode(
      [
        'import asyncio',
        'async def twice(x): return 2 * x',
        'a = asyncio.create_task(twice(1))',
        'b = asyncio.ensure_future(twice(2))',
        'c = asyncio.gather(twice(3), twice(4))',
        'await a, await b, await c',
      ].join('\n'),
    )
    expect(first.stdout).toBe('(2, 4, [6, 8])\n')
    await tools.runPythonCode('asyncio.run(twice(0));\nd = asyncio.create_task(twice(5))')
    expect((await tools.runPythonCode('await d')).stdout).toBe('10\n')
  })

  it.each([
    ['x = await A().run()\nx'],
    ['async with A() as a: x = await a.run()\nx'],
    ['x = await asyncio.to_thread(A().run_now)\nx'],
    ['(asyncio.run(A().run()), x := await A().run())[1]'],
  ])('runs %j whatever its methods are called', async (code) => {
    const tools = await makeToolset()
    await tools.runPythonCode(
      'import asyncio\nclass A:\n    async def __aenter__(self): return self\n    async def __aexit__(self, *_): pass\n    async def run(self): return 7\n    def run_now(self): return 7',
    )
    const { stdout, error } = await tools.runPythonCode(code)
    if (code.includes('asyncio.run(')) expect(error?.name).toBe('RuntimeError')
    else expect(stdout).toBe('7\n')
  })

  it('keeps the context variables that an awaiting run has set', async () => {
    const tools = await makeToolset()
    await tools.runPythonCode(
      'import asyncio, decimal\ndecimal.getcontext().prec = 5\nawait asyncio.sleep(0)',
    )
    expect((await tools.runPythonCode('decimal.getcontext().prec')).stdout).toBe('5\n')
    await tools.runPythonCode('decimal.getcontext().prec = 7\nawait asyncio.sleep(0)\n1/0')
    expect((await tools.runPythonCode('decimal.getcontext().prec')).stdout).toBe('7\n')
  })

  it('leaves the loop free for asyncio.get_event_loop().run_until_complete()', async () => {
    const tools = await makeToolset()
    const { stdout } = await tools.runPythonCode(
      'import asyncio\nasyncio.get_event_loop().run_until_complete(asyncio.sleep(0, 7))',
    )
    expect(stdout).toBe('7\n')
  })

  it('does not run tasks between runs; a later await lets them go on', async () => {
    const tools = await makeToolset()
    await tools.runPythonCode(
      'import asyncio\nseen = []\nasync def work():\n    for i in range(3):\n        seen.append(i)\n        await asyncio.sleep(0)\nasync def start():\n    global task\n    task = asyncio.create_task(work())\nawait start()',
    )
    const { result } = await tools.runPythonCode('await task', { result_var_name: 'seen' })
    expect(result).toEqual([0, 1, 2])
  })

  it('attributes what a task prints to the run that started it', async () => {
    const tools = await makeToolset()
    await tools.runPythonCode(
      'import asyncio\nasync def work():\n    await asyncio.sleep(0.01)\n    print("from the task")\nasync def start():\n    return asyncio.create_task(work())\ntask = await start()',
    )
    const result = await tools.runPythonCode('await task\nprint("from the run")')
    expect(result.stdout).toBe('from the run\n')
    expect(result.late_outputs).toEqual([
      { execution_count: 1, stdout: 'from the task\n', stderr: '' },
    ])
  })
})
