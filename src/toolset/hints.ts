/** What would mend a run that has failed: what the worker knows, and what only its session does. */
import type { Limit } from '../interpreter/clocks.js'
import type { FinishedRun } from '../interpreter/run.js'

/**
 * One sentence or two; null where nothing is known to help.
 *
 * @param mostMs - what no run may take longer than, detached or not; 0: any may take as long as it asks
 */
export function hintFor(run: FinishedRun, mostMs: number): string | null {
  const { reply, stopped, exceeded, goesOn, death } = run
  if (goesOn !== null) return null
  if (exceeded?.limit === 'memory') return LESS_MEMORY
  if (stopped?.type === 'timeout') return timeHint(stopped, mostMs)
  if (death !== null && stopped === null) return AFTER_A_CRASH
  return reply?.hint ?? goneHint(run)
}

/** Proposes nothing that would be refused, or would end at the same limit again. */
function timeHint({ clock, ms }: Limit, mostMs: number): string {
  const isOfRun = clock === 'run'
  if (mostMs > 0 && ms >= mostMs) return `${isOfRun ? SMALLER : NOISIER}. ${fixed(mostMs)}`
  const name = isOfRun ? 'timeout_ms' : 'idle_timeout_ms'
  const longer =
    mostMs > 0
      ? `give it a longer ${name}, of ${mostMs} at most`
      : `give it a longer ${name} or on_timeout: "detach"`
  return `${isOfRun ? SMALLER : NOISIER}, or ${longer}.`
}

function fixed(mostMs: number): string {
  return (
    `No run may take longer than ${mostMs} ms here, detached or not: neither a longer limit nor ` +
    'on_timeout: "detach" helps.'
  )
}

/** A name that is missing just after the process was replaced was most likely known before. */
function goneHint({ reply, setBack }: FinishedRun): string | null {
  if (reply?.error?.name !== 'NameError' || setBack === null) return null
  if (setBack.state === 'lost') return ALL_GONE
  if (setBack.to === setBack.from) return null
  return setBack.to === 0 ? ALL_GONE : `Run again what came after run ${setBack.to}.`
}

const SMALLER = 'Try it on a part of the data first, and split the work into several shorter runs'
const NOISIER = 'Print progress as it works'
const ALL_GONE =
  'All variables and imports of earlier runs are gone: load and compute again what you need.'
const LESS_MEMORY =
  'Work in pieces, load only what is needed, use smaller dtypes, and delete what is not needed any more.'
const AFTER_A_CRASH =
  'Do not run the same code again as it is: the Python process died while it ran. Try it in smaller ' +
  'steps, and run again only what is lost of earlier runs.'
