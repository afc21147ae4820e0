import { mkdir, readdir, readFile, symlink } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { execa } from 'execa'
import { describe, expect, it, onTestFinished } from 'vitest'
import {
  LocalEngine,
  toModelText,
  type JsonValue,
  type PythonInterpreterToolSet,
  type RunOutput,
  type RunResult,
} from '../src/index.js'
import { makeToolset, temporaryFolder, testPython } from './helpers/toolset.js'

const LIBRARIES = resolve(import.meta.dirname, '../.venv/libraries')
const TABLE = 'application/vnd.dataresource+json'
const PLOTLY = 'application/vnd.plotly.v1+json'
const PNG = Buffer.from('89504e470d0a1a0a', 'hex')

/** Outputs but for text that was printed. */
function rich({ outputs }: Pick<RunResult, 'outputs'>) {
  return outputs.flatMap((output) => ('data' in output ? [output] : []))
}

/** The formats of the only output. */
function dataOf(result: RunResult): Readonly<Record<string, JsonValue>> {
  expect(result).toMatchObject({ success: true })
  expect(rich(result)).toHaveLength(1)
  return rich(result)[0]?.data ?? {}
}

/** A session that finds the libraries that only tests need. */
async function makeSession(libraries = true): Promise<PythonInterpreterToolSet> {
  const initCode = libraries ? `import sys\nsys.path.append(${JSON.stringify(LIBRARIES)})` : null
  return makeToolset({ initCode })
}

/** The Python of the tests in an environment that has all its packages but IPython. */
async function pythonWithoutIPython(): Promise<string> {
  const folder = join(await temporaryFolder(), 'environment')
  await execa(testPython, ['-m', 'venv', '--without-pip', folder])
  const ask = ['-c', 'import sysconfig; print(sysconfig.get_path("purelib"))']
  const { stdout: from } = await execa(testPython, ask)
  const python = join(folder, 'bin/python')
  const { stdout: to } = await execa(python, ask)
  await mkdir(to, { recursive: true })
  const names = (await readdir(from)).filter((name) => !name.toLowerCase().startsWith('ipython'))
  await Promise.all(names.map((name) => symlink(join(from, name), join(to, name))))
  return python
}

const ALL_FORMATS = [
  'class All:',
  '    def __repr__(self): return "all"',
  '    def _repr_html_(self): return "<b>all</b>"',
  '    def _repr_markdown_(self): return "**all**", {"isolated": True}',
  '    def _repr_svg_(self): return "<svg/>"',
  '    def _repr_png_(self): return b"\\x89PNG\\r\\n\\x1a\\n"',
  '    def _repr_jpeg_(self): raise AssertionError("the PNG is enough")',
  '    def _repr_pdf_(self): return b"%PDF"',
  '    def _repr_latex_(self): return "$a$"',
  '    def _repr_json_(self): return {"a": [1, None]}',
  '    def _repr_javascript_(self): return "alert(1)"',
].join('\n')

