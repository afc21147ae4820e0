/** Reads a command line; knows no command. */
import { parseArgs, type ParseArgsConfig } from 'node:util'

/** The command line asks for something that does not exist; nothing was done. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** The options and positional arguments of one command. */
export interface CommandLine<Name extends string> {
  options: Partial<Record<Name, string>>
  positionals: string[]
  /** `--help` or `-h` was among them. */
  help: boolean
}

/**
 * Splits the arguments of a command whose options all take a value.
 *
 * @param names - the options that the command has, besides `--help`
 * @throws UsageError for an unknown option, or one without its value
 */
export function readArguments<Name extends string>(
  args: readonly string[],
  names: readonly Name[],
): CommandLine<Name> {
  const config: NonNullable<ParseArgsConfig['options']> = { help: { type: 'boolean', short: 'h' } }
  for (const name of names) config[name] = { type: 'string' }
  try {
    const { values, positionals } = parseArgs({
      args: withNegativeNumbers(args),
      options: config,
      allowPositionals: true,
    })
    const { help, ...options } = values
    return { options: options as Partial<Record<Name, string>>, positionals, help: help === true }
  } catch (error) {
    throw new UsageError(explain(error, names))
  }
}

/** Has a negative number be the value of the option before it, for the command to judge. */
function withNegativeNumbers(args: readonly string[]): string[] {
  const joined: string[] = []
  for (const arg of args) {
    const before = joined.at(-1) ?? ''
    if (/^-\d/.test(arg) && /^--[^=]+$/.test(before)) joined.push(`${joined.pop()}=${arg}`)
    else joined.push(arg)
  }
  return joined
}

function explain(error: unknown, names: readonly string[]): string {
  const message = error instanceof Error ? error.message : String(error)
  const option = /'(-[^' ]+)/.exec(message)?.[1] ?? ''
  if (message.startsWith('Unknown option')) {
    const known = [...names, 'help'].map((name) => `--${name}`)
    return `There is no option ${option} here. The options are: ${known.join(', ')}.`
  }
  if (message.includes('does not take')) return 'The option --help takes no value.'
  return `The option ${option} needs a value, as in ${option}=VALUE.`
}
