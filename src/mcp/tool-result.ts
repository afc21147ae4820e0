/** A tool's answer in the terms of MCP: text, images, links to files, and data. */
import { stripVTControlCharacters } from 'node:util'
import type { CallToolResult, ContentBlock } from '@modelcontextprotocol/server'
import type { z } from 'zod'
import type { RunError } from '../engine/engine.js'
import { mimeType } from '../files/mime-types.js'
import type { FileChange } from '../files/recording.js'
import { cutMiddle } from '../interpreter/bounded-text.js'
import type { ToolAnswer } from '../toolset/model-text.js'
import type { EmittedFields, RunResult } from '../toolset/result.js'
import type { manageOutput, runOutput } from './output-schemas.js'
import { fileLink } from './resources.js'

/** Characters of each text among the data. */
const MAX_TEXT = 10_000
const MAX_FILES = 100
const MAX_VARIABLES = 500
/** Characters of base64 of all images together: clients close a connection with a longer message. */
const MAX_IMAGES = 5_000_000
/** What models take as images; SVG is none of them. */
const IMAGE_URI = /^data:(image\/(?:png|jpeg|gif|webp));base64,(.*)$/s

/** The files that an answer tells of. */
export interface AnswerFiles {
  readonly figures: readonly string[]
  readonly others: readonly FileChange[]
}

/** Paths are relative to the workdir. */
export function filesOf(answer: ToolAnswer): AnswerFiles {
  const shown = shownOf(answer)
  return { figures: shown?.fig_storage_paths ?? [], others: shown?.files ?? [] }
}

/**
 * Makes the result of a call.
 *
 * @param text - the answer as text for a model
 * @param schema - of the data; fields that it does not have are left out
 */
export function toolResult(answer: ToolAnswer, text: string, schema: z.ZodType): CallToolResult {
  const { figures, others } = filesOf(answer)
  const { images, notShown } = imagesOf(shownOf(answer)?.base64_uri ?? [])
  const notice = notShown === 0 ? '' : `\n\nNOTICE: ${notShownSentence(notShown)}`
  return {
    content: [
      { type: 'text', text: text + notice },
      ...images,
      ...figures.map((path) => fileLink({ path, mime_type: mimeType(path) })),
      ...others.slice(0, MAX_FILES).map(fileLink),
    ],
    structuredContent: schema.parse(dataOf(answer)),
    isError: !answer.success,
  }
}

type Shown = Partial<RunResult> & Partial<EmittedFields>

/** The result of a run, or what a run has emitted so far, that an answer is or has. */
function shownOf(answer: ToolAnswer): Shown | undefined {
  if ('stdout' in answer) return answer
  return answer.success ? (answer.run ?? answer.output) : undefined
}

function imagesOf(uris: readonly string[]): { images: ContentBlock[]; notShown: number } {
  const images: ContentBlock[] = []
  let room = MAX_IMAGES
  for (const uri of uris) {
    const [, mime, data] = IMAGE_URI.exec(uri) ?? []
    if (mime === undefined || data === undefined || data.length > room) continue
    room -= data.length
    images.push({ type: 'image', data, mimeType: mime })
  }
  return { images, notShown: uris.length - images.length }
}

function notShownSentence(count: number): string {
  const which = count === 1 ? '1 figure is' : `${count} figures are`
  return `${which} not shown as images here (SVG, or too large). Read the files instead.`
}

/** What the schemas take: that an answer fits is checked here, that it has no more by them. */
type RunData = z.input<typeof runOutput>
type ManageData = z.input<typeof manageOutput>

/** The answer without what is too long; where something was left out, a notice says so. */
function dataOf(answer: ToolAnswer): RunData | ManageData {
  if ('stdout' in answer) return runData(answer)
  if (!answer.success) {
    const { error } = answer
    return typeof error === 'string'
      ? { success: false, error: cut(error) }
      : { success: false, error: errorData(error) }
  }
  const { run, output, variables, ...rest } = answer
  const more = (variables?.length ?? 0) - MAX_VARIABLES
  return {
    ...rest,
    ...(variables === undefined ? {} : { variables: variables.slice(0, MAX_VARIABLES) }),
    ...(run === undefined ? {} : { run: runData(run) }),
    ...(output === undefined ? {} : { output: { ...output, ...textData(output) } }),
    ...(more <= 0 ? {} : { notices: [`${more} more variables are left out here.`] }),
  }
}

function runData(run: RunResult): RunData {
  const { result, result_type: type, error, files = [], late_outputs: late, ...rest } = run
  const hasResult = type !== undefined
  const length = hasResult ? JSON.stringify(result).length : 0
  const notices = [
    ...(rest.notices ?? []),
    ...(length <= MAX_TEXT ? [] : [`result is left out here: it has ${length} characters.`]),
    ...(files.length <= MAX_FILES
      ? []
      : [`${files.length - MAX_FILES} more files are left out here.`]),
  ]
  return {
    ...rest,
    ...textData(run),
    ...(hasResult ? { result_type: type } : {}),
    ...(hasResult && length <= MAX_TEXT ? { result } : {}),
    ...(error === undefined ? {} : { error: errorData(error) }),
    ...(files.length === 0 ? {} : { files: files.slice(0, MAX_FILES) }),
    ...(late === undefined
      ? {}
      : { late_outputs: late.map((output) => ({ ...output, ...textData(output) })) }),
    ...(notices.length === 0 ? {} : { notices }),
  }
}

function textData({ stdout, stderr }: Pick<RunResult, 'stdout' | 'stderr'>) {
  return { stdout: cut(stdout), stderr: cut(stderr) }
}

function errorData({ name, value, traceback }: RunError): RunError {
  return { name: cut(name), value: cut(value), traceback: cut(traceback) }
}

function cut(text: string): string {
  return cutMiddle(stripVTControlCharacters(text), MAX_TEXT)
}