describe('an echoed value', () => {
  it('has each format that it has a method for, and its repr', async () => {
    const tools = await makeSession()
    const result = await tools.runPythonCode(`${ALL_FORMATS}\nAll()`)
    expect(rich(result)).toEqual([
      {
        type: 'execute_result',
        data: {
          'text/plain': 'all',
          'text/html': '<b>all</b>',
          'text/markdown': '**all**',
          'image/svg+xml': '<svg/>',
          'image/png': PNG.toString('base64'),
          'application/pdf': Buffer.from('%PDF').toString('base64'),
          'text/latex': '$a$',
          'application/json': { a: [1, null] },
          'application/javascript': 'alert(1)',
        },
        metadata: { 'text/markdown': { isolated: true } },
      },
    ])
    expect(result.stdout).toBe('all\n')
    expect(result).not.toHaveProperty('notices')
  })

  it('has what _repr_mimebundle_ gives, alone or with metadata, and each other format once', async () => {
    const tools = await makeSession()
    const bundle = (answer: string) =>
      `class Given:\n    def _repr_mimebundle_(self, include=None, exclude=None): return ${answer}\n    def _repr_html_(self): return "other"\n    def __repr__(self): return "given"\nGiven()`
    const alone = await tools.runPythonCode(bundle('{"text/html": "<i>", "x/y": {"z": 1}}'))
    expect(dataOf(alone)).toEqual({ 'text/html': '<i>', 'x/y': { z: 1 }, 'text/plain': 'given' })
    const pair = await tools.runPythonCode(
      bundle('({"text/plain": "own", "image/gif": b"GIF"}, {"image/gif": {"width": 3}})'),
    )
    expect(rich(pair)[0]).toMatchObject({
      data: { 'text/plain': 'own', 'text/html': 'other', 'image/gif': 'R0lG' },
      metadata: { 'image/gif': { width: 3 } },
    })
    expect(pair.stdout).toBe('own\n')
  })

  it('shows itself where it has _ipython_display_', async () => {
    const tools = await makeSession()
    const result = await tools.runPythonCode(
      'class Own:\n    def _ipython_display_(self): print("itself"); display({"text/html": "<p>"}, raw=True)\nOwn()',
    )
    expect(result.stdout).toBe('itself\n')
    expect(rich(result)).toEqual([
      { type: 'display_data', data: { 'text/html': '<p>' }, metadata: {} },
    ])
  })

  it('falls back to its other formats where a method fails, and a notice says so', async () => {
    const tools = await makeSession()
    const result = await tools.runPythonCode(
      [
        'class Broken:',
        '    def __repr__(self): return "whole"',
        '    def _ipython_display_(self): raise KeyError("display")',
        '    def _repr_mimebundle_(self, **kwargs): return 3',
        '    def _repr_html_(self): raise ValueError("no html")',
        '    def _repr_latex_(self): raise NotImplementedError',
        '    def _repr_png_(self): return 5',
        '    def _repr_markdown_(self): return "*ok*"',
        'Broken()',
      ].join('\n'),
    )
    expect(dataOf(result)).toEqual({ 'text/plain': 'whole', 'text/markdown': '*ok*' })
    expect(result.notices).toEqual([
      "Broken could not be shown by _ipython_display_: KeyError: 'display'",
      'Broken could not be shown by _repr_mimebundle_: it gave int',
      'Broken could not be shown by _repr_html_: ValueError: no html',
      'A display has no image/png: it was int, not text',
    ])
    expect(await tools.runPythonCode('1')).not.toHaveProperty('notices')
  })

  it('is not asked if it is a class, or answers whatever it is asked', async () => {
    const tools = await makeSession()
    const result = await tools.runPythonCode(
      [
        ALL_FORMATS,
        'from unittest.mock import MagicMock',
        'class Yes:',
        '    def __getattr__(self, name): return lambda *a, **k: "<yes>"',
        'class Never:',
        '    def __getattr__(self, name): raise RuntimeError(name)',
        'import abc',
        'class Abstract(All, abc.ABC): pass',
        'All',
        'Abstract',
        'MagicMock()',
        'Yes()',
        'Never()',
        'All.mro',
      ].join('\n'),
    )
    expect(rich(result).map(({ data }) => Object.keys(data))).toEqual(
      Array.from({ length: 6 }, () => ['text/plain']),
    )
    expect(result).not.toHaveProperty('notices')
  })

  it('can have methods that only the instance has', async () => {
    const tools = await makeSession()
    const result = await tools.runPythonCode(
      'class Late: pass\nlate = Late()\nlate._repr_html_ = lambda: "<late>"\nlate',
    )
    expect(dataOf(result)).toMatchObject({ 'text/html': '<late>' })
  })

  it('fails the run only where its repr does', async () => {
    const tools = await makeSession()
    const { error } = await tools.runPythonCode(
      'class Bad:\n    def _repr_html_(self): return "<b>"\n    def __repr__(self): return 1 / 0\nBad()',
    )
    expect(error?.name).toBe('ZeroDivisionError')
    expect(error?.traceback).not.toContain('_python_interpreter_toolset')
    const { stdout } = await tools.runPythonCode('display(2)\n"goes on"')
    expect(stdout).toBe("2\n'goes on'\n")
  })

  it('has JSON of what JSON cannot say, as results have it', async () => {
    const tools = await makeSession()
    const result = await tools.runPythonCode(
      'import numpy as np\nclass Numbers:\n    def _repr_json_(self): return {"a": np.arange(2), "b": float("nan")}\nNumbers()',
    )
    expect(dataOf(result)['application/json']).toEqual({ a: [0, 1], b: 'NaN' })
  })

  it('loses formats that are too long, and a notice says so', async () => {
    const tools = await makeToolset({ maxOutputBytes: 1000 })
    const result = await tools.runPythonCode(
      'class Long:\n    def _repr_html_(self): return "x" * 2000\n    def _repr_json_(self): return ["y" * 1000] * 30_000\n    def __repr__(self): return "short"\nLong()',
    )
    expect(dataOf(result)).toEqual({ 'text/plain': 'short' })
    expect(result.notices).toEqual([
      'A display has no application/json: of 30,090,001 bytes, it is over 20,000,000',
      "A display's text/html was left out of the outputs: longer than maxOutputBytes.",
    ])
  })

  it('has the formats that IPython finds in it', async () => {
    const tools = await makeSession()
    await tools.runPythonCode(
      [
        'import sympy, pandas as pd, polars as pl, numpy as np, PIL.Image, json',
        'from sklearn.linear_model import LinearRegression',
        'from IPython.core.formatters import DisplayFormatter',
        'from IPython.display import Code, HTML, Image, JSON, Latex, Markdown, Math, SVG',
        'x = sympy.Symbol("x")',
        'frame = pd.DataFrame({"a": [1.5, 2]})',
        'def asked(value):',
        '    data, metadata = DisplayFormatter().format(value)',
        `    return {k: v for k, v in data.items() if k not in ("text/plain", "image/jpeg")}, metadata`,
      ].join('\n'),
    )
    const values = [
      'sympy.Integral(x ** 2, x)',
      'frame',
      'frame.style.highlight_max()',
      'pl.DataFrame({"a": [1]})',
      'np.arange(3)',
      'Code("x = 1")',
      'HTML("<b>")',
      'Markdown("*a*")',
      'Latex("$a$")',
      'Math("a")',
      'JSON({"a": [1, 2]}, expanded=True)',
      'SVG("<svg><g/></svg>")',
      'Image(PIL.Image.new("RGB", (2, 2))._repr_png_(), width=7)',
      'Image(url="https://example.com/a.png")',
      'iter([])',
    ]
    for (const value of values) {
      const theirs = await tools.runPythonCode(`value = ${value}\nformats = asked(value);`, {
        result_var_name: 'formats',
      })
      const ours = rich(await tools.runPythonCode('value'))[0]
      const more = ['text/plain', TABLE]
      const data = Object.entries(ours?.data ?? {}).filter(([type]) => !more.includes(type))
      expect([Object.fromEntries(data), ours?.metadata], value).toEqual(theirs.result)
    }
    // IPython has a JPEG, too.
    const image = dataOf(await tools.runPythonCode('PIL.Image.new("L", (2, 2))'))
    expect(Object.keys(image).sort()).toEqual(['image/png', 'text/plain'])
    expect(Buffer.from(image['image/png'] as string, 'base64').subarray(0, 8)).toEqual(PNG)
  })
})

