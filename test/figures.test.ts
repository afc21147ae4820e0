import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { makeToolset } from './helpers/toolset.js'

const PLOT = 'import matplotlib.pyplot as plt\n'
const PNG_SIGNATURE = '89504e470d0a1a0a'

describe('figures', () => {
  it('are captured at the end of a run that never calls show, to a file and as a data URI', async () => {
    const tools = await makeToolset()
    const result = await tools.runPythonCode(`${PLOT}plt.plot([1, 2]);`)
    expect(result.base64_uri).toHaveLength(1)
    expect(result.hidden_to_model).toEqual(['outputs', 'base64_uri', 'charts', 'usage'])
    expect(result.fig_storage_path).toMatch(/^\.matplotlib_figs\/[0-9a-f-]{36}\.png$/)
    expect(result.fig_storage_paths).toEqual([result.fig_storage_path])
    const file = await readFile(join(tools.workdir, result.fig_storage_path ?? ''))
    expect(file.subarray(0, 8).toString('hex')).toBe(PNG_SIGNATURE)
    expect(result.base64_uri?.[0]).toBe(`data:image/png;base64,${file.toString('base64')}`)
  })

  it('are captured once each, in the order in which they were shown', async () => {
    const tools = await makeToolset()
    const { base64_uri: uris = [] } = await tools.runPythonCode(
      `${PLOT}for i in range(3):\n    plt.figure(figsize=(i + 1, 1)); plt.plot([1, 2])\n    if i == 1: plt.show()`,
    )
    const widths = uris.map((uri) =>
      Buffer.from(uri.split(',')[1] ?? '', 'base64').readUInt32BE(16),
    )
    expect(widths).toHaveLength(3)
    expect(widths).toEqual([...widths].sort((a, b) => a - b))
  })

  it('are closed in pyplot; their object stays usable and is captured again when left as the last value', async () => {
    const tools = await makeToolset()
    const first = await tools.runPythonCode(`${PLOT}fig, ax = plt.subplots()\nax.plot([1, 2]);`)
    expect(first.base64_uri).toHaveLength(1)
    const second = await tools.runPythonCode('plt.get_fignums()\nax.set_title("again");\nfig')
    expect(second.stdout).toBe('[]\n<Figure size 640x480 with 1 Axes>\n')
    expect(second.base64_uri).toHaveLength(1)
    expect((await tools.runPythonCode('fig;')).base64_uri).toBeUndefined()
    expect((await tools.runPythonCode('fig\n1')).base64_uri).toBeUndefined()
  })

  it('are captured again when shown again', async () => {
    const tools = await makeToolset()
    const result = await tools.runPythonCode(
      `${PLOT}fig, ax = plt.subplots(); ax.plot([1, 2]); plt.show()\nfig.show()`,
    )
    expect(result.error).toBeUndefined()
    expect(result.base64_uri).toHaveLength(2)
  })

  it.each([
    ['saved and closed by the user', 'plt.plot([1]); plt.savefig("a.png"); plt.close()'],
    ['without axes', 'plt.figure();'],
    ['closed all together', 'plt.figure(); plt.plot([1]); plt.close("all")'],
  ])('that are %s are not captured', async (_, code) => {
    const tools = await makeToolset()
    const result = await tools.runPythonCode(PLOT + code)
    expect(result.error).toBeUndefined()
    expect(result.base64_uri).toBeUndefined()
    expect(result.fig_storage_path).toBeUndefined()
  })

  it('are captured by show() also after matplotlib.use("Agg"), without a warning', async () => {
    const tools = await makeToolset()
    const result = await tools.runPythonCode(
      `import matplotlib\nmatplotlib.use("Agg")\n${PLOT}fig = plt.figure(); plt.plot([1, 2]); plt.show(); plt.get_fignums()\nplt.plot([2, 1]); plt.gcf().show()`,
    )
    expect(result.stderr).toBe('')
    expect(result.base64_uri).toHaveLength(2)
  })

  it('are found relative to the workdir after the run has changed directory', async () => {
    const tools = await makeToolset()
    const result = await tools.runPythonCode(
      `import os\nos.mkdir("sub"); os.chdir("sub")\n${PLOT}plt.plot([1, 2]);`,
    )
    expect(await readdir(join(tools.workdir, '.matplotlib_figs'))).toHaveLength(1)
    expect(await readFile(join(tools.workdir, result.fig_storage_path ?? ''))).toBeTruthy()
  })

  it('that cannot be drawn are named in a notice, and do not come back', async () => {
    const tools = await makeToolset()
    const result = await tools.runPythonCode(`${PLOT}plt.title("$\\\\bad{$"); plt.plot([1]);`)
    expect(result).toMatchObject({ success: true })
    expect(result.notices?.join()).toMatch(/Figure 1 could not be drawn: ValueError/)
    expect(await tools.runPythonCode('1')).not.toHaveProperty('notices')
  })

  it('drawn before an error or a crash are not lost', async () => {
    const tools = await makeToolset()
    const failed = await tools.runPythonCode(`${PLOT}plt.plot([1, 2]);\n1 / 0`)
    expect(failed.error?.name).toBe('ZeroDivisionError')
    expect(failed.base64_uri).toHaveLength(1)
    const crashed = await tools.runPythonCode(
      'plt.plot([1, 2]); plt.show()\nimport os\nos._exit(3)',
    )
    expect(crashed.interpreter_crashed).toBe(true)
    expect(crashed.base64_uri).toHaveLength(1)
  })

  it('are not captured when figures are off, and cost nothing where matplotlib is not used', async () => {
    const off = await makeToolset({ figures: false })
    expect((await off.runPythonCode(`${PLOT}plt.plot([1, 2]);`)).base64_uri).toBeUndefined()
    const tools = await makeToolset()
    const { stdout } = await tools.runPythonCode(
      'import sys\n[m for m in sys.modules if m.split(".")[0] in ("matplotlib", "numpy", "asyncio")]',
    )
    expect(stdout).toBe('[]\n')
  })

  it('use the folder and the dots per inch that are asked for', async () => {
    const tools = await makeToolset({ figures: { folder: 'plots', dpi: 50 } })
    const result = await tools.runPythonCode(`${PLOT}plt.figure(figsize=(4, 2)); plt.plot([1, 2]);`)
    expect(result.fig_storage_path).toMatch(/^plots\//)
    const width = Buffer.from(result.base64_uri?.[0]?.split(',')[1] ?? '', 'base64').readUInt32BE(
      16,
    )
    expect(width).toBeLessThan(220)
  })
})
