import { execFile } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { loadPyodide } from 'pyodide'
import { describe, expect, it } from 'vitest'
import { LocalEngine } from '../src/index.js'
import { waitFor } from './helpers/python-code.js'
import { makeToolset, temporaryFolder, testPython } from './helpers/toolset.js'

const execute = promisify(execFile)
const root = join(import.meta.dirname, '..')
const PYTHON_TESTS = join(root, 'test/python/test_notebook_syntax.py')

/** Long enough for a command to be there when it is to be stopped. */
const LIMIT_MS = 500
/** Its processes can be told from all others by this number. */
const SLEEP = 'sleep 98.7654'

describe('notebook syntax', () => {
  it('is found where the Python tests say', async () => {
    const { stderr } = await execute(testPython, [PYTHON_TESTS])
    expect(stderr).toMatch(/Ran \d+ tests[^]*\nOK/)
  })

  it('is found there by the newest Python, too', async () => {
    const pyodide = await loadPyodide()
    pyodide.mountNodeFS('/checkout', root)
    const code = [
      'import io, sys, unittest',
      'sys.path.insert(0, "/checkout/test/python")',
      'import test_notebook_syntax as tests',
      'said = io.StringIO()',
      'suite = unittest.defaultTestLoader.loadTestsFromModule(tests)',
      'unittest.TextTestRunner(said).run(suite)',
      'f"{sys.version}\\n{said.getvalue()}"',
    ]
    const said = String(pyodide.runPython(code.join('\n')))
    expect(said).toMatch(/^3\.1[4-9][^]*Ran \d+ tests[^]*\nOK/)
  })

  it('costs a source that is Python nothing', async () => {
    const tools = await makeToolset()
    await tools.runPythonCode('x = 1\nfor i in range(2):\n    print(i)\nx')
    await tools.runPythonCode('"""\n!ls\n%cd\n"""')
    const { stdout } = await tools.runPythonCode(
      'import sys\n[name for name in sys.modules if "notebook" in name or "magics" in name]',
    )
    expect(stdout).toBe('[]\n')
  })

  it('that is not known is an error before anything runs, which names what is known', async () => {
    const tools = await makeToolset()
    const result = await tools.runPythonCode('print("ran")\n%store x')
    expect(result).toMatchObject({ success: false, stdout: '', error: { name: 'SyntaxError' } })
    expect(result.error?.value).toMatch(/^%store is not known; known are %.*%pip.*%%bash.*!command/)
    expect(result.error?.traceback).toMatch(/^ {2}File "<run 1>", line 2\n {4}%store x\n/)
  })

  it('leaves lines, positions and tracebacks as they were written', async () => {
    const tools = await makeToolset()
    const code = '```python\n!true\n\ndef f(x):\n    y = %time 1 / x\n    return y\n\nf(0)\n```'
    const { error } = await tools.runPythonCode(code)
    expect(error?.traceback.replace(/^ +[~^]+\n/gm, '')).toBe(
      [
        'Traceback (most recent call last):',
        '  File "<run 1>", line 8, in <module>',
        '    f(0)',
        '  File "<run 1>", line 5, in f',
        '    y = %time 1 / x',
        'ZeroDivisionError: division by zero',
      ].join('\n'),
    )
    const source = await tools.runPythonCode('import inspect\nprint(inspect.getsource(f))')
    expect(source.stdout).toContain('    y = %time 1 / x\n')
    const wrong = await tools.runPythonCode('!echo no\nx = = 1')
    expect(wrong).toMatchObject({ stdout: '', error: { name: 'SyntaxError' } })
    expect(wrong.error?.traceback).toMatch(/^ {2}File "<run 3>", line 2\n {4}x = = 1\n/)
  })

  it('shows values as the same code without it would', async () => {
    const tools = await makeToolset()
    const code = '1\n!echo two\n%env HOME\n3;\n!!echo four'
    const all = await tools.runPythonCode(code)
    expect(all.stdout).toBe(`1\ntwo\n'${process.env['HOME'] ?? ''}'\n['four']\n`)
    expect((await tools.runPythonCode(code, { echo: 'last' })).stdout).toBe("two\n['four']\n")
    expect((await tools.runPythonCode(code, { echo: 'none' })).stdout).toBe('two\n')
    const cell = '%%time\n1\n2;\n3'
    expect((await tools.runPythonCode(cell)).stdout).toMatch(/^1\n3\nCPU times: /)
    expect((await tools.runPythonCode(cell, { echo: 'last' })).stdout).toMatch(/^3\nCPU times: /)
  })

  it('remembers from __future__ imports', async () => {
    const tools = await makeToolset()
    await tools.runPythonCode('from __future__ import annotations\n!true')
    const { stdout } = await tools.runPythonCode(
      '!true\ndef f(x: Undefined): pass\nf.__annotations__',
    )
    expect(stdout).toBe("{'x': 'Undefined'}\n")
  })

  it('works in a session that was forked, that was restored, and that is a branch', async () => {
    const engine = new LocalEngine({ start: 'fork' })
    const tools = await makeToolset({ engine, checkpoint: 'always' })
    try {
      await tools.runPythonCode('def f(x):\n    !echo {x}\nf(1)')
      const crashed = await tools.runPythonCode('import os; os.abort()')
      expect(crashed.restored_to).toBe(1)
      expect((await tools.runPythonCode('f(2)\n!echo 3')).stdout).toBe('2\n3\n')
      const { interpreter_id } = await tools.branch()
      expect((await tools.runPythonCode('f(4)', { interpreter_id })).stdout).toBe('4\n')
    } finally {
      await tools.close()
      await engine.close()
    }
  })

  it('does not pretend to be IPython', async () => {
    const tools = await makeToolset()
    const { error } = await tools.runPythonCode('!true\nget_ipython()')
    expect(error?.name).toBe('NameError')
  })
})

