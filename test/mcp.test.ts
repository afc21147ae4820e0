import { mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import type { ClientOptions, Progress, Transport } from '@modelcontextprotocol/client'
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio'
import { InMemoryTransport } from '@modelcontextprotocol/server'
import { execa } from 'execa'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { PythonInterpreterToolSet, PythonInterpreterToolSetOptions } from '../src/index.js'
import { isLoopback, listen } from '../src/mcp/http-server.js'
import { HttpSessions, mcpServer } from '../src/mcp/index.js'
import { engineFolders, ownTemporaryFolder } from './helpers/leaks.js'
import { eventually, isAlive, processesNaming } from './helpers/processes.js'
import { tell, waitFor } from './helpers/python-code.js'
import { makeToolset, temporaryFolder, testPython } from './helpers/toolset.js'

const cli = fileURLToPath(new URL('../src/cli/cli.ts', import.meta.url))
const command = ['--import', import.meta.resolve('tsx'), cli, 'mcp', '--python', testPython]
const TOKEN = 'a token of some length'
const FIGURE = 'import matplotlib.pyplot as plt\nplt.plot([1, 2, 3]);'

/** A client that is connected, and closed when the test ends. */
async function connected(transport: Transport, options: ClientOptions = {}): Promise<Client> {
  const client = new Client({ name: 'test', version: '1.0.0' }, options)
  await client.connect(transport)
  onTestFinished(() => client.close())
  return client
}

/** A client of a toolset in this process. */
async function clientOf(toolset: PythonInterpreterToolSet, clientId?: string): Promise<Client> {
  const [here, there] = InMemoryTransport.createLinkedPair()
  await mcpServer(toolset, clientId === undefined ? {} : { clientId }).connect(there)
  return connected(here)
}

/** Runs code, and answers the parts of the result. */
async function run(client: Client, code: string, rest: Record<string, unknown> = {}) {
  return parts(await client.callTool({ name: 'run_python_code', arguments: { code, ...rest } }))
}

async function manage(client: Client, input: Record<string, unknown>) {
  return parts(await client.callTool({ name: 'manage_interpreters', arguments: input }))
}

function parts({ content, structuredContent, isError }: Awaited<ReturnType<Client['callTool']>>) {
  return {
    text: content.flatMap((block) => (block.type === 'text' ? [block.text] : [])).join('\n'),
    images: content.filter((block) => block.type === 'image'),
    links: content.filter((block) => block.type === 'resource_link'),
    data: structuredContent as Record<string, unknown>,
    isError,
  }
}

async function interpreterIds(toolset: PythonInterpreterToolSet): Promise<string[]> {
  const answer = await toolset.manageInterpreters({ operation: 'list' })
  return answer.success ? (answer.interpreters ?? []).map(({ id }) => id) : []
}

describe('the command', () => {
  it.each([
    [['--workdir', '/nowhere'], 'The workdir /nowhere is not a folder.'],
    [['--python', '/nowhere/python'], '/nowhere/python (given as `python`) does not exist.'],
  ])('says what is wrong before it serves anybody: %j', async (wrong, message) => {
    for (const http of [[], ['--port', '0']]) {
      const options = { reject: false, input: '' } as const
      const ended = await execa(process.execPath, [...command, ...wrong, ...http], options)
      expect(ended).toMatchObject({ exitCode: 1, stdout: '' })
      expect(ended.stderr.startsWith(message)).toBe(true)
    }
  })

  it('says where the sandbox cannot hold its Python', async () => {
    const workdir = await temporaryFolder()
    const python = join(workdir, '.venv', 'bin', 'python')
    await mkdir(dirname(python), { recursive: true })
    await symlink(testPython, python)
    const args = [...command.slice(0, -2), '--workdir', workdir, '--python', python, '--sandbox']
    const { exitCode, stderr } = await execa(process.execPath, args, { reject: false, input: '' })
    expect(exitCode).toBe(1)
    expect(stderr).toMatch(/ which the sandbox can write to\. .* a workdir without it/)
  })
})

describe('the tools', () => {
  it('are described with what they may do and what they answer', async () => {
    const toolset = await makeToolset()
    const { tools } = await (await clientOf(toolset)).listTools()
    expect(tools.map(({ name }) => name)).toEqual(toolset.tools().map(({ name }) => name))
    const [runTool, manageTool] = tools
    const [description = ''] = toolset.tools().map((tool) => tool.description)
    expect(runTool?.description).toMatch(/\n- Here, the user is shown text and images only: .*$/)
    expect(runTool?.description?.startsWith(description)).toBe(true)
    expect(runTool?.inputSchema.required).toEqual(['code'])
    const risks = { readOnlyHint: false, destructiveHint: true, idempotentHint: false }
    expect(runTool?.annotations).toEqual({ ...risks, openWorldHint: true })
    expect(manageTool?.annotations).toEqual({ ...risks, openWorldHint: false })
    const fields = Object.keys(runTool?.outputSchema?.['properties'] ?? {})
    expect(fields).toEqual(expect.arrayContaining(['success', 'error', 'stdout', 'state']))
    for (const hidden of ['outputs', 'base64_uri', 'charts', 'usage']) {
      expect(fields).not.toContain(hidden)
    }
  })

  it('keep variables, and answer text and data', async () => {
    const client = await clientOf(await makeToolset())
    await run(client, 'x = 6 * 7')
    const { text, data, isError } = await run(client, 'print("x is", x)', {
      result_var_name: 'x',
    })
    expect(isError).toBe(false)
    expect(text).toBe('stdout:\nx is 42\n\nresult (int):\n42')
    expect(data).toMatchObject({ success: true, stdout: 'x is 42\n', result: 42, state: 'kept' })
    const { data: listed } = await manage(client, { operation: 'variables' })
    expect(listed['variables']).toEqual([{ name: 'x', type: 'int', preview: '42' }])
  })

  it('answer what goes wrong as errors, with data', async () => {
    const client = await clientOf(await makeToolset())
    const failed = await run(client, '1 / 0')
    expect(failed.isError).toBe(true)
    expect(failed.text).toContain('ZeroDivisionError: division by zero')
    expect(failed.data).toMatchObject({ success: false, error: { name: 'ZeroDivisionError' } })
    const refused = await run(client, '1', { interpreter_id: 'none' })
    expect(refused).toMatchObject({ isError: true, data: { success: false } })
    expect(refused.text).toContain('There is no interpreter with the id "none"')
    const unmanaged = await manage(client, { operation: 'rollback' })
    expect(unmanaged).toMatchObject({ isError: true, data: { success: false } })
    expect(unmanaged.data['error']).toBe(unmanaged.text.replace('error:\n', ''))
    const mistyped = await manage(client, { operation: 'explode' })
    expect(mistyped.isError).toBe(true)
  })

  it('answer figures as images and links, not in the data', async () => {
    const client = await clientOf(await makeToolset())
    const { text, images, links, data } = await run(client, FIGURE)
    const [path] = data['fig_storage_paths'] as string[]
    expect(text).toContain(`figures: ${path ?? ''}`)
    expect(images).toMatchObject([{ type: 'image', mimeType: 'image/png' }])
    expect(links).toMatchObject([{ uri: `workdir:///${path ?? ''}`, mimeType: 'image/png' }])
    expect(JSON.stringify(data).length).toBeLessThan(1_000)
    const { contents } = await client.readResource({ uri: links[0]?.uri ?? '' })
    expect(contents).toMatchObject([{ mimeType: 'image/png', blob: images[0]?.data }])
  })

  it('link what models do not take as images, and say so', async () => {
    const client = await clientOf(await makeToolset({ figures: { format: 'svg' } }))
    const { text, images, links } = await run(client, FIGURE)
    expect(images).toEqual([])
    expect(text).toContain('NOTICE: 1 figure is not shown as images here')
    const { contents } = await client.readResource({ uri: links[0]?.uri ?? '' })
    expect(contents).toMatchObject([{ mimeType: 'image/svg+xml' }])
    expect(contents[0]).toHaveProperty('text', expect.stringContaining('<svg'))
  })

  it('answer what a detached run has printed, and then its result', async () => {
    const folder = await temporaryFolder()
    const client = await clientOf(await makeToolset())
    const code = `print("begun")\n${waitFor(join(folder, 'go'))}\nprint("done")`
    const detached = await run(client, code, { timeout_ms: 200, on_timeout: 'detach' })
    expect(detached.data).toMatchObject({ detached: true, error: { name: 'StillRunning' } })
    const { data: peeked } = await manage(client, { operation: 'peek' })
    expect(peeked).toMatchObject({ running: true, output: { stderr: '' } })
    await writeFile(join(folder, 'go'), '')
    const { data: waited } = await manage(client, { operation: 'wait' })
    expect(waited).toMatchObject({ running: false, run: { success: true } })
    expect(waited['run']).toHaveProperty('stdout', expect.stringContaining('done'))
  })

  it('bound the data, and say what they leave out', async () => {
    const client = await clientOf(await makeToolset())
    const code =
      'long = "y" * 50_000\nprint("\\033[1mx\\033[0m" * 50_000)\n' +
      'for i in range(120): open(f"file {i}", "w").close()'
    const { data } = await run(client, code, { result_var_name: 'long' })
    expect(JSON.stringify(data).length).toBeLessThan(30_000)
    expect(data['stdout']).toMatch(/^x+\n\[\.\.\. 40001 characters left out \.\.\.\]\n/)
    expect(data).not.toHaveProperty('result')
    expect(data['files']).toHaveLength(100)
    expect(data['notices']).toEqual([
      'result is left out here: it has 50002 characters.',
      '20 more files are left out here.',
    ])
  })
})

describe('resources', () => {
  it('are the files of the workdir: text by its type, else base64', async () => {
    const toolset = await makeToolset()
    const client = await clientOf(toolset)
    await toolset.files.write('out/ä table #1.csv', 'a,b\n')
    await toolset.files.write('data.bin', Uint8Array.of(0, 255))
    await toolset.files.write('not-utf8.txt', Uint8Array.of(0xe4))
    await toolset.files.write('control.txt', '\u0000'.repeat(2_000_000))
    const { resources } = await client.listResources()
    expect(resources.map(({ uri }) => uri)).toEqual([
      'workdir:///',
      'workdir:///control.txt',
      'workdir:///data.bin',
      'workdir:///not-utf8.txt',
      'workdir:///out/',
    ])
    const read = async (uri: string) => (await client.readResource({ uri })).contents[0]
    expect(await read('workdir:///data.bin')).toHaveProperty('blob', 'AP8=')
    expect(await read('workdir:///not-utf8.txt')).toHaveProperty('blob', '5A==')
    expect(await read('workdir:///control.txt')).toHaveProperty('blob') // as text, 12 MB of JSON
    const folder = await read('workdir:///out/')
    const { entries } = JSON.parse((folder as { text: string }).text) as {
      entries: { uri: string; path: string }[]
    }
    expect(entries).toMatchObject([{ path: 'out/ä table #1.csv', type: 'file', size: 4 }])
    expect(await read(entries[0]?.uri ?? '')).toMatchObject({ mimeType: 'text/csv', text: 'a,b\n' })
  })

  it('have the figures of their own session first, and tell that there are new ones', async () => {
    const toolset = await makeToolset()
    const [one, other] = [await clientOf(toolset), await clientOf(toolset)]
    let changes = 0
    one.setNotificationHandler('notifications/resources/list_changed', () => void (changes += 1))
    const { links } = await run(one, FIGURE)
    await eventually('the client hears of the figure', () => changes === 1)
    const uris = async (client: Client) =>
      (await client.listResources()).resources.map(({ uri }) => uri)
    expect(await uris(one)).toContain(links[0]?.uri)
    expect(await uris(other)).not.toContain(links[0]?.uri)
    await run(one, 'x = 1')
    expect(changes).toBe(1)
  })

  it('never lead out of the workdir, and have a limit', async () => {
    const outside = await temporaryFolder()
    await writeFile(join(outside, 'secret'), 'secret')
    const toolset = await makeToolset()
    await symlink(join(outside, 'secret'), join(toolset.workdir, 'link'))
    await toolset.files.write('large.csv', 'x'.repeat(5_000_001))
    const client = await clientOf(toolset)
    for (const uri of [
      'workdir:///..%2F..%2Fetc%2Fpasswd',
      `workdir:///${encodeURIComponent(join(outside, 'secret'))}`,
      'workdir:///link',
    ]) {
      await expect(client.readResource({ uri }), uri).rejects.toThrow('leads out of the workdir')
    }
    for (const uri of ['workdir:///../../etc/passwd', 'workdir:///%zz', 'workdir:///none']) {
      await expect(client.readResource({ uri }), uri).rejects.toThrow('Resource not found')
    }
    await expect(client.readResource({ uri: 'workdir:///large.csv' })).rejects.toThrow(
      'it has 5000001 bytes, and 5000000 are the most here',
    )
  })
})

describe('a call', () => {
  it('that is cancelled interrupts its run, and the session goes on', async () => {
    const toolset = await makeToolset()
    const client = await clientOf(toolset)
    const begun = join(toolset.workdir, 'begun')
    await run(client, 'x = 1')
    const cancel = new AbortController()
    const code = `${tell(begun)}\nimport time\ntry: time.sleep(60)\nexcept KeyboardInterrupt: x = 2`
    const call = client.callTool(
      { name: 'run_python_code', arguments: { code } },
      { signal: cancel.signal },
    )
    const rejected = expect(call).rejects.toThrow('aborted')
    await eventually(
      'the code runs',
      async () => (await readFile(begun).catch(() => null)) !== null,
    )
    cancel.abort()
    await rejected
    expect((await run(client, 'x')).data).toMatchObject({ stdout: '2\n', state: 'kept' })
  })

  it('tells who asked for it what it prints, and nobody else', async () => {
    const client = await clientOf(await makeToolset())
    const folder = await temporaryFolder()
    const heard: Progress[] = []
    const code = `print("\\033[1mfirst\\033[0m")\n${waitFor(join(folder, 'go'))}\nprint("second")`
    const call = client.callTool(
      { name: 'run_python_code', arguments: { code } },
      { onprogress: (progress) => heard.push(progress) },
    )
    await eventually('the client hears', () => heard.length > 0)
    expect(heard).toMatchObject([{ message: 'first' }])
    await writeFile(join(folder, 'go'), '')
    expect(parts(await call).data['stdout']).toContain('second')
    const times = heard.map(({ progress }) => progress)
    expect(times).toEqual([...new Set(times)].sort((a, b) => a - b))
    expect((await run(client, 'print("third")')).text).toBe('stdout:\nthird')
  })

  it('logs that a process was replaced, as far as the client wants to hear', async () => {
    const client = await clientOf(await makeToolset())
    const heard: unknown[] = []
    client.setNotificationHandler('notifications/message', ({ params }) => void heard.push(params))
    // eslint-disable-next-line @typescript-eslint/no-deprecated -- what clients of most revisions have
    await client.setLoggingLevel('warning')
    await run(client, 'x = 1')
    const { data } = await run(client, 'import os; os._exit(3)')
    expect(heard).toEqual([
      {
        level: 'warning',
        logger: 'python',
        data: {
          message: 'The Python process exited with code 3.',
          interpreter_id: data['interpreter_id'],
          execution_count: 2,
          state: data['state'],
        },
      },
    ])
    // eslint-disable-next-line @typescript-eslint/no-deprecated
    await client.setLoggingLevel('error')
    await run(client, 'import os; os._exit(3)')
    expect(heard).toHaveLength(1)
  })
})

describe('a server', () => {
  it('has interpreters of its own, which end with its connection', async () => {
    const toolset = await makeToolset()
    const [one, other] = [await clientOf(toolset), await clientOf(toolset)]
    await run(one, 'x = 1')
    expect((await run(other, 'x')).text).toContain("NameError: name 'x' is not defined")
    const ids = await interpreterIds(toolset)
    expect(ids).toHaveLength(2)
    expect(
      parts(await one.callTool({ name: 'manage_interpreters', arguments: { operation: 'list' } }))
        .data['interpreters'],
    ).toMatchObject([{ id: ids[0] }])
    await one.close()
    await eventually('its interpreter ends', async () => {
      return (await interpreterIds(toolset)).join() === ids[1]
    })
  })

  it('of a certain client leaves it its interpreters', async () => {
    const toolset = await makeToolset()
    const first = await clientOf(toolset, 'ada')
    await run(first, 'x = 1')
    await first.close()
    expect((await run(await clientOf(toolset, 'ada'), 'x')).data['stdout']).toBe('1\n')
  })
})

describe('on standard input and output', () => {
  const transport = (workdir: string, stderr: 'inherit' | 'pipe' = 'inherit') =>
    new StdioClientTransport({
      command: process.execPath,
      args: [...command, '--workdir', workdir],
      env: { TMPDIR: workdir, PATH: process.env['PATH'] ?? '' },
      stderr,
    })

  it.each(['legacy', 'auto'] as const)('serves a client (%s), and ends with it', async (mode) => {
    const workdir = await temporaryFolder()
    const options: ClientOptions = { versionNegotiation: { mode } }
    const client = await connected(transport(workdir), options)
    const version = client.getNegotiatedProtocolVersion()
    expect(version).toBe(mode === 'auto' ? '2026-07-28' : '2025-11-25')
    await run(client, 'x = 6 * 7')
    expect((await run(client, 'x')).text).toBe('stdout:\n42')
    const { images } = await run(client, FIGURE)
    expect(images).toHaveLength(1)
    await client.close()
    await eventually(
      'no process is left',
      async () => (await processesNaming(workdir)).length === 0,
    )
    expect(await engineFolders(workdir)).toEqual([])
  })

  it('writes nothing but the protocol, and ends well when its input does', async () => {
    const { server, pid } = await startedByHand()
    server.stdin.end()
    const { exitCode, stdout, stderr } = await server
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
    const messages = stdout.split('\n').map((line) => JSON.parse(line) as { id?: number })
    expect(messages.flatMap(({ id }) => (id === undefined ? [] : [id]))).toEqual([1, 2])
    expect(await isAlive(pid)).toBe(false)
  })

  it.each(['SIGINT', 'SIGTERM'] as const)(
    'ends well at %s, in the middle of a run',
    async (signal) => {
      const { server, pid, workdir } = await startedByHand()
      const begun = join(workdir, 'begun')
      call(server, 3, `${tell(begun)}\nimport time\ntime.sleep(60)`)
      await eventually(
        'the code runs',
        async () => (await readFile(begun).catch(() => null)) !== null,
      )
      server.kill(signal)
      const { exitCode, stderr } = await server
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
      expect(await isAlive(pid)).toBe(false)
      expect(await processesNaming(workdir)).toEqual([])
    },
  )

  /** A server that has answered one run, which printed to both outputs, and the pid of its Python. */
  async function startedByHand() {
    const workdir = await temporaryFolder()
    const server = execa(process.execPath, [...command, '--workdir', workdir], {
      stdin: 'pipe',
      env: { TMPDIR: workdir },
      reject: false,
    })
    onTestFinished(() => void server.kill('SIGKILL'))
    let stdout = ''
    server.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
    const info = { name: 'test', version: '1.0.0' }
    const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: info }
    say(server, { id: 1, method: 'initialize', params })
    say(server, { method: 'notifications/initialized' })
    call(
      server,
      2,
      'import os, sys\nos.write(1, b"raw");\nprint("err", file=sys.stderr)\nos.getpid()',
    )
    await eventually('the run is answered', () => stdout.includes('"id":2'), 20_000)
    const pid = Number(/raw(\d+)/.exec(stdout)?.[1])
    expect(await isAlive(pid)).toBe(true)
    return { server, pid, workdir }
  }

  function say({ stdin }: { stdin: Writable }, message: object): void {
    stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`)
  }

  function call(server: { stdin: Writable }, id: number, code: string): void {
    const params = { name: 'run_python_code', arguments: { code } }
    say(server, { id, method: 'tools/call', params })
  }
})

describe('over HTTP', () => {
  interface Served {
    readonly url: URL
    readonly toolset: PythonInterpreterToolSet
  }

  /** Toolset and server in this process. */
  async function served(
    options: PythonInterpreterToolSetOptions = {},
    token: string | null = null,
  ): Promise<Served> {
    const toolset = await makeToolset(options)
    const sessions = new HttpSessions(toolset, { sessionIdleMs: options.sessionIdleMs ?? 0 })
    const server = await listen(sessions.fetch, { host: '127.0.0.1', port: 0, token })
    onTestFinished(async () => {
      await server.close()
      await sessions.close()
    })
    return { url: new URL(server.url), toolset }
  }

  async function clientAt({ url }: Pick<Served, 'url'>, mode: 'legacy' | 'auto' = 'legacy') {
    const transport = new StreamableHTTPClientTransport(url)
    const client = await connected(transport, { versionNegotiation: { mode } })
    return { client, transport }
  }

  const post = (url: URL, headers: Record<string, string>, body: unknown = {}) =>
    fetch(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        ...headers,
      },
      body: JSON.stringify(body),
    })

  it('gives each session a Python of its own, which ends with it', async () => {
    const server = await served()
    const { client: one, transport } = await clientAt(server)
    const { client: other } = await clientAt(server)
    await run(one, 'x = 1')
    expect((await run(other, 'x')).text).toContain("NameError: name 'x' is not defined")
    expect((await run(one, 'x')).text).toBe('stdout:\n1')
    const { data } = await manage(one, { operation: 'list' })
    const [{ id } = { id: '' }] = data['interpreters'] as { id: string }[]
    expect((await run(other, 'x', { interpreter_id: id })).text).toContain('no interpreter')
    const all = await server.toolset.manageInterpreters({ operation: 'list' })
    const clients = all.success ? all.interpreters?.map(({ client_id }) => client_id) : []
    expect(clients).toContain(transport.sessionId)

    const session = transport.sessionId ?? ''
    await transport.terminateSession()
    expect(await interpreterIds(server.toolset)).not.toContain(id)
    expect((await post(server.url, { 'mcp-session-id': session })).status).toBe(404)
    expect((await run(other, '"still here"')).text).toBe("stdout:\n'still here'")
  })

  it('has clients of the newest revision, which has no sessions, use the one before', async () => {
    const { client } = await clientAt(await served(), 'auto')
    expect(client.getNegotiatedProtocolVersion()).toBe('2025-11-25')
    await run(client, 'x = 1')
    expect((await run(client, 'x')).text).toBe('stdout:\n1')
  })

  it('tells progress, and lets calls be cancelled', async () => {
    const { client } = await clientAt(await served())
    const cancel = new AbortController()
    const call = client.callTool(
      {
        name: 'run_python_code',
        arguments: { code: 'import time\nprint("begun")\ntime.sleep(60)' },
      },
      {
        signal: cancel.signal,
        onprogress: ({ message }) => {
          if (message === 'begun') cancel.abort()
        },
      },
    )
    await expect(call).rejects.toThrow('aborted')
    expect((await run(client, '"after"')).data).toMatchObject({
      stdout: "'after'\n",
      state: 'kept',
    })
  })

  it('ends sessions that nobody is connected to, when no code runs', async () => {
    const server = await served({ sessionIdleMs: 300 })
    const { client, transport } = await clientAt(server)
    const go = join(server.toolset.workdir, 'go')
    await run(client, waitFor(go), { timeout_ms: 50, on_timeout: 'detach' })
    const session = transport.sessionId ?? ''
    await client.close()
    const status = async () => {
      const ping = { jsonrpc: '2.0', id: 1, method: 'ping' }
      return (await post(server.url, { 'mcp-session-id': session }, ping)).status
    }
    const longer = () => new Promise((resolve) => setTimeout(resolve, 700))
    await longer()
    expect(await status()).toBe(200)
    await writeFile(go, '')
    await eventually('the interpreter ends', async () => {
      return (await interpreterIds(server.toolset)).length === 0
    })
    await eventually('the session ends', async () => {
      await longer() // each request is a use of it
      return (await status()) === 404
    })
  })

  it('refuses who is led here by a page, and who has no token', async () => {
    const { url } = await served({}, TOKEN)
    const bearer = { authorization: `Bearer ${TOKEN}` }
    const status = async (headers: Record<string, string>) => (await post(url, headers)).status
    expect(await status({ ...bearer, origin: 'http://evil.example' })).toBe(403)
    expect(await status({ ...bearer, origin: 'null' })).toBe(403)
    expect(await status({})).toBe(401)
    expect(await status({ authorization: `Bearer ${TOKEN}x` })).toBe(401)
    expect(await status({ ...bearer, origin: 'http://localhost:5173' })).toBe(400) // no session
    expect(await status(bearer)).toBe(400)
    const host = ['-s', '-o', '/dev/null', '-w', '%{http_code}', '-H', 'Host: evil.example']
    const { stdout } = await execa('curl', [
      ...host,
      '-H',
      `Authorization: Bearer ${TOKEN}`,
      url.href,
    ])
    expect(stdout).toBe('403')
    const transport = new StreamableHTTPClientTransport(url, { requestInit: { headers: bearer } })
    expect((await run(await connected(transport), '6 * 7')).text).toBe('stdout:\n42')
  })

  it('knows which addresses only this machine can reach', () => {
    expect(['127.0.0.1', '127.1.2.3', 'localhost', '::1'].filter(isLoopback)).toHaveLength(4)
    const others = ['0.0.0.0', '::', '10.0.0.1', '127.evil.example', 'localhost.evil.example']
    expect(others.filter(isLoopback)).toEqual([])
  })

  it('is served by the command, until that is told to end', async () => {
    const workdir = await ownTemporaryFolder()
    const args = [...command, '--workdir', workdir, '--port', '0']
    const server = execa(process.execPath, args, { reject: false })
    onTestFinished(() => void server.kill('SIGKILL'))
    let said = ''
    server.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()))
    await eventually('it listens', () => said.includes('\n'), 20_000)
    expect(said).toMatch(/^MCP server at http:\/\/127\.0\.0\.1:\d+\/mcp\n$/)
    const url = new URL(said.trim().split(' ').at(-1) ?? '')
    const { client } = await clientAt({ url })
    expect((await run(client, '6 * 7')).text).toBe('stdout:\n42')
    server.kill('SIGTERM')
    const { exitCode, stdout } = await server
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: '' })
    expect(await engineFolders(workdir)).toEqual([])
    await rm(join(workdir, '.matplotlib_figs'), { recursive: true, force: true })
  })
})
