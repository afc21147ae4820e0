import { tool as aiTool } from 'ai'
import { tool as langChainTool } from '@langchain/core/tools'
import { createTool } from '@mastra/core/tools'
import { tool as agentsTool } from '@openai/agents'
import { betaZodTool } from '@anthropic-ai/sdk/helpers/beta/zod'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { hostTool, InvalidOptionError, type HostToolContext } from '../src/index.js'
import { eventually } from './helpers/processes.js'
import { makeToolset } from './helpers/toolset.js'

const input = z.object({
  query: z.string().describe('What to look for'),
  limit: z.int().default(3),
})

/** A tool that answers its input. */
const search = hostTool({
  description: 'Searches the archive.',
  inputSchema: input,
  execute: ({ query, limit }) => ({ query, limit }),
})

/** A tool whose calls wait until they are aborted or answered. */
function patientTool() {
  const contexts: HostToolContext[] = []
  const answers: ((value: unknown) => void)[] = []
  const tool = hostTool({
    description: 'Waits.',
    inputSchema: z.looseObject({}),
    execute: (_, context) => {
      contexts.push(context)
      return new Promise((resolve) => answers.push(resolve))
    },
  })
  return { tool, contexts, answers }
}

describe('a tool of the host', () => {
  it('is a typed Python function with a docstring, which the model is told of', async () => {
    const rows = hostTool({
      description: 'Reads rows.\n\nOf a "table" \\ view.',
      inputSchema: z.object({
        table: z.enum(['users', 'orders']),
        where: z.record(z.string(), z.union([z.string(), z.int()])).optional(),
        columns: z.array(z.string()).nullable().default(null),
        class: z.boolean().default(false),
        'max-rows': z.number().default(1.5),
      }),
      outputSchema: z.array(z.object({ id: z.int() })),
      execute: (given) => [given],
    })
    const tools = await makeToolset({ hostTools: { rows } })
    const signature =
      "rows(table: Literal['users', 'orders'], where: Optional[dict[str, Union[str, int]]] = None, " +
      'columns: Optional[list[str]] = None, class_: bool = False, max_rows: float = 1.5) -> ' +
      'list[dict[str, Any]]'
    const code = 'import inspect\nprint(f"rows{inspect.signature(rows)}".replace("typing.", ""))'
    expect((await tools.runPythonCode(code)).stdout.trim()).toBe(signature)
    const doc = await tools.runPythonCode('print(inspect.getdoc(rows))\nrows.aio.__qualname__')
    expect(doc.stdout).toBe('Reads rows.\n\nOf a "table" \\ view.\n\'rows.aio\'\n')
    const [run] = tools.tools()
    expect(run?.description).toContain('def rows(table: Literal["users", "orders"], ')
    expect(run?.description).toContain('rows.\n    \n    Of a \\"table\\"')
    const call = 'rows("users", class_=True, max_rows=2, where=None)[0]'
    expect((await tools.runPythonCode(call)).stdout).toBe(
      "{'table': 'users', 'columns': None, 'class': True, 'max-rows': 2}\n",
    )
  })

  it('is called plainly, awaited, from threads and many at once', async () => {
    const tools = await makeToolset({ hostTools: { search } })
    const code = [
      'import asyncio',
      'from concurrent.futures import ThreadPoolExecutor',
      'one = search("a", limit=1)',
      'many = await asyncio.gather(*[search.aio(str(i)) for i in range(200)])',
      'with ThreadPoolExecutor(16) as pool:',
      '    threaded = list(pool.map(search, map(str, range(200))))',
      'async def both():',
      '    waiting = asyncio.ensure_future(search.aio("later"))',
      '    await asyncio.sleep(0)',
      '    return search("now")["query"], (await waiting)["query"]',
      'here = await both()',
      'there = asyncio.run(both())',
      'one, many == threaded, many[199]["query"], here, there',
    ]
    expect((await tools.runPythonCode(code.join('\n'))).stdout).toBe(
      "({'query': 'a', 'limit': 1}, True, '199', ('now', 'later'), ('now', 'later'))\n",
    )
  })

  it('gets JSON, and answers what inputs can be', async () => {
    const seen: unknown[] = []
    const echo = hostTool({
      description: 'Echoes.',
      inputSchema: z.object({ value: z.unknown() }),
      execute: ({ value }) => {
        seen.push(value)
        return {
          numbers: new Float64Array([1, 2]),
          large: new Float64Array(100_000).fill(1),
          bytes: new Uint8Array([7]),
          when: new Date(0),
          nothing: undefined,
        }
      },
    })
    const tools = await makeToolset({ hostTools: { echo } })
    const code = [
      'import pandas as pd',
      'a = echo(pd.DataFrame({"x": [1, 2]}))',
      'type(a["numbers"]).__name__, a["large"].sum(), a["bytes"], a["when"].year, "nothing" in a',
    ]
    expect((await tools.runPythonCode(code.join('\n'))).stdout).toBe(
      "('ndarray', np.float64(100000.0), b'\\x07', 1970, True)\n",
    )
    expect(seen).toEqual([{ columns: ['x'], index: [0, 1], data: [[1], [2]] }])
    const wrong = await tools.runPythonCode('x = []\nx.append(x)\necho(x)')
    expect(wrong.error?.name).toBe('ValueNotExpressible')
  })

  it('is told whose code calls it', async () => {
    const { tool, contexts, answers } = patientTool()
    const tools = await makeToolset({ hostTools: { tool } })
    const run = tools.runPythonCode('tool()', { client_id: 'ann' })
    await eventually('it is called', () => answers.length === 1)
    answers[0]?.('now')
    const { stdout, interpreter_id } = await run
    expect(stdout).toBe("'now'\n")
    expect(contexts[0]).toMatchObject({ client_id: 'ann', interpreter_id })
  })

  it('works in a session that has gone on from a checkpoint', async () => {
    const tools = await makeToolset({ hostTools: { search }, checkpoint: 'always' })
    await tools.runPythonCode('x = await search.aio("a")')
    await tools.runPythonCode('import os; os.kill(os.getpid(), 9)')
    const code = 'x["query"], search("b")["query"], (await search.aio("c"))["query"]'
    const result = await tools.runPythonCode(code)
    expect(result.stdout).toBe("('a', 'b', 'c')\n")
  })

  it('has left nothing behind in a session that has gone on while a call waited', async () => {
    const { tool } = patientTool()
    const tools = await makeToolset({ hostTools: { tool }, checkpoint: 'always' })
    const start =
      'import asyncio, os\ntask = asyncio.create_task(tool.aio())\nawait asyncio.sleep(0)\n' +
      'search("what is sent after it")'
    await tools.runPythonCode(start)
    await tools.runPythonCode('os.kill(os.getpid(), 9)')
    const { stderr, success } = await tools.runPythonCode('del task\nimport gc; gc.collect();')
    expect({ stderr, success }).toEqual({ stderr: '', success: true })
  })

  it('can have any schema of an object', async () => {
    const properties = {
      self: {},
      arguments: {},
      Any: { default: Number.NaN },
      __debug__: { default: { list: [undefined] } },
      ['__proto__']: { type: 'integer' },
      '"""': { description: '"""\\\n\r\0\ud800' },
      choice: { enum: ['x', null] },
    }
    const odd = {
      description: '"""\\',
      inputSchema: { type: 'object', properties },
      execute: (input: unknown) => input,
    }
    const tools = await makeToolset({ hostTools: { odd } })
    const code = 'odd(1, 2, 3, 4, 5, 6, choice=None)'
    expect((await tools.runPythonCode(code)).stdout).toBe(
      `{'self': 1, 'arguments': 2, 'Any': 3, '__debug__': 4, '__proto__': 5, '"""': 6, 'choice': None}\n`,
    )
  })
})