describe('display()', () => {
  it('shows values in their place among what is printed, their text in stdout', async () => {
    const tools = await makeSession()
    const result = await tools.runPythonCode(
      `${ALL_FORMATS}\nprint("one")\ndisplay("two", [3])\nprint("four", end="")\n5\ndisplay(All(), exclude=["image/png", "image/svg+xml"])`,
    )
    expect(result.stdout).toBe("one\n'two'\n[3]\nfour5\nall\n")
    expect(
      result.outputs.map((output) =>
        output.type === 'stream' ? output.text : `${output.type} ${'data' in output}`,
      ),
    ).toEqual([
      'one\n',
      'display_data true',
      'display_data true',
      'four',
      'execute_result true',
      'display_data true',
    ])
  })

  it('shows the formats that are asked for, and metadata', async () => {
    const tools = await makeSession()
    await tools.runPythonCode(ALL_FORMATS)
    const included = await tools.runPythonCode(
      'display(All(), include=["text/markdown", "text/latex"], metadata={"text/markdown": {"more": 1}})',
    )
    expect(rich(included)).toEqual([
      {
        type: 'display_data',
        data: { 'text/markdown': '**all**', 'text/latex': '$a$' },
        metadata: { 'text/markdown': { isolated: true, more: 1 } },
      },
    ])
    expect(included.stdout).toBe('')
    const excluded = dataOf(await tools.runPythonCode('display(All(), exclude={"text/html"})'))
    expect(Object.keys(excluded)).not.toContain('text/html')
    expect(Object.keys(excluded)).toHaveLength(8)
    expect((await tools.runPythonCode('display(1, include=["text/html"])')).outputs).toEqual([])
  })

  it('shows contents as they are with raw=True, and refuses what is none', async () => {
    const tools = await makeSession()
    const result = await tools.runPythonCode(
      'display({"text/plain": "a", "image/jpeg": b"\\xff\\xd8", "a/b": [1], 5: "x"}, raw=True)',
    )
    expect(dataOf(result)).toEqual({ 'text/plain': 'a', 'image/jpeg': '/9g=', 'a/b': [1] })
    expect((await tools.runPythonCode('display(3, raw=True)')).error).toMatchObject({
      name: 'TypeError',
      value: 'raw data must be a dict of MIME types, not int',
    })
    expect((await tools.runPythonCode('display(3, nonsense=True)')).error?.name).toBe('TypeError')
  })

  it('of an id can be updated, in this run and in later ones', async () => {
    const tools = await makeSession()
    const first = await tools.runPythonCode(
      'handle = display("a", display_id="it")\ndisplay("b", display_id="it");\nhandle.display("c")\nhandle.update("d", metadata={"x": 1})\nhandle',
    )
    const updated = {
      type: 'display_data',
      display_id: 'it',
      data: { 'text/plain': "'d'" },
      metadata: { x: 1 },
    }
    expect(first.outputs.slice(0, 3)).toEqual([updated, updated, updated])
    expect(first.stdout).toBe("'a'\n'b'\n'c'\n'd'\n<DisplayHandle display_id=it>\n")
    const second = await tools.runPythonCode('handle.update(2)')
    expect(second.outputs).toEqual([
      {
        type: 'update_display_data',
        display_id: 'it',
        data: { 'text/plain': '2' },
        metadata: {},
      },
    ])
    const place = await tools.runPythonCode(
      'from IPython.display import update_display\nplace = display(display_id=True)\nupdate_display("now", display_id=place.display_id)\nplace.display_id',
    )
    expect(rich(place)[0]).toMatchObject({ data: { 'text/plain': "'now'" } })
    expect(place.stdout).toMatch(/^'now'\n'[0-9a-f]{32}'\n$/)
    expect((await tools.runPythonCode('update_display(1, display_id="")')).error?.name).toBe(
      'TypeError',
    )
  })

  it('and clear_output() clear what was shown, at once or when more is', async () => {
    const tools = await makeSession()
    const use = 'from IPython.display import clear_output\n'
    const now = await tools.runPythonCode(`${use}print("a")\n1\nclear_output()\nprint("b")`)
    expect(now.outputs).toEqual([{ type: 'stream', name: 'stdout', text: 'b\n' }])
    expect(now.stdout).toBe('a\n1\nb\n')
    const waiting = await tools.runPythonCode(
      `${use}for i in range(3):\n    clear_output(wait=True)\n    display(i)\nclear_output(wait=True)`,
    )
    expect(rich(waiting).map(({ data }) => data['text/plain'])).toEqual(['2'])
    const asked = await tools.runPythonCode('print("gone")\ndisplay("here", clear=True)')
    expect(asked.outputs).toMatchObject([{ data: { 'text/plain': "'here'" } }])
  })

  it('is heard at once by who listens to a run', async () => {
    const tools = await makeSession()
    const stream = tools.stream(
      'from IPython.display import clear_output\nimport sys\nsys.stdout.write("p\\n");\nh = display(1, display_id="i")\nh.update(2)\nclear_output(wait=True)\n3',
    )
    const heard: RunOutput[] = []
    for await (const output of stream) heard.push(output)
    expect(heard).toEqual([
      { type: 'stream', name: 'stdout', text: 'p\n' },
      { type: 'display_data', display_id: 'i', data: { 'text/plain': '1' }, metadata: {} },
      { type: 'update_display_data', display_id: 'i', data: { 'text/plain': '2' }, metadata: {} },
      { type: 'clear_output', wait: true },
      { type: 'execute_result', data: { 'text/plain': '3' }, metadata: {} },
    ])
    expect((await stream.result).outputs).toMatchObject([{ type: 'execute_result' }])
  })

  it('of a thread that goes on is of the run that started it', async () => {
    const tools = await makeSession()
    await tools.runPythonCode(
      'import threading\ngo, done = threading.Event(), threading.Event()\ndef work():\n    go.wait()\n    display("late")\n    done.set()\nthreading.Thread(target=work).start()',
    )
    const result = await tools.runPythonCode('go.set()\nx = done.wait()')
    expect(result.outputs).toEqual([])
    expect(result.late_outputs).toEqual([{ execution_count: 1, stdout: "'late'\n", stderr: '' }])
  })

  it('is there again after it was deleted or replaced by nonsense', async () => {
    const tools = await makeSession()
    await tools.runPythonCode('import builtins\ndel builtins.display')
    await tools.runPythonCode('import builtins\nbuiltins.display = 3')
    expect((await tools.runPythonCode('display(4)')).stdout).toBe('4\n')
  })

  it('works in sessions that were forked, restored and branched, with ids of their own', async () => {
    const tools = await makeToolset({ checkpoint: 'always' })
    const show = 'handle = display("x", display_id=True)\nhandle.display_id'
    await tools.runPythonCode('import random\nrandom.seed(1)')
    const branch = await tools.branch()
    const ids = [
      await tools.runPythonCode(show),
      await tools.runPythonCode(show, { interpreter_id: branch.interpreter_id }),
    ].map(({ stdout }) => stdout)
    expect(new Set(ids).size).toBe(2)
    const crashed = await tools.runPythonCode(
      'import ctypes\ndisplay("before")\nctypes.string_at(0)',
    )
    expect(crashed).toMatchObject({ state: 'restored', stdout: "'before'\n" })
    expect((await tools.runPythonCode('handle.update("y")')).outputs).toMatchObject([
      { type: 'update_display_data', data: { 'text/plain': "'y'" } },
    ])
  })
})

