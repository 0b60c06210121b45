// One line of the table: what is done, by whom, beside which floor, and the figure to reach.
import type { DrillName, DrillParams } from '../worker/messages.js'

export interface Contender {
  /** Unique in its workload. */
  readonly label: string
  readonly peer: string
  /** What differs from the workload's drill for this one. */
  readonly params?: Partial<DrillParams>
  /** The label of what its cost is divided by, if not the floor. */
  readonly base?: string
}

export type Group = 'memory' | 'redis-read' | 'redis-write' | 'fleet' | 'footprint'

export interface Workload {
  readonly id: string
  readonly group: Group
  readonly title: string
  /** How the floor is called in tables. */
  readonly floor: string
  readonly reach: number
  /** 'ratio': cost as a multiple of the floor's; else the cost itself, in `unit`. */
  readonly judged: 'ratio' | 'absolute'
  readonly unit: 'ns' | 'ms' | 'bytes'
  readonly drill: DrillName
  readonly params: DrillParams
  /** Those that `judged` is about come first after the floor; the floor, if any, is the first of all. */
  readonly contenders: readonly Contender[]
  readonly rounds?: number
  readonly sliceMs?: number
}
