/** `python-interpreter-toolset doctor`: says what is found. */
import { readArguments, UsageError } from './arguments.js'
import { DOCTOR_HELP } from './help.js'

/** Runs the command; returns the exit code. */
export async function doctorCommand(args: readonly string[]): Promise<number> {
  const { options, positionals, help } = readArguments(args, ['python', 'workdir'])
  if (help) {
    process.stdout.write(DOCTOR_HELP)
    return 0
  }
  if (positionals.length > 0) throw new UsageError('doctor takes options only.')

  const { doctor } = await import('../environment/doctor.js')
  const works = await doctor({ ...options, write: (line) => process.stdout.write(`${line}\n`) })
  return works ? 0 : 1
}