describe('a command of the shell', () => {
  it('writes to the output of the run as it comes, and has no input', async () => {
    const tools = await makeToolset()
    const waits = 'echo out; while [ ! -e heard ]; do sleep 0.01; done; echo err >&2; cat'
    const result = await tools.runPythonCode(`print("before")\n!${waits}\nprint("after")`, {
      onOutput: async (output) => {
        if (output.type !== 'stream' || !output.text.includes('out\n')) return
        await writeFile(join(tools.workdir, 'heard'), '')
      },
    })
    expect(result).toMatchObject({ stdout: 'before\nout\nafter\n', stderr: 'err\n' })
  })

  it("has the session's directory and environment", async () => {
    const tools = await makeToolset()
    const code = '%cd /\n%env MINE=5\nimport os; os.environ["TOO"] = "6"\n!echo $PWD $MINE $TOO'
    expect((await tools.runPythonCode(code)).stdout).toBe('/\nenv: MINE=5\n/ 5 6\n')
  })

  it('tells how it ended where that is not well', async () => {
    const tools = await makeToolset()
    const result = await tools.runPythonCode(
      '!exit 3\nx = !nosuchcommand\n!kill -TERM $$\n!true\n_exit_code',
    )
    expect(result).toMatchObject({
      success: true,
      stdout: '0\n',
      notices: [
        '`!exit 3` ended with exit status 3.',
        '`!nosuchcommand` ended with exit status 127.',
        '`!kill -TERM $$` was killed by SIGTERM.',
      ],
    })
    const many = await tools.runPythonCode('for i in range(30):\n    !exit {i}')
    expect(many.notices).toHaveLength(21)
    expect(many.notices?.at(-1)).toBe('More commands failed after these.')
    expect((await tools.runPythonCode('_exit_code')).notices).toBeUndefined()
  })

  it.each([
    ['a command', `!${SLEEP} | cat`],
    ['a command whose output is wanted', `x = !${SLEEP}`],
    ['a script', `%%bash\n${SLEEP}\necho no`],
    ['a command that ignores the interrupt', `!trap '' INT; ${SLEEP} | cat`],
  ])('%s is ended by an interrupt, with all that it has started', async (_, code) => {
    const tools = await makeToolset()
    await tools.runPythonCode('x = 5')
    const result = await tools.runPythonCode(code, { timeout_ms: LIMIT_MS })
    expect(result).toMatchObject({ timed_out: true, stdout: '', state: 'kept' })
    expect(result.survivors).toBeUndefined()
    expect(result.error?.traceback).not.toContain('subprocess.py')
    expect((await tools.runPythonCode('x')).stdout).toBe('5\n')
    expect((await tools.runPythonCode(`!pgrep -f '[s]leep 98.7654'`)).stdout).toBe('')
  })

  it('may leave a process behind, whose output comes with a later result', async () => {
    const tools = await makeToolset()
    const waits = 'while [ ! -e go ]; do sleep 0.01; done'
    const { stdout } = await tools.runPythonCode(`!(${waits}; echo late; touch done) & echo on`)
    expect(stdout).toBe('on\n')
    const next = await tools.runPythonCode(`!touch go\n${waitFor('done')}`)
    expect(next.late_outputs).toMatchObject([{ execution_count: 1, stdout: 'late\n' }])
  })
})