describe('what goes wrong with a tool', () => {
  it('is raised in the code that calls it', async () => {
    const failing = hostTool({
      description: 'Fails.',
      inputSchema: z.object({}),
      execute: () => {
        throw new RangeError('no such page')
      },
    })
    const odd = hostTool({
      description: 'Answers a function.',
      inputSchema: z.object({}),
      execute: () => ({ odd: () => 1 }),
    })
    const silent = hostTool({
      description: 'Throws what is no text.',
      inputSchema: z.object({}),
      execute: () => Promise.reject(Object.create(null) as Error),
    })
    const tools = await makeToolset({ hostTools: { search, failing, odd, silent } })
    const shape = 'import inspect\nprint(inspect.signature(failing), inspect.signature(silent))'
    expect((await tools.runPythonCode(shape, { client_id: 'another' })).stdout).toBe(
      '() -> Any () -> Any\n',
    )
    const code = [
      'def attempt(f, *args, **kwargs):',
      '    try: f(*args, **kwargs)',
      '    except Exception as error: print(f"{type(error).__name__}: {error}")',
      'attempt(failing)',
      'attempt(search, 5)',
      'attempt(search)',
      'attempt(search, "a", other=1)',
      'attempt(odd)',
      'attempt(silent)',
      'import pickle; attempt(lambda: pickle.loads(pickle.dumps(HostToolError("x"))))',
    ]
    const { stdout } = await tools.runPythonCode(code.join('\n'))
    const lines = stdout.trim().split('\n')
    expect(lines.slice(0, 4)).toEqual([
      'HostToolError: failing(): no such page',
      'HostToolError: search(): query: Invalid input: expected string, received number',
      "TypeError: search() missing a required argument: 'query'; it is " +
        'search(query: str, limit: int = 3) -> Any',
      "TypeError: search() got an unexpected keyword argument 'other'; it is " +
        'search(query: str, limit: int = 3) -> Any',
    ])
    expect(lines[4]).toMatch(/^HostToolError: odd\(\): .*tool\.answer\.odd/)
    expect(lines[5]).toBe('HostToolError: silent(): It threw what cannot be told.')
    const { error } = await tools.runPythonCode('def f():\n    failing()\nf()')
    expect(error?.name).toBe('HostToolError')
    expect(error?.traceback.split('\n').filter((line) => line.includes('File "'))).toEqual([
      '  File "<run 2>", line 3, in <module>',
      '  File "<run 2>", line 2, in f',
    ])
  })

  it('is no call but in a run, in the process of the session', async () => {
    const tools = await makeToolset({
      hostTools: { search },
      initCode: 'def f(): return search("a")',
    })
    const code = [
      'import os, threading',
      'go_on = threading.Event()',
      'def late():',
      '    go_on.wait()',
      '    try: f()',
      '    except HostToolError as error: print(error, flush=True)',
      'pid = os.fork()',
      'if pid == 0:',
      '    late() if go_on.set() is None else None',
      '    os._exit(0)',
      'os.waitpid(pid, 0)[1]',
    ]
    const { stdout } = await tools.runPythonCode(code.join('\n'))
    const why = "only the session's own process can call it, and only while a run goes on"
    expect(stdout).toBe(`search() was not answered: ${why}\n0\n`)
    await tools.runPythonCode('timer = threading.Timer(0.1, late); go_on.set(); timer.start();')
    await eventually('the late call is refused', async () => {
      const { late_outputs: late = [] } = await tools.runPythonCode('')
      return late.some(({ stdout }) => stdout.includes(why))
    })
  })

  it('cannot be called by code where there are none', async () => {
    const tools = await makeToolset()
    expect((await tools.runPythonCode('HostToolError')).error?.name).toBe('NameError')
  })
})

