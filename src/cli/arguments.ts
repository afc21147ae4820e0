/** Reads a command line; knows no command. */
import { parseArgs, type ParseArgsConfig } from 'node:util'

/** The command line asks for something that does not exist; nothing was done. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** The options and positional arguments of one command. */
export interface CommandLine<Name extends string, Flag extends string = never> {
  options: Partial<Record<Name, string>>
  flags: Partial<Record<Flag, boolean>>
  positionals: string[]
  /** `--help` or `-h` was among them. */
  help: boolean
}

/**
 * Splits the arguments of a command.
 *
 * @param names - the options with a value that the command has
 * @param flags - those without, besides `--help`
 * @throws UsageError for an unknown option, or one without its value
 */
export function readArguments<Name extends string, Flag extends string = never>(
  args: readonly string[],
  names: readonly Name[],
  flags: readonly Flag[] = [],
): CommandLine<Name, Flag> {
  const config: NonNullable<ParseArgsConfig['options']> = { help: { type: 'boolean', short: 'h' } }
  for (const name of names) config[name] = { type: 'string' }
  for (const flag of flags) config[flag] = { type: 'boolean' }
  try {
    const { values, positionals } = parseArgs({
      args: withNegativeNumbers(args),
      options: config,
      allowPositionals: true,
    })
    const given = (wanted: readonly string[]) =>
      Object.fromEntries(Object.entries(values).filter(([name]) => wanted.includes(name)))
    return {
      options: given(names) as Partial<Record<Name, string>>,
      flags: given(flags) as Partial<Record<Flag, boolean>>,
      positionals,
      help: values['help'] === true,
    }
  } catch (error) {
    throw new UsageError(explain(error, [...names, ...flags]))
  }
}

/**
 * The value of an option that takes milliseconds.
 *
 * @throws UsageError
 */
export function millisecondsIn(option: string, text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text)
  throw new UsageError(
    `--${option} takes a whole number of milliseconds below 1,000,000,000, 0 for none; ` +
      `it is ${JSON.stringify(text)}.`,
  )
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
  const [, flag] = /(--[\w-]+)' does not take/.exec(message) ?? []
  if (flag !== undefined) return `The option ${flag} takes no value.`
  return `The option ${option} needs a value, as in ${option}=VALUE.`
}
