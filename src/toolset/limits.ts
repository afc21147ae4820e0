/** Which limits an interpreter and its runs get, and which time limits are refused. */
import type { ResourceLimits } from '../engine/engine.js'
import { InvalidOptionError } from '../errors.js'
import type { RunLimits } from '../interpreter/clocks.js'
import type { Tier } from './options.js'
import type { ToolsetSettings } from './schemas.js'

const DEFAULT_TIMEOUT_MS = 120_000

const GB = 2 ** 30
const TIERS: Record<Tier, ResourceLimits> = {
  small: { cpus: 1, memory: 2 * GB },
  medium: { cpus: 2, memory: 4 * GB },
  large: { cpus: 4, memory: 16 * GB },
}

/** What each interpreter may use: what `limits` names, and for the rest what the tier does. */
export function resourceLimits({ tier, limits }: ToolsetSettings): ResourceLimits {
  const named = Object.fromEntries(
    Object.entries(limits).filter(([, limit]) => limit !== undefined),
  )
  return tier === undefined ? named : { ...TIERS[tier], ...named }
}

/** The limits of a toolset in ms, 0 for none: those of runs that name none, and what they may name. */
export interface ToolsetLimits extends RunLimits {
  readonly maxTimeoutMs: number
  /** What no run takes longer than, whatever it may ask for. */
  readonly wallMs: number
}

/** @throws InvalidOptionError where one is above the most that is allowed */
export function toolsetLimits(settings: ToolsetSettings): ToolsetLimits {
  const { maxTimeoutMs, idleTimeoutMs } = settings
  const most = maxTimeoutMs === 0 ? DEFAULT_TIMEOUT_MS : Math.min(DEFAULT_TIMEOUT_MS, maxTimeoutMs)
  const timeoutMs = settings.timeoutMs ?? most
  requireAllowed('timeoutMs', timeoutMs, maxTimeoutMs, true)
  requireAllowed('idleTimeoutMs', idleTimeoutMs, maxTimeoutMs, false)
  return { timeoutMs, idleTimeoutMs, maxTimeoutMs, wallMs: settings.limits.wallMs ?? 0 }
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
  return { timeoutMs: shorter(timeoutMs, limits.wallMs), idleTimeoutMs }
}

/** The shorter of two limits, of which 0 is none. */
export function shorter(one: number, other: number): number {
  return one === 0 || other === 0 ? Math.max(one, other) : Math.min(one, other)
}

function requireAllowed(name: string, ms: number, most: number, isOfWholeRun: boolean): void {
  if (most === 0 || (ms <= most && !(ms === 0 && isOfWholeRun))) return
  const asked = ms === 0 ? '0, no limit,' : ms
  throw new InvalidOptionError(
    `${name}: ${asked} is more than the ${most} ms that this toolset allows a run (maxTimeoutMs). ` +
      `Ask for ${most} or less, and split longer work into several runs.`,
  )
}
