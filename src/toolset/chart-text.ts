/** Charts in words, for a model that cannot see them. */
import type {
  Chart,
  ChartArtist,
  ChartAxes,
  ChartAxis,
  ChartSeries,
  ChartValue,
  BarSeries,
  BoxSeries,
  PieSeries,
} from './charts.js'

const MAX_CHARTS = 20
const MAX_AXES = 12
/** Series of an axes, and bars, wedges and boxes of a series, that are told one by one. */
const MAX_ITEMS = 12
const MAX_NAME = 80

/** Some lines for each chart, as figures 1, 2, ...; empty where nothing is known of any. */
export function chartsText(charts: readonly Chart[]): string {
  if (charts.every(({ axes }) => axes.length === 0)) return ''
  return firstOf(charts, MAX_CHARTS, 'figures', (chart, index) =>
    chartLines(chart, index + 1),
  ).join('\n')
}

function chartLines(chart: Chart, number: number): string[] {
  const labels = [
    ...(chart.x_label === undefined ? [] : [`x ${quoted(chart.x_label)}`]),
    ...(chart.y_label === undefined ? [] : [`y ${quoted(chart.y_label)}`]),
  ]
  const head = [`figure ${number}${named(chart.title)}:`, labels.join(', ')].join(' ').trimEnd()
  if (chart.axes.length === 0) return [`${head} what it shows is not known`]
  return [
    head,
    ...firstOf(chart.axes, MAX_AXES, 'axes', axesLines).map(indented),
    ...leftOut(chart.axes_left_out, 'axes'),
  ]
}

function axesLines(axes: ChartAxes): string[] {
  const projection = axes.projection === undefined ? '' : ` (${axes.projection})`
  const scales = axes.type === 'pie' ? '' : `: ${axisText('x', axes.x)}, ${axisText('y', axes.y)}`
  const depth = axes.z === undefined ? '' : `, ${axisText('z', axes.z)}`
  return [
    `${axes.type}${projection}${named(axes.title)}${scales}${depth}`,
    ...[
      ...firstOf<ChartSeries>(axes.series, MAX_ITEMS, 'series', (series) => [seriesText(series)]),
      ...leftOut(axes.series_left_out, 'series'),
      ...firstOf(axes.reference_lines ?? [], MAX_ITEMS, 'reference lines', (line) => [
        `line${named(line.label)} across, at ${line.axis} = ${shown(line.value)}`,
      ]),
      ...firstOf(axes.others, MAX_ITEMS, 'other things', (artist) => [artistText(artist)]),
    ].map(indented),
  ]
}

function axisText(name: string, { label, scale, limits, tick_labels }: ChartAxis): string {
  const said = scale === 'linear' ? '' : `${scale}, `
  const range = `${said}${limits.map(shown).join(' to ')}`
  const what = scale === 'categorical' ? counted(tick_labels.length, 'category') : range
  return `${name}${named(label)} (${what})`
}

function seriesText(series: ChartSeries): string {
  const { count, noun, what } = contents(series)
  const all = counted(count + (series.points_left_out ?? 0), noun)
  return `${series.type}${named(series.label)}: ${all}${what}`
}

function contents(series: ChartSeries): { count: number; noun: string; what: string } {
  switch (series.type) {
    case 'line':
    case 'scatter': {
      const what = `, x ${range(series.x)}, y ${range(series.y)}`
      return { count: series.x.length, noun: 'point', what }
    }
    case 'bar':
      return { count: series.values.length, noun: 'bar', what: barItems(series) }
    case 'pie':
      return { count: series.values.length, noun: 'wedge', what: `: ${wedges(series)}` }
    case 'box':
      return { count: series.boxes.length, noun: 'box', what: `: ${boxes(series)}` }
    case 'histogram': {
      const what = ` from ${range(series.edges)}, heights ${range(series.values)}`
      return { count: series.values.length, noun: 'bin', what }
    }
  }
}

function barItems({ categories, values, orientation }: BarSeries): string {
  const lie = orientation === 'horizontal' ? ' (horizontal)' : ''
  if (values.length > MAX_ITEMS) return `${lie}, ${range(values)}`
  const items = values.map((value, i) => `${shown(categories[i] ?? null)} ${shown(value)}`)
  return `${lie}: ${items.join(', ')}`
}

function wedges({ labels, values, fractions }: PieSeries): string {
  const items = values.map((value, i) => {
    const percent = ((fractions[i] ?? 0) * 100).toFixed(1)
    return `${shown(labels[i] ?? null)} ${shown(value)} (${percent} %)`
  })
  return some(items)
}

function boxes(series: BoxSeries): string {
  const items = series.boxes.map((box) => {
    const { category, low, q1, median, q3, high, outliers, outliers_left_out = 0 } = box
    const far = outliers === null ? '' : `, outliers: ${outliers.length + outliers_left_out}`
    const middle = `median ${shown(median)}, quartiles ${shown(q1)} to ${shown(q3)}`
    return `${shown(category)}: ${middle}, whiskers ${shown(low)} to ${shown(high)}${far}`
  })
  return some(items, '; ')
}

function artistText({ artist, label, count, shape, min, max }: ChartArtist): string {
  const times = count === 1 ? '' : ` (${count})`
  const values =
    shape === undefined
      ? ''
      : `: ${shape.join(' by ')} values from ${shown(min ?? null)} to ${shown(max ?? null)}`
  return `not recognised: ${artist}${named(label)}${times}${values}`
}

/** From the least to the greatest; of others than numbers, from the first to the last. */
function range(values: readonly ChartValue[]): string {
  const known = values.filter((value) => value !== null)
  const numbers = known.filter((value) => typeof value === 'number')
  if (known.length === 0) return 'unknown'
  const ends =
    numbers.length === 0
      ? [known[0] ?? null, known.at(-1) ?? null]
      : [numbers.reduce(least), numbers.reduce(greatest)]
  return [...new Set(ends.map(shown))].join(' to ')
}

const least = (a: number, b: number) => Math.min(a, b)
const greatest = (a: number, b: number) => Math.max(a, b)

function counted(count: number, noun: string): string {
  if (count === 1) return `1 ${noun}`
  const plural = noun.endsWith('y') ? `${noun.slice(0, -1)}ies` : `${noun}s`
  return `${count} ${noun.endsWith('x') ? `${noun}es` : plural}`
}

function shown(value: ChartValue): string {
  if (value === null) return '?'
  return typeof value === 'number' ? String(Number(value.toPrecision(6))) : oneLine(value)
}

function named(name: string | null): string {
  return name === null ? '' : ` ${quoted(name)}`
}

function quoted(name: string): string {
  return `"${oneLine(name)}"`
}

function oneLine(text: string): string {
  const line = text.replace(/[\p{C}\p{Z}]+/gu, ' ').trim()
  return line.length > MAX_NAME ? `${line.slice(0, MAX_NAME)}…` : line
}

function some(items: readonly string[], separator = ', '): string {
  const more = items.length > MAX_ITEMS ? [`... ${items.length - MAX_ITEMS} more`] : []
  return [...items.slice(0, MAX_ITEMS), ...more].join(separator)
}

/** The lines of the first items, and how many there are beside them. */
function firstOf<T>(
  items: readonly T[],
  max: number,
  what: string,
  lines: (item: T, index: number) => string[],
): string[] {
  return [...items.slice(0, max).flatMap(lines), ...leftOut(items.length - max, what)]
}

function leftOut(count: number | undefined, what: string): string[] {
  return count === undefined || count <= 0 ? [] : [`... ${count} more ${what}`]
}

function indented(line: string): string {
  return `  ${line}`
}
