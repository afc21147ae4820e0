import { describe, expect, it } from 'vitest'
import { functionTools } from '../../src/adapters/json-schema.js'
import {
  ENDLESS,
  expectAlive,
  expectOnlyOnce,
  expectPng,
  FIGURE,
  RUN,
  said,
} from '../helpers/adapters.js'
import { makeToolset } from '../helpers/toolset.js'

describe('functionTools', () => {
  it('defines functions in JSON Schema', async () => {
    const toolset = await makeToolset()
    const { definitions } = functionTools(toolset)
    expect(definitions.map(({ name }) => name)).toEqual([RUN, 'manage_interpreters'])
    expect(definitions[0]).toMatchObject({
      description: said('Python'),
      parameters: {
        type: 'object',
        properties: { code: { type: 'string' } },
        required: ['code'],
        additionalProperties: false,
      },
    })
    const strict = functionTools(toolset, { strict: true }).definitions
    for (const { parameters } of strict) {
      expect(parameters.required).toEqual(Object.keys(parameters.properties))
    }
    expect(JSON.stringify(definitions)).toContain('maxLength')
    expect(JSON.stringify(strict)).not.toContain('maxLength')
    expect(JSON.stringify([definitions, strict])).not.toContain('$schema')
  })

  it('keeps variables between the calls of a session, apart from those of others', async () => {
    const functions = functionTools(await makeToolset())
    const ann = { client_id: 'ann' }
    await functions.call(RUN, '{"code": "x = 6"}', ann)
    expect(await functions.call(RUN, { code: 'x * 7' }, ann)).toEqual({
      text: 'stdout:\n42',
      images: [],
      failed: false,
      result: expect.objectContaining({ success: true, stdout: '42\n' }) as unknown,
    })
    const other = await functions.call(RUN, { code: 'x' }, { client_id: 'bob' })
    expect(other).toMatchObject({ failed: true, text: said("NameError: name 'x' is not defined") })
  })

  it('gives a figure as an image, and its base64 in no text', async () => {
    const { text, images } = await functionTools(await makeToolset()).call(RUN, { code: FIGURE })
    expect(text).toMatch(/drawn[^]*figures: /)
    expect(images).toEqual([{ mediaType: 'image/png', base64: said(/./) }])
    expectOnlyOnce({ text, images }, expectPng(images[0]?.base64))
    const without = functionTools(await makeToolset(), { images: false })
    expect(await without.call(RUN, { code: FIGURE })).toMatchObject({ images: [] })
  })

  it('interrupts the run of a call that is aborted, and the session goes on', async () => {
    const toolset = await makeToolset()
    await toolset.runPythonCode('x = 7')
    const controller = new AbortController()
    const context = { signal: controller.signal, onOutput: () => controller.abort() }
    const aborted = functionTools(toolset).call(RUN, { code: ENDLESS }, context)
    await expect(aborted).rejects.toMatchObject({ name: 'AbortError' })
    await expectAlive(toolset, undefined, 'x', '7')
  })

  it('answers whatever a model types, so that it can repair it', async () => {
    const { call } = functionTools(await makeToolset())
    const [json, nothing, list, unknown, name, good] = await Promise.all([
      call(RUN, '{"code": 1'),
      call(RUN, ''),
      call(RUN, '[]'),
      call(RUN, { kode: 1 }),
      call('run_python', '{}'),
      call(RUN, '{"code": "6 * 7"}'),
    ])
    expect(json).toEqual({
      text: said(`error:\nThe arguments of ${RUN} are not valid JSON: `),
      images: [],
      failed: true,
    })
    expect(nothing).toMatchObject({ failed: true, text: said('not valid JSON') })
    expect(list).toMatchObject({ failed: true, result: { success: false } })
    expect(unknown).toMatchObject({ failed: true, text: said('kode') })
    const names = `There is no function "run_python". There are ${RUN} and manage_interpreters.`
    expect(name).toMatchObject({ failed: true, text: said(names) })
    expect(good).toMatchObject({ failed: false, text: 'stdout:\n42' })
  })
})
