// The two charts. They are drawn anew when the colour scheme changes, since a canvas knows no style sheet.
import { byId, make, say } from './dom.js'
import { OUTCOMES } from './rates.js'
import { rate, span, time } from './text.js'
import uPlot from './uPlot.js'

const NAMES = { l1: 'L1', l2: 'L2', stale: 'stale', joined: 'joined', loaded: 'loaded or missed' }
const HEIGHT = 180

const colour = (/** @type {string} */ name) =>
  getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim()

/** @param {string} id @param {import('uplot').Series[]} series */
function draw(id, series) {
  const box = byId(id)
  const quiet = { stroke: colour('quiet'), grid: { stroke: colour('line'), width: 1 }, ticks: { show: false } }
  const font = '12px system-ui, sans-serif'
  const axes = [
    {
      ...quiet,
      font,
      space: 90,
      size: 28,
      grid: { show: false },
      values: (/** @type {uPlot} */ _, /** @type {number[]} */ at) => at.map((s) => time(s * 1_000)),
    },
    { ...quiet, font, size: 46, values: (/** @type {uPlot} */ _, /** @type {number[]} */ at) => at.map(rate) },
  ]
  const scales = {
    y: {
      range: (/** @type {uPlot} */ _, /** @type {number} */ _min, /** @type {number} */ max) =>
        /** @type {[number, number]} */ ([0, Math.max(1, max * 1.1)]),
    },
  }
  box.replaceChildren()
  return new uPlot(
    {
      width: box.clientWidth || 400,
      height: HEIGHT,
      legend: { show: false },
      padding: [8, 8, 0, 0],
      cursor: { drag: { x: false, y: false } },
      series: [{}, ...series],
      axes,
      scales,
    },
    [[], ...series.map(() => [])],
    box,
  )
}

function drawBoth() {
  // From the top of the stack down: each series covers the lower part of the one before it.
  const stacked = OUTCOMES.toReversed().map((name) => ({
    stroke: colour(name),
    fill: colour(name),
    width: 0,
    points: { show: false },
  }))
  const lines = ['loaded', 'l2'].map((name) => ({
    stroke: colour(name),
    width: 2,
    spanGaps: true,
    points: { show: false },
  }))
  return { reads: draw('reads-chart', stacked), latency: draw('latency-chart', lines) }
}

/** Draws the charts and returns the function that shows new data. */
export function charts() {
  let drawn = drawBoth()
  /** @type {ReturnType<import('./rates.js').Rates['series']> | undefined} */
  let last
  const legends = {
    reads: legendOf('reads-legend', [...OUTCOMES]),
    latency: legendOf('latency-legend', ['loaded', 'l2']),
  }
  const update = (/** @type {NonNullable<typeof last>} */ data) => {
    last = data
    const { seconds, perSecond, loadMs, l2Ms } = data
    drawn.reads.setData([seconds, ...sums(perSecond).toReversed()])
    drawn.latency.setData([seconds, loadMs, l2Ms])
    for (const [i, name] of OUTCOMES.entries()) say(legends.reads(name), ` ${rate(perSecond[i]?.at(-1) ?? 0)}`)
    for (const [name, means] of /** @type {const} */ ([
      ['loaded', loadMs],
      ['l2', l2Ms],
    ])) {
      const mean = means.findLast((ms) => ms !== null)
      say(legends.latency(name), mean == null ? ' –' : ` ${span(mean)}`)
    }
  }
  const resize = () => {
    drawn.reads.setSize({ width: byId('reads-chart').clientWidth, height: HEIGHT })
    drawn.latency.setSize({ width: byId('latency-chart').clientWidth, height: HEIGHT })
  }
  new ResizeObserver(resize).observe(byId('charts'))
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
    drawn.reads.destroy()
    drawn.latency.destroy()
    drawn = drawBoth()
    if (last !== undefined) update(last)
  })
  return update
}

/** Each series on top of those below it. */
function sums(/** @type {number[][]} */ series) {
  const total = new Array(series[0]?.length ?? 0).fill(0)
  return series.map((values) => {
    values.forEach((value, i) => {
      total[i] += value
    })
    return [...total]
  })
}

/** Makes a legend, and returns the function that finds the figure of a series in it. */
function legendOf(/** @type {string} */ id, /** @type {(keyof typeof NAMES)[]} */ names) {
  const figures = new Map(names.map((name) => [name, make('b')]))
  const labels = id === 'latency-legend' ? { ...NAMES, loaded: 'load', l2: 'reply of L2' } : NAMES
  const items = names.map((name) =>
    make('li', {}, make('span', { class: `swatch is-${name}` }), labels[name], figures.get(name)),
  )
  byId(id).replaceChildren(...items)
  return (/** @type {keyof typeof NAMES} */ name) => /** @type {HTMLElement} */ (figures.get(name))
}
