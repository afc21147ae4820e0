/** Charts: what figures of matplotlib, seaborn and pandas show, as data. */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  CHART_MIME_TYPE,
  PythonInterpreterToolSet,
  toModelText,
  type Chart,
  type ChartAxes,
  type RunResult,
} from '../src/index.js'
import { makeToolset, testPython } from './helpers/toolset.js'

const IMPORTS = [
  'import datetime, warnings',
  'import numpy as np',
  'import pandas as pd',
  'import matplotlib.pyplot as plt',
  'import seaborn as sns',
].join('\n')
const TABLE = `df = pd.DataFrame({
    "group": list("aabbab"), "half": list("xyxyxy"), "v": [1, 2, 3, 4, 5, 6.0], "w": [2, 1, 4, 3, 6, 5.0]
})`
const LONG_MS = 60_000

let workdir: string
let tools: PythonInterpreterToolSet

beforeAll(async () => {
  workdir = await mkdtemp(join(tmpdir(), 'toolset-charts-'))
  tools = new PythonInterpreterToolSet({ python: testPython, workdir, echo: 'none' })
  expect(await tools.runPythonCode(`${IMPORTS}\n${TABLE}`)).toMatchObject({ success: true })
}, LONG_MS)

afterAll(async () => {
  await tools.close()
  await rm(workdir, { recursive: true, force: true })
})

/** Runs code that nothing is wrong with. */
async function run(...lines: string[]): Promise<RunResult> {
  const result = await tools.runPythonCode(lines.join('\n'))
  expect(result.error).toBeUndefined()
  expect(result.stderr).toBe('')
  expect(result).not.toHaveProperty('notices')
  expect(result.charts).toHaveLength(result.base64_uri?.length ?? 0)
  return result
}

/** The chart of the only figure that the code draws. */
async function chartOf(...lines: string[]): Promise<Chart> {
  const { charts = [] } = await run(...lines)
  expect(charts).toHaveLength(1)
  return charts[0] as Chart
}

/** The only axes of that chart. */
async function axesOf(...lines: string[]): Promise<ChartAxes> {
  const { axes } = await chartOf(...lines)
  expect(axes).toHaveLength(1)
  return axes[0] as ChartAxes
}

describe('a chart', () => {
  it('has titles, labels, limits, ticks and the legend as they are drawn', async () => {
    const chart = await chartOf(
      'fig, ax = plt.subplots()',
      'ax.plot([1, 2, 3], [1, np.nan, 9], label="growth")',
      'ax.axhline(2, label="limit")',
      'ax.set(title="Rates", xlabel="year", ylabel="%", xlim=(0, 4), ylim=(10, 0))',
      'ax.set_xticks([1, 3]); ax.set_yticks([0, 5, 10], ["none", "half", "all"])',
      'ax.legend(title="Lines")',
      'fig.suptitle("All"); fig.supxlabel("below")',
    )
    expect(chart).toEqual({
      title: 'All',
      x_label: 'below',
      axes: [
        {
          type: 'line',
          title: 'Rates',
          position: [0.125, 0.11, 0.775, 0.77],
          x: {
            label: 'year',
            scale: 'linear',
            limits: [0, 4],
            ticks: [1, 3],
            tick_labels: ['1', '3'],
          },
          y: {
            label: '%',
            scale: 'linear',
            limits: [10, 0],
            ticks: [0, 5, 10],
            tick_labels: ['none', 'half', 'all'],
          },
          legend: ['growth', 'limit'],
          legend_title: 'Lines',
          series: [{ type: 'line', label: 'growth', x: [1, 2, 3], y: [1, null, 9] }],
          reference_lines: [{ axis: 'y', value: 2, label: 'limit' }],
          others: [],
        },
      ],
    })
  })

  it('travels as JSON in the bundle of its figure, and in the order of the images', async () => {
    const result = await run(
      'for n in range(3):',
      '    plt.figure(); plt.title(str(n)); plt.plot([n, n])',
      '    if n == 1: plt.show()',
    )
    expect(result.charts?.map(({ axes }) => axes[0]?.title)).toEqual(['0', '1', '2'])
    expect(result.hidden_to_model).toContain('charts')
    const displays = result.outputs.filter((output) => output.type === 'display_data')
    expect(displays.map(({ data }) => data[CHART_MIME_TYPE])).toEqual(result.charts)
  })

  it('has all axes: subplots, twins and insets, with their places', async () => {
    const { axes } = await chartOf(
      'fig, (left, right) = plt.subplots(1, 2, sharey=True)',
      'left.plot([1, 2]); twin = left.twinx(); twin.bar([0], [5]); right.scatter([1], [2])',
      'right.inset_axes([0.5, 0.5, 0.4, 0.4]).plot([7, 8])',
    )
    expect(axes.map(({ type }) => type)).toEqual(['line', 'scatter', 'line', 'bar'])
    expect(axes[3]?.position).toEqual(axes[0]?.position)
    expect(axes[1]?.position).not.toEqual(axes[0]?.position)
    expect(new Set(axes[1]?.y.tick_labels)).toEqual(new Set(['']))
    expect(axes[2]?.series).toMatchObject([{ y: [7, 8] }])
  })

  it('leaves out what cannot be seen', async () => {
    const axes = await axesOf(
      'fig, (ax, hidden) = plt.subplots(2)',
      'hidden.set_visible(False)',
      'ax.plot([1, 2])[0].set_visible(False); ax.plot([], [], label="nothing"); ax.plot([3, 4])',
      'ax.axis("off")',
    )
    expect(axes.series).toEqual([{ type: 'line', label: null, x: [0, 1], y: [3, 4] }])
    expect(axes.x.ticks).toEqual([])
  })
})

