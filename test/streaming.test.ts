import { execFileSync } from 'node:child_process'
import { constants, existsSync } from 'node:fs'
import { open, readFile, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { OutputLog } from '../src/interpreter/output-log.js'
import { TerminalText } from '../src/interpreter/terminal-text.js'
import type { RunOutput } from '../src/index.js'
import { eventually } from './helpers/processes.js'
import { makeToolset } from './helpers/toolset.js'

const LIBRARIES = resolve(import.meta.dirname, '../.venv/libraries')
const WITH_LIBRARIES = `import sys\nsys.path.append(${JSON.stringify(LIBRARIES)})\n`

/** Each output in a few characters. */
function short(output: RunOutput): string {
  switch (output.type) {
    case 'stream':
      return `${output.name === 'stdout' ? 'o' : 'e'}:${output.text}`
    case 'execute_result':
      return `r:${JSON.stringify(output.data['text/plain'])}`
    case 'notice':
      return `n:${output.text}`
    case 'error':
      return `x:${output.name}`
    default:
      return output.type
  }
}

/** Texts of neighbours of the same kind together: how many pieces they come in is not promised. */
function joined(outputs: readonly RunOutput[]): string[] {
  return outputs.map(short).reduce<string[]>((all, next) => {
    const last = all.at(-1)
    if (last === undefined || !/^[oe]:/.test(next) || last[0] !== next[0]) return [...all, next]
    return [...all.slice(0, -1), last + next.slice(2)]
  }, [])
}

describe('what a run says', () => {
  it('comes in the order in which Python code wrote it', async () => {
    const tools = await makeToolset()
    const heard: RunOutput[] = []
    const result = await tools.runPythonCode(
      `import sys
print("a")
print("b", file=sys.stderr)
1
sys.stderr.write("c\\n");
print("d")
for i in range(3):
    print(i)
    print(-i, file=sys.stderr)
import matplotlib.pyplot as plt
p = plt.plot([1, 2])
plt.show()
2
1/0`,
      { onOutput: (output) => void heard.push(output) },
    )
    expect(joined(heard)).toEqual([
      'o:a\n',
      'e:b\n',
      'r:"1"',
      'e:c\n',
      'o:d\n0\n',
      'e:0\n',
      'o:1\n',
      'e:-1\n',
      'o:2\n',
      'e:-2\n',
      'display_data',
      'r:"2"',
      'x:ZeroDivisionError',
    ])
    expect(joined(result.outputs)).toEqual(joined(heard))
    expect(result.stdout).toBe('a\n1\nd\n0\n1\n2\n2\n')
    expect(result.outputs.at(-1)).toEqual({ type: 'error', ...result.error })
  })

  it('keeps its order however much is written', async () => {
    const tools = await makeToolset()
    const { outputs } = await tools.runPythonCode(`
import sys
for i in range(2000):
    print(f"{i} " + "x" * (i % 300))
    print(f"{i} " + "y" * (i % 500), file=sys.stderr)`)
    const lines = outputs.flatMap((output) =>
      output.type === 'stream' ? output.text.trimEnd().split('\n') : [],
    )
    expect(lines.map((line) => line.split(' ')[0])).toEqual(
      Array.from({ length: 4000 }, (_, i) => String(Math.floor(i / 2))),
    )
  })

  it('keeps its order beside that of forked children, and of code that is interrupted', async () => {
    const tools = await makeToolset()
    const run = async (code: string, timeout_ms: number) => {
      let first = true
      // What is written meanwhile waits in both pipes.
      const wait = () => new Promise<void>((resolve) => setTimeout(resolve, 1000))
      const onOutput = () => (first ? ((first = false), wait()) : undefined)
      const start = 'import os, sys, time\nprint("first")\ntime.sleep(0.1)\n'
      const { outputs } = await tools.runPythonCode(start + code, { timeout_ms, onOutput })
      return joined(outputs)
    }
    const both = (who: string) =>
      `for i in range(2): print("${who}"); print("${who}", file=sys.stderr)`
    const forked = await run(
      `if (pid := os.fork()) == 0:
    ${both('child')}
else:
    _ = os.waitpid(pid, 0)
    ${both('parent')}`,
      0,
    )
    const ofParent = forked.flatMap((text) =>
      text.split(/[:\n]/).flatMap((line) => (line === 'parent' ? [text[0]] : [])),
    )
    expect(ofParent).toEqual(['o', 'e', 'o', 'e'])
    const interrupted = await run(
      `try:
    while True:
        print("out")
        print("err", file=sys.stderr)
except KeyboardInterrupt:
    print("caught", file=sys.stderr)`,
      300,
    )
    expect(interrupted.at(-1)).toMatch(/^e:.*caught\n$/s)
  })

  it.each([
    ['Python code waits', 'open("fifo").close()'],
    [
      'C code holds the interpreter lock',
      'import ctypes\nfd = ctypes.PyDLL(None).open(b"fifo", 0)',
    ],
  ])('is heard at once, also while %s', async (_, wait) => {
    const tools = await makeToolset()
    const fifo = join(tools.workdir, 'fifo')
    execFileSync('mkfifo', [fifo])
    const heard: RunOutput[] = []
    const result = await tools.runPythonCode(`print("before")\n${wait}\nprint("after")`, {
      onOutput: async (output) => {
        heard.push(output)
        if (heard.length === 1) await (await open(fifo, constants.O_WRONLY)).close()
      },
    })
    expect(result.success).toBe(true)
    expect(joined(heard)).toEqual(['o:before\nafter\n'])
  })

  it('has values whatever sys.stdout is', async () => {
    const tools = await makeToolset()
    const { outputs } = await tools.runPythonCode('import sys\nsys.stdout = None\n6 * 7')
    expect(joined(outputs)).toEqual(['r:"42"'])
  })

  it('ends with what is known at the end: notices, and the error', async () => {
    const tools = await makeToolset({ checkpoint: 'always' })
    await tools.runPythonCode('x = 1')
    const heard: RunOutput[] = []
    const onOutput = (output: RunOutput) => void heard.push(output)
    const result = await tools.runPythonCode('print("last")\nimport ctypes\nctypes.string_at(0)', {
      onOutput,
    })
    expect(joined(heard)).toEqual([
      'o:last\n',
      `n:${result.notices?.[0] ?? ''}`,
      'x:InterpreterCrashed',
    ])
  })

  it('is heard through the tool, by the context of the call', async () => {
    const tools = await makeToolset()
    const heard: RunOutput[] = []
    const onOutput = (output: RunOutput) => void heard.push(output)
    await tools.tools()[0]?.execute({ code: 'print(1)\n2' }, { onOutput })
    expect(joined(heard)).toEqual(['o:1\n', 'r:"2"'])
  })

  it('is heard by whatever function, also one that answers no promise', async () => {
    const tools = await makeToolset()
    const heard: RunOutput[] = []
    // TypeScript refuses the first.
    const push = ((output: RunOutput) => heard.push(output)) as unknown as () => void
    await tools.runPythonCode('print(1)\n2', { onOutput: push })
    expect(joined(heard)).toEqual(['o:1\n', 'r:"2"'])
    let taken = 0
    const thenable = { then: (resolve: (taken: number) => void) => resolve((taken += 1)) }
    const onOutput = () => thenable as unknown as Promise<void>
    await tools.runPythonCode('print(1)\n2', { onOutput })
    expect(taken).toBe(2)
  })

  it('fails the call if who hears it fails, but not the session', async () => {
    const tools = await makeToolset()
    for (const onOutput of [
      () => {
        throw new Error('not heard')
      },
      () => Promise.reject(new Error('not heard')),
    ]) {
      const run = tools.runPythonCode('print(1)\nx = 5\nprint(2)', { onOutput })
      await expect(run).rejects.toThrow('not heard')
      expect((await tools.runPythonCode('x')).stdout).toBe('5\n')
    }
    const wrong = { onOutput: 'not a function' as unknown as () => void }
    await expect(tools.runPythonCode('1', wrong)).rejects.toThrow('onOutput: must be a function')
  })
})

describe('who hears slowly', () => {
  it('slows the code down, and misses nothing', async () => {
    const tools = await makeToolset()
    const { stdout } = await tools.runPythonCode('import os; print(os.getpid())')
    const pid = Number(stdout)
    const written = async () => Number(await readFile(join(tools.workdir, 'count'), 'utf8'))
    let text = ''
    let first = true
    const result = await tools.runPythonCode(
      `with open("count", "w") as file:
    for i in range(2000):
        print("x" * 999)
        _ = file.seek(0), file.write(str(i)), file.flush()`,
      {
        onOutput: async (output) => {
          if (output.type === 'stream') text += output.text
          if (!first) return
          first = false
          await eventually('the code waits', async () =>
            (await readFile(`/proc/${pid}/wchan`, 'utf8')).includes('pipe'),
          )
          expect(await written()).toBeLessThan(300)
        },
      },
    )
    expect(result.success).toBe(true)
    expect(text).toBe(`${'x'.repeat(999)}\n`.repeat(2000))
  })

  it('cannot keep a call from being aborted, nor a toolset from being closed', async () => {
    const tools = await makeToolset()
    const controller = new AbortController()
    const never = () => new Promise<void>(() => undefined)
    const aborted = tools.runPythonCode('for i in range(10**6): print(i)', {
      signal: controller.signal,
      onOutput: () => (controller.abort(), never()),
    })
    await expect(aborted).rejects.toThrow('aborted')
    expect((await tools.runPythonCode('6 * 7')).stdout).toContain('42')
    let onBegun: () => void = () => undefined
    const begun = new Promise<void>((resolve) => (onBegun = resolve))
    const closed = tools.runPythonCode('for i in range(10**6): print(i)', {
      onOutput: () => (onBegun(), never()),
    })
    await begun
    await tools.close()
    await expect(closed).resolves.toMatchObject({ error: { name: 'InterpreterClosed' } })
  })

  it('cannot keep a call from being aborted when progress waits, too', async () => {
    const tools = await makeToolset()
    const controller = new AbortController()
    const aborted = tools.runPythonCode(
      `import sys, time
sys.stderr.write("\\r1%"); time.sleep(0.02)
sys.stderr.write("\\nline\\n\\r2%"); time.sleep(60)`,
      {
        echo: 'none',
        signal: controller.signal,
        onOutput: ({ type }) => {
          if (type === 'progress') return
          setTimeout(() => controller.abort(), 200) // the next progress comes before
          return new Promise<void>(() => undefined)
        },
      },
    )
    await expect(aborted).rejects.toThrow('aborted')
    expect((await tools.runPythonCode('6 * 7')).stdout).toContain('42')
  })

  it.each([
    ['goes on', 'while True: print("x" * 99)'],
    ['has ended', 'print("x" * 99)'],
    ['has ended with a bar', 'print("\\r50%\\r   \\r", end="")'],
  ])(
    'is given up after the time limit, and the state is not, when the code %s',
    async (_, code) => {
      const tools = await makeToolset({ interruptGraceMs: 500 })
      await tools.runPythonCode('x = 6 * 7')
      const onOutput = () => new Promise<void>(() => undefined)
      expect((await tools.runPythonCode(code, { timeout_ms: 300, onOutput })).state).toBe('kept')
      expect((await tools.runPythonCode('x')).stdout).toBe('42\n')
    },
  )

  it('cannot keep an interpreter from being restarted', async () => {
    const tools = await makeToolset({ interruptGraceMs: 100 })
    let onBegun: () => void = () => undefined
    const begun = new Promise<void>((resolve) => (onBegun = resolve))
    const run = tools.runPythonCode('print(1)\nwhile True: pass', {
      onOutput: () => (onBegun(), new Promise<void>(() => undefined)),
    })
    await begun
    expect(await tools.manageInterpreters({ operation: 'restart' })).toMatchObject({
      success: true,
    })
    expect((await run).error?.name).toBe('InterpreterRestarted')
  })

  it('hears one output at a time, also at the end, and may fail until then', async () => {
    const tools = await makeToolset()
    const heard: string[] = []
    const run = tools.runPythonCode('print("\\r50%\\r   \\r", end="")\n1/0', {
      onOutput: async (output) => {
        heard.push(`${output.type} begins`)
        await new Promise((resolve) => setTimeout(resolve, 100))
        heard.push(`${output.type} ends`)
        throw new Error('not heard')
      },
    })
    await expect(run).rejects.toThrow('not heard')
    expect(heard).toEqual(['progress begins', 'progress ends'])
  })
})

describe('stream()', () => {
  it('gives outputs, and then the result', async () => {
    const tools = await makeToolset()
    const stream = tools.stream('print(1)\n2\n1/0')
    const heard: RunOutput[] = []
    for await (const output of stream) heard.push(output)
    expect(joined(heard)).toEqual(['o:1\n', 'r:"2"', 'x:ZeroDivisionError'])
    expect((await stream.result).success).toBe(false)
  })

  it('lets the run go on when nobody reads any more, or ever', async () => {
    const tools = await makeToolset()
    const stream = tools.stream(
      'import sys\nfor i in range(500): print(i); print(i, file=sys.stderr)',
    )
    for await (const output of stream) {
      expect(short(output)).toMatch(/^o:0/)
      break
    }
    expect((await stream.result).stdout).toMatch(/499\n$/)
    const unread = tools.stream('for i in range(500): print(i); print(i, file=sys.stderr)')
    expect((await unread.result).stdout).toMatch(/499\n$/)
  })

  it('holds the run up for a reader who is slow, or has not come yet', async () => {
    const tools = await makeToolset()
    const code = 'import sys\nfor i in range(5000): print(i); print(i, file=sys.stderr)'
    const stream = tools.stream(code)
    await eventually('it has begun', () =>
      tools
        .manageInterpreters({ operation: 'list' })
        .then((answer) => answer.success && answer.interpreters?.[0]?.status === 'busy'),
    )
    let lines = ''
    for await (const output of stream) {
      if (output.type === 'stream' && output.name === 'stdout') lines += output.text
    }
    expect(lines).toBe((await stream.result).stdout)
  })

  it('throws what the call would reject with', async () => {
    const tools = await makeToolset()
    const read = async () => {
      for await (const output of tools.stream('1', { interpreter_id: 'none' })) short(output)
    }
    await expect(read()).rejects.toThrow('There is no interpreter')
  })
})

describe('progress', () => {
  it('of tqdm is events, and one line at the end', async () => {
    const tools = await makeToolset()
    const progress: RunOutput[] = []
    const others: RunOutput[] = []
    const result = await tools.runPythonCode(
      `${WITH_LIBRARIES}from tqdm import tqdm
import time
for i in tqdm(range(200), mininterval=0):
    time.sleep(0.002)
print("done")`,
      { onOutput: (output) => void (output.type === 'progress' ? progress : others).push(output) },
    )
    expect(result.stderr).toMatch(/^100%\|[^\n]*200\/200[^\n]*\n$/)
    expect(joined(others)).toEqual([`e:${result.stderr}`, 'o:done\n'])
    expect(joined(result.outputs)).toEqual([`e:${result.stderr}`, 'o:done\n'])
    expect(progress.length).toBeGreaterThan(1)
    expect(progress.length).toBeLessThan(100)
    const fractions = progress.map((one) => (one.type === 'progress' ? one.fraction : NaN) ?? NaN)
    expect(fractions).toEqual([...fractions].sort((a, b) => a - b))
    expect(progress[0]).toMatchObject({ type: 'progress', name: 'stderr' })
    expect(fractions[0]).toBeLessThan(1)
  })

  it('comes after the text before it', async () => {
    const tools = await makeToolset()
    const heard: RunOutput[] = []
    await tools.runPythonCode('print("line\\n\\r50%", end="")', {
      onOutput: (output) => void heard.push(output),
    })
    expect(joined(heard)).toEqual(['o:line\n', 'progress', 'o:50%'])
  })

  it('on one stream is not over by text on the other', async () => {
    const tools = await makeToolset()
    const heard: RunOutput[] = []
    await tools.runPythonCode(
      `import sys, time
for text in "\\r1%", "\\r2%":
    print(text, end="", file=sys.stderr, flush=True)
    time.sleep(0.01)
print("line")
time.sleep(0.2)`,
      { onOutput: (output) => void heard.push(output) },
    )
    expect(heard).toContainEqual({ type: 'progress', name: 'stderr', text: '2%', fraction: 0.02 })
  })

  it('of bars inside of bars leaves few lines', async () => {
    const tools = await makeToolset()
    const { stderr } = await tools.runPythonCode(
      `${WITH_LIBRARIES}from tqdm import tqdm
for i in tqdm(range(5), desc="outer", mininterval=0):
    for j in tqdm(range(20), desc="inner", mininterval=0, leave=False):
        pass`,
    )
    expect(stderr).toMatch(/outer: 100%[^\n]*5\/5/)
    expect(stderr.trimEnd().split('\n').length).toBeLessThanOrEqual(3)
  })

  it('written by hand shows how far it is, also when it rests', async () => {
    const tools = await makeToolset()
    const fifo = join(tools.workdir, 'fifo')
    execFileSync('mkfifo', [fifo])
    const { stdout } = await tools.runPythonCode(
      `for i in range(1000):
    print(f"\\rstep {i}", end="")
open("fifo").close()
print("\\rdone     ")`,
      {
        onOutput: async (output) => {
          // The last of them, though it came right after others.
          if (output.type !== 'progress' || output.text !== 'step 999') return
          await (await open(fifo, constants.O_WRONLY)).close()
        },
      },
    )
    expect(stdout).toBe('done\n')
  })
})

describe('text as a terminal leaves it', () => {
  const cases: [string, string, string][] = [
    ['plain text', 'a\nb\nc', 'a\nb\nc'],
    ['lines that end as on Windows', 'a\r\nb\r\n', 'a\r\nb\r\n'],
    ['a line that is written over', 'begin 1\rbegin 2\n', 'begin 2\n'],
    ['something shorter over something longer', 'abcdef\rxy\n', 'xycdef\n'],
    ['an erased line', 'abcdef\r\x1b[Kxy\na\rb\x1b[2K\rz\n', 'xy\nz\n'],
    ['a control sequence at the end', 'a\n\x1b[', 'a\n\x1b['],
    ['a line cleared with spaces', 'bar\r   \rtext\n', 'text\n'],
    ['a carriage return at the end', 'abc\r', 'abc'],
    ['text before and after a bar', 'a\n\r1\r2\nb\n', 'a\n2\nb\n'],
    ['a part of a wide character', '🌑 wait\rx\na🌑b\rxy\n', 'x  wait\nxy b\n'],
    ['colours', '\x1b[31mred\x1b[0m\n', '\x1b[31mred\x1b[0m\n'],
    ['lines above that change', '\rA0\n\rB0\x1b[A\rA1\n\rB1\x1b[A\rA2\n\n', 'A0\nA2\nB1\n'],
  ]

  it.each(cases)('has %s right, however it is cut', (_, text, expected) => {
    for (let size = 1; size <= text.length; size += 1) {
      const terminal = new TerminalText()
      let lines = ''
      for (let at = 0; at < text.length; at += size) {
        lines += terminal.write(text.slice(at, at + size)).lines
      }
      expect(lines + terminal.end().lines).toBe(expected)
    }
  })

  it('does not wait for the end of a control sequence that has none', () => {
    const terminal = new TerminalText()
    const text = `\x1b[${'1'.repeat(1000)}`
    expect(terminal.write(text).shown).toBe(text)
  })

  it('shows all that is no progress at once, and once', () => {
    const terminal = new TerminalText()
    const shown = (text: string) => terminal.write(text).shown
    expect(shown('a\nb')).toBe('a\nb')
    expect(shown('c')).toBe('c')
    expect(shown('\rd')).toBe('')
    expect(shown('e\nf')).toBe('\rde\nf')
    expect(terminal.end()).toMatchObject({ lines: 'f', shown: '' })
  })
})

describe('output that is too long for a result', () => {
  it('is whole in a file that the notice names', async () => {
    const tools = await makeToolset({ maxOutputBytes: 1000 })
    const result = await tools.runPythonCode(
      'import sys\nfor i in range(20_000): print(f"line {i} ä")\nprint("short", file=sys.stderr)\n"x" * 5000',
    )
    const path = /The whole is in (\.outputs\/[\w-]+-run-1-stdout\.txt)\./.exec(
      result.notices?.join(' ') ?? '',
    )?.[1]
    const lines = Array.from({ length: 20_000 }, (_, i) => `line ${i} ä\n`).join('')
    const whole = await readFile(join(tools.workdir, path ?? ''), 'utf8')
    expect(whole).toBe(`${lines}'${'x'.repeat(5000)}'\n`)
    expect(Buffer.byteLength(result.stdout)).toBeLessThan(1100)
    expect(result.stdout).toMatch(/^line 0 ä\n.*bytes left out.*x'\n$/s)
    expect(JSON.stringify(result.outputs).length).toBeLessThan(5000)
    expect(result.stderr).toBe('short\n')
  })

  it('comes piece by piece, also that of a value', async () => {
    const tools = await makeToolset()
    let longest = 0
    const { stdout, outputs } = await tools.runPythonCode('"x" * 5_000_000', {
      onOutput: (output) => {
        if (output.type === 'stream') longest = Math.max(longest, output.text.length)
      },
    })
    expect(longest).toBeGreaterThan(0)
    expect(longest).toBeLessThan(100_000)
    expect(stdout).toMatch(/^'x.*x'\n$/s)
    expect(outputs.map(({ type }) => type)).not.toContain('execute_result')
    const rich = await tools.runPythonCode(`class Rich:
    def __repr__(self): return "x" * 5_000_000
    def _repr_html_(self): return "<b>x</b>"
Rich()`)
    expect(rich.outputs).toMatchObject([
      { type: 'execute_result', data: { 'text/html': '<b>x</b>' } },
    ])
  })

  it('is in the outputs in its order, with no character cut through', () => {
    const log = new OutputLog(100)
    const write = (name: 'stdout' | 'stderr', text: string) =>
      log.add({ type: 'stream', name, text })
    write('stdout', 'a'.repeat(40))
    write('stdout', `\r${'b'.repeat(60)}\n`)
    write('stderr', 'c\n')
    expect(joined(log.toArray()).at(-1)).toBe('e:c\n')
    const cut = new OutputLog(99)
    for (const text of ['a', '🌑'.repeat(500), 'b'])
      cut.add({ type: 'stream', name: 'stdout', text })
    expect(joined(cut.toArray()).join('')).toMatch(/^o:a(🌑)+\n\[.*\]\n(🌑)+b$/u)
  })

  it('is told of when it cannot be written', async () => {
    const tools = await makeToolset({ maxOutputBytes: 1000 })
    await writeFile(join(tools.workdir, '.outputs'), 'in the way')
    const { notices } = await tools.runPythonCode('print("x" * 5000)')
    expect(notices?.[0]).toMatch(/The whole could not be written to a file: E/)
    await rm(join(tools.workdir, '.outputs'))
    await tools.runPythonCode('import os; os.rmdir(os.getcwd())')
    const gone = await tools.runPythonCode('print("x" * 5000)')
    expect(gone.notices?.[0]).toMatch(/The whole could not be written to a file: E/)
    expect(existsSync(tools.workdir)).toBe(false)
  })
})