describe('matplotlib figures', () => {
  it('are shown by display() once, and can be updated', async () => {
    const tools = await makeToolset()
    const once = await tools.runPythonCode(
      'import matplotlib.pyplot as plt\nfig, ax = plt.subplots(); ax.plot([1, 2]);\ndisplay(fig)\nplt.get_fignums()',
    )
    expect(once.stdout).toBe('[]\n')
    expect(once.fig_storage_paths).toHaveLength(1)
    const updated = await tools.runPythonCode(
      'handle = display(fig, display_id=True)\nax.plot([2, 1]);\nhandle.update(fig)',
    )
    expect(updated.fig_storage_paths).toHaveLength(1)
    expect(updated.base64_uri?.[0]).not.toBe(once.base64_uri?.[0])
    const broken = await tools.runPythonCode('ax.set_title("$\\\\bad{$");\ndisplay(fig)')
    expect(broken.notices?.join()).toMatch(/^A figure could not be drawn: ValueError/)
    expect(broken.stdout).toBe('<Figure size 640x480 with 1 Axes>\n')
  })

  it('of seaborn are captured as they are', async () => {
    const tools = await makeSession()
    const axes = await tools.runPythonCode(
      'import seaborn as sns, seaborn.objects as so, pandas as pd\ndf = pd.DataFrame({"a": [1, 2, 3], "b": [3, 1, 2]})\nsns.scatterplot(df, x="a", y="b");',
    )
    expect(axes.fig_storage_paths).toHaveLength(1)
    const grid = await tools.runPythonCode('sns.relplot(df, x="a", y="b")')
    expect(grid.fig_storage_paths).toHaveLength(1)
    const plot = await tools.runPythonCode('so.Plot(df, x="a", y="b").add(so.Dot())')
    expect(plot.fig_storage_paths).toHaveLength(1)
    expect(rich(plot)[0]?.metadata).toMatchObject({
      'image/png': { width: expect.any(Number) as number },
    })
  })
})