describe('cancelling', () => {
  it('reaches the tool where a coroutine is not awaited any more', async () => {
    const { tool, contexts } = patientTool()
    const tools = await makeToolset({ hostTools: { tool, search } })
    const code = [
      'import asyncio',
      'try: await asyncio.wait_for(tool.aio(), 0.05)',
      'except asyncio.TimeoutError: print("late")',
      'search("x")["query"]',
    ]
    expect((await tools.runPythonCode(code.join('\n'))).stdout).toBe("late\n'x'\n")
    expect(contexts.map(({ signal }) => signal.aborted)).toEqual([true])
  })

  it.each([
    ['a plain call', 'tool()'],
    ['an awaited call', 'await tool.aio()'],
    ['calls in threads', 'with Pool(4) as pool: list(pool.map(lambda i: tool(), range(4)))'],
  ])('reaches the tool when %s is interrupted', async (_, call) => {
    const { tool, contexts } = patientTool()
    const tools = await makeToolset({ hostTools: { tool, search } })
    await tools.runPythonCode('from concurrent.futures import ThreadPoolExecutor as Pool\nx = 1')
    const controller = new AbortController()
    const run = tools.runPythonCode(call, { signal: controller.signal })
    await eventually('it is called', () => contexts.length > 0)
    controller.abort()
    await expect(run).rejects.toThrow('aborted')
    const next = await tools.runPythonCode('x, search("y")["query"]')
    expect(next).toMatchObject({ stdout: "(1, 'y')\n", state: 'kept' })
    expect(contexts.every(({ signal }) => signal.aborted)).toBe(true)
  })

  it.each(['tool()', 'await tool.aio()', 'while True: search("x")'])(
    'is not told as the error of a call: %s',
    async (code) => {
      const { tool } = patientTool()
      const hostToolRules = { maxCallsPerRun: 100_000 }
      const tools = await makeToolset({ hostTools: { tool, search }, hostToolRules })
      const { error } = await tools.runPythonCode(code, { timeout_ms: 200 })
      expect(error?.name).toBe('TimeoutError')
    },
  )

  it('leaves no lock taken that other threads need', async () => {
    const tools = await makeToolset({ hostTools: { search } })
    // As if a signal had come just then.
    const code = [
      'import threading',
      'def interrupted(self, *error): raise KeyboardInterrupt',
      'leave, threading.Condition.__exit__ = threading.Condition.__exit__, interrupted',
      'try: search("a")',
      'except KeyboardInterrupt: pass',
      'finally: threading.Condition.__exit__ = leave',
      'thread = threading.Thread(target=lambda: print(search("b")["query"]), daemon=True)',
      'thread.start()',
      'thread.join(5)',
    ]
    expect((await tools.runPythonCode(code.join('\n'))).stdout).toMatch(/b\n$/)
  })

  it("reaches the tool when the run ends, or its process'", async () => {
    const { tool, contexts } = patientTool()
    const tools = await makeToolset({ hostTools: { tool, search } })
    const start =
      'import asyncio, os\ntask = asyncio.create_task(tool.aio())\nawait asyncio.sleep(0)\n' +
      'search("what is sent after it")'
    await tools.runPythonCode(start)
    expect(contexts.map(({ signal }) => signal.aborted)).toEqual([true])
    const next = await tools.runPythonCode('await task')
    expect(next.error?.name).toBe('HostToolError')
    await tools.runPythonCode(`${start}\nos._exit(1)`)
    expect(contexts.map(({ signal }) => signal.aborted)).toEqual([true, true])
  })
})