describe('a magic', () => {
  it.each([
    ['%time prints times', '%time 6 * 7', /^CPU times: user .*\nWall time: .*s\n42\n$/],
    ['%time is silenced', '%time 6 * 7;', /^CPU times: .*\nWall time: .*s\n$/],
    ['%time of statements', '%time x = 3; y = x\nprint(x, y)', /^CPU.*\nWall.*\n3 3\n$/],
    ['%time of a command', '%time !echo hi', /^hi\nCPU.*\nWall/],
    [
      '%time awaits',
      'import asyncio\nx = %time await asyncio.sleep(0.01, 7)\nx',
      /Wall time: [\d.]+ m?s\n7\n$/,
    ],
    [
      '%%time awaits',
      '%%time\nimport asyncio\nawait asyncio.sleep(0.01, 7)',
      /^7\nCPU.*\nWall time: [\d.]+ m?s\n$/,
    ],
    [
      '%timeit loops',
      'x = 5\n%timeit -n 10 -r2 x + 1',
      /^[\d.]+ [nµ]s ± .*s per loop \(mean ± std. dev. of 2 runs, 10 loops each\)\n$/,
    ],
    [
      '%%timeit has a set-up',
      '%%timeit -n1 -r 1 x = 5\nassert x == 5\nx = 6',
      /1 run, 1 loop each/,
    ],
    ['%timeit sees a function', 'def f(a):\n    %timeit -n1 -r1 a + 1\nf(1)', /per loop/],
    ['%who lists variables', 'b, a, _c = 1, "", 2\n%who\n%who int', /^a\t b\t\nb\t\n$/],
    [
      '%whos describes them',
      'import numpy as np\na = np.zeros((2, 3))\ntext = "é" * 100\n%whos ndarray str',
      /^Variable +Type +Data\/Info\n-+\na +ndarray +shape \(2, 3\)\ntext +str +'é{59}\.\.\.\n$/,
    ],
    ['%env hides secrets', 'import os\nos.environ["MY_KEY"] = "x"\n(%s)', /./],
    [
      'a question prints',
      'def f(x: int):\n    """Why."""\nf?',
      /^Signature: f\(x: int\)\nDocstring: Why\.\n/,
    ],
    [
      'two marks print the source',
      'def f(x):\n    return x\nf??',
      /Source:\ndef f\(x\):\n {4}return x\n/,
    ],
    ['a question about a value', 'd = {"k": [1]}\nd["k"]?', /^String form: \[1\]\nLength: 1\n/],
    ['a question about a magic', '%cd?', /^%cd DIRECTORY changes/],
    ['a question about nothing', 'nothing?', /^Object `nothing` not found\.\n$/],
  ])('%s', async (_, code, stdout) => {
    const tools = await makeToolset({ initCode: null })
    const result = await tools.runPythonCode(code.replace('(%s)', 'x = %env\nx["MY_KEY"]'))
    expect(result).toMatchObject({ success: true, stderr: '' })
    expect(result.stdout).toMatch(stdout)
  })

  it('%timeit cannot await, and says so', async () => {
    const tools = await makeToolset()
    const { error } = await tools.runPythonCode('%timeit await x')
    expect(error).toMatchObject({ name: 'SyntaxError' })
    expect(error?.value).toContain("'await' outside")
  })

  it('%%writefile and %run write a program and run it, with its own variables', async () => {
    const tools = await makeToolset()
    const code =
      'import sys\nname = f"{__name__} {sys.argv[1:]} {__file__}"\ntoo = "mine" in dir()\n'
    const written = await tools.runPythonCode(`%%writefile program.py\n${code}`)
    expect(written.stdout).toBe('Writing program.py\n')
    expect(await readFile(join(tools.workdir, 'program.py'), 'utf8')).toBe(code)
    await tools.runPythonCode('mine = 1')
    const run = await tools.runPythonCode('%run program.py {mine} "a b"\nname, too')
    expect(run.stdout).toBe(`("__main__ ['1', 'a b'] program.py", False)\n`)
    expect((await tools.runPythonCode('%run -i program.py\ntoo')).stdout).toBe('True\n')
    const again = await tools.runPythonCode('%%writefile -a program.py\n1 / 0')
    expect(again.stdout).toBe('Appending to program.py\n')
    const { error } = await tools.runPythonCode('%run program.py')
    expect(error?.traceback).toMatch(
      /line 1, in <module>\n {4}%run program.py\n {2}File "program.py"/,
    )
    await tools.runPythonCode('%%writefile program.py\nraise SystemExit(0)')
    expect((await tools.runPythonCode('%run program.py\n5')).stdout).toBe('5\n')
  })

  it('%%capture keeps text of all sources, values and figures, also of code that fails', async () => {
    const tools = await makeToolset()
    const code = [
      '%%capture kept',
      'import os, sys, matplotlib.pyplot as plt',
      'os.write(1, b"written\\n");',
      'print("printed")',
      '!echo command; echo err >&2',
      'plt.plot([1, 2]);',
      '"value"',
      '1 / 0',
    ]
    const failed = await tools.runPythonCode(code.join('\n'))
    expect(failed).toMatchObject({ stdout: '', stderr: '', error: { name: 'ZeroDivisionError' } })
    expect(failed).not.toHaveProperty('fig_storage_path')
    const { stdout } = await tools.runPythonCode(
      'kept.stdout, kept.stderr, [output["type"] for output in kept.outputs]',
    )
    expect(stdout).toBe(
      `('written\\nprinted\\ncommand\\n', 'err\\n', ['execute_result', 'display_data'])\n`,
    )
    const shown = await tools.runPythonCode('kept.show()')
    expect(shown.stdout).toBe("written\nprinted\ncommand\n'value'\n")
    expect(shown.fig_storage_paths).toHaveLength(1)
  })

  it('%%bash fails as its script does', async () => {
    const tools = await makeToolset()
    const result = await tools.runPythonCode('%%bash\nfor i in 1 2; do echo $i; done\nexit 4')
    expect(result).toMatchObject({
      success: false,
      stdout: '1\n2\n',
      error: { name: 'CalledProcessError' },
    })
    expect(result.error?.value).toContain('exit status 4')
  })

  it('%autoreload says that it has no effect; others without effect say nothing', async () => {
    const tools = await makeToolset()
    const harmless =
      '%matplotlib inline\n%config InlineBackend.figure_format = "svg"\n%load_ext autoreload'
    expect(await tools.runPythonCode(harmless)).not.toHaveProperty('notices')
    const { notices } = await tools.runPythonCode('%autoreload 2')
    expect(notices).toEqual([
      '%autoreload has no effect here; importlib.reload(module) takes a changed module in.',
    ])
  })
})

