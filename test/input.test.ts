import { setImmediate } from 'node:timers/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import { LocalEngine, type OnInput, type Question } from '../src/index.js'
import { makeToolset } from './helpers/toolset.js'

const LIMIT_MS = 300

/** A function that answers from a list, and remembers what it was asked. */
function answering(...answers: string[]) {
  const asked: Question[] = []
  const onInput: OnInput = (question) => {
    asked.push(question)
    return answers.shift() ?? 'no answer is left'
  }
  return { asked, onInput }
}

describe('input() without anybody to ask', () => {
  it.each([
    ['input', 'input("name? ")', 'Put the value into the code instead.'],
    [
      'getpass',
      'import getpass; getpass.getpass()',
      'Pass the secret as an environment variable instead.',
    ],
  ])('%s is an error at once that says what to do', async (name, code, instead) => {
    const tools = await makeToolset()
    const result = await tools.runPythonCode(code)
    expect(result).toMatchObject({ success: false, stdout: '', error: { name: 'InputError' } })
    expect(result.error?.value).toBe(
      `${name}() is not available: nobody can be asked while this code runs. ${instead}`,
    )
    expect(result.error?.traceback).not.toContain('_python_interpreter_toolset')
  })

  it('is an EOFError, which code may handle', async () => {
    const tools = await makeToolset()
    const code = 'try:\n    input()\nexcept EOFError as error:\n    print(type(error).__mro__[1])'
    expect((await tools.runPythonCode(code)).stdout).toBe("<class 'EOFError'>\n")
  })

  it('cannot ask for the run before, nor in initCode', async () => {
    const initCode = 'try:\n    input()\nexcept EOFError:\n    refused = True'
    const tools = await makeToolset({ initCode })
    const { onInput } = answering('yes')
    expect((await tools.runPythonCode('refused, input()', { onInput })).stdout).toBe(
      "yes\n(True, 'yes')\n",
    )
    expect((await tools.runPythonCode('input()')).error?.name).toBe('InputError')
  })
})