describe('scales', () => {
  it('are those of matplotlib, powers as ticks show them', async () => {
    const { x, y } = await axesOf(
      'plt.plot([1, 10, 100], [-5, 0, 5]); plt.xscale("log"); plt.yscale("symlog")',
    )
    expect(x).toMatchObject({
      scale: 'log',
      ticks: [1, 10, 100],
      tick_labels: ['10^0', '10^1', '10^2'],
    })
    expect(y.scale).toBe('symlog')
  })

  it.each([
    ['datetimes', 'pd.date_range("2024-01-30", periods=3)'],
    ['datetime64', 'np.arange("2024-01-30", "2024-02-02", dtype="datetime64[D]")'],
    ['dates', '[datetime.date(2024, 1, 30) + datetime.timedelta(n) for n in range(3)]'],
  ])('of %s are ISO dates', async (_, dates) => {
    const { x, series } = await axesOf(`plt.plot(${dates}, [1, 2, 3])`)
    expect(x.scale).toBe('datetime')
    expect(x.ticks).toContain('2024-01-30T00:00:00')
    expect(x.limits).toEqual(['2024-01-29T21:36:00', '2024-02-01T02:24:00'])
    expect(series).toMatchObject([
      { x: ['2024-01-30T00:00:00', '2024-01-31T00:00:00', '2024-02-01T00:00:00'], y: [1, 2, 3] },
    ])
  })

  it('of dates keep time zones, fractions of seconds, and gaps', async () => {
    const zoned = await axesOf(
      'zone = datetime.timezone(datetime.timedelta(hours=2))',
      'at = datetime.datetime(2024, 5, 5, 12, 34, 56, 789000, zone)',
      'plt.plot([at, at + datetime.timedelta(hours=1)], [1, 2])',
    )
    expect(zoned.series).toMatchObject([
      { x: ['2024-05-05T12:34:56.789000+02:00', '2024-05-05T13:34:56.789000+02:00'] },
    ])
    const naive = await axesOf(
      'at = pd.to_datetime(["2024-05-05 12:34:56.789", None, "1815-12-10"], format="ISO8601")',
      'plt.scatter(at, [1, 2, 3])',
    )
    expect(naive.series).toMatchObject([
      { x: ['2024-05-05T12:34:56.789000', null, '1815-12-10T00:00:00.000000'], y: [1, null, 3] },
    ])
  })

  it('of periods, as pandas draws regular dates, are ISO dates', async () => {
    const { x, series } = await axesOf(
      'pd.Series([1, 2.5], pd.period_range("2024-01", periods=2, freq="M")).plot()',
    )
    expect(x).toMatchObject({
      scale: 'datetime',
      limits: ['2024-01-01T00:00:00', '2024-02-01T00:00:00'],
    })
    expect(series).toMatchObject([
      { x: ['2024-01-01T00:00:00', '2024-02-01T00:00:00'], y: [1, 2.5] },
    ])
  })

  it('of categories have their names', async () => {
    const { x, series } = await axesOf('plt.plot(["b", "a", "b"], [1, 2, 3]); plt.xlim(-1, 2)')
    expect(x).toEqual({
      label: null,
      scale: 'categorical',
      limits: [-1, 2],
      ticks: [0, 1],
      tick_labels: ['b', 'a'],
    })
    expect(series).toMatchObject([{ x: ['b', 'a', 'b'], y: [1, 2, 3] }])
  })
})

