/**
 * What a matplotlib figure shows, as data: for an interface that draws it anew, and for a model that
 * cannot see it. `charts.py` makes it; docs/charts.md has an example.
 */
import { z } from 'zod'
import type { JsonValue } from '../engine/engine.js'

/** The MIME type of a chart in the bundle of its figure. */
export const CHART_MIME_TYPE = 'application/vnd.python-interpreter-toolset.chart+json'

/**
 * A place on an axis: a number; a date of a `datetime` axis in ISO 8601, with an offset only where it
 * has a time zone; a category. Null stands for NaN, infinity and masked values.
 */
export type ChartValue = number | string | null

/** What a figure shows. */
export interface Chart {
  /** The figure's own title (`suptitle`). */
  title: string | null
  /** The figure's own labels (`supxlabel`, `supylabel`). */
  x_label?: string
  y_label?: string
  /** The labels of the figure's own legends. */
  legend?: string[]
  /** All axes in the order in which they were made: subplots, twins, insets, colour bars. */
  axes: ChartAxes[]
  /** Axes that are too many, or that could not be described: a notice of the result says why. */
  axes_left_out?: number
}

/**
 * One axes of a figure. Its type is that of its series; `mixed` where they are of several types,
 * `unknown` where nothing in it was recognised.
 */
export type ChartAxes =
  | Axes<'line', LineSeries>
  | Axes<'scatter', ScatterSeries>
  | Axes<'bar', BarSeries>
  | Axes<'pie', PieSeries>
  | Axes<'box', BoxSeries>
  | Axes<'histogram', HistogramSeries>
  | Axes<'mixed', ChartSeries>
  | Axes<'unknown', never>

interface Axes<Type extends string, Series> {
  type: Type
  title: string | null
  /** Left, bottom, width and height in parts of the figure. Twins have the same. */
  position: number[]
  x: ChartAxis
  y: ChartAxis
  /** Of three dimensions, whose series are never described. */
  z?: ChartAxis
  /** Where it is not rectilinear, e.g. `polar` (x is the angle in radians, y the radius) or `3d`. */
  projection?: string
  /** The legend's labels, also of what is no series. */
  legend?: string[]
  legend_title?: string
  /** Those that the legend names in its order, then the others. */
  series: Series[]
  /** Series that are not given because the figure has too many. */
  series_left_out?: number
  /** Lines across the whole axes: on axis `y` they are horizontal. */
  reference_lines?: { axis: 'x' | 'y'; value: ChartValue; label: string | null }[]
  /** What is drawn too but was not recognised, such as areas, images and contours. */
  others: ChartArtist[]
}

/** One axis. */
export interface ChartAxis {
  label: string | null
  /**
   * `linear`, `log`, `symlog`, `logit` or another scale of matplotlib; `datetime`; or `categorical`,
   * where ticks and limits are numbers and `tick_labels` the categories.
   */
  scale: string
  /** First and last value; the first is greater where the axis is inverted. */
  limits: ChartValue[]
  /** The major ticks that are drawn, and their labels, `''` where none is. */
  ticks: ChartValue[]
  tick_labels: string[]
  ticks_left_out?: number
}

/** Anything that is recognised in an axes. */
export type ChartSeries =
  LineSeries | ScatterSeries | BarSeries | PieSeries | BoxSeries | HistogramSeries

interface Series {
  /**
   * Its own label; or else the one that the legend has for its colour; null for none.
   */
  label: string | null
  /**
   * Points, bars, wedges, boxes or bins that are not given. Those that are are spread evenly; of
   * histograms, pies and box plots they are the first.
   */
  points_left_out?: number
}

/** Where the low and the high end of an error bar are; null for a point without one. */
export type ErrorRange = ChartValue[] | null

/** Points that are joined by a line. */
export interface LineSeries extends Series {
  type: 'line'
  x: ChartValue[]
  y: ChartValue[]
  x_errors?: ErrorRange[]
  y_errors?: ErrorRange[]
  /** How points are joined if not straight: matplotlib's `steps-pre`, `steps-mid`, `steps-post`. */
  drawstyle?: string
}

/** Points that are not joined. */
export interface ScatterSeries extends Series {
  type: 'scatter'
  x: ChartValue[]
  y: ChartValue[]
  x_errors?: ErrorRange[]
  y_errors?: ErrorRange[]
  /** Areas of the markers in square points, where they differ. */
  sizes?: (number | null)[]
  /** The values that are shown as colours. */
  color_values?: (number | null)[]
}

/** Bars. Those of stacked and grouped bar plots are one series for each colour. */
export interface BarSeries extends Series {
  type: 'bar'
  orientation: Orientation
  /** What each bar stands for: a category, or the number or date of its middle. */
  categories: ChartValue[]
  /** The length of each bar; in days on a `datetime` axis. */
  values: (number | null)[]
  /** Where each bar begins, if not all do at 0: those of stacked bars do on top of others. */
  bases?: ChartValue[]
  /** How wide bars are that stand at numbers or, in days, at dates. */
  widths?: (number | null)[]
  errors?: ErrorRange[]
}