describe('images that are no figures', () => {
  it('are listed and saved like figures, in their own format', async () => {
    const tools = await makeSession()
    const result = await tools.runPythonCode(
      [
        'import io, PIL.Image',
        'from IPython.display import Image, SVG',
        'red = PIL.Image.new("RGB", (4, 3), "red")',
        'red.save("red.jpg")',
        'buffer = io.BytesIO()',
        'red.save(buffer, "gif");',
        'display(red)',
        'red',
        'red.show()',
        'display(Image(filename="red.jpg"), Image(data=buffer.getvalue()))',
        'SVG("<svg xmlns=\'http://www.w3.org/2000/svg\'><title>é</title></svg>")',
      ].join('\n'),
    )
    expect(result).toMatchObject({ success: true, stderr: '' })
    const paths = result.fig_storage_paths ?? []
    expect(paths.map((path) => path.split('.').at(-1))).toEqual([
      ...['png', 'png', 'png', 'jpg', 'gif', 'svg'],
    ])
    expect(result.base64_uri?.map((uri) => uri.split(';')[0])).toEqual([
      ...['data:image/png', 'data:image/png', 'data:image/png', 'data:image/jpeg'],
      ...['data:image/gif', 'data:image/svg+xml'],
    ])
    const files = await Promise.all(paths.map((path) => readFile(join(tools.workdir, path))))
    expect(files[3]).toEqual(await readFile(join(tools.workdir, 'red.jpg')))
    expect(String(files[5])).toContain('é')
    expect(result.stdout).toMatch(/^<PIL.Image.Image[^\n]*\n<IPython[^\n]*SVG object>\n$/)
  })

  it('of Pillow are JPEG where PNG cannot have their mode', async () => {
    const tools = await makeSession()
    const result = await tools.runPythonCode('import PIL.Image\nPIL.Image.new("CMYK", (2, 2))')
    expect(Object.keys(dataOf(result)).sort()).toEqual(['image/jpeg', 'text/plain'])
  })
})

describe('plotly', () => {
  it('figures are data that a page can draw, echoed, shown and displayed', async () => {
    const tools = await makeSession()
    const figure = await tools.runPythonCode(
      'import plotly.express as px, plotly.graph_objects as go, plotly.io as pio\nfig = px.bar(x=["a", "b"], y=[1, 2], title="Two bars")\nfig.add_scatter(y=[3.5, 4]);\nfig',
    )
    const text = '<plotly figure "Two bars": 1 bar, 1 scatter>'
    expect(Object.keys(dataOf(figure)).sort()).toEqual([PLOTLY, 'text/plain'])
    expect(dataOf(figure)).toMatchObject({
      'text/plain': text,
      [PLOTLY]: {
        data: [
          { type: 'bar', x: ['a', 'b'] },
          { type: 'scatter', y: [3.5, 4] },
        ],
        layout: { title: { text: 'Two bars' } },
      },
    })
    expect(figure.stdout).toBe(`${text}\n`)
    const shows = [
      'fig.show()',
      'fig.show(renderer="browser")',
      'fig.show(renderer="plotly_mimetype+notebook")',
      'pio.show(fig)',
      'pio.show(fig.to_dict())',
      'pio.renderers.default = "notebook_connected"\nfig.show()',
      'display(fig)',
    ]
    for (const show of shows) {
      const result = await tools.runPythonCode(show)
      expect(rich(result), show).toEqual([
        { type: 'display_data', data: dataOf(figure), metadata: {} },
      ])
    }
    const configured = await tools.runPythonCode('fig.show(config={"displayModeBar": False})')
    expect(dataOf(configured)[PLOTLY]).toMatchObject({ config: { displayModeBar: false } })
    expect((await tools.runPythonCode('fig.show("none")')).error?.name).toBe('ValueError')
    const handle = await tools.runPythonCode(
      'h = display(fig, display_id=True)\nh.update(go.Figure())',
    )
    expect(dataOf(handle)['text/plain']).toBe('<plotly figure: empty>')
  })

  it('figures are named to a model', async () => {
    const tools = await makeSession()
    const result = await tools.runPythonCode(
      'import plotly.graph_objects as go\nfig = go.Figure(go.Pie(values=[1, 2]))\nfig.show()',
    )
    expect(toModelText(result)).toBe(`stdout:\n<plotly figure: 1 pie>\n\ndisplays: ${PLOTLY}`)
  })
})