describe('rules', () => {
  it('let somebody approve of each call', async () => {
    const asked: unknown[] = []
    const tools = await makeToolset({
      hostTools: { search },
      hostToolRules: {
        approve: (call) => {
          asked.push(call)
          const { query } = call.input as { query: string }
          return query === 'why' ? 'Not on Sundays.' : query === 'yes'
        },
      },
    })
    const code = [
      'for query in ["yes", "no", "why"]:',
      '    try: print(search(query))',
      '    except HostToolError as error: print(error)',
    ]
    const { stdout, interpreter_id } = await tools.runPythonCode(code.join('\n'))
    expect(stdout.split('\n')).toEqual([
      "{'query': 'yes', 'limit': 3}",
      'search(): The call was refused.',
      'search(): Not on Sundays.',
      '',
    ])
    expect(asked[0]).toEqual({
      name: 'search',
      input: { query: 'yes', limit: 3 },
      client_id: 'default',
      interpreter_id,
    })
  })

  it('bound how many calls a run makes, and how many at once', async () => {
    let [most, now] = [0, 0]
    const slow = hostTool({
      description: 'Takes its time.',
      inputSchema: z.object({}),
      execute: async () => {
        most = Math.max(most, (now += 1))
        await new Promise((resolve) => setImmediate(resolve))
        now -= 1
      },
    })
    const tools = await makeToolset({
      hostTools: { slow },
      hostToolRules: { maxCallsPerRun: 50, maxConcurrent: 4 },
    })
    const code = [
      'import asyncio',
      'done = await asyncio.gather(*[slow.aio() for _ in range(60)], return_exceptions=True)',
      'done.count(None), str(done[-1])',
    ]
    expect((await tools.runPythonCode(code.join('\n'))).stdout).toBe(
      "(50, 'slow(): A run may make 50 calls of tools, and has made them.')\n",
    )
    expect(most).toBe(4)
  })

  it('bound how long a call takes', async () => {
    const { tool, contexts } = patientTool()
    const tools = await makeToolset({ hostTools: { tool }, hostToolRules: { timeoutMs: 100 } })
    const late = await tools.runPythonCode('tool()')
    expect(late.error?.value).toBe('tool(): It took longer than 100 ms.')
    expect(contexts[0]?.signal.aborted).toBe(true)
  })

  it('do not let arguments pile up', async () => {
    const { tool } = patientTool()
    const tools = await makeToolset({ hostTools: { tool } })
    const code = [
      'import asyncio',
      'x = "a" * 40_000_000',
      'await asyncio.gather(*[tool.aio(x=x) for _ in range(8)])',
    ]
    const { error } = await tools.runPythonCode(code.join('\n'), { timeout_ms: 30_000 })
    expect(error?.name).toBe('InterpreterCrashed')
    expect(error?.value).toContain('calls with more than 256 MB waited for their answers')
  })

  it('refuse what is no tool before anything is started', async () => {
    for (const [hostTools, message] of [
      [{ search: {} }, 'hostTools.search is no tool'],
      [
        { 'my-tool': search },
        '"my-tool" is not the name of a Python function. Name the tool "my_tool"',
      ],
      [{ class: search }, 'Name the tool "class_"'],
      [{ open: search }, 'open is a function of Python itself'],
      [{ __import__: search }, '__import__ is a function of Python itself'],
      [{ _: search }, '_ is a function of Python itself'],
      [{ ｓearch: search }, 'Name the tool "search"'],
      [
        { x: { description: '', inputSchema: z.string(), execute: () => 1 } },
        'hostTools.x needs a schema',
      ],
    ] as const) {
      await expect(makeToolset({ hostTools })).rejects.toThrow(InvalidOptionError)
      await expect(makeToolset({ hostTools })).rejects.toThrow(message)
    }
  })
})

