/** A call as a series of what its run has printed so far, which ends with the answer. */
import { setTimeout as pause } from 'node:timers/promises'
import type { OnOutput } from '../toolset/output-listener.js'
import type { RunOutput } from '../toolset/result.js'

/** What a run that goes on has printed so far. */
export interface RunSoFar {
  readonly running: true
  /** The last 20,000 characters, with the text of values and displays in its place. */
  readonly stdout: string
  readonly stderr: string
  /** A progress bar as it is now. */
  readonly progress?: string
}

const MAX_CHARACTERS = 20_000
/** Each repeats what the ones before it have: they must not be many. */
const EVERY_MS = 100

/** Starts a call, and yields what it has printed whenever that has become more; at last its answer. */
export async function* soFarAndAnswer<Answer>(
  call: (onOutput: OnOutput) => Promise<Answer>,
): AsyncGenerator<RunSoFar | Answer, void, undefined> {
  let now: RunSoFar = { running: true, stdout: '', stderr: '' }
  let yielded = now
  let wake: () => void = () => undefined
  const answer = call((output) => {
    now = withOutput(now, output)
    wake()
  })
  const ended = answer.then(
    () => true,
    () => true,
  )
  for (;;) {
    const changed = new Promise<false>((resolve) => (wake = () => resolve(false)))
    if (now === yielded && (await Promise.race([ended, changed]))) break
    yielded = now
    yield yielded
    if (await Promise.race([ended, pause(EVERY_MS, false, { ref: false })])) break
  }
  yield await answer
}

/** Tells a model of a run whose answer never came. */
export function soFarText({ stdout, stderr }: RunSoFar): string {
  const notice =
    'NOTICE: The run had not ended when this was recorded. What had been printed by then:'
  return [notice, stdout, stderr].filter(Boolean).join('\n\n')
}

/** The same where nothing printed is changed by the output. */
function withOutput(now: RunSoFar, output: RunOutput): RunSoFar {
  switch (output.type) {
    case 'stream':
      return printed(now, output.name, output.text)
    case 'progress':
      return { ...now, progress: output.text }
    case 'execute_result':
    case 'display_data':
    case 'update_display_data': {
      const text = output.data['text/plain']
      const isImage = Object.keys(output.data).some((type) => type.startsWith('image/'))
      const isSaid = typeof text === 'string' && (output.type === 'execute_result' || !isImage)
      return isSaid ? printed(now, 'stdout', `${text}\n`) : now
    }
    default:
      return now
  }
}

/** What is printed takes the place of a progress bar. */
function printed({ stdout, stderr }: RunSoFar, name: 'stdout' | 'stderr', text: string): RunSoFar {
  const texts = { stdout, stderr }
  const before = text.startsWith('\r') ? texts[name].replace(/[^\n]*$/, '') : texts[name]
  const after = (before + text.replace(/^\r/, '')).slice(-MAX_CHARACTERS)
  return { running: true, ...texts, [name]: after }
}