describe('sympy', () => {
  it('values are LaTeX, and their text is as init_printing() says', async () => {
    const tools = await makeSession()
    const plain = await tools.runPythonCode('from sympy import *\nx = Symbol("x")\nx ** 2 / 2')
    expect(dataOf(plain)).toEqual({
      'text/plain': 'x**2/2',
      'text/latex': '$\\displaystyle \\frac{x^{2}}{2}$',
    })
    const pretty = await tools.runPythonCode('init_printing()\nx ** 2 / 2\n"as ever"\n_')
    expect(pretty.stdout).toBe(" 2\nx \n──\n2 \n'as ever'\n'as ever'\n")
    expect(rich(pretty)[0]).toMatchObject({ data: { 'text/latex': expect.any(String) as string } })
    const matrix = await tools.runPythonCode('init_printing(pretty_print=False)\nMatrix([[x, 1]])')
    expect(dataOf(matrix)).toMatchObject({ 'text/plain': 'Matrix([[x, 1]])' })
  })
})

describe('altair', () => {
  it('charts are Vega-Lite, echoed, shown and displayed', async () => {
    const tools = await makeSession()
    const chart = await tools.runPythonCode(
      'import altair as alt, pandas as pd\nchart = alt.Chart(pd.DataFrame({"a": [1, 2]})).mark_bar().encode(x="a")\nchart',
    )
    expect(dataOf(chart)).toEqual({
      'text/plain': '<altair.Chart>',
      'application/vnd.vegalite.v6.json': expect.objectContaining({
        mark: { type: 'bar' },
      }) as JsonValue,
    })
    for (const show of ['chart.show()', 'chart.display()', 'display(chart)']) {
      expect(rich(await tools.runPythonCode(show)), show).toEqual([
        { type: 'display_data', data: dataOf(chart), metadata: {} },
      ])
    }
    const layered = await tools.runPythonCode('chart + chart')
    expect(dataOf(layered)['text/plain']).toBe('<altair.LayerChart>')
  })
})

