import { describe, expect, it } from 'vitest'
import { makeToolset } from './helpers/toolset.js'

describe('captured output', () => {
  it('has C code, os.write, child processes and print in the order in which they wrote', async () => {
    const tools = await makeToolset()
    const { stdout } = await tools.runPythonCode(
      [
        'import ctypes, os, subprocess, sys',
        'libc = ctypes.CDLL(None)',
        'print("1 print")',
        'x = libc.printf(b"2 printf\\n")',
        'x = os.write(1, b"3 os.write\\n")',
        'x = subprocess.run(["echo", "4 child"])',
        'x = sys.stdout.buffer.write(b"5 buffer\\n")',
        'x = libc.printf(b"6 printf without newline")',
        'print()',
        '"7 echo"',
      ].join('\n'),
    )
    expect(stdout).toBe(
      "1 print\n2 printf\n3 os.write\n4 child\n5 buffer\n6 printf without newline\n'7 echo'\n",
    )
  })

  it('keeps standard error apart', async () => {
    const tools = await makeToolset()
    const result = await tools.runPythonCode(
      'import sys, os\nprint("out")\nprint("err", file=sys.stderr)\nx = os.system("echo child >&2")',
    )
    expect(result).toMatchObject({ stdout: 'out\n', stderr: 'err\nchild\n' })
  })

  it('escapes bytes that are no UTF-8 and lone surrogates, and joins split characters', async () => {
    const tools = await makeToolset()
    const { stdout } = await tools.runPythonCode(
      [
        'import os, sys',
        'x = os.write(1, b"\\xff\\xfe ok \\xe2\\x82")',
        'x = os.write(1, b"\\xac\\n")',
        'print("\\udc80", "\\N{snowman}")',
        'x = os.write(1, b"cut \\xf0\\x9f")',
      ].join('\n'),
    )
    expect(stdout).toBe('\\xff\\xfe ok €\n\\udc80 ☃\ncut \\xf0\\x9f')
  })

  it('gives sys.stdout the attributes of a text stream', async () => {
    const tools = await makeToolset()
    const { stdout } = await tools.runPythonCode(
      'import sys\nsys.stdout.fileno(), sys.stderr.fileno(), sys.stdout.isatty(), sys.stdout.encoding, sys.stdout.errors, sys.stdout.writable()',
    )
    expect(stdout).toBe("(1, 2, False, 'utf-8', 'backslashreplace', True)\n")
  })

  it('passes text through unchanged that looks like its own control marks', async () => {
    const tools = await makeToolset()
    const { stdout } = await tools.runPythonCode('print("\\x1e" * 3 + "E1:0")')
    expect(stdout).toBe('\x1e\x1e\x1eE1:0\n')
  })

  it('gives children an empty standard input, no pager, no editor and no colour', async () => {
    const tools = await makeToolset()
    const { stdout } = await tools.runPythonCode(
      'import os, subprocess\nprint(subprocess.run(["cat"], capture_output=True).stdout)\nprint(*(os.environ.get(n) for n in ("PAGER", "EDITOR", "NO_COLOR", "TERM")))',
    )
    expect(stdout).toBe("b''\ncat false 1 dumb\n")
  })

  it("hides the host's other environment variables unless they are named", async () => {
    process.env['SECRET_FOR_TEST'] = 'hunter2'
    const code = 'import os\nos.environ.get("SECRET_FOR_TEST"), os.environ.get("GIVEN")'
    const closed = await makeToolset({ env: { GIVEN: 'yes' } })
    expect((await closed.runPythonCode(code)).stdout).toBe("(None, 'yes')\n")
    const named = await makeToolset({ inheritEnv: ['SECRET_FOR_TEST'] })
    expect((await named.runPythonCode(code)).stdout).toBe("('hunter2', None)\n")
    delete process.env['SECRET_FOR_TEST']
  })
})

describe('late output', () => {
  it('of a thread comes with the next result, under the run that started it', async () => {
    const tools = await makeToolset()
    await tools.runPythonCode(
      'import threading\ngo = threading.Event()\ndone = threading.Event()\ndef work():\n    go.wait()\n    print("late")\n    done.set()\nthreading.Thread(target=work).start()',
    )
    const second = await tools.runPythonCode(
      'print("second")\ngo.set()\nx = done.wait()\nprint("end")',
    )
    expect(second.stdout).toBe('second\nend\n')
    expect(second.late_outputs).toEqual([{ execution_count: 1, stdout: 'late\n', stderr: '' }])
    expect((await tools.runPythonCode('1')).late_outputs).toBeUndefined()
  })

  it('of a thread that a thread of an earlier run starts is of that run', async () => {
    const tools = await makeToolset()
    await tools.runPythonCode(
      'import threading\ngo = threading.Event()\ndone = threading.Event()\ndef inner():\n    print("inner")\n    done.set()\ndef outer():\n    go.wait()\n    threading.Thread(target=inner).start()\nthreading.Thread(target=outer).start()',
    )
    const second = await tools.runPythonCode('go.set()\nx = done.wait()')
    expect(second.stdout).toBe('')
    expect(second.late_outputs).toEqual([{ execution_count: 1, stdout: 'inner\n', stderr: '' }])
  })

  it('is not what a thread pool of an earlier run prints for this one', async () => {
    const tools = await makeToolset()
    await tools.runPythonCode(
      'from concurrent.futures import ThreadPoolExecutor\npool = ThreadPoolExecutor(1)\nx = list(pool.map(print, "a"))',
    )
    const second = await tools.runPythonCode('x = list(pool.map(print, "b"))')
    expect(second.stdout).toBe('b\n')
    expect(second).not.toHaveProperty('late_outputs')
  })

  it('of a child process is told from the output of a run that executes meanwhile', async () => {
    const tools = await makeToolset()
    await tools.runPythonCode(
      'import subprocess, os\nchild = subprocess.Popen("read line; echo from the child", shell=True, stdin=subprocess.PIPE)',
    )
    // The child goes on when its standard input gets a line; wait() makes sure that it has written.
    const second = await tools.runPythonCode(
      'print("second")\nx = child.stdin.write(b"go\\n")\nchild.stdin.close()\nx = child.wait()\nprint("end")',
    )
    const third = await tools.runPythonCode('1')
    expect(second.stdout).toBe('second\nend\n')
    const late = [...(second.late_outputs ?? []), ...(third.late_outputs ?? [])]
    expect(late.map(({ execution_count }) => execution_count)).toContain(1)
    expect(late.map(({ stdout }) => stdout).join('')).toBe('from the child\n')
  })

  it('of an orphan that outlived its shell belongs to the run of the shell', async () => {
    const tools = await makeToolset()
    await tools.runPythonCode(
      'import os\nos.mkfifo("go")\nx = os.system("(read line < go; echo orphan; rm go) &")',
    )
    const second = await tools.runPythonCode(
      'import time\nwith open("go", "w") as f: x = f.write("go\\n")\nwhile os.path.exists("go"): time.sleep(0.001)\nprint("second")',
    )
    const third = await tools.runPythonCode('1')
    expect(second.stdout).toBe('second\n')
    const late = [...(second.late_outputs ?? []), ...(third.late_outputs ?? [])]
    expect(late).toEqual([{ execution_count: 1, stdout: 'orphan\n', stderr: '' }])
  })
})