describe('lines and points', () => {
  it('are told apart by what is drawn', async () => {
    const axes = await axesOf(
      'plt.plot([0, 1], [2, 3], "o", label="points"); plt.step([0, 1], [5, 6], where="post")',
      'plt.scatter([1, 2], [3, 4], s=[10, 20], c=[0.5, 0.25])',
      'plt.stem([7, 8])',
    )
    expect(axes.type).toBe('mixed')
    expect(axes.series).toEqual([
      { type: 'scatter', label: null, x: [0, 1], y: [7, 8] },
      { type: 'scatter', label: 'points', x: [0, 1], y: [2, 3] },
      { type: 'line', label: null, x: [0, 1], y: [5, 6], drawstyle: 'steps-post' },
      {
        type: 'scatter',
        label: null,
        x: [1, 2],
        y: [3, 4],
        sizes: [10, 20],
        color_values: [0.5, 0.25],
      },
    ])
    expect(axes.others).toEqual([])
  })

  it('have null for NaN, infinity and masked values', async () => {
    const { series } = await axesOf(
      'plt.plot([1, 2, np.inf], np.ma.array([1, 2, 3], mask=[0, 1, 0]))',
      'plt.scatter(np.ma.array([1, 2, 3], mask=[1, 0, 0]), [3, np.nan, 5])',
    )
    expect(series).toMatchObject([
      { type: 'line', x: [1, 2, null], y: [1, null, 3] },
      { type: 'scatter', x: [null, null, 3], y: [null, null, 5] },
    ])
  })

  it('have their error bars', async () => {
    const axes = await axesOf(
      'plt.errorbar([1, 2], [4, 5], yerr=[0.5, 0.25], xerr=[[0, 1], [1, 0]], capsize=2, label="e")',
    )
    expect(axes.series).toEqual([
      {
        type: 'line',
        label: 'e',
        x: [1, 2],
        y: [4, 5],
        x_errors: [
          [1, 2],
          [1, 2],
        ],
        y_errors: [
          [3.5, 4.5],
          [4.75, 5.25],
        ],
      },
    ])
    expect(axes.others).toEqual([])
  })

  it('that are many are sampled evenly, with their first and last, at once', async () => {
    const { charts = [], duration_ms: ms } = await run(
      'n = 1_000_000',
      'plt.plot(np.arange(n), np.arange(n) * 2.0); plt.show()',
      'import time',
      'from _python_interpreter_toolset.figures import charts',
      'fig, ax = plt.subplots(); ax.scatter(np.arange(n), -np.arange(n), s=1); fig.canvas.draw()',
      'began = time.perf_counter(); charts.describe(fig); took = time.perf_counter() - began',
      'assert took < 0.5, took',
      'plt.close(fig)',
    )
    expect(ms).toBeLessThan(LONG_MS)
    const series = charts[0]?.axes[0]?.series[0]
    if (series?.type !== 'line') throw new Error('no line')
    expect(series.points_left_out).toBe(999_000)
    expect(series.x).toHaveLength(1000)
    expect(series.x.slice(0, 3)).toEqual([0, 1001, 2002])
    expect(series.x.at(-1)).toBe(999_999)
    expect(series.y.at(-1)).toBe(1_999_998)
  })

  it('of many series are bounded together, and what is left out is counted', async () => {
    const { series, series_left_out: left } = await axesOf(
      'for n in range(250): plt.plot(np.arange(500))',
    )
    expect(left).toBe(50)
    expect(series).toHaveLength(200)
    expect(series[0]).toMatchObject({ points_left_out: 400 })
  })
})

