import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { toModelText, type PythonInterpreterToolSet } from '../src/index.js'
import { eventually } from './helpers/processes.js'
import { makeToolset } from './helpers/toolset.js'

async function hintOf(tools: PythonInterpreterToolSet, code: string): Promise<string | undefined> {
  const result = await tools.runPythonCode(code)
  expect(result.success).toBe(false)
  return result.hint
}

async function processOf(tools: PythonInterpreterToolSet) {
  const listed = await tools.manageInterpreters({ operation: 'list' })
  const [only] = (listed.success && listed.interpreters) || []
  return { pid: only?.pid ?? NaN, status: only?.status }
}

it('is what docs/hints.md says', async () => {
  const page = await readFile(resolve(import.meta.dirname, '../docs/hints.md'), 'utf8')
  const rows = [...page.matchAll(/^\| [^|`]+ \| `(.+?)` +\| (.+?) +\|$/gm)]
  expect(rows.length).toBeGreaterThan(15)
  const tools = await makeToolset()
  await writeFile(join(tools.workdir, 'sales.csv'), 'Price,region\n1,north\n')
  const { success } = await tools.runPythonCode(
    'import pandas as pd\ndf = pd.read_csv("sales.csv")',
  )
  expect(success).toBe(true)
  for (const [, code = '', hint] of rows) expect(await hintOf(tools, code), code).toBe(hint)
})

describe('a file that is not there', () => {
  it('is said to be, with what is near', async () => {
    const tools = await makeToolset()
    await writeFile(join(tools.workdir, 'sales.csv'), 'a,b\n1,2\n')
    await mkdir(join(tools.workdir, 'data'))
    await writeFile(join(tools.workdir, 'data', 'deep.csv'), '')
    const near = "There is no file 'Slaes.csv'. Near names there: 'sales.csv'."
    for (const code of [
      'open("Slaes.csv")',
      'import pandas as pd; pd.read_csv("Slaes.csv")',
      'import pathlib; pathlib.Path("Slaes.csv").read_text()',
      'try: open("Slaes.csv")\nexcept FileNotFoundError: raise',
    ]) {
      expect(await hintOf(tools, code), code).toBe(near)
    }
    expect(await hintOf(tools, 'open("deep.csv")')).toBe(
      `There is no file 'deep.csv' in the current directory, '${tools.workdir}'; it has 'data', ` +
        "'sales.csv'. There is 'data/deep.csv'.",
    )
    expect(await hintOf(tools, 'open("nowhere/deep.csv")')).toBe(
      `There is no folder 'nowhere'; the current directory is '${tools.workdir}'. There is ` +
        "'data/deep.csv'.",
    )
    await writeFile(join(tools.workdir, 'data', '.env'), '')
    await rm(join(tools.workdir, 'data', 'deep.csv'))
    expect(await hintOf(tools, 'open("data/deep.csv")')).toBe(
      "There is no file 'deep.csv' in 'data'; it has only hidden files.",
    )
  })
})

describe('a module that is not installed', () => {
  const missing = (name: string) => `The module ${name} is not installed.`

  it('is one that was meant otherwise, or said to be how it would be installed if it is known', async () => {
    const cases: [string, string][] = [
      ['panda', 'Did you mean pandas?'],
      ['nmpy', 'Did you mean numpy?'],
      ['Pandas', 'Did you mean pandas?'],
      ['Matplotlib', 'Did you mean matplotlib?'],
      ['pillow', 'Did you mean PIL?'],
      ['sklearnn', 'Did you mean sklearn?'],
      ['scikit_learn', 'Did you mean sklearn?'],
      ['jsno', 'Did you mean json?'],
      [
        'reqests',
        'Did you mean requests? That is not installed either. `%pip install requests` would install it.',
      ],
      [
        'pytorch',
        'Did you mean torch? That is not installed either. `%pip install torch` would install it.',
      ],
      ['cv2', '`%pip install opencv-python-headless` would install it.'],
      ['torch', '`%pip install torch` would install it.'],
    ]
    const tools = await makeToolset({ initCode: null })
    for (const [name, hint] of cases) {
      expect(await hintOf(tools, `import ${name}.part`)).toBe(`${missing(name)} ${hint}`)
    }
    const { stdout } = await tools.runPythonCode('import sys; "pandas" in sys.modules')
    expect(stdout).toBe('False\n')
  })

  it('has no command that would install it if its package is not known', async () => {
    const tools = await makeToolset()
    await writeFile(join(tools.workdir, 'no_such_packages.py'), '')
    expect(await hintOf(tools, 'from no_such_package.part import x')).toBe(
      `${missing('no_such_package')} Check its name, and which package has it, before you install ` +
        'anything: a package of the same name may be something else.',
    )
  })

  it.each([
    ['a module of a package that is there', 'import numpy.nothing'],
    ['a module of the standard library', 'raise ModuleNotFoundError("no", name="tkinter")'],
    ['a module that it once had', 'raise ModuleNotFoundError("no", name="imp")'],
    ['a module that is there', 'raise ModuleNotFoundError("no", name="numpy")'],
    ['what is no name', 'raise ModuleNotFoundError("no", name=5)'],
  ])('is not said to be where it is %s', async (_, code) => {
    const tools = await makeToolset()
    const result = await tools.runPythonCode(code)
    expect(result.error?.name).toBe('ModuleNotFoundError')
    expect(result).not.toHaveProperty('hint')
  })
})

describe('a column that is not there', () => {
  const columns = "'Price', 'region'"
  const nearOf = (what: string) =>
    `The table has no ${what} 'price'. Near names: 'Price'. Its columns: ${columns}.`
  const near = nearOf('column')

  it.each([
    'df["price"]',
    'df[["region", "price"]]',
    'df.price',
    'df.loc[:, "price"]',
    'df.sort_values("price")',
    'df.groupby("price").sum()',
    'df.set_index("price")',
    'df.drop(columns=["price"])',
    'df.merge(df, on="price")',
  ])('of pandas is said to be, with those that are: %s', async (use) => {
    const tools = await makeToolset()
    const code = `import pandas as pd\ndf = pd.DataFrame({"Price": [1], "region": ["x"]})\n${use}`
    expect(await hintOf(tools, code)).toBe(
      use === 'df.price' ? nearOf('attribute or column') : near,
    )
  })

  it('of polars is said to be, too', async () => {
    const libraries = resolve(import.meta.dirname, '../.venv/libraries')
    const tools = await makeToolset({ env: { PYTHONPATH: libraries } })
    const code = 'import polars as pl\ndf = pl.DataFrame({"Price": [1], "region": ["x"]})\n'
    expect(await hintOf(tools, `${code}df["price"]`)).toBe(near)
    const hint = await hintOf(tools, 'df.select(pl.col("price"))')
    expect(hint).toBe(`The table has the columns ${columns}.`)
  })
})

describe('a hint', () => {
  it('has no secrets, nor parts of them', async () => {
    const secret = 'correct-horse-battery-staple'
    const tools = await makeToolset({ secrets: [secret] })
    expect(await hintOf(tools, `open("${secret}.csv")`)).toMatch(
      /^There is no file '\[redacted\]\.csv'/,
    )
    const before = (500 - "There is no folder '".length - secret.length / 2) / 2
    const cut = await hintOf(tools, `open("x/" * ${Math.floor(before)} + "${secret}/y")`)
    expect(cut).not.toContain(secret.slice(0, 6))
    expect(cut?.length).toBeLessThanOrEqual(500)
  })

  it('needs no file, neither free nor one that code could replace', async () => {
    const tools = await makeToolset({ initCode: null })
    await writeFile(join(tools.workdir, 'difflib.py'), 'raise SystemExit(3)')
    await writeFile(join(tools.workdir, 'dis.py'), 'print("not asked for")')
    await tools.runPythonCode('x = 1')
    expect(await hintOf(tools, 'open("nowhere")')).toMatch(/^There is no file/)
    const code = 'import os\nfiles = []\nwhile True: files.append(os.open("/dev/null", 0))'
    const full = await tools.runPythonCode(code)
    expect(full).toMatchObject({ state: 'kept', stdout: '', error: { name: 'OSError' } })
    expect((await tools.runPythonCode('x')).stdout).toBe('1\n')
  })

  it('names no command that needs a network where there is none', async () => {
    const tools = await makeToolset({ sandbox: true })
    expect(await hintOf(tools, 'import cv2')).toBe(
      'The module cv2 is not installed, and there is no network here to install it.',
    )
    expect(await hintOf(tools, 'import no_such_package')).toBe(
      'The module no_such_package is not installed, and there is no network here to install it.',
    )
    expect(await hintOf(tools, 'import panda')).toBe(
      'The module panda is not installed. Did you mean pandas?',
    )
    expect(await hintOf(tools, 'pip install x')).toBeUndefined()
  })

  it('is about the table that was asked last', async () => {
    const tools = await makeToolset()
    const code = [
      'import pandas as pd',
      'df, other = pd.DataFrame({"Price": [1]}), pd.DataFrame({"region": [1]})',
      'df.apply(lambda row: other["price"], axis=1)',
    ]
    expect(await hintOf(tools, code.join('\n'))).toBe(
      "The table has no column 'price'. Its columns: 'region'.",
    )
  })

  it('is made of wide tables in the time of one look at each name', async () => {
    const tools = await makeToolset()
    const code = [
      'import pandas as pd, numpy as np, sys',
      'looks = 0',
      'class Name(str):',
      '    def __eq__(self, other):',
      '        global looks',
      '        looks += 1',
      '        return str.__eq__(self, other)',
      '    __hash__ = str.__hash__',
      'df = pd.DataFrame(np.zeros((1, 2000)), columns=[Name(i) for i in range(2000)])',
      'df.columns, looks = df.columns, 0',
      'df[[*map(str, range(2000)), "none"]]',
    ]
    expect(await hintOf(tools, code.join('\n'))).toMatch(/^The table has no column 'none'/)
    expect(Number((await tools.runPythonCode('looks')).stdout)).toBeLessThan(20_000)
  })
})

describe('what is no Python', () => {
  const insteadOf = (line: string, instead: string) =>
    `This is no Python: write \`${instead}\` for \`${line}\`.`
  const shell = (line: string) =>
    `This is a shell command: begin the line with \`!\`, as in \`!${line}\`.`
  const braces =
    'Python has no braces around blocks: end the line with `:`, and indent what belongs to it.'

  it('is said in Python', async () => {
    const cases: [string, string][] = [
      ['pip install x', insteadOf('pip install x', '%pip install x')],
      ['pip3 install x', insteadOf('pip3 install x', '%pip install x')],
      ['python -m pip install x', insteadOf('python -m pip install x', '%pip install x')],
      ['python3 a.py b', insteadOf('python3 a.py b', '%run a.py b')],
      ['python3 a.py > b', shell('python3 a.py > b')],
      ['cd data', insteadOf('cd data', '%cd data')],
      ['x = 1\ncd', insteadOf('cd', '%cd')],
      ['if 1:\n  cd ..', insteadOf('cd ..', '%cd ..')],
      ['x = 1\ngit clone y', shell('git clone y')],
      ['ls -la', shell('ls -la')],
      ['ls', shell('ls')],
      ['python -c 1', shell('python -c 1')],
      [
        'export A=1',
        "In Python, write `os.environ['A'] = '1'` for `export`, after `import os`: commands have it, too.",
      ],
      [
        'export A="x y"',
        "In Python, write `os.environ['A'] = 'x y'` for `export`, after `import os`: commands have it, too.",
      ],
      [
        'export PATH=$PATH:/x',
        "In Python, write `os.environ['PATH'] = ...` for `export`, after `import os`: commands have it, too.",
      ],
      [
        'source x.sh',
        'Each command has a shell of its own, which forgets what `source` sets: put what needs that on the ' +
          'same line, as in `!source x.sh && command`.',
      ],
      [
        'alias a=ls',
        'Aliases have no effect here: write the whole command, and begin the line with `!`.',
      ],
      ['print "x"', 'In Python 3, `print` is a function: write `print(...)`.'],
      ['const x = 5', 'Python has no const, let or var: write `name = value`.'],
      ['if 1:\n  pass\nelse if 2:\n  pass', 'In Python, write `elif`.'],
      ['x = 1\nx++', 'Python has no `++` and `--`: write `+= 1` or `-= 1`.'],
      ['1 && 2', 'In Python, write `and` for `&&`.'],
      ['x = 1 || 2', 'In Python, write `or` for `||`.'],
      ['if !x: pass', 'In Python, write `not x` for `!x`.'],
      ['1 === 2', 'In Python, write `==` for `===`.'],
      ['1 !== 2', 'In Python, write `!=` for `!==`.'],
      [
        'f = (x) => x',
        'Python has no `=>`: write `>=` to compare, or `lambda x: ...` for a function.',
      ],
      ['if (1) {\n  x = 1\n}', braces],
      ['try {\n  x = 1\n}', braces],
      ['throw new Error("x")', 'In Python, write `raise` for `throw`.'],
      ['x = new Map()', 'Python has no `new`: write `Name(...)`.'],
      ['// x', 'In Python, begin a comment with `#`.'],
      ['x = “a”', 'These quotes are typographic: write `"` or `\'`.'],
      ['x = true', 'In Python, write `True`.'],
      ['x = null', 'In Python, write `None`.'],
      ['x = undefined', 'In Python, write `None`.'],
      ['x = NaN', 'In Python, write `float("nan")`.'],
      ['console.log(1)', 'In Python, write `print(...)` for `console.log(...)`.'],
      [
        'JSON.stringify({})',
        'In Python, write `json.dumps(x)` and `json.loads(text)`, after `import json`.',
      ],
      ['[1].length', 'In Python, write `len(x)` for `x.length`.'],
      ['"text".length', 'In Python, write `len(x)` for `x.length`.'],
      [
        'import pandas as pd\npd.DataFrame([1]).length',
        'In Python, write `len(x)` for `x.length`.',
      ],
      ['[].push(1)', 'In Python, write `x.append(value)` for `x.push(value)`.'],
      ['"a".toUpperCase()', 'In Python, write `x.upper()` for `x.toUpperCase()`.'],
      ['{"a": 1}.a', "The values of a dict are in brackets: write `x['a']`."],
      [
        'plt.plot()',
        '`plt` is not imported where it is used: write `import matplotlib.pyplot as plt` there.',
      ],
      ['function f() {', 'In Python, begin a function with `def name(...):`.'],
    ]
    const tools = await makeToolset()
    for (const [code, hint] of cases) expect(await hintOf(tools, code), code).toBe(hint)
  })

  it('is mended by what the hint says, where that is a line', async () => {
    const tools = await makeToolset()
    await mkdir(join(tools.workdir, 'data'))
    await writeFile(join(tools.workdir, 'data', 'a.py'), 'import sys\nwords = sys.argv[1:]')
    const lines = ['cd data', 'python3 a.py b', 'export WORD="x y"']
    for (const line of lines) {
      const [instead] = /(?<=write `).*?(?=` for `)/.exec((await hintOf(tools, line)) ?? '') ?? []
      expect(await tools.runPythonCode(`import os\n${instead}`), line).toMatchObject({
        success: true,
      })
    }
    const { stdout } = await tools.runPythonCode(
      'written = !echo $WORD\nos.path.basename(os.getcwd()), words, written.s',
    )
    expect(stdout).toBe("('data', ['b'], 'x y')\n")
  })
})

describe('what pandas has taken away', () => {
  const gone = (name: string, instead: string) =>
    `This pandas has no \`${name}\` any more: write ${instead}.`

  it('is said to be gone, and other attributes to be none', async () => {
    const cases: [string, string][] = [
      [
        'df.append({"a": 1})',
        gone('append', '`pd.concat([x, y])`, with `y = pd.DataFrame([row])` for a row'),
      ],
      [
        'df.a.append(df.a)',
        gone('append', '`pd.concat([x, y])`, with `y = pd.Series([value])` for a value'),
      ],
      ['df.iteritems()', gone('iteritems', '`x.items()`')],
      ['df.a.iteritems()', gone('iteritems', '`x.items()`')],
      ['df.ix[0]', gone('ix', '`x.loc[...]` by labels, or `x.iloc[...]` by positions')],
      ['df.as_matrix()', gone('as_matrix', '`x.to_numpy()`')],
      ['df.mad()', gone('mad', '`(x - x.mean()).abs().mean()`')],
      ['df.a.is_monotonic', gone('is_monotonic', '`x.is_monotonic_increasing`')],
      ['pd.to_datetime(df.a).dt.week', gone('week', '`x.isocalendar().week`')],
      [
        'df.gropby("a")',
        "The table has no attribute or column 'gropby'. Near names: 'groupby'. Its columns: 'a'.",
      ],
      ['df.foo', "The table has no attribute or column 'foo'. Its columns: 'a'."],
    ]
    const tools = await makeToolset()
    await tools.runPythonCode('import pandas as pd\ndf = pd.DataFrame({"a": [1]})')
    for (const [code, hint] of cases) expect(await hintOf(tools, code), code).toBe(hint)
  })

  it('is followed by what works in its place', async () => {
    const code = [
      'import pandas as pd',
      'df = pd.DataFrame({"a": [1.0, 3.0]})',
      'for x in (df, df.a):',
      '    x.to_numpy(), x.bfill(), x.ffill(), x.items(), x.loc[0], x.iloc[0], x.transpose()',
      '    x.map(lambda value: value), (x - x.mean()).abs().mean()',
      'df.at[0, "a"] = df.at[1, "a"]',
      'week = df.a.is_monotonic_increasing, pd.to_datetime(df.a).dt.isocalendar().week',
      'len(pd.concat([df, pd.DataFrame([{"a": 1}])])), len(pd.concat([df.a, pd.Series([1])]))',
    ]
    const { stdout } = await (await makeToolset()).runPythonCode(code.join('\n'))
    expect(stdout).toBe('(3, 3)\n')
  })
})

describe('what ended the run from outside', () => {
  it('has a hint of its own', async () => {
    const tools = await makeToolset({ limits: { memory: 512 * 2 ** 20 } })
    const late = await tools.runPythonCode('while True: pass', { timeout_ms: 100 })
    expect(late.hint).toMatch(/^Try it on a part of the data first/)
    const silent = await tools.runPythonCode('while True: pass', { idle_timeout_ms: 100 })
    expect(silent.hint).toMatch(/^Print progress/)
    const large = await tools.runPythonCode('x = bytearray(10**12)')
    expect(large.hint).toMatch(/^Work in pieces/)
    const crashed = await tools.runPythonCode('import os; os.kill(os.getpid(), 11)')
    expect(crashed.hint).toMatch(/^Do not run the same code again/)
  })

  const forever = 'while True: pass'
  const fixed =
    'No run may take longer than 300 ms here, detached or not: neither a longer limit nor ' +
    'on_timeout: "detach" helps.'

  it.each([
    { limits: { wallMs: 300 } },
    { maxTimeoutMs: 300 },
    { maxTimeoutMs: 300, timeoutMs: 50 },
  ])('is not said to be mended by what would be refused or end there too: %j', async (options) => {
    const tools = await makeToolset({ ...options, checkpoint: 'off' })
    const smaller =
      'Try it on a part of the data first, and split the work into several shorter runs'
    expect((await tools.runPythonCode(forever, { timeout_ms: 300 })).hint).toBe(
      `${smaller}. ${fixed}`,
    )
    expect((await tools.runPythonCode(forever, { timeout_ms: 100 })).hint).toBe(
      `${smaller}, or give it a longer timeout_ms, of 300 at most.`,
    )
    const call = await tools.runPythonCode(forever, { timeout_ms: 100, on_timeout: 'detach' })
    expect(call.hint).toBeUndefined()
    const end = await tools.wait({ timeout_ms: 60_000 })
    expect(end.running ? null : end.run.hint).toBe(`${smaller}. ${fixed}`)
    const silent = { timeout_ms: 300, idle_timeout_ms: 100 }
    expect((await tools.runPythonCode(forever, silent)).hint).toBe(
      'Print progress as it works, or give it a longer idle_timeout_ms, of 300 at most.',
    )
  })

  it('is said to be mended by a longer limit where that can be given', async () => {
    const tools = await makeToolset({ checkpoint: 'off' })
    const late = await tools.runPythonCode(forever, { timeout_ms: 100 })
    expect(late.hint).toMatch(/, or give it a longer timeout_ms or on_timeout: "detach"\.$/)
    const silent = await tools.runPythonCode(forever, { idle_timeout_ms: 100 })
    expect(silent.hint).toMatch(/, or give it a longer idle_timeout_ms or on_timeout: "detach"\.$/)
  })
})

describe('a name that is missing after a crash', () => {
  it('is said to be gone with the process', async () => {
    const tools = await makeToolset({ checkpoint: 'off' })
    await tools.runPythonCode('x = 1')
    const { pid } = await processOf(tools)
    process.kill(pid, 'SIGKILL')
    await eventually('it is dead', async () => (await processOf(tools)).status === 'dead')
    const gone =
      'All variables and imports of earlier runs are gone: load and compute again what you need.'
    expect(await hintOf(tools, 'x')).toBe(gone)
    expect(await hintOf(tools, 'x')).toBeUndefined()
  })

  it('is to be set again where it came after what was restored', async () => {
    const tools = await makeToolset({ checkpoint: 'off' })
    await tools.runPythonCode('x = 1')
    await tools.checkpoint()
    await tools.runPythonCode('y = 2')
    process.kill((await processOf(tools)).pid, 'SIGKILL')
    await eventually('it is dead', async () => (await processOf(tools)).status === 'dead')
    expect(await hintOf(tools, 'y')).toBe('Run again what came after run 1.')
  })

  it('is said to be gone where what was restored is as before the first run', async () => {
    const tools = await makeToolset({ checkpoint: 'off' })
    await tools.variables() // starts the process
    await tools.checkpoint()
    await tools.runPythonCode('x = 1')
    process.kill((await processOf(tools)).pid, 'SIGKILL')
    await eventually('it is dead', async () => (await processOf(tools)).status === 'dead')
    expect(await tools.runPythonCode('x')).toMatchObject({
      restored_to: 0,
      hint: 'All variables and imports of earlier runs are gone: load and compute again what you need.',
    })
  })
})

describe('no hint', () => {
  it.each([
    'raise FileNotFoundError(2, "No such file", "sales.csv")',
    'raise ModuleNotFoundError("No module named \'cv2\'", name="cv2")',
    'import pandas as pd\ndf = pd.DataFrame({"Price": [1]})\nraise KeyError("price")',
    'import pandas as pd\ndf = pd.DataFrame({"Price": [1]})\nraise AttributeError("x", name="price", obj=df)',
    'raise NameError("name \'np\' is not defined", name="np")',
    'raise MemoryError',
    'raise SyntaxError("invalid syntax", ("<run 1>", 1, 1, "pip install x"))',
    'def helper(): raise FileNotFoundError(2, "No such file", "sales.csv")\nhelper()',
  ])('has what only looks like such a failure: %s', async (code) => {
    const tools = await makeToolset()
    expect(await hintOf(tools, code)).toBeUndefined()
  })

  it.each([
    '1 / 0',
    '{}["price"]',
    'exec("pip install x")',
    'import subprocess; subprocess.run(["no-such-program"])',
    'node = node.next',
    'cat + 1',
    'head = f(',
    'head',
    'node',
    'cd $HOME/x',
    'x = "===" y',
    'x = """\nif (1) {\n""" y',
    'class Own(list): pass\nOwn().length',
    '{}.a',
    'import pandas as pd\npd.Series([1]).foo',
    'function = function + 1',
    's = "title --',
    'import pandas as pd\npd.DataFrame({"Price": [1]}).loc["price"]',
    'import pandas as pd\npd.DataFrame({"Price": [1]}).drop("price")',
    'import pandas as pd\npd.DataFrame({"Price": [1]}).at["price", "Price"]',
    'class Odd(KeyError):\n  @property\n  def args(self): 1 / 0\nraise Odd()',
  ])('has another: %s', async (code) => {
    const tools = await makeToolset()
    expect(await hintOf(tools, code)).toBeUndefined()
  })

  it('has a run that succeeds', async () => {
    const tools = await makeToolset()
    expect(await tools.runPythonCode('try: open("x")\nexcept OSError: pass')).not.toHaveProperty(
      'hint',
    )
  })
})

it('is told to the model after the error', async () => {
  const tools = await makeToolset()
  const text = toModelText(await tools.runPythonCode('open("x.csv")'))
  expect(text).toMatch(/FileNotFoundError: .*\n\nhint:\nThere is no file 'x\.csv' in the current/)
})