describe('a tool of a framework', () => {
  const description = 'Adds.'
  const inputSchema = z.object({ a: z.number(), b: z.number() })
  type Input = z.infer<typeof inputSchema>
  const execute = ({ a, b }: Input) => a + b

  it.each([
    ['the AI SDK', aiTool({ description, inputSchema, execute })],
    [
      'the AI SDK, answering several times',
      aiTool({
        description,
        inputSchema,
        async *execute({ a, b }: Input) {
          await Promise.resolve()
          yield 0
          yield a + b
        },
      }),
    ],
    [
      'LangChain',
      langChainTool(execute as never, { name: 'add', description, schema: inputSchema }),
    ],
    [
      'Mastra',
      createTool({
        id: 'add',
        description,
        inputSchema,
        execute: (x) => Promise.resolve(execute(x)),
      }),
    ],
    ['OpenAI Agents', agentsTool({ name: 'add', description, parameters: inputSchema, execute })],
    [
      'Anthropic',
      betaZodTool({ name: 'add', description, inputSchema, run: (x) => String(execute(x)) }),
    ],
  ])('can be called: %s', async (_, add) => {
    const tools = await makeToolset({ hostTools: { add } })
    const code = 'import inspect\nprint(inspect.signature(add))\nfloat(add(1, b=2))'
    const { stdout } = await tools.runPythonCode(code)
    expect(stdout).toBe('(a: float, b: float) -> Any\n3.0\n')
  })

  it('is refused where it needs approval that nobody can give', async () => {
    const guarded = {
      with_mode: aiTool({
        description,
        inputSchema: inputSchema.extend({ mode: z.string().trim().default('delete') }),
        execute,
        needsApproval: ({ mode }) => mode === 'delete',
      }),
      ai: aiTool({ description, inputSchema, execute, needsApproval: ({ a }) => a > 1 }),
      agents: agentsTool({
        name: 'add',
        description,
        parameters: inputSchema,
        execute,
        needsApproval: true,
      }),
    }
    const tools = await makeToolset({ hostTools: guarded })
    const code = [
      'print(ai(1, 1))',
      'from functools import partial',
      'for f in ai, agents, with_mode, partial(with_mode, mode=" delete"):',
      '    try: f(2, 2)',
      '    except HostToolError as error: print(error)',
    ]
    const why = 'The call was refused: it needs approval, and nobody is there to give it.'
    expect((await tools.runPythonCode(code.join('\n'))).stdout).toBe(
      `2\nai(): ${why}\nagents(): ${why}\nwith_mode(): ${why}\nwith_mode(): ${why}\n`,
    )
  })
})