describe('%pip', () => {
  let environment: string
  /** Why nothing can be installed here; empty if it can. */
  let trouble = ''

  const pip = (python: string, ...options: string[]) =>
    execute(testPython, ['-m', 'pip', '--python', python, 'install', '--quiet', ...options])

  async function makeEnvironment(...options: string[]): Promise<string> {
    const folder = join(await temporaryFolder(), 'environment')
    await execute(testPython, ['-m', 'venv', ...options, folder])
    await pip(join(folder, 'bin/python'), 'pyzmq').catch((error: unknown) => {
      trouble = String(error)
    })
    return folder
  }

  it('installs into the environment of the interpreter, and the module is there', async (context) => {
    environment = await makeEnvironment()
    context.skip(trouble !== '', `The package index is not reachable: ${trouble}`)
    const tools = await makeToolset({ python: environment, checkpoint: 'off' })
    const missing = await tools.runPythonCode('import cowsay')
    expect(missing.hint).toMatch(/^The module cowsay is not installed\./)
    const installed = await tools.runPythonCode(
      '%pip install cowsay==6.1\nimport cowsay\ncowsay.__file__',
    )
    expect(installed).toMatchObject({ success: true })
    expect(installed.stdout).toContain('Successfully installed cowsay-6.1')
    expect(installed.stdout).toContain(environment)
    const wrong = await tools.runPythonCode('%pip install no-such-package-{2 - 1}==1')
    expect(wrong.success).toBe(true)
    expect(wrong.notices).toEqual(['`%pip install no-such-package-1==1` ended with exit status 1.'])
  })

  it('says what to do where there is no pip', async (context) => {
    environment = await makeEnvironment('--without-pip')
    context.skip(trouble !== '', `The package index is not reachable: ${trouble}`)
    const tools = await makeToolset({
      python: environment,
      checkpoint: 'off',
      env: { PATH: '/usr/bin:/bin' },
    })
    const { error } = await tools.runPythonCode('%pip install cowsay')
    expect(error?.value).toMatch(/^%pip needs pip, which the environment of .* or uv, which is not/)
  })
})