describe('tables', () => {
  interface Table {
    schema: {
      fields: { name: string; type: string }[]
      primaryKey?: string[]
    }
    data: Record<string, JsonValue>[]
    total_rows: number
    total_columns: number
  }

  /** The table in an echoed value, and the types of its fields. */
  function tableOf(result: RunResult): Table & { types: Record<string, string> } {
    const table = dataOf(result)[TABLE] as unknown as Table
    const types = Object.fromEntries(table.schema.fields.map(({ name, type }) => [name, type]))
    return { ...table, types }
  }

  it('of pandas carry their schema and rows, missing values as null', async () => {
    const tools = await makeSession()
    const result = await tools.runPythonCode(
      [
        'import pandas as pd, numpy as np',
        'pd.DataFrame({',
        '    "i": [1, 2**60], "f": [0.5, np.nan], "inf": [np.inf, 1.0], "b": [True, False],',
        '    "s": ["x", None], "d": pd.to_datetime(["2024-01-02", None], utc=True),',
        '    "t": pd.to_timedelta([90, None], unit="s"), "o": [[1, 2], {"k": (1,)}],',
        '    "c": pd.Categorical(["lo", "hi"], ["lo", "hi"], ordered=True),',
        '    "n": pd.array([1, None], dtype="Int64"), "long": ["y" * 5000, "z"],',
        '}, index=pd.Index(["r", "q"], name="key"))',
      ].join('\n'),
    )
    const table = tableOf(result)
    expect(table.types).toEqual({
      ...{ key: 'string', i: 'integer', f: 'number', inf: 'number', b: 'boolean', s: 'string' },
      ...{ d: 'datetime', t: 'number', o: 'any', c: 'any', n: 'integer', long: 'string' },
    })
    expect(table.schema.fields.find(({ name }) => name === 'c')).toMatchObject({
      constraints: { enum: ['lo', 'hi'] },
      ordered: true,
    })
    expect(table.schema.fields.find(({ name }) => name === 't')).toMatchObject({ unit: 's' })
    expect(table.schema.primaryKey).toEqual(['key'])
    expect(table).toMatchObject({ total_rows: 2, total_columns: 11 })
    expect(table.data).toEqual([
      {
        ...{ key: 'r', i: 1, f: 0.5, inf: 'Infinity', b: true, s: 'x' },
        ...{ d: '2024-01-02T00:00:00+00:00', t: 90, o: '[1, 2]', c: 'lo', n: 1 },
        long: `${'y'.repeat(1000)}…`,
      },
      {
        ...{ key: 'q', i: '1152921504606846976', f: null, inf: 1, b: false, s: null },
        ...{ d: null, t: null, o: "{'k': (1,)}", c: 'hi', n: null, long: 'z' },
      },
    ])
    expect(toModelText(result)).not.toContain('displays')
  })

  it('are the first rows and columns, with names that differ and the counts of all', async () => {
    const tools = await makeSession()
    await tools.runPythonCode('import pandas as pd, numpy as np')
    const large = tableOf(
      await tools.runPythonCode('pd.DataFrame(np.zeros((1_000_000, 60)).astype("int8"))'),
    )
    expect(large.data).toHaveLength(20)
    expect(large.schema.fields).toHaveLength(51)
    expect(large).toMatchObject({ total_rows: 1_000_000, total_columns: 60 })
    const twice = tableOf(
      await tools.runPythonCode(
        'pd.DataFrame([[1, 2, 3, 4]], columns=["a", "a", "a.1", 7], index=[(1, 2)])',
      ),
    )
    expect(twice.data).toEqual([{ index: '(1, 2)', a: 1, 'a.2': 2, 'a.1': 3, '7': 4 }])
    const levels = tableOf(
      await tools.runPythonCode(
        'pd.DataFrame({("x", "y"): [1, 2]}, index=pd.MultiIndex.from_tuples([(1, "p"), (1, "p")], names=["one", None]))',
      ),
    )
    expect(levels.data[0]).toEqual({ one: 1, level_1: 'p', "('x', 'y')": 1 })
    expect(levels.schema).not.toHaveProperty('primaryKey')
    const series = tableOf(await tools.runPythonCode('pd.Series(range(30), name="n")'))
    expect(series).toMatchObject({ total_rows: 30, total_columns: 1, types: { n: 'integer' } })
    expect(series.data[1]).toEqual({ index: 1, n: 1 })
    const empty = tableOf(await tools.runPythonCode('pd.DataFrame()'))
    expect(empty).toMatchObject({ data: [], total_rows: 0, total_columns: 0 })
  })

  it('of ten million rows take no longer for that', async () => {
    const tools = await makeSession()
    const result = await tools.runPythonCode(
      [
        'import numpy as np, pandas as pd, time',
        'frame = pd.DataFrame({"a": np.arange(10**7)}, index=np.arange(10**7) * 7919 % 10_000_019)',
        'display(frame.head())',
        'start = time.perf_counter()',
        'display(frame)',
        'took = time.perf_counter() - start',
      ].join('\n'),
      { result_var_name: 'took' },
    )
    expect(rich(result)[1]?.data[TABLE]).toMatchObject({ total_rows: 10_000_000 })
    expect(result.result).toBeLessThan(0.5)
  })

  it('that cannot be described are shown all the same', async () => {
    const tools = await makeSession()
    const result = await tools.runPythonCode(
      'import pandas as pd\nclass Bad:\n    shown = 0\n    def __repr__(self):\n        Bad.shown += 1\n        if Bad.shown == 1: raise ValueError("no")\n        return "bad"\npd.DataFrame({"a": [Bad()]})',
    )
    expect(Object.keys(dataOf(result)).sort()).toEqual(['text/html', 'text/plain'])
    expect(result.notices).toEqual([
      'pandas.DataFrame could not be shown as its library has it: ValueError: no',
    ])
  })

  it('of polars and pyarrow are described too', async () => {
    const tools = await makeSession()
    const columns =
      '{"i": [1, None], "f": [0.5, 2], "s": ["x", "y"], "b": [True, None], "d": [date(2024, 1, 2)] * 2, "t": [timedelta(seconds=3)] * 2, "at": [datetime(2024, 1, 2)] * 2, "l": [[1], [2, 3]]}'
    const types = {
      ...{ i: 'integer', f: 'number', s: 'string', b: 'boolean', d: 'date', t: 'number' },
      ...{ at: 'datetime', l: 'any' },
    }
    const row = {
      ...{ i: 1, f: 0.5, s: 'x', b: true, d: '2024-01-02', t: 3, at: '2024-01-02T00:00:00' },
      l: '[1]',
    }
    await tools.runPythonCode(
      `import polars as pl, pyarrow as pa\nfrom datetime import date, datetime, timedelta\ncolumns = ${columns}`,
    )
    for (const code of ['pl.DataFrame(columns)', 'pa.table(columns)', 'pa.record_batch(columns)']) {
      const table = tableOf(await tools.runPythonCode(code))
      expect(table, code).toMatchObject({ types, total_rows: 2, total_columns: 8 })
      expect(table.data[0], code).toEqual(row)
      expect(table.data[1], code).toMatchObject({ i: null, b: null })
    }
    const series = tableOf(await tools.runPythonCode('pl.Series("n", range(40))'))
    expect(series).toMatchObject({ total_rows: 40, types: { n: 'integer' } })
    expect(series.data).toHaveLength(20)
    const lazy = await tools.runPythonCode('pl.LazyFrame({"a": [1]})')
    expect(dataOf(lazy)).not.toHaveProperty(TABLE)
  })
})

describe('libraries that a template has imported', () => {
  it('show what they have as those do that are imported later', async () => {
    const preload = ['IPython.display', 'plotly.io', 'PIL.ImageShow', 'altair', 'sympy']
    const engine = new LocalEngine({ start: 'fork', preload })
    onTestFinished(() => engine.close())
    const tools = await makeToolset({ engine, env: { PYTHONPATH: LIBRARIES } })
    const result = await tools.runPythonCode(
      [
        'import sys',
        '[name in sys.modules for name in ("plotly.io", "IPython", "altair", "sympy")]',
        'import altair as alt, plotly.graph_objects as go, PIL.Image, sympy',
        'from IPython.display import display',
        'display(1)',
        'go.Figure().show()',
        'PIL.Image.new("L", (2, 2)).show()',
        'alt.Chart("a.csv").mark_bar()',
        'sympy.init_printing()',
        'sympy.pi',
      ].join('\n'),
    )
    expect(result.stdout).toBe(
      '[True, True, True, True]\n1\n<plotly figure: empty>\n<altair.Chart>\nπ\n',
    )
    expect(rich(result).map(({ data }) => Object.keys(data).sort().at(0))).toEqual([
      ...['text/plain', 'text/plain', PLOTLY, 'image/png'],
      ...['application/vnd.vegalite.v6.json', 'text/latex'],
    ])
  })
})