describe('bars', () => {
  it('have categories, values and, where they are stacked, bases', async () => {
    const { series } = await axesOf(
      'plt.bar(["p", "q"], [1, 2.5], label="low", yerr=[0.5, 1])',
      'plt.bar(["p", "q"], [3, np.nan], bottom=[1, 2.5], label="high")',
    )
    const common = { type: 'bar', orientation: 'vertical', categories: ['p', 'q'] }
    expect(series).toEqual([
      {
        ...common,
        label: 'low',
        values: [1, 2.5],
        errors: [
          [0.5, 1.5],
          [1.5, 3.5],
        ],
      },
      { ...common, label: 'high', values: [3, null], bases: [1, 2.5] },
    ])
  })

  it('in groups belong to the tick in whose place they stand', async () => {
    const { x, series } = await axesOf(
      'at = np.arange(2)',
      'plt.bar(at - 0.2, [1, 2], 0.4, label="l"); plt.bar(at + 0.2, [3, 4], 0.4, label="r")',
      'plt.xticks(at, ["one", "two"])',
    )
    expect(x.scale).toBe('categorical')
    expect(series).toMatchObject([
      { label: 'l', categories: ['one', 'two'], values: [1, 2] },
      { label: 'r', categories: ['one', 'two'], values: [3, 4] },
    ])
  })

  it('at numbers and dates stand there, and have widths', async () => {
    const numbers = await axesOf('plt.bar([0.1, 0.3], [4, 5], width=0.2)')
    expect(numbers).toMatchObject({ type: 'bar', x: { scale: 'linear' } })
    expect(numbers.series).toMatchObject([
      { categories: [0.1, 0.3], values: [4, 5], widths: [0.2, 0.2] },
    ])
    const dates = await axesOf('plt.bar(pd.to_datetime(["2024-01-01", "2024-01-03"]), [4, 5])')
    expect(dates.series).toMatchObject([
      { categories: ['2024-01-01T00:00:00', '2024-01-03T00:00:00'], values: [4, 5] },
    ])
  })

  it('can lie, also between dates', async () => {
    const { series } = await axesOf(
      'plt.barh(["task"], [datetime.timedelta(days=2)], left=[datetime.datetime(2024, 1, 1)])',
    )
    expect(series).toEqual([
      {
        type: 'bar',
        label: null,
        orientation: 'horizontal',
        categories: ['task'],
        values: [2],
        bases: ['2024-01-01T00:00:00'],
      },
    ])
  })
})

describe('pies, boxes and histograms', () => {
  it('of pies have the values that were given, also where colours name them', async () => {
    const { charts = [] } = await run(
      'plt.pie([1, 3], labels=["a", "b"], autopct="%d%%", shadow=True); plt.show()',
      'plt.pie(pd.Series([1, 1, 2], index=list("xyz"))); plt.legend(["x", "y", "z"])',
    )
    expect(charts.map(({ axes }) => axes[0]?.type)).toEqual(['pie', 'pie'])
    expect(charts.map(({ axes }) => axes[0]?.series)).toEqual([
      [{ type: 'pie', label: null, labels: ['a', 'b'], values: [1, 3], fractions: [0.25, 0.75] }],
      [
        {
          type: 'pie',
          label: null,
          labels: ['x', 'y', 'z'],
          values: [1, 1, 2],
          fractions: [0.25, 0.25, 0.5],
        },
      ],
    ])
    expect(charts[0]?.axes[0]?.others).toEqual([])
  })

  it('of box plots have five numbers and outliers', async () => {
    const axes = await axesOf('plt.boxplot([[1, 2, 3, 4, 100], [5, 6, 7]], showmeans=True)')
    expect(axes.type).toBe('box')
    expect(axes.others).toEqual([])
    expect(axes.series).toEqual([
      {
        type: 'box',
        label: null,
        orientation: 'vertical',
        boxes: [
          { category: '1', low: 1, q1: 2, median: 3, q3: 4, high: 4, outliers: [100] },
          { category: '2', low: 5, q1: 5.5, median: 6, q3: 6.5, high: 7, outliers: [] },
        ],
      },
    ])
    const lying = await axesOf(
      'plt.boxplot([[1, 2, 9]], orientation="horizontal", showfliers=False, patch_artist=True)',
    )
    expect(lying.series).toMatchObject([
      { orientation: 'horizontal', boxes: [{ median: 2, outliers: null }] },
    ])
  })

  it.each([
    ['bars', ''],
    ['bars side by side', ', rwidth=0.5'],
    ['outlines', ', histtype="step"'],
    ['stacked bars', ', stacked=True'],
    ['stacked areas', ', histtype="stepfilled", stacked=True'],
  ])('of histograms have bins and counts, drawn as %s', async (_, how) => {
    const axes = await axesOf(
      `plt.hist([[1, 1, 2], [2, 3]], bins=[1, 2, 3], label=["a", "b"]${how}); plt.legend()`,
    )
    expect(axes.type).toBe('histogram')
    expect(axes.others).toEqual([])
    const series = axes.series.map((each) => ({ ...each, bases: null }))
    expect(series.sort((a, b) => ((a.label ?? '') < (b.label ?? '') ? -1 : 1))).toEqual([
      {
        type: 'histogram',
        label: 'a',
        orientation: 'vertical',
        edges: [1, 2, 3],
        values: [2, 1],
        bases: null,
      },
      {
        type: 'histogram',
        label: 'b',
        orientation: 'vertical',
        edges: [1, 2, 3],
        values: [0, 2],
        bases: null,
      },
    ])
  })

  it.each([
    ['one', 'plt.hist([1, 2, 2, 3], label="h")', ['h']],
    ['several of one colour', 'for l in "ab": plt.hist([1, 2], label=l, color="C0")', ['a', 'b']],
    ['one whose first bin is empty', 'plt.hist([2], bins=[0, 1, 3], label="h")', ['h']],
    ['one without a label', 'plt.hist([1, 2])', [null]],
  ])('of histograms have their labels without a legend: %s', async (_, code, labels) => {
    const { series } = await axesOf(code)
    expect(series.map(({ label }) => label)).toEqual(labels)
  })

  it('are not claimed of bars that touch', async () => {
    expect((await axesOf('plt.bar([1, 2, 3], [1, 2, 3], width=1)')).type).toBe('bar')
  })

  it('warn, in calls that are watched, in the name of the caller', async () => {
    const result = await tools.runPythonCode('plt.gca().hist([1, 2], 2, (0, 3))')
    expect(result.stderr).toMatch(/^<run \d+>:1: MatplotlibDeprecationWarning/)
    const failed = await tools.runPythonCode('plt.hist([1], bins="oops")')
    expect(failed.error?.traceback).not.toContain('_python_interpreter_toolset')
    await tools.runPythonCode('plt.close("all")')
  })
})

