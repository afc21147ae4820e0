/** Which time limits a run gets, and which are refused. */
import { InvalidOptionError } from '../errors.js'
import type { RunLimits } from '../interpreter/clocks.js'
import type { ToolsetSettings } from './schemas.js'

const DEFAULT_TIMEOUT_MS = 120_000

/** The limits of a toolset in ms, 0 for none: those of runs that name none, and what they may name. */
export interface ToolsetLimits extends RunLimits {
  readonly maxTimeoutMs: number
}

/** @throws InvalidOptionError where one is above the most that is allowed */
export function toolsetLimits(settings: ToolsetSettings): ToolsetLimits {
  const { maxTimeoutMs, idleTimeoutMs } = settings
  const most = maxTimeoutMs === 0 ? DEFAULT_TIMEOUT_MS : Math.min(DEFAULT_TIMEOUT_MS, maxTimeoutMs)
  const timeoutMs = settings.timeoutMs ?? most
  requireAllowed('timeoutMs', timeoutMs, maxTimeoutMs, true)
  requireAllowed('idleTimeoutMs', idleTimeoutMs, maxTimeoutMs, false)
  return { timeoutMs, idleTimeoutMs, maxTimeoutMs }
}

/** What a run may ask for. */
interface AskedLimits {
  readonly timeout_ms?: number | null | undefined
  readonly idle_timeout_ms?: number | null | undefined
}

/** @throws InvalidOptionError where one is above the most that is allowed */
export function runLimits(asked: AskedLimits, limits: ToolsetLimits): RunLimits {
  const { maxTimeoutMs } = limits
  const timeoutMs = asked.timeout_ms ?? limits.timeoutMs
  const idleTimeoutMs = asked.idle_timeout_ms ?? limits.idleTimeoutMs
  requireAllowed('timeout_ms', timeoutMs, maxTimeoutMs, true)
  requireAllowed('idle_timeout_ms', idleTimeoutMs, maxTimeoutMs, false)
  return { timeoutMs, idleTimeoutMs }
}

function requireAllowed(name: string, ms: number, most: number, isOfWholeRun: boolean): void {
  if (most === 0 || (ms <= most && !(ms === 0 && isOfWholeRun))) return
  const asked = ms === 0 ? '0, no limit,' : ms
  throw new InvalidOptionError(
    `${name}: ${asked} is more than the ${most} ms that this toolset allows a run (maxTimeoutMs). ` +
      `Ask for ${most} or less, and split longer work into several runs.`,
  )
}
