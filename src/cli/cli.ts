/** The command line tool `python-interpreter-toolset`: finds the command and reports its errors. */
import { packageVersion } from '../package-version.js'
import { UsageError } from './arguments.js'
import { MAIN_HELP } from './help.js'

type Command = (args: readonly string[]) => Promise<number>

// Loaded when called for, so that `--help` does not wait for what it does not use.
const commands = new Map<string, () => Promise<Command>>([
  ['setup', async () => (await import('./setup.js')).setupCommand],
  ['run', async () => (await import('./run.js')).runCommand],
  ['mcp', async () => (await import('./mcp.js')).mcpCommand],
  ['doctor', async () => (await import('./doctor.js')).doctorCommand],
])

async function main([name, ...args]: readonly string[]): Promise<number> {
  if (name === undefined) throw new UsageError(`Name a command: ${commandNames()}.`)
  if (name === '--help' || name === '-h' || name === 'help') {
    process.stdout.write(MAIN_HELP)
    return 0
  }
  if (name === '--version') {
    process.stdout.write(`${packageVersion()}\n`)
    return 0
  }
  const load = commands.get(name)
  if (!load) {
    const what = name.startsWith('-') ? 'option' : 'command'
    throw new UsageError(`There is no ${what} ${name}. The commands are: ${commandNames()}.`)
  }
  const command = await load()
  return command(args)
}

function commandNames(): string {
  return [...commands.keys()].join(', ')
}

/** A sentence for what a person can mend; a stack for what only a programmer can. */
function report(error: unknown): number {
  if (error instanceof UsageError) {
    process.stderr.write(`${error.message}\nSee: python-interpreter-toolset --help\n`)
    return 2
  }
  const isOurs = error instanceof Error && ('code' in error || error.name === 'SetupError')
  const text = isOurs ? error.message : error instanceof Error ? error.stack : String(error)
  process.stderr.write(`${text ?? ''}\n`)
  return 1
}

// A reader that has seen enough, as in `run report.py | head`, is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
})

// Not `process.exit`, which would cut off output that a pipe has not taken yet.
process.exitCode = await main(process.argv.slice(2)).catch(report)
