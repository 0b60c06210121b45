// Charts as SVG files, drawn by ECharts without a browser: the cost of each library as a multiple of the floor.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as echarts from 'echarts'
import { OURS } from '../workloads/contenders.js'
import { figureOf, isFloor } from './figures.js'
import type { Results, WorkloadResult } from './results.js'

const WIDTH = 860
const ROW_HEIGHT = 62
const MARGIN_HEIGHT = 168
/** Above the plot: title, a line of explanation, and a line for the name of the floor. */
const TOP = 82
const LEFT = 260
/** Labels of rows are broken at this width, so that a wider font than the one that was measured with still fits. */
const LABEL_WIDTH = 232
const SHORTEST_BAR = 0.1
const OWN_COLOR = '#0b7285'
const COLORS = ['#868e96', '#e8590c', '#9c36b5', '#2b8a3e', '#c2255c', '#f08c00', '#364fc7']
const TEXT = '#343a40'

export interface Chart {
  readonly name: string
  readonly title: string
  /** The run that the figures come from. */
  readonly command: string
  readonly svg: string
}

export function ratioCharts(results: Results): Chart[] {
  const pick = (group: string) =>
    results.workloads.filter((one) => one.group === group && one.judged === 'ratio' && hasSharedFloor(one))
  const only = (...ids: string[]) => ['npm run bench --', ...ids.map((id) => `--only ${id}`)].join(' ')
  return [
    draw(
      'memory',
      only('l1'),
      'Hits in memory: cost as a multiple of lru-cache with ttl behind one promise',
      pick('memory'),
    ),
    draw('redis-read', only('l2'), 'Hits in Redis: cost as a multiple of ioredis GET + JSON.parse', pick('redis-read')),
    draw(
      'redis-write',
      only('miss', 'set'),
      'Misses and writes: cost as a multiple of plain ioredis commands',
      pick('redis-write'),
    ),
  ].filter((chart) => chart !== undefined)
}

export function writeCharts(folder: string, charts: readonly Chart[]): void {
  mkdirSync(folder, { recursive: true })
  for (const { name, svg } of charts) writeFileSync(join(folder, `${name}.svg`), `${svg}\n`)
}

function hasSharedFloor(result: WorkloadResult): boolean {
  return result.contenders[0] !== undefined && isFloor(result.contenders[0])
}

/** One dot per library on a logarithmic axis. The floor is the line at 1. */
function draw(name: string, command: string, title: string, workloads: readonly WorkloadResult[]): Chart | undefined {
  if (workloads.length === 0) return undefined
  const labels = [...new Set(workloads.flatMap((one) => one.contenders.map((contender) => contender.label)))]
  const drawn = labels.filter((label) => workloads.some((one) => Number.isFinite(valueIn(one, label))))
  const titles = workloads.map((one) => one.title).reverse()
  const series = drawn.map((label, i) => ({
    name: label,
    type: 'scatter' as const,
    symbol: label === OURS ? 'diamond' : 'circle',
    symbolSize: label === OURS ? 17 : 10,
    z: label === OURS ? 5 : 2,
    itemStyle: { color: colorOf(label, i), opacity: label === OURS ? 1 : 0.75 },
    data: workloads.flatMap((one) => {
      const value = valueIn(one, label)
      return Number.isFinite(value) ? [[value, one.title]] : []
    }),
    ...(i === 0
      ? {
          markLine: {
            silent: true,
            symbol: 'none',
            lineStyle: { color: TEXT, type: 'solid' as const, width: 1.5 },
            label: { formatter: 'floor', color: TEXT, position: 'end' as const },
            data: [{ xAxis: 1 }],
          },
        }
      : {}),
  }))
  return {
    ...{ name, title, command },
    svg: render(MARGIN_HEIGHT + ROW_HEIGHT * workloads.length, {
      title: heading(title, 'smaller is better, logarithmic'),
      legend: { bottom: 4, left: 20, right: 20, data: drawn, itemWidth: 14, textStyle: { color: TEXT } },
      grid: { left: LEFT, right: 40, top: TOP, bottom: 84 },
      xAxis: {
        type: 'log',
        logBase: 2,
        axisLabel: { formatter: '{value} ×', color: TEXT },
        splitLine: { lineStyle: { color: '#e9ecef' } },
      },
      yAxis: {
        type: 'category',
        data: titles,
        axisLabel: { width: LABEL_WIDTH, overflow: 'break', color: TEXT },
        splitLine: { show: true, lineStyle: { color: '#f1f3f5' } },
      },
      series,
    }),
  }
}

/** Adjacent bars, such as percentiles with the cache off and on. */
export function barChart(
  { name, title, command, unit }: Omit<Chart, 'svg'> & { readonly unit: string },
  groups: readonly string[],
  series: readonly { readonly name: string; readonly values: readonly number[] }[],
): Chart {
  return {
    ...{ name, title, command },
    svg: render(MARGIN_HEIGHT + ROW_HEIGHT * groups.length, {
      title: heading(title, `${unit}, logarithmic; smaller is better`),
      legend: { bottom: 4, textStyle: { color: TEXT } },
      grid: { left: LEFT, right: 60, top: TOP, bottom: 84 },
      xAxis: {
        type: 'log',
        min: SHORTEST_BAR,
        startValue: SHORTEST_BAR,
        axisLabel: { color: TEXT },
        splitLine: { lineStyle: { color: '#e9ecef' } },
      },
      yAxis: {
        type: 'category',
        inverse: true,
        data: [...groups],
        axisLabel: { width: LABEL_WIDTH, overflow: 'break', color: TEXT },
      },
      series: series.map((one, i) => ({
        name: one.name,
        type: 'bar' as const,
        itemStyle: { color: ['#adb5bd', '#66a3ad', OWN_COLOR][i] ?? COLORS[i % COLORS.length] },
        label: { show: true, position: 'right' as const, fontSize: 10, color: TEXT },
        data: one.values.map((value) => Math.max(value, SHORTEST_BAR * 1.1)),
      })),
    }),
  }
}

function heading(text: string, subtext: string): echarts.TitleComponentOption {
  return {
    text,
    subtext,
    left: 14,
    top: 8,
    textStyle: { fontSize: 15, color: TEXT },
    subtextStyle: { color: '#5c636a' },
  }
}

function render(height: number, option: echarts.EChartsOption): string {
  const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, width: WIDTH, height })
  chart.setOption({ backgroundColor: '#ffffff', animation: false, ...option })
  const svg = chart.renderToSVGString()
  chart.dispose()
  return svg
}

function valueIn(workload: WorkloadResult, label: string): number {
  const one = workload.contenders.find((contender) => contender.label === label)
  return one === undefined || (isFloor(one) && one.label === workload.contenders[0]?.label)
    ? Number.NaN
    : figureOf(one, workload)
}

function colorOf(label: string, i: number): string {
  return label === OURS ? OWN_COLOR : (COLORS[i % COLORS.length] as string)
}