describe('pandas', () => {
  it.each([
    [
      'lines',
      'df[["v", "w"]].plot()',
      'line',
      [{ label: 'v', y: [1, 2, 3, 4, 5, 6] }, { label: 'w' }],
    ],
    [
      'bars',
      'df.plot.bar(x="group", y="v")',
      'bar',
      [{ categories: ['a', 'a', 'b', 'b', 'a', 'b'], values: [1, 2, 3, 4, 5, 6] }],
    ],
    [
      'stacked bars',
      'df.head(2).plot.barh(x="half", y=["v", "w"], stacked=True)',
      'bar',
      [
        { label: 'v', orientation: 'horizontal', categories: ['x', 'y'], values: [1, 2] },
        { label: 'w', categories: ['x', 'y'], values: [2, 1], bases: [1, 2] },
      ],
    ],
    [
      'points',
      'df.plot.scatter("v", "w")',
      'scatter',
      [{ x: [1, 2, 3, 4, 5, 6], y: [2, 1, 4, 3, 6, 5] }],
    ],
    [
      'a histogram',
      'df.v.plot.hist(bins=[1, 3, 7])',
      'histogram',
      [{ edges: [1, 3, 7], values: [2, 4] }],
    ],
    [
      'boxes',
      'df[["v", "w"]].plot.box()',
      'box',
      [
        {
          boxes: [
            { category: 'v', low: 1, q1: 2.25, median: 3.5, q3: 4.75, high: 6 },
            { category: 'w' },
          ],
        },
      ],
    ],
    [
      'a pie',
      'df.head(2).set_index("half").v.plot.pie()',
      'pie',
      [{ labels: ['x', 'y'], values: [1, 2] }],
    ],
  ])('draws %s', async (_, code, type, series) => {
    const axes = await axesOf(code)
    expect(axes.type).toBe(type)
    expect(axes.series).toMatchObject(series)
    expect(axes.series).toHaveLength(series.length)
  })
})

