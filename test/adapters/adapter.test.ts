/** What all adapters show a model of an answer. */
import { describe, expect, it } from 'vitest'
import { modelAnswer, toolContext } from '../../src/adapters/adapter.js'
import type { PythonInterpreterToolSet, ToolAnswer } from '../../src/index.js'
import { makeToolset } from '../helpers/toolset.js'

const [MANAGE, RUN] = ['manage_interpreters', 'run_python_code']

/** The smallest PNG there is, in Python. */
const PNG = `import base64
from IPython.display import display, Image, SVG
png = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII=")`

async function answerOf(toolset: PythonInterpreterToolSet, name: string, input: object) {
  const tool = toolset.tools().find((one) => one.name === name)
  if (tool === undefined) throw new Error(`no tool ${name}`)
  const answer: ToolAnswer = await tool.execute(input)
  return { answer, ...modelAnswer(tool, answer) }
}

describe('what a model is shown', () => {
  it('is text, and no image where there is none', async () => {
    const toolset = await makeToolset()
    const { text, images, failed } = await answerOf(toolset, RUN, { code: '6 * 7' })
    expect({ text, images, failed }).toEqual({ text: 'stdout:\n42', images: [], failed: false })
    expect(await answerOf(toolset, RUN, { code: '1/0' })).toMatchObject({ failed: true })
    expect(await answerOf(toolset, RUN, {})).toMatchObject({ failed: true })
    expect(await answerOf(toolset, MANAGE, { operation: 'drop' })).toMatchObject({ failed: true })
  })

  it('has the images that services take, and says how many it has not', async () => {
    const toolset = await makeToolset()
    const code = `${PNG}
display(Image(data=png, format="png"))
display(SVG("<svg xmlns='http://www.w3.org/2000/svg'/>"))
display({"image/png": "bm8gcGljdHVyZQ=="}, raw=True)
display({"image/jpeg": base64.b64encode(png).decode()}, raw=True)
display({"image/png": base64.encodebytes(png).decode()}, raw=True)`
    const { text, images } = await answerOf(toolset, RUN, { code })
    expect(text).toMatch(
      /NOTICE: 3 of 5 images are not shown to you: only PNG, JPEG, GIF and WebP are, at most 10 /,
    )
    expect(images).toHaveLength(2)
    expect(images[0]).toEqual(images[1])
    expect(images[0]).toMatchObject({ mediaType: 'image/png' })
  })

  it('has no more of them than services take', async () => {
    const toolset = await makeToolset()
    const many = `${PNG}\nfor _ in range(12): display(Image(data=png, format="png"))`
    const first = await answerOf(toolset, RUN, { code: many })
    expect(first.images).toHaveLength(10)
    expect(first.text).toContain('NOTICE: 2 of 12 images')
    const large = `big = Image(data=png + bytes(3_000_000), format="png")
display(big); display(big); display(Image(data=png, format="png"))`
    const second = await answerOf(toolset, RUN, { code: large })
    expect(second.images.map(({ base64 }) => base64.length > 1_000_000)).toEqual([true, false])
    expect(second.text).toContain('NOTICE: 1 of 3 images')
  })

  it('has those of a detached run that was waited for', async () => {
    const toolset = await makeToolset()
    const code = `${PNG}
import os, time
display(Image(data=png, format="png"))
while not os.path.exists("go"): time.sleep(0.01)`
    const detached = { code, timeout_ms: 300, on_timeout: 'detach' }
    expect((await answerOf(toolset, RUN, detached)).answer).toMatchObject({ detached: true })
    await toolset.files.write('go', '')
    const waited = await answerOf(toolset, MANAGE, { operation: 'wait' })
    expect(waited).toMatchObject({ failed: false, answer: { running: false } })
    expect(waited.images).toHaveLength(1)
    expect(waited.text).not.toContain('iVBORw0KGgo')
  })
})

describe('the context of a call', () => {
  it('takes the session from the option, else from the framework, and else names none', () => {
    const call = { context: { n: 1 }, client_id: 'thread' }
    expect(toolContext({}, call)).toEqual({ client_id: 'thread' })
    expect(toolContext({ client_id: 'me' }, call)).toEqual({ client_id: 'me' })
    expect(toolContext({ client_id: ({ n }) => `n${n}` }, call)).toEqual({ client_id: 'n1' })
    expect(toolContext({ client_id: () => undefined }, call)).toEqual({ client_id: 'thread' })
    expect(toolContext({}, { context: {}, client_id: '' })).toEqual({})
    expect(toolContext({}, { context: {}, client_id: 7, signal: null })).toEqual({})
  })

  it('lets the framework hear of outputs, and then the programmer', async () => {
    const heard: unknown[] = []
    const { onOutput } = toolContext(
      { onOutput: (output, context) => void heard.push([context, output]) },
      { context: 'call', onOutput: (output) => void heard.push(output) },
    )
    const output = { type: 'notice' as const, text: 'a' }
    await onOutput?.(output)
    expect(heard).toEqual([output, ['call', output]])
  })
})
