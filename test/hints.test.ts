import { mkdir, rm, writeFile } from 'node:fs/promises'
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

describe('a column that is not there', () => {
  const columns = "'Price', 'region'"
  const near = `The table has no column 'price'. Near names: 'Price'. Its columns: ${columns}.`

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
    expect(await hintOf(tools, code)).toBe(near)
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
  it.each([
    ['pip install x', 'That is a command: begin the line with %, as in %pip install x'],
    [
      'x = 1\ngit clone y',
      'That is a command of the shell: begin the line with !, as in !git clone y',
    ],
    ['ls -la', 'That is a command of the shell: begin the line with !, as in !ls -la'],
    ['print "x"', 'print is a function: print(...).'],
    ['const x = 5', 'Python declares no variables: name = value.'],
    ['if 1:\n  pass\nelse if 2:\n  pass', 'Python writes elif.'],
    ['x = 1\nx++', 'Python has no ++ and --: write += 1 and -= 1.'],
    ['1 && 2', 'Python writes and, or and not.'],
    ['x = “a”', 'The quotes are typographic: use " or \'.'],
    ['x = true', 'Python writes True.'],
    ['plt.plot()', 'It is not imported there: import matplotlib.pyplot as plt.'],
    ['function f() {', 'A function begins with def name(...):'],
  ])('is said in Python: %j', async (code, hint) => {
    const tools = await makeToolset()
    expect(await hintOf(tools, code)).toBe(hint)
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
