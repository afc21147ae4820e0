import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { InvalidOptionError, type AuditEvent, type RunOutput } from '../src/index.js'
import { Secrets, SecretStream } from '../src/interpreter/secrets.js'
import { eventually } from './helpers/processes.js'
import { tell, waitFor } from './helpers/python-code.js'
import { makeToolset, temporaryFolder } from './helpers/toolset.js'

const KEY = 'sk-abc123XYZ'
/** Code that has the key without its text in its source. */
const GET_KEY = 'import os; key = os.environ["KEY"]'

function withKey(options: Parameters<typeof makeToolset>[0] = {}) {
  return makeToolset({ secrets: [KEY], env: { KEY }, initCode: GET_KEY, ...options })
}

/** All ways to cut a text into three pieces. */
function threePieces(text: string): string[][] {
  const cuts = Array.from({ length: text.length + 1 }, (_, i) => i)
  return cuts.flatMap((a) =>
    cuts.filter((b) => b >= a).map((b) => [text.slice(0, a), text.slice(a, b), text.slice(b)]),
  )
}

describe('a stream without secrets', () => {
  it.each([
    ['one', ['secret'], 'a secret, a secre', 'a [redacted], a secre'],
    ['one after the other', ['secret'], 'secretsecret', '[redacted][redacted]'],
    ['a false start', ['aab'], 'aaab aa', 'a[redacted] aa'],
    ['one in another', ['abcd', 'xabcdef'], 'xabcdef xabcd', '[redacted] x[redacted]'],
    ['one that begins another', ['abcd', 'abcdef'], 'abcdef abcde', '[redacted] [redacted]e'],
    ['some that overlap', ['aXbc', 'bcYY'], 'aXbcYY bcYY', '[redacted] [redacted]'],
    ['one that overlaps itself', ['abab'], 'ababababx', '[redacted]x'],
  ])('is the same however it is cut, with %s', (_, secrets, text, expected) => {
    for (const pieces of threePieces(text)) {
      const stream = new SecretStream(secrets)
      const said = pieces.map((piece) => stream.write(piece)).join('') + stream.end()
      expect([pieces, said]).toEqual([pieces, expected])
    }
  })

  it('holds back no more than can be the beginning of a secret', () => {
    const stream = new SecretStream(['secret'])
    expect(stream.write('no ')).toBe('no ')
    expect(stream.write('se')).toBe('')
    expect(stream.write('e')).toBe('see')
  })

  it('has no secret as JSON or repr() write it', () => {
    const secrets = new Secrets(['line 1\nline "2"'])
    expect(secrets.redact(String.raw`'line 1\nline "2"' "line 1\nline \"2\""`)).toBe(
      `'[redacted]' "[redacted]"`,
    )
  })
})