describe('seaborn', () => {
  it.each([
    [
      'lineplot',
      'sns.lineplot(data=df, x="v", y="w", hue="group", errorbar=None)',
      'line',
      [
        { label: 'a', x: [1, 2, 5], y: [2, 1, 6] },
        { label: 'b', x: [3, 4, 6], y: [4, 3, 5] },
      ],
    ],
    [
      'barplot',
      'sns.barplot(data=df, x="group", y="v", hue="half", errorbar="sd", capsize=0.2)',
      'bar',
      [
        { label: 'x', categories: ['a', 'b'], values: [3, 3] },
        {
          label: 'y',
          categories: ['a', 'b'],
          values: [2, 5],
          errors: [null, [5 - 2 ** 0.5, 5 + 2 ** 0.5]],
        },
      ],
    ],
    [
      'boxplot',
      'sns.boxplot(data=df, x="group", y="v", hue="half")',
      'box',
      [
        {
          label: 'x',
          boxes: [
            { category: 'a', low: 1, q1: 2, median: 3, q3: 4, high: 5, outliers: [] },
            { category: 'b', median: 3 },
          ],
        },
        {
          label: 'y',
          boxes: [
            { category: 'a', median: 2 },
            { category: 'b', median: 5 },
          ],
        },
      ],
    ],
    [
      'histplot',
      'sns.histplot(data=df, x="v", binrange=(0, 8), bins=2)',
      'histogram',
      [{ label: null, edges: [0, 4, 8], values: [3, 3] }],
    ],
    [
      'histplot side by side',
      'sns.histplot(data=df, y="v", hue="group", binrange=(0, 8), bins=2, multiple="dodge")',
      'histogram',
      [
        { label: 'a', orientation: 'horizontal', edges: [0, 4, 8], values: [2, 1] },
        { label: 'b', orientation: 'horizontal', edges: [0, 4, 8], values: [1, 2] },
      ],
    ],
    [
      'scatterplot',
      'sns.scatterplot(data=df, x="v", y="w", hue="group", style="half")',
      'scatter',
      [
        { label: 'a', x: [1, 2, 5], y: [2, 1, 6] },
        { label: 'b', x: [3, 4, 6], y: [4, 3, 5] },
      ],
    ],
    [
      'countplot',
      'sns.countplot(data=df, y="group")',
      'bar',
      [{ categories: ['a', 'b'], values: [3, 3] }],
    ],
    ['pointplot', 'sns.pointplot(data=df, x="group", y="v")', 'line', [{ x: ['a', 'b'] }]],
    ['violinplot', 'sns.violinplot(data=df, x="group", y="v")', 'unknown', []],
  ])('draws a %s', async (_, code, type, series) => {
    const axes = await axesOf(code)
    expect(axes.type).toBe(type)
    // Sums of floats; whatever else a chart has must be exact.
    const rounded = JSON.parse(JSON.stringify(axes.series), (_key, value: unknown) =>
      typeof value === 'number' ? Number(value.toPrecision(14)) : value,
    ) as unknown
    expect(rounded).toMatchObject(
      JSON.parse(JSON.stringify(series), (_key, value: unknown) =>
        typeof value === 'number' ? Number(value.toPrecision(14)) : value,
      ) as object[],
    )
    expect(axes.series).toHaveLength(series.length)
  })

  it("draws facets, whose legend is the figure's", async () => {
    const { axes, legend } = await chartOf(
      'sns.relplot(data=df, x="v", y="w", col="group", hue="half", height=2)',
    )
    expect(legend).toEqual(['x', 'y'])
    expect(axes.map(({ title }) => title)).toEqual(['group = a', 'group = b'])
    expect(axes[1]?.series).toMatchObject([
      { label: 'x', x: [3], y: [4] },
      { label: 'y', x: [4, 6], y: [3, 5] },
    ])
  })
})

