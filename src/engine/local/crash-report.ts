/** Where a process was when a signal such as SIGSEGV ended it, as Python's faulthandler saw it. */
import { pythonPackage } from './python-package.js'
import { readWorkerFile, type WorkerFolder } from './worker-file.js'

const USER_FRAME = /File "<(run \d+|init_code)>"/

const REPORTED_SIGNALS = ['SIGSEGV', 'SIGFPE', 'SIGABRT', 'SIGBUS', 'SIGILL']

/**
 * The report in a worker's folder, without the worker's own frames; empty where there is none.
 *
 * @param signal - what ended the worker: faulthandler reports only some
 */
export function readCrashReport(folder: WorkerFolder, signal: string | null): string {
  if (signal === null || !REPORTED_SIGNALS.includes(signal)) return ''
  const report = readWorkerFile(folder, 'crash').split('\n')
  return report
    .slice(0, findLast(report, USER_FRAME) + 1) // the most recent call comes first
    .filter((line) => !line.includes(pythonPackage))
    .join('\n')
}

function findLast(lines: readonly string[], pattern: RegExp): number {
  return lines.map((line) => pattern.test(line)).lastIndexOf(true)
}
