/** What a model should read of a result. */
import { stripVTControlCharacters } from 'node:util'
import type { RunError } from '../engine/engine.js'
import { cutMiddle, onOneLine } from '../interpreter/bounded-text.js'
import { isImage } from '../interpreter/output-log.js'
import { chartsText } from './chart-text.js'
import type { ManageResult } from './manage.js'
import type { RefusedRun, RunResult } from './result.js'

/** Whatever one of the two tools answers. */
export type ToolAnswer = RunResult | RefusedRun | ManageResult

const DEFAULT_MAX_CHARACTERS = 20_000
/** Characters of the line that names files. */
const MAX_FILES_CHARACTERS = 2_000

/** Options of {@link toModelText}. */
export interface ModelTextOptions {
  /** Characters of output, value and error together, at most. @default 20000 */
  readonly maxCharacters?: number
}

/**
 * Renders a tool's answer as text for a model. That of a run has notices first, so that no cut can
 * hide them, then what the run printed, its value or error, its late outputs, figures, files and what
 * else was displayed and is no text; without base64 and ANSI codes. What is too long is cut in its
 * middle, saying how much.
 */
export function toModelText(
  answer: ToolAnswer,
  { maxCharacters = DEFAULT_MAX_CHARACTERS }: ModelTextOptions = {},
): string {
  if ('stdout' in answer) return runText(answer, maxCharacters)
  if (answer.success) {
    const { message, run, output } = answer
    const shown = run ?? output
    if (message !== undefined && shown !== undefined) {
      return runText({ ...shown, notices: [message, ...(shown.notices ?? [])] }, maxCharacters)
    }
  }
  if (answer.success) return cutMiddle(JSON.stringify(answer), maxCharacters)
  const { error } = answer
  return `error:\n${cutMiddle(typeof error === 'string' ? error : errorText(error), maxCharacters)}`
}

/** What there is to read of a result, or of what a run has emitted so far. */
type Readable = Partial<Omit<RunResult, 'stdout' | 'stderr'>> & Pick<RunResult, 'stdout' | 'stderr'>

function runText(result: Readable, maxCharacters: number): string {
  const sections = sectionsOf(result).map(({ title, text }) => ({
    title,
    text: stripVTControlCharacters(text).trimEnd(),
  }))
  const shown = sections.filter(({ text }) => text !== '')
  const shares = shareOut(
    shown.map(({ text }) => text.length),
    maxCharacters,
  )
  const texts = shown.map(({ title, text }, i) => `${title}:\n${cutMiddle(text, shares[i] ?? 0)}`)
  const notices = (result.notices ?? []).map((notice) => `NOTICE: ${notice}`)
  const lines = [...figureLines(result), ...displayLines(result), ...fileLines(result)]
  const all = [...notices, ...texts, ...lines]
  if (all.length > 0) return all.join('\n\n')
  return 'The code ran to its end and printed nothing.'
}

function sectionsOf(result: Readable): { title: string; text: string }[] {
  const value = result.result_type === undefined ? '' : JSON.stringify(result.result)
  const { error } = result
  return [
    { title: 'stdout', text: result.stdout },
    { title: 'stderr', text: result.stderr },
    { title: `result (${result.result_type ?? ''})`, text: value },
    { title: 'error', text: error === undefined ? '' : errorText(error) },
    { title: 'hint', text: result.hint ?? '' },
    ...(result.late_outputs ?? []).map(({ execution_count: run, stdout, stderr }) => ({
      title: `written later by run ${run}`,
      text: stdout + stderr,
    })),
    { title: 'what the figures show', text: chartsText(result.charts ?? []) },
    { title: 'still running', text: (result.survivors ?? []).join('\n') },
  ]
}

/** A traceback, and what of name and value it does not end with. */
export function errorText({ name, value, traceback }: RunError): string {
  const said = traceback.split('\n').some((line) => line === name || line.startsWith(`${name}:`))
  return said ? traceback : [traceback, `${name}: ${value}`].filter(Boolean).join('\n')
}

function figureLines({ fig_storage_paths: paths, base64_uri: uris }: Readable): string[] {
  if (paths !== undefined) return [`figures: ${paths.join(', ')}`]
  return uris === undefined ? [] : [`figures: ${uris.length}, not saved to files`]
}

/** What was displayed that no text can say, such as an interactive plot, by its MIME types. */
function displayLines({ outputs = [] }: Readable): string[] {
  const bundles = outputs.flatMap((output) => ('data' in output ? [Object.keys(output.data)] : []))
  const types = bundles.filter((bundle) => !bundle.some(isSaidOtherwise)).flat()
  const shown = [...new Set(types)].filter((type) => !TEXTS.has(type))
  return shown.length === 0 ? [] : [`displays: ${shown.join(', ')}`]
}

const TEXTS = new Set(['text/plain', 'text/markdown', 'text/latex'])

/** Whether the figures have it, or the text of a table. */
function isSaidOtherwise(type: string): boolean {
  return isImage(type) || type === 'application/vnd.dataresource+json'
}

function fileLines({ files = [] }: Readable): string[] {
  const shown: string[] = []
  let room = MAX_FILES_CHARACTERS
  for (const { path, change, size } of files) {
    const text = onOneLine(`${path} (${change}, ${size} bytes)`)
    room -= text.length + ', '.length
    if (room < 0) break // a part of a path would be of no use
    shown.push(text)
  }
  const more = files.length - shown.length
  if (more > 0) shown.push(`${more} more`)
  return files.length === 0 ? [] : [`files: ${shown.join(', ')}`]
}

/** Shares `budget` out among texts of these lengths, so that only the longest have to be cut. */
function shareOut(lengths: readonly number[], budget: number): number[] {
  const shares = new Array<number>(lengths.length).fill(0)
  let left = budget
  const byLength = [...lengths.keys()].sort((a, b) => (lengths[a] ?? 0) - (lengths[b] ?? 0))
  byLength.forEach((index, done) => {
    const fair = Math.floor(left / (lengths.length - done))
    shares[index] = Math.min(lengths[index] ?? 0, fair)
    left -= shares[index]
  })
  return shares
}
