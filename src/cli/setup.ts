/** `python-interpreter-toolset setup`: makes an environment. */
import { readArguments, UsageError } from './arguments.js'
import { SETUP_HELP } from './help.js'

/** Runs the command; returns the exit code. */
export async function setupCommand(args: readonly string[]): Promise<number> {
  const { options, positionals, help } = readArguments(args, ['python', 'requirements'])
  if (help) {
    process.stdout.write(SETUP_HELP)
    return 0
  }
  const [folder = '.venv', ...rest] = positionals
  if (folder === '' || rest.length > 0) throw new UsageError('setup takes one folder at most.')

  const { nearName, setup } = await import('../environment/setup.js')
  const { folder: made, facts, changed } = await setup({ folder, ...options })
  const state = changed ? 'is ready' : 'was ready already'
  process.stdout.write(`${nearName(made)} ${state}: Python ${facts.version} ${packagesOf(facts)}\n`)
  return 0
}

function packagesOf(facts: { pyzmq: string | null; packages: Record<string, string | null> }) {
  const versions = Object.entries({ ...facts.packages, pyzmq: facts.pyzmq })
  return `with ${versions.map(([name, version]) => `${name} ${String(version)}`).join(', ')}`
}
