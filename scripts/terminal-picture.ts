/**
 * Makes an animated SVG of what a program prints to a terminal, as it prints it:
 *
 *     tsx scripts/terminal-picture.ts examples/watch.ts docs/watch.svg
 */
import { writeFile } from 'node:fs/promises'
import { execa } from 'execa'

const COLUMNS = 92
const CHARACTER = { width: 7.8, height: 19 }
const MARGIN = 16
/** The colours that programs choose by their codes, and the usual one. */
const COLOURS: Readonly<Record<string, string>> = {
  '2': '#8b949e',
  '31': '#ff7b72',
  '33': '#e3b341',
  '36': '#79c0ff',
}
const USUAL = '#e6edf3'
const BACKGROUND = '#0d1117'
/** How long the end is shown, in seconds. */
const REST = 4

/** A line of the terminal, from one time to another, in seconds; null: to the end. */
interface Frame {
  readonly row: number
  readonly text: string
  readonly from: number
  to: number | null
}

const [program = '', picture = ''] = process.argv.slice(2)
const { frames, rows, seconds } = await film(program)
await writeFile(picture, draw(frames, rows, seconds + REST))

/** Runs a program, and notes when each line was there. */
async function film(file: string): Promise<{ frames: Frame[]; rows: number; seconds: number }> {
  const frames: Frame[] = []
  let row = 0
  let text = ''
  let startedAt: number | null = null
  const seconds = () => (performance.now() - (startedAt ??= performance.now())) / 1000
  const show = () => {
    const before = frames.findLast((frame) => frame.row === row)
    if (before !== undefined) before.to = seconds()
    frames.push({ row, text, from: seconds(), to: null })
  }
  const run = execa('tsx', [file], { preferLocal: true, env: { FORCE_COLOR: '1' }, buffer: false })
  for await (const chunk of run.iterable({ binary: true })) {
    for (const piece of String(Buffer.from(chunk)).split(/(?<=\n)|(?=\r)/)) {
      text = piece.startsWith('\r') ? piece.slice(1) : text + piece
      show()
      if (!piece.endsWith('\n')) continue
      row += 1
      text = ''
    }
  }
  await run
  return { frames, rows: row, seconds: seconds() }
}

function draw(frames: readonly Frame[], rows: number, period: number): string {
  const width = COLUMNS * CHARACTER.width + 2 * MARGIN
  const height = rows * CHARACTER.height + 2 * MARGIN
  const lines = frames.map((frame) => {
    const y = MARGIN + (frame.row + 0.75) * CHARACTER.height
    const opacity = frame.to === null ? 1 : 0
    return `<text x="${MARGIN}" y="${y}" opacity="${opacity}" xml:space="preserve">${spans(frame.text)}${animation(frame, period)}</text>`
  })
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, monospace" font-size="13" fill="${USUAL}">
<rect width="100%" height="100%" rx="8" fill="${BACKGROUND}"/>
${lines.join('\n')}
</svg>
`
}

/** Has a line be there only in its time; who does not animate shows the end. */
function animation({ from, to }: Frame, period: number): string {
  const times = [0, from, to ?? period].map((time) => (Math.max(time, 0) / period).toFixed(4))
  return `<animate attributeName="opacity" calcMode="discrete" dur="${period.toFixed(2)}s" repeatCount="indefinite" values="0;1;0" keyTimes="${times.join(';')}"/>`
}

/** Text with its colour codes as elements. */
function spans(text: string): string {
  let colour = USUAL
  // eslint-disable-next-line no-control-regex
  return [...text.trimEnd().matchAll(/\x1b\[(\d+)m|[^\x1b]+/g)]
    .map(([piece, code]) => {
      if (code !== undefined) colour = COLOURS[code] ?? USUAL
      return code === undefined ? `<tspan fill="${colour}">${escaped(piece)}</tspan>` : ''
    })
    .join('')
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