describe('secrets', () => {
  it('are in nothing that a result says', async () => {
    const tools = await withKey()
    const result = await tools.runPythonCode(
      [
        'import sys',
        'from IPython.display import display',
        'print(key); print(key, file=sys.stderr)',
        'os.write(1, key.encode() + b"\\n");',
        'key',
        'display({"text/html": f"<b>{key}</b>", "application/json": {key: [key]}}, raw=True)',
        'value = {"a": [key], key: 1}',
        'raise ValueError(key)',
      ].join('\n'),
    )
    expect(result.stdout).toContain("[redacted]\n[redacted]\n'[redacted]'\n")
    expect(result.error).toMatchObject({ name: 'ValueError', value: '[redacted]' })
    expect(result.error?.traceback).toContain('ValueError: [redacted]')
    expect(JSON.stringify(result)).not.toContain(KEY)
    const value = await tools.runPythonCode('', { result_var_name: 'value' })
    expect(value.result).toEqual({ a: ['[redacted]'], '[redacted]': 1 })
  })

  it('do not slip through in two pieces, nor to who listens', async () => {
    const tools = await withKey()
    const heard: RunOutput[] = []
    const result = await tools.runPythonCode(
      'for c in f"<{key}> {key[:5]}":\n    os.write(1, c.encode());\n    os.write(2, c.encode());',
      { onOutput: (output) => void heard.push(output) },
    )
    const expected = `<[redacted]> ${KEY.slice(0, 5)}`
    expect([result.stdout, result.stderr]).toEqual([expected, expected])
    const texts = heard.map((output) => (output.type === 'stream' ? output.text : ''))
    expect(texts.join('')).not.toContain(KEY)
    expect(JSON.stringify(result.outputs)).not.toContain(KEY)
  })

  it('are in no output that a listener hears while the code runs', async () => {
    const tools = await withKey()
    const goOn = join(await temporaryFolder(), 'go-on')
    const heard: string[] = []
    const code = `print("a", key[:4], end="", flush=True)\n${waitFor(goOn)}\nprint(key[4:], key)`
    const running = tools.runPythonCode(code, {
      onOutput: (output) => {
        if (output.type === 'stream') heard.push(output.text)
      },
    })
    await eventually('the beginning is heard', () => heard.join('') === 'a ')
    await writeFile(goOn, '')
    expect((await running).stdout).toBe('a [redacted] [redacted]\n')
    expect(heard.join('')).toBe('a [redacted] [redacted]\n')
  })

  it('are not in what comes late, is looked at or is written to a file', async () => {
    const tools = await withKey({ maxOutputBytes: 1000 })
    const goOn = join(await temporaryFolder(), 'go-on')
    const thread =
      'import threading, time\n' +
      `def late():\n    ${waitFor(goOn).replaceAll('\n', '\n    ')}\n    os.write(1, key[:3].encode()); os.write(1, (key[3:] + key[:4]).encode()); open(${JSON.stringify(goOn + '2')}, "w").close()\n` +
      'threading.Thread(target=late).start()'
    await tools.runPythonCode(thread)
    await writeFile(goOn, '')
    await eventually('it has been written', () => existsSync(`${goOn}2`))
    const long = await tools.runPythonCode('print(f"{key}\\n" * 1000)')
    expect(JSON.stringify(long)).not.toContain(KEY)
    expect(long.late_outputs).toMatchObject([{ execution_count: 1, stdout: '[redacted]sk-a' }])
    const path = long.notices?.join(' ').match(/\.outputs\/\S+\.txt/)?.[0] ?? ''
    const whole = await readFile(join(tools.workdir, path), 'utf8')
    expect(whole).toBe('[redacted]\n'.repeat(1000) + '\n')

    const started = join(await temporaryFolder(), 'started')
    const detached = await tools.runPythonCode(
      `print(key)\n${tell(started)}\nimport time\nwhile True: time.sleep(0.01)`,
      { timeout_ms: 200, on_timeout: 'detach' },
    )
    expect(detached.stdout).toBe('[redacted]\n')
    const stopped = await tools.stop()
    expect(JSON.stringify(stopped)).not.toContain(KEY)
  })

  it('are not in questions, errors of tools, lists of variables, events and lines', async () => {
    const events: AuditEvent[] = []
    const lines: unknown[] = []
    const log = (...line: unknown[]) => void lines.push(line)
    const logger = { debug: log, info: log, warn: log, error: log }
    const tools = await withKey({ onAudit: (event) => void events.push(event), logger })
    let asked = ''
    await tools.runPythonCode('input(f"Is it {key}?");', {
      onInput: ({ prompt }) => ((asked = prompt), 'yes'),
    })
    expect(asked).toBe('Is it [redacted]?')
    const listed = await tools.manageInterpreters({ operation: 'variables' })
    expect(JSON.stringify(listed)).toContain('[redacted]')
    expect(JSON.stringify([listed, await tools.variables()])).not.toContain(KEY)
    await tools.runPythonCode('raise type(key, (Exception,), {})')
    expect(events.at(-1)?.error).toBe('[redacted]')

    const broken = await withKey({ initCode: `${GET_KEY}\nraise ValueError(key)`, logger })
    const refused = await broken.tools()[0]?.execute({ code: '1' }, {})
    expect(JSON.stringify(refused)).toContain('[redacted]')
    const created = await broken.manageInterpreters({ operation: 'create' })
    expect(JSON.stringify(created)).toContain('[redacted]')
    expect(JSON.stringify([refused, created, lines])).not.toContain(KEY)
  })

  it('are in no error that a call throws, nor in what caused it', async () => {
    const told = (error: unknown): string[] =>
      error instanceof Error
        ? [String(error), error.stack ?? '', JSON.stringify(error), ...told(error.cause)]
        : []
    const thrownBy = (call: Promise<unknown>) => call.then(() => null).catch((e: unknown) => e)

    const broken = await withKey({ initCode: `${GET_KEY}\nraise ValueError(key)` })
    const dying = await withKey({
      initCode: `${GET_KEY}\nprint(key, flush=True)\nos._exit(3)`,
    })
    const tools = await withKey()
    await tools.runPythonCode('x = {}; x[key] = x')
    const errors = [
      await thrownBy(broken.runPythonCode('1')),
      await thrownBy(dying.runPythonCode('1')),
      await thrownBy(broken.setVariables({ x: 1 })),
      await thrownBy(tools.getVariables(['x'])),
    ]
    expect(errors).toMatchObject([
      { code: 'INIT_CODE', traceback: expect.stringContaining('[redacted]') as string },
      { code: 'START', cause: { output: expect.stringContaining('[redacted]') as string } },
      { code: 'INIT_CODE' },
      { code: 'VALUE_NOT_EXPRESSIBLE' },
    ])
    for (const error of errors) {
      expect(told(error).join('\n')).toContain('[redacted]')
      expect(told(error).join('\n')).not.toContain(KEY)
    }
  })

  it('leave the reason of an abort to the caller', async () => {
    const tools = await withKey()
    const reason = new Error(KEY)
    const call = tools.runPythonCode('1', { signal: AbortSignal.abort(reason) })
    await expect(call).rejects.toMatchObject({ code: 'ABORTED', cause: reason })
    expect(reason.message).toBe(KEY)
  })

  it('leave images and ids as they are', async () => {
    const tools = await makeToolset({ secrets: ['iVBORw0KGgo', 'python'] })
    const result = await tools.runPythonCode(
      'import matplotlib.pyplot as plt\nplt.plot([1, 2], label="python");',
    )
    expect(result.base64_uri?.[0]).toContain('iVBORw0KGgo')
    expect(result.fig_storage_path).toMatch(/\.png$/)
    expect(JSON.stringify(result.charts)).not.toContain('python')
  })

  it('must be long enough, and the error does not tell them', async () => {
    for (const secrets of [['abc'], { token: '' }, [1234 as unknown as string], ['redact']]) {
      await expect(makeToolset({ secrets })).rejects.toThrow(InvalidOptionError)
    }
    await expect(makeToolset({ secrets: { token: 'abc' } })).rejects.toThrow(/^secrets: token must/)
    await expect(makeToolset({ secrets: ['abc'] })).rejects.not.toThrow(/abc/)
    const named = await makeToolset({ secrets: { token: KEY } })
    expect((await named.runPythonCode(`"${KEY}"`)).stdout).toBe("'[redacted]'\n")
  })
})