describe('without IPython', () => {
  it('IPython.display is there all the same, and makes no claim to be IPython', async () => {
    const tools = await makeToolset({ python: await pythonWithoutIPython(), initCode: null })
    await tools.runPythonCode(`import sys\nsys.path.append(${JSON.stringify(LIBRARIES)})`)
    const { stdout } = await tools.runPythonCode(
      [
        'import importlib.metadata',
        'import IPython',
        'from IPython import display as module, get_ipython',
        'from IPython.core.display import HTML as Html',
        'try: print(importlib.metadata.version("IPython"))',
        'except importlib.metadata.PackageNotFoundError: print("not installed")',
        'print(get_ipython(), IPython.version_info, IPython.display is module, Html is module.HTML)',
        'try: import IPython.core.interactiveshell',
        'except ModuleNotFoundError as error: print(error)',
        'module.display(1)',
      ].join('\n'),
    )
    expect(stdout).toBe(
      "not installed\nNone (0, 0, 0) True True\nNo module named 'IPython.core.interactiveshell'\n1\n",
    )
    const html = await tools.runPythonCode(
      'from IPython.display import *\nimport IPython.display as d\ndisplay(HTML("<b>", metadata={"isolated": True}))\ndisplay_markdown("*m*", raw=True)\nd.Javascript("a()")\nPretty("as it is")',
    )
    expect(rich(html)).toMatchObject([
      {
        data: { 'text/html': '<b>', 'text/plain': '<IPython.display.HTML object>' },
        metadata: { 'text/html': { isolated: true } },
      },
      { data: { 'text/markdown': '*m*' } },
      { data: { 'application/javascript': 'a()' } },
      { data: { 'text/plain': 'as it is' } },
    ])
    const files = await tools.runPythonCode(
      [
        'import PIL.Image',
        'PIL.Image.new("RGB", (4, 3)).save("a.png")',
        'print("x = '.concat('<1>', '", file=open("code.py", "w"))'),
        'display(Image("a.png", width=40), Image(url="https://example.com/a.png", alt="<"))',
        'display(Code(filename="code.py", language="python"), FileLink("a.png"))',
        'display(IFrame("https://example.com", 30, 20, q=1), JSON(\'{"a": [1]}\'), Math("x"))',
        'display(SVG(data="<svg/>"), Latex("$x$"))',
      ].join('\n'),
    )
    expect(files.error).toBeUndefined()
    expect(rich(files).map(({ data, metadata }) => [data, metadata])).toMatchObject([
      [{ 'image/png': expect.any(String) as string }, { 'image/png': { width: 40 } }],
      [{ 'text/html': '<img src="https://example.com/a.png" alt="&lt;"/>' }, {}],
      [{ 'text/html': '<pre><code class="language-python">x = &lt;1&gt;\n</code></pre>' }, {}],
      [{ 'text/html': '<a href="a.png" target="_blank">a.png</a>' }, {}],
      [{ 'text/html': expect.stringContaining('src="https://example.com?q=1"') as string }, {}],
      [{ 'application/json': { a: [1] } }, { 'application/json': { expanded: false } }],
      [{ 'text/latex': '$\\displaystyle x$' }, {}],
      [{ 'image/svg+xml': '<svg/>' }, {}],
      [{ 'text/latex': '$x$' }, {}],
    ])
    expect((await tools.runPythonCode('Image("missing.png")')).error).toMatchObject({
      name: 'TypeError',
      value: "Image expects bytes, or the path of a file, not 'missing.png'",
    })
  })

  it('libraries that look for IPython work, and show what they have', async () => {
    const tools = await makeToolset({ python: await pythonWithoutIPython() })
    await tools.runPythonCode(`import sys\nsys.path.append(${JSON.stringify(LIBRARIES)})`)
    const plot = await tools.runPythonCode(
      'import IPython, matplotlib.pyplot as plt\nplt.plot([1, 2]);\nplt.show()',
    )
    expect(plot).toMatchObject({ success: true, stderr: '' })
    expect(plot.fig_storage_paths).toHaveLength(1)
    const shown = await tools.runPythonCode(
      [
        'import altair as alt, pandas as pd, PIL.Image, plotly.graph_objects as go, sympy',
        'from tqdm.auto import tqdm',
        'PIL.Image.new("RGB", (2, 2)).show()',
        'go.Figure().show()',
        'alt.Chart(pd.DataFrame({"a": [1]})).mark_bar().encode(x="a").show()',
        'sympy.init_printing()',
        'sympy.Symbol("x")',
        'pd.show_versions()',
      ].join('\n'),
    )
    expect(shown.error).toBeUndefined()
    expect(rich(shown).map(({ data }) => Object.keys(data).sort()[0])).toEqual([
      'image/png',
      PLOTLY,
      'application/vnd.vegalite.v6.json',
      'text/latex',
    ])
    expect(shown.stdout).toMatch(/IPython +: 0\+stand\.in/)
  })
})
