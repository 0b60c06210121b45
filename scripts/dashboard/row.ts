// A row of the Grafana dashboard, with its panels and their queries.

export interface Row {
  readonly title: string
  readonly panels: readonly Panel[]
}

export interface Panel {
  readonly title: string
  /** What a reader should know to judge the curves. */
  readonly description: string
  readonly unit: string
  readonly max?: number
  readonly style?: 'lines' | 'stacked'
  /** The legend of each query, such as `{{cache}}`, and its expression. */
  readonly queries: readonly (readonly [legend: string, expr: string])[]
}