/** The wedges of a pie. */
export interface PieSeries extends Series {
  type: 'pie'
  labels: (string | null)[]
  values: (number | null)[]
  /** What part of the circle each takes. */
  fractions: (number | null)[]
}

/** The boxes of a box plot. */
export interface BoxSeries extends Series {
  type: 'box'
  orientation: Orientation
  boxes: ChartBox[]
}

/** One box. */
export interface ChartBox {
  category: ChartValue
  /** The ends of the whiskers. */
  low: ChartValue
  high: ChartValue
  q1: ChartValue
  median: ChartValue
  q3: ChartValue
  /** Null where the plot does not show them. */
  outliers: ChartValue[] | null
  outliers_left_out?: number
}

/** The bins of a histogram. */
export interface HistogramSeries extends Series {
  type: 'histogram'
  orientation: Orientation
  /** One more than there are bins. */
  edges: ChartValue[]
  /** The height of each bin: a count, a density or a weight, as the plot was asked for. */
  values: (number | null)[]
  /** Where each bin begins, if not all do at 0. */
  bases?: (number | null)[]
}

/** `vertical` bars, boxes and bins stand side by side along x. */
export type Orientation = 'vertical' | 'horizontal'

/** Artists of matplotlib that are alike and were not recognised. */
export interface ChartArtist {
  /** Their class in matplotlib, e.g. `QuadMesh`. */
  artist: string
  label: string | null
  count: number
  /** Of an image or a mesh: the shape and the range of the values that it shows as colours. */
  shape?: number[]
  min?: number | null
  max?: number | null
}

const value = z.union([z.number(), z.string(), z.null()])
const numbers = z.array(z.number().nullable())
const values = z.array(value)
const label = z.string().nullable()
const leftOut = z.int().min(0).exactOptional()
const orientation = z.enum(['vertical', 'horizontal'])
const errors = z.array(values.nullable()).exactOptional()

const axis = z.object({
  label,
  scale: z.string(),
  limits: values,
  ticks: values,
  tick_labels: z.array(z.string()),
  ticks_left_out: leftOut,
})

function seriesOf<Type extends string, Shape extends z.ZodRawShape>(type: Type, shape: Shape) {
  return z.object({ type: z.literal(type), label, points_left_out: leftOut, ...shape })
}

const points = { x: values, y: values, x_errors: errors, y_errors: errors }
const line = seriesOf('line', { ...points, drawstyle: z.string().exactOptional() })
const scatter = seriesOf('scatter', {
  ...points,
  sizes: numbers.exactOptional(),
  color_values: numbers.exactOptional(),
})
const bar = seriesOf('bar', {
  orientation,
  categories: values,
  values: numbers,
  bases: values.exactOptional(),
  widths: numbers.exactOptional(),
  errors,
})
const pie = seriesOf('pie', { labels: z.array(label), values: numbers, fractions: numbers })
const box = seriesOf('box', {
  orientation,
  boxes: z.array(
    z.object({
      category: value,
      low: value,
      high: value,
      q1: value,
      median: value,
      q3: value,
      outliers: values.nullable(),
      outliers_left_out: leftOut,
    }),
  ),
})
const histogram = seriesOf('histogram', {
  orientation,
  edges: values,
  values: numbers,
  bases: numbers.exactOptional(),
})

function axesOf<Type extends string, Series extends z.ZodType>(type: Type, series: Series) {
  return z.object({
    type: z.literal(type),
    title: label,
    position: z.array(z.number()),
    x: axis,
    y: axis,
    z: axis.exactOptional(),
    projection: z.string().exactOptional(),
    legend: z.array(z.string()).exactOptional(),
    legend_title: z.string().exactOptional(),
    series: z.array(series),
    series_left_out: leftOut,
    reference_lines: z.array(z.object({ axis: z.enum(['x', 'y']), value, label })).exactOptional(),
    others: z.array(
      z.object({
        artist: z.string(),
        label,
        count: z.int(),
        shape: z.array(z.number()).exactOptional(),
        min: z.number().nullable().exactOptional(),
        max: z.number().nullable().exactOptional(),
      }),
    ),
  })
}

const chart = z.object({
  title: label,
  x_label: z.string().exactOptional(),
  y_label: z.string().exactOptional(),
  legend: z.array(z.string()).exactOptional(),
  axes: z.array(
    z.discriminatedUnion('type', [
      axesOf('line', line),
      axesOf('scatter', scatter),
      axesOf('bar', bar),
      axesOf('pie', pie),
      axesOf('box', box),
      axesOf('histogram', histogram),
      axesOf('mixed', z.discriminatedUnion('type', [line, scatter, bar, pie, box, histogram])),
      axesOf('unknown', z.never()),
    ]),
  ),
  axes_left_out: leftOut,
})

/** The chart that a bundle holds; one without axes where it holds none, as a notice says then. */
export function chartOf(data: Readonly<Record<string, JsonValue>>): Chart {
  const parsed = chart.safeParse(data[CHART_MIME_TYPE])
  return parsed.success ? parsed.data : { title: null, axes: [] }
}
