// What the Grafana dashboard shows, from top to bottom. `dashboard.ts` makes the JSON of it.
import type { Row } from './row.js'
import { l2, memory, otherProcesses } from './state-rows.js'
import { changes, loads, reads, staleness } from './traffic-rows.js'

export const ROWS: readonly Row[] = [reads, l2, loads, otherProcesses, changes, staleness, memory]
