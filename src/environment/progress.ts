/** Shows on a terminal, or writes to a log, what a person is waiting for. */
import { stripVTControlCharacters } from 'node:util'

/** What progress is written to: `process.stderr`, or in a test a collector of lines. */
export interface ProgressStream {
  isTTY?: boolean | undefined
  columns?: number | undefined
  write(text: string): unknown
}

/** One task of several steps. */
export interface Progress {
  /** Ends the step before, if there is one, and begins another. */
  step: (title: string) => void
  /** Says what the present step is doing. */
  activity: (text: string) => void
  /** Ends the last step well. */
  done: () => void
  /** Ends the last step badly; the reason is for an error to say. */
  failed: () => void
}

const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏']
const REDRAW_EVERY_MS = 100
/** A log needs only to show that something goes on. */
const LOG_ACTIVITY_EVERY_MS = 5_000
const CLEAR_LINE = '\r\u001b[K'

/** A live line on a terminal that can redraw it, else few plain lines. */
export function showProgress(stream: ProgressStream): Progress {
  const canRedraw = stream.isTTY === true && process.env['TERM'] !== 'dumb'
  return canRedraw ? liveProgress(stream) : plainProgress(stream)
}

function liveProgress(stream: ProgressStream): Progress {
  let title = ''
  let activity = ''
  let startedAt = 0
  let timer: NodeJS.Timeout | undefined

  const draw = () => {
    const frame = FRAMES[Math.floor(Date.now() / REDRAW_EVERY_MS) % FRAMES.length] ?? ''
    const tail = `  ${seconds(startedAt)}`
    const width = (stream.columns ?? 80) - tail.length - 1
    const line = `${frame} ${title}${activity && `: ${activity}`}`
    stream.write(
      `${CLEAR_LINE}${line.length > width ? `${line.slice(0, width - 1)}…` : line}${tail}`,
    )
  }
  const end = (mark: string) => {
    if (!timer) return
    clearInterval(timer)
    timer = undefined
    stream.write(`${CLEAR_LINE}${mark} ${title}  ${seconds(startedAt)}\n`)
  }
  return {
    step(next) {
      end('✓')
      title = next
      activity = ''
      startedAt = Date.now()
      timer = setInterval(draw, REDRAW_EVERY_MS).unref()
      draw()
    },
    activity(text) {
      activity = stripVTControlCharacters(text)
    },
    done: () => end('✓'),
    failed: () => end('✗'),
  }
}

function plainProgress(stream: ProgressStream): Progress {
  let title = ''
  let startedAt = 0
  let lastShownAt = 0

  const end = (mark: string) => {
    if (title) stream.write(`${mark} ${title}, ${seconds(startedAt)}\n`)
    title = ''
  }
  return {
    step(next) {
      end('done:')
      title = next
      startedAt = lastShownAt = Date.now()
      stream.write(`${next} ...\n`)
    },
    activity(text) {
      if (Date.now() - lastShownAt < LOG_ACTIVITY_EVERY_MS) return
      lastShownAt = Date.now()
      stream.write(`  ${stripVTControlCharacters(text)}, ${seconds(startedAt)}\n`)
    },
    done: () => end('done:'),
    failed: () => end('failed:'),
  }
}

function seconds(since: number): string {
  return `${((Date.now() - since) / 1000).toFixed(1)} s`
}