describe('onInput', () => {
  it('is asked, and what was asked and answered stands in the output', async () => {
    const tools = await makeToolset()
    const { asked, onInput } = answering('Ann', 'secret', '')
    const code = [
      'import getpass',
      'print("hello")',
      'name = input("name? ")',
      'password = getpass.getpass()',
      'rest = input()',
      'name, password, rest',
    ]
    const result = await tools.runPythonCode(code.join('\n'), { onInput })
    expect(result.stdout).toBe("hello\nname? Ann\nPassword: \n\n('Ann', 'secret', '')\n")
    expect(asked).toEqual([
      { prompt: 'name? ', password: false },
      { prompt: 'Password: ', password: true },
      { prompt: '', password: false },
    ])
  })

  it('may take its time', async () => {
    const tools = await makeToolset()
    const run = tools.runPythonCode('input(5)', {
      onInput: async ({ prompt }) => {
        await setImmediate()
        return `${prompt}!`
      },
    })
    expect((await run).stdout).toBe("55!\n'5!'\n")
  })

  it.each<[string, OnInput, string]>([
    [
      'throws',
      () => {
        throw new Error('not now')
      },
      'not now',
    ],
    ['rejects', () => Promise.reject(new Error('no one is there')), 'no one is there'],
    ['answers no string', () => 5 as unknown as string, 'onInput answered no string.'],
  ])('that %s raises that in the code', async (_, onInput, message) => {
    const tools = await makeToolset()
    const result = await tools.runPythonCode('x = 5\ninput("? ")', { onInput })
    expect(result).toMatchObject({
      success: false,
      stdout: '? ',
      error: { name: 'InputError', value: message },
      state: 'kept',
    })
    expect((await tools.runPythonCode('x')).stdout).toBe('5\n')
  })

  it("does not hinder a time limit, and its late answer is nobody else's", async () => {
    const tools = await makeToolset()
    let answerLate: (answer: string) => void = () => undefined
    const late = new Promise<string>((resolve) => (answerLate = resolve))
    const stopped = await tools.runPythonCode('x = 5\ninput()', {
      timeout_ms: LIMIT_MS,
      onInput: () => late,
    })
    expect(stopped).toMatchObject({ timed_out: true, state: 'kept' })
    expect(stopped.error?.traceback).not.toContain('zmq')
    const { onInput } = answering('right')
    const next = tools.runPythonCode('x, input()', {
      onInput: (question) => {
        answerLate('wrong')
        return onInput(question)
      },
    })
    expect((await next).stdout).toBe("right\n(5, 'right')\n")
  })

  it('does not hinder an interrupt or an abort', async () => {
    const tools = await makeToolset()
    const interrupted = await tools.runPythonCode('input()', {
      onInput: async () => {
        await tools.manageInterpreters({ operation: 'interrupt' })
        return new Promise(() => undefined)
      },
    })
    expect(interrupted).toMatchObject({ error: { name: 'KeyboardInterrupt' }, state: 'kept' })
    const controller = new AbortController()
    const aborted = tools.runPythonCode('input()', {
      signal: controller.signal,
      onInput: () => {
        controller.abort()
        return new Promise(() => undefined)
      },
    })
    await expect(aborted).rejects.toMatchObject({ code: 'ABORTED' })
    expect((await tools.runPythonCode('1')).state).toBe('kept')
  })

  it.each([
    [
      'a thread',
      'import threading\nrun = lambda: try_it()\nt = threading.Thread(target=run); t.start(); t.join()',
    ],
    [
      'a child',
      'import os\npid = os.fork()\nif pid == 0:\n    try_it(); os._exit(0)\nos.waitpid(pid, 0);',
    ],
  ])('is not asked by %s', async (_, code) => {
    const tools = await makeToolset()
    const { asked, onInput } = answering()
    const attempt = 'def try_it():\n    try: input()\n    except EOFError as e: print(e)'
    const { stdout } = await tools.runPythonCode(`${attempt}\n${code}`, { onInput })
    expect(stdout).toContain("only the main thread of the session's own process can ask")
    expect(asked).toEqual([])
  })

  it('is asked by code that awaits', async () => {
    const tools = await makeToolset()
    const { onInput } = answering('yes')
    const code = 'import asyncio\nawait asyncio.sleep(0)\ninput()'
    expect((await tools.runPythonCode(code, { onInput })).stdout).toBe("yes\n'yes'\n")
  })

  it('is asked by sessions that were forked, that were restored, and that are branches', async () => {
    const engine = new LocalEngine({ start: 'fork' })
    onTestFinished(() => engine.close())
    const tools = await makeToolset({ engine, checkpoint: 'always' })
    const { onInput } = answering('1', '2', '3', '4')
    const code = 'import getpass\ninput(), getpass.getpass("")'
    expect((await tools.runPythonCode(code, { onInput })).stdout).toBe("1\n\n('1', '2')\n")
    const crashed = await tools.runPythonCode('import os; os.abort()')
    expect(crashed.state).toBe('restored')
    expect((await tools.runPythonCode('input()', { onInput })).stdout).toBe("3\n'3'\n")
    const { interpreter_id } = await tools.branch()
    const options = { onInput, interpreter_id }
    expect((await tools.runPythonCode('input()', options)).stdout).toBe("4\n'4'\n")
  })

  it('is passed in the context of a tool call, and has to be a function', async () => {
    const tools = await makeToolset()
    const run = tools.tools()[0]
    const { onInput } = answering('yes')
    const code = 'input()'
    expect(await run?.execute({ code }, { onInput })).toMatchObject({ stdout: "yes\n'yes'\n" })
    const wrong = { onInput: 5 as unknown as OnInput }
    await expect(tools.runPythonCode(code, wrong)).rejects.toMatchObject({ code: 'INVALID_OPTION' })
  })
})