describe('what is not recognised', () => {
  it.each([
    [
      'an image',
      'plt.imshow(np.arange(6).reshape(2, 3))',
      { artist: 'AxesImage', shape: [2, 3], min: 0, max: 5 },
    ],
    [
      'a heat map',
      'sns.heatmap(df[["v", "w"]], cbar=False)',
      { artist: 'QuadMesh', shape: [6, 2], min: 1, max: 6 },
    ],
    ['areas', 'plt.fill_between([1, 2], [3, 4], label="sum")', { label: 'sum', count: 1 }],
    ['contours', 'plt.contourf(np.arange(9).reshape(3, 3))', { count: 1 }],
    [
      'a line without ends',
      'plt.axline((0, 0), (1, 1), label="y = x")',
      { artist: 'AxLine', label: 'y = x' },
    ],
    ['shapes', 'plt.axvspan(1, 2); plt.axvspan(3, 4)', { count: 2 }],
  ])('is said of %s', async (_, code, artist) => {
    const axes = await axesOf(code)
    expect(axes).toMatchObject({ type: 'unknown', series: [], others: [artist] })
    expect(axes.others).toHaveLength(1)
  })

  it('is all that is said of three dimensions, and of a colour bar', async () => {
    const solid = await axesOf(
      'ax = plt.figure().add_subplot(projection="3d")',
      'ax.plot([1, 2], [1, 2], [3, 4]); ax.set_zlabel("height"); ax.scatter([1], [2], [3])',
    )
    expect(solid).toMatchObject({ type: 'unknown', projection: '3d', z: { label: 'height' } })
    const { axes } = await chartOf(
      'plt.scatter([1, 2], [3, 4], c=[5, 6]); plt.colorbar(label="heat")',
    )
    expect(axes).toMatchObject([
      { type: 'scatter' },
      { type: 'unknown', y: { label: 'heat', limits: [5, 6] }, others: [{ artist: 'Colorbar' }] },
    ])
  })

  it('does not hide what is: polar lines, and lines with a band', async () => {
    const polar = await axesOf('plt.polar([0, 1], [2, 3])')
    expect(polar).toMatchObject({
      type: 'line',
      projection: 'polar',
      series: [{ x: [0, 1], y: [2, 3] }],
    })
    const band = await axesOf('plt.plot([1, 2]); plt.fill_between([0, 1], [0, 1], [2, 3])')
    expect(band).toMatchObject({ type: 'line', others: [{ count: 1 }] })
  })

  it('fails no run: trouble is a notice, and the figure is there', async () => {
    const result = await tools.runPythonCode(
      [
        'class Odd(plt.Line2D):',
        '    def get_drawstyle(self): raise RuntimeError("odd") if drawn else "default"',
        'drawn = False',
        'fig, (one, two) = plt.subplots(2)',
        'one.add_line(Odd([0, 1], [0, 1])); two.plot([1, 2])',
        'class Late:',
        '    def __bool__(self): return not fig.canvas.is_saving()',
        'drawn = Late()',
      ].join('\n'),
    )
    expect(result.success).toBe(true)
    expect(result.base64_uri).toHaveLength(1)
    expect(result.notices?.join()).toMatch(/described as a chart: axes 1: RuntimeError: odd/)
    expect(result.charts).toMatchObject([{ axes: [{ type: 'line' }], axes_left_out: 1 }])
  })
})

describe('docs/charts.md', () => {
  it('has a true example', async () => {
    const document = await readFile(join(import.meta.dirname, '../docs/charts.md'), 'utf8')
    const [python = '', json = '', text = ''] = ['python', 'json', 'text'].map(
      (language) => document.split(`\`\`\`${language}\n`)[1]?.split('```')[0],
    )
    const result = await run(python)
    expect(result.charts).toEqual([JSON.parse(json)])
    expect(toModelText(result)).toContain(text.trimEnd())
  })
})

describe('toModelText', () => {
  it('tells in a few lines what the figures show', async () => {
    const result = await run(
      'fig, (ax, other) = plt.subplots(1, 2)',
      'ax.plot([1, 2, 3], [1, 5, 9], label="growth"); ax.axhline(2); ax.set(title="Rates", xlabel="year")',
      'other.bar(["a", "b"], [3, 4.5]); other.imshow(np.eye(3)); fig.suptitle("All")',
      'plt.show()',
      'plt.pie([1, 3], labels=["a", "b"]); plt.show()',
      'plt.boxplot([[1, 2, 3, 4, 100]]); plt.show()',
      'plt.hist([1, 2, 2], bins=[0, 2, 4])',
    )
    const text = toModelText(result)
    expect(text).toContain(
      [
        'what the figures show:',
        'figure 1 "All":',
        '  line "Rates": x "year" (0.9 to 3.1), y (0.6 to 9.4)',
        '    line "growth": 3 points, x 1 to 3, y 1 to 9',
        '    line across, at y = 2',
        '  bar: x (2 categories), y (2.5 to -0.5)',
        '    bar: 2 bars: a 3, b 4.5',
        '    not recognised: AxesImage: 3 by 3 values from 0 to 1',
        'figure 2:',
        '  pie',
        '    pie: 2 wedges: a 1 (25.0 %), b 3 (75.0 %)',
        'figure 3:',
        '  box: x (1 category), y (-3.95 to 104.95)',
        '    box: 1 box: 1: median 3, quartiles 2 to 4, whiskers 1 to 4, outliers: 1',
        'figure 4:',
        '  histogram: x (-0.2 to 4.2), y (0 to 2.1)',
        '    histogram: 2 bins from 0 to 4, heights 1 to 2',
      ].join('\n'),
    )
  })

  it('is bounded, whatever a figure holds', async () => {
    const result = await run(
      'fig, axes = plt.subplots(5, 5)',
      'for ax in axes.flat:',
      '    for n in range(20): ax.plot([1, 2], label="x" * 1000)',
    )
    const text = toModelText(result)
    expect(text).toContain('... 13 more axes')
    expect(text).toContain('... 8 more series')
    expect(text.length).toBeLessThan(20_000)
  })
})

