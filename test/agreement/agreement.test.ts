// The same cells in ipykernel and in an interpreter of ours, in one environment: what they print,
// echo, raise and draw agrees, but for the differences listed.

import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { withDir } from 'tmp-promise'
import { beforeAll, describe, expect, it } from 'vitest'
import { PythonInterpreterToolSet } from '../../src/index.js'
import { testPython as python } from '../helpers/toolset.js'
import { differences, type Outcome } from './differences.js'

interface Cell {
  kind: string
  title: string
  code: string
  /** The code with all names, numbers and strings alike. */
  shape: string
}

/** A line of what `ipykernel_reference.py` prints. */
interface ReferenceLine {
  title: string
  stdout: string
  value_text: string | null
  displays: string[]
  error_name: string | null
  figures: number
}

const KINDS = [
  'statements',
  'expressions',
  'displays',
  'errors',
  'tracebacks',
  'figures',
  'warnings',
  'async',
  'imports',
  'notebook',
]
const KIND_TIMEOUT_MS = 180_000

const here = import.meta.dirname
const corpus = await readCorpus()

describe('the corpus', () => {
  it('has a file for each kind', async () => {
    const files = await readdir(join(here, 'corpus'))
    expect(files.filter((file) => file.endsWith('.py')).sort()).toEqual(
      KINDS.map((kind) => `${kind}.py`).sort(),
    )
  })

  it('has at least 300 cells, at least 20 of each kind', () => {
    expect(corpus.length).toBeGreaterThanOrEqual(300)
    for (const kind of KINDS) {
      expect(cellsOf(kind).length, kind).toBeGreaterThanOrEqual(20)
    }
  })

  it('has no two cells that differ only in names, numbers or strings', () => {
    expect(repeated(corpus.map(({ shape }) => shape))).toEqual([])
  })

  it('has no two cells of one kind with the same title', () => {
    expect(repeated(corpus.map(({ kind, title }) => `${kind}: ${title}`))).toEqual([])
  })

  it('has every cell that is listed as different, once', () => {
    const listed = differences.map(({ kind, title }) => `${kind}: ${title}`)
    const known = new Set(corpus.map(({ kind, title }) => `${kind}: ${title}`))
    expect(listed.filter((name) => !known.has(name))).toEqual([])
    expect(repeated(listed)).toEqual([])
  })
})

describe.each(KINDS)('%s', (kind) => {
  const cells = cellsOf(kind)
  let reference: Map<string, Outcome>
  let ours: Map<string, Outcome>

  beforeAll(async () => {
    ;[reference, ours] = await Promise.all([runReference(kind), runOurs(cells)])
  }, KIND_TIMEOUT_MS)

  it.each(cells)('$title', ({ title }) => {
    const expected = reference.get(title)
    expect(expected).toBeDefined()
    const difference = differences.find((entry) => entry.kind === kind && entry.title === title)
    if (difference === undefined) {
      expect(ours.get(title)).toEqual(expected)
    } else {
      expect(ours.get(title), 'no longer different').not.toEqual(expected)
      expect(ours.get(title), difference.reason).toEqual({ ...expected, ...difference.ours })
    }
  })
})

function cellsOf(kind: string): Cell[] {
  return corpus.filter((cell) => cell.kind === kind)
}

async function readCorpus(): Promise<Cell[]> {
  const files = KINDS.map((kind) => join(here, 'corpus', `${kind}.py`))
  const { stdout } = await execa(python, [join(here, 'cells.py'), ...files])
  return JSON.parse(stdout) as Cell[]
}

/** Runs all cells of a kind in one ipykernel. */
async function runReference(kind: string): Promise<Map<string, Outcome>> {
  const program = join(here, 'ipykernel_reference.py')
  const lines = await withDir(
    ({ path: cwd }) =>
      execa(python, ['-B', program, join(here, 'corpus', `${kind}.py`)], { cwd, lines: true }),
    { unsafeCleanup: true },
  )
  return new Map(
    lines.stdout.map((text) => {
      const line = JSON.parse(text) as ReferenceLine
      const value = line.value_text === null ? '' : `${line.value_text}\n`
      const outcome = {
        stdout: lineEnds(kind, withoutAddresses(line.stdout + value)),
        errorName: line.error_name,
        figures: line.figures,
        displays: line.displays,
      }
      return [line.title, outcome]
    }),
  )
}

/** Runs the cells, one after the other, in one interpreter of ours. */
async function runOurs(cells: Cell[]): Promise<Map<string, Outcome>> {
  return withDir(
    async ({ path: workdir }) => {
      const tools = new PythonInterpreterToolSet({ python, workdir, echo: 'last' })
      try {
        const outcomes = new Map<string, Outcome>()
        for (const { title, code } of cells) {
          const result = await tools.runPythonCode(code)
          outcomes.set(title, {
            stdout: withoutAddresses(result.stdout),
            errorName: result.error?.name ?? null,
            figures: result.fig_storage_paths?.length ?? 0,
            displays: result.outputs.flatMap((output) =>
              output.type === 'display_data' && !('image/png' in output.data)
                ? [(output.data['text/plain'] ?? '') as string]
                : [],
            ),
          })
        }
        return outcomes
      } finally {
        await tools.close()
      }
    },
    { unsafeCleanup: true },
  )
}

/** Addresses of objects in memory are those of one process and mean nothing in another. */
function withoutAddresses(text: string): string {
  return text.replace(/\b0x[0-9a-f]+/g, '0x…')
}

/** There, commands of the shell write to a terminal, which ends lines in its own way. */
function lineEnds(kind: string, text: string): string {
  return kind === 'notebook' ? text.replaceAll('\r\n', '\n') : text
}

function repeated(texts: string[]): string[] {
  return texts.filter((text, index) => texts.indexOf(text) !== index)
}
