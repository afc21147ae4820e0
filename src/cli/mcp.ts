/** `python-interpreter-toolset mcp`: serves the toolset to MCP clients. */
import { requireSeparate } from '../engine/local/sandbox.js'
import { findPython } from '../environment/find-python.js'
import { requireFolder } from '../environment/workdir.js'
import type { PythonInterpreterToolSetOptions } from '../toolset/options.js'
import type { PythonInterpreterToolSet } from '../toolset/toolset.js'
import { millisecondsIn, readArguments, UsageError } from './arguments.js'
import { MCP_HELP } from './help.js'

const OPTIONS = ['python', 'workdir', 'tier', 'timeout', 'idle', 'port', 'host', 'token'] as const
const ONLY_HTTP = ['host', 'token'] as const
const TIERS = ['small', 'medium', 'large'] as const
const TOKEN_VARIABLE = 'PYTHON_INTERPRETER_TOKEN'
const MIN_TOKEN = 16
const MAX_PORT = 65_535
const HTTP_IDLE_MS = 30 * 60 * 1000

/** Runs the command until its client goes, or it is told to end; returns the exit code. */
export async function mcpCommand(args: readonly string[]): Promise<number> {
  const { options, flags, positionals, help } = readArguments(args, OPTIONS, ['sandbox'])
  if (help) {
    process.stdout.write(MCP_HELP)
    return 0
  }
  if (positionals.length > 0) throw new UsageError('mcp takes options only.')
  const http = options.port === undefined ? null : httpOptions(options, options.port)
  const wrong = ONLY_HTTP.find((name) => http === null && options[name] !== undefined)
  if (wrong !== undefined) throw new UsageError(`--${wrong} needs --port: it is for HTTP.`)
  const { python, workdir, tier, timeout, idle } = options
  const idleMs = idle === undefined ? (http ? HTTP_IDLE_MS : 0) : millisecondsIn('idle', idle)
  const settings: PythonInterpreterToolSetOptions = {
    sandbox: flags.sandbox === true,
    sessionIdleMs: idleMs,
    ...(python !== undefined && { python }),
    ...(workdir !== undefined && { workdir }),
    ...(tier !== undefined && { tier: tierNamed(tier) }),
    ...(timeout !== undefined && { timeoutMs: millisecondsIn('timeout', timeout) }),
  }

  const mcp = await loadMcp()
  if (mcp === null) return 1
  const { PythonInterpreterToolSet } = await import('../toolset/toolset.js')
  const toolset = new PythonInterpreterToolSet(settings)
  const end = endSignal()
  try {
    await requireUsable(toolset.workdir, python, flags.sandbox === true)
    if (http === null) await mcp.stdio.serve(toolset, end)
    else await serveHttp(mcp, toolset, { ...http, idleMs }, end)
  } finally {
    await toolset.close()
  }
  return 0
}

interface HttpOptions {
  readonly host: string
  readonly port: number
  readonly token: string | null
}

function httpOptions(
  options: Partial<Record<(typeof OPTIONS)[number], string>>,
  port: string,
): HttpOptions {
  const { host = '127.0.0.1', token = process.env[TOKEN_VARIABLE] ?? null } = options
  if (token !== null && token.length < MIN_TOKEN) {
    throw new UsageError(`A token must have ${MIN_TOKEN} characters at least.`)
  }
  if (!/^\d{1,5}$/.test(port) || Number(port) > MAX_PORT) {
    throw new UsageError(`--port takes a number up to ${MAX_PORT}, 0 for any; it is ${port}.`)
  }
  return { host, token, port: Number(port) }
}

function tierNamed(name: string) {
  const tier = TIERS.find((known) => known === name)
  if (tier === undefined)
    throw new UsageError(`--tier takes small, medium or large; it is ${name}.`)
  return tier
}

type Mcp = NonNullable<Awaited<ReturnType<typeof loadMcp>>>

/** Null, having said so, where the SDK is not installed. */
async function loadMcp() {
  try {
    return {
      stdio: await import('../mcp/stdio.js'),
      sessions: await import('../mcp/http-sessions.js'),
      server: await import('../mcp/http-server.js'),
    }
  } catch (error) {
    if (!isMissing(error)) throw error
    process.stderr.write(
      'The command mcp needs the package @modelcontextprotocol/server, which is not installed.\n' +
        'Install it beside this one: npm install @modelcontextprotocol/server\n',
    )
    return null
  }
}

function isMissing(error: unknown): boolean {
  const isNotFound =
    error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND'
  return isNotFound && error.message.includes('@modelcontextprotocol/')
}

/** Says now what would fail in each call, where only a model would read it. */
async function requireUsable(
  workdir: string,
  given: string | undefined,
  isSandboxed: boolean,
): Promise<void> {
  await requireFolder(workdir)
  const python = await findPython({ workdir, ...(given !== undefined && { python: given }) })
  if (isSandboxed) requireSeparate({ python, workdir, sandbox: { read: [], write: [] } })
}

/** Aborted by the first signal to end; a second one ends Node at once. */
function endSignal(): AbortSignal {
  const controller = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => controller.abort())
  }
  return controller.signal
}

async function serveHttp(
  { sessions, server }: Mcp,
  toolset: PythonInterpreterToolSet,
  { idleMs, ...options }: HttpOptions & { readonly idleMs: number },
  end: AbortSignal,
): Promise<void> {
  if (options.token === null && !server.isLoopback(options.host)) {
    throw new UsageError(
      `Whoever reaches ${options.host} could run code here: set ${TOKEN_VARIABLE}, or pass --token.`,
    )
  }
  const clients = new sessions.HttpSessions(toolset, { sessionIdleMs: idleMs })
  const listening = await server.listen(clients.fetch, options)
  process.stderr.write(`MCP server at ${listening.url}\n`)
  if (!end.aborted) await new Promise((resolve) => end.addEventListener('abort', resolve))
  await listening.close()
  await clients.close()
}