describe('figures as SVG', () => {
  it('are files, data URIs and text in their bundle', async () => {
    const svg = await makeToolset({ figures: { format: 'svg', folder: 'plots' }, echo: 'none' })
    const result = await svg.runPythonCode('import matplotlib.pyplot as plt\nplt.plot([1, 2])')
    expect(result.fig_storage_path).toMatch(/^plots\/[0-9a-f-]{36}\.svg$/)
    const file = await readFile(join(svg.workdir, result.fig_storage_path ?? ''), 'utf8')
    expect(file).toMatch(/^<\?xml[^]*<svg[^]*<\/svg>\s*$/)
    expect(result.base64_uri).toEqual([
      `data:image/svg+xml;base64,${Buffer.from(file).toString('base64')}`,
    ])
    expect(result.outputs).toMatchObject([{ data: { 'image/svg+xml': file } }])
    expect(result.charts).toMatchObject([{ axes: [{ type: 'line' }] }])
  })
})

describe('habits of galleries', () => {
  it('animations show their first frame, and do not warn that they were not rendered', async () => {
    const code = [
      'from matplotlib.animation import FuncAnimation',
      'def animate(**options):',
      '    fig, ax = plt.subplots(); ax.set_xlim(0, 9); line, = ax.plot([], [])',
      '    def update(frame):',
      '        line.set_data([0, 1], [frame + 5, frame + 6])',
      '        return line,',
      '    return FuncAnimation(fig, update, frames=3, **options)',
      'animation = animate()',
      'animate(blit=True)',
      'animate(); plt.show()',
      'del animation',
      'import gc; gc.collect()',
    ]
    const { charts = [] } = await run(...code)
    expect(charts).toHaveLength(3)
    for (const { axes } of charts) expect(axes[0]?.series).toMatchObject([{ y: [5, 6] }])
    expect((await tools.runPythonCode('gc.collect()')).stderr).toBe('')
  })

  it('an animation that cannot begin is named in a notice, and its figure is there', async () => {
    const result = await tools.runPythonCode(
      'fig, ax = plt.subplots()\nanimation = FuncAnimation(fig, lambda n: 1 / 0, frames=2)',
    )
    expect(result.notices?.join()).toMatch(/first frame of an animation .* ZeroDivisionError/)
    expect(result.base64_uri).toHaveLength(1)
  })

  it('styles are drawn, within their context', async () => {
    const result = await run(
      'with plt.style.context("dark_background"):',
      '    plt.plot([1, 2]); plt.show()',
      'plt.plot([1, 2])',
    )
    const { result: corners } = await tools.runPythonCode(
      `corners = [float(plt.imread(path)[0, 0, 0]) for path in ${JSON.stringify(result.fig_storage_paths)}]`,
      { result_var_name: 'corners' },
    )
    expect(corners).toEqual([0, 1])
  })

  it('a figure that is only saved is still open, and captured; one that is closed is not', async () => {
    const result = await run(
      'plt.plot([1, 2]); plt.savefig("saved.png")',
      'plt.figure(); plt.plot([3, 4]); plt.savefig("closed.png"); plt.close()',
    )
    expect(result.charts).toMatchObject([{ axes: [{ series: [{ y: [1, 2] }] }] }])
  })

  it(
    'hundreds of open figures are all captured and closed',
    async () => {
      const result = await tools.runPythonCode(
        ['for n in range(150):', '    plt.figure(figsize=(1, 1)).add_subplot().plot([n, n])'].join(
          '\n',
        ),
      )
      expect(result.stderr).toMatch(/More than 20 figures have been opened/)
      expect(result.base64_uri).toHaveLength(150)
      expect(result.charts?.map(({ axes }) => axes[0]?.series)).toMatchObject(
        Array.from({ length: 150 }, (_, n) => [{ y: [n, n] }]),
      )
      const { stdout } = await tools.runPythonCode('print(plt.get_fignums())')
      expect(stdout).toBe('[]\n')
    },
    LONG_MS,
  )
})
