/** What would mend a run that has failed: what the worker knows, and what only its session does. */
import type { FinishedRun } from '../interpreter/run.js'

/** One sentence or two; null where nothing is known to help. */
export function hintFor(run: FinishedRun): string | null {
  const { reply, stopped, exceeded, goesOn, death } = run
  if (goesOn !== null) return null
  if (exceeded?.limit === 'memory') return LESS_MEMORY
  if (stopped?.type === 'timeout' && stopped.clock === 'run') return LONGER
  if (stopped?.type === 'timeout') return LOUDER
  if (death !== null && stopped === null) return AFTER_A_CRASH
  return reply?.hint ?? goneHint(run)
}

/** A name that is missing just after the process was replaced was most likely known before. */
function goneHint({ reply, setBack }: FinishedRun): string | null {
  if (reply?.error?.name !== 'NameError' || setBack === null) return null
  if (setBack.state === 'lost') {
    return 'All variables and imports of earlier runs are gone: load and compute again what you need.'
  }
  return setBack.to === setBack.from ? null : `Do again what came after run ${setBack.to}.`
}

const LESS_MEMORY =
  'Work in pieces, load only what is needed, use smaller dtypes, and delete what is not needed any more.'
const LONGER =
  'Try it on a part of the data first, split the work into several runs, or give it a longer timeout_ms ' +
  'or on_timeout: "detach".'
const LOUDER =
  'Print progress as it works, or give it a longer idle_timeout_ms or on_timeout: "detach".'
const AFTER_A_CRASH =
  'Do not run the same code again as it is: it ended the process. Try it in smaller steps, and do again ' +
  'only what state says is gone.'
