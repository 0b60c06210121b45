// The Grafana dashboard as its JSON model, made with the builders of Grafana.
import {
  type DataSourceRef,
  LegendDisplayMode,
  LegendPlacement,
  StackingConfigBuilder,
  StackingMode,
  TooltipDisplayMode,
  VisibilityMode,
  VizLegendOptionsBuilder,
  VizTooltipOptionsBuilder,
} from '@grafana/grafana-foundation-sdk/common'
import {
  type Dashboard,
  DashboardBuilder,
  DashboardCursorSync,
  DatasourceVariableBuilder,
  QueryVariableBuilder,
  RowBuilder,
  VariableRefresh,
  VariableSort,
} from '@grafana/grafana-foundation-sdk/dashboard'
import { DataqueryBuilder } from '@grafana/grafana-foundation-sdk/prometheus'
import { PanelBuilder } from '@grafana/grafana-foundation-sdk/timeseries'
import type { Panel } from './row.js'
import { ROWS } from './rows.js'

const GRID_COLUMNS = 24
const MAX_PANELS_PER_LINE = 4
const PANEL_HEIGHT = 8

/** The data source that the reader chooses. */
const prometheus: DataSourceRef = { type: 'prometheus', uid: '$datasource' }

export function dashboard(): Dashboard {
  const builder = new DashboardBuilder('tiercache')
    .uid('tiercache')
    .description('Caches of tiercache: what they serve, what they load, and in what state Redis and the bus are.')
    .tags(['tiercache', 'cache'])
    .time({ from: 'now-3h', to: 'now' })
    .refresh('30s')
    .timezone('browser')
    .tooltip(DashboardCursorSync.Crosshair)
    .withVariable(new DatasourceVariableBuilder('datasource').label('Data source').type('prometheus'))
    .withVariable(labelVariable('cache', 'label_values(tiercache_reads_total, cache)'))
    .withVariable(labelVariable('namespace', 'label_values(tiercache_reads_total{cache=~"$cache"}, namespace)'))
  let panelId = 0
  for (const { title, panels } of ROWS) {
    builder.withRow(new RowBuilder(title).id(++panelId))
    const columns = columnsOf(panels.length)
    for (const panel of panels) builder.withPanel(panelOf(panel).id(++panelId).span(columns))
  }
  return builder.build()
}

/** The width of each panel of a row, so that its lines are full: one line, or two of the same length. */
function columnsOf(panels: number): number {
  return GRID_COLUMNS / (panels <= MAX_PANELS_PER_LINE ? panels : Math.ceil(panels / 2))
}

function labelVariable(name: string, query: string): QueryVariableBuilder {
  return new QueryVariableBuilder(name)
    .label(name)
    .datasource(prometheus)
    .query({ query, refId: name })
    .definition(query)
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .sort(VariableSort.AlphabeticalAsc)
    .multi(true)
    .includeAll(true)
    .allValue('.*')
    .current({ selected: true, text: 'All', value: '$__all' })
}

function panelOf({ title, description, unit, max, style = 'lines', queries }: Panel): PanelBuilder {
  const panel = new PanelBuilder()
    .title(title)
    .description(description)
    .datasource(prometheus)
    .unit(unit)
    .min(0)
    .height(PANEL_HEIGHT)
    .showPoints(VisibilityMode.Never)
    .fillOpacity(style === 'stacked' ? 20 : 0)
    .stacking(
      new StackingConfigBuilder().mode(style === 'stacked' ? StackingMode.Normal : StackingMode.None).group('A'),
    )
    .legend(
      new VizLegendOptionsBuilder()
        .showLegend(true)
        .displayMode(LegendDisplayMode.List)
        .placement(LegendPlacement.Bottom),
    )
    .tooltip(new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi))
  if (max !== undefined) panel.max(max)
  queries.forEach(([legend, expr], i) => {
    const refId = String.fromCharCode('A'.charCodeAt(0) + i)
    panel.withTarget(new DataqueryBuilder().expr(expr).legendFormat(legend).range().refId(refId).datasource(prometheus))
  })
  return panel
}
