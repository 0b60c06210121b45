// One line of a table: what is done, the contenders, the floor, and the target.
import type { DrillName, DrillParams } from '../worker/messages.js'

export interface Contender {
  /** Unique in its workload. */
  readonly label: string
  readonly peer: string
  /** How its drill differs from that of the workload. */
  readonly params?: Partial<DrillParams>
  /** The code that it runs: that of this tree, or of the commit that `bench:check` compares it with. */
  readonly build?: 'before'
  /** The label of the contender by whose cost its own is divided, if not the floor. */
  readonly base?: string
}

export type Group = 'memory' | 'redis-read' | 'redis-write' | 'promises' | 'fleet' | 'footprint'

export interface Workload {
  readonly id: string
  readonly group: Group
  readonly title: string
  /** The name of the floor in tables. */
  readonly floor: string
  readonly reach: number
  /** 'ratio': the cost as a multiple of the floor's. 'absolute': the cost itself, in `unit`. */
  readonly judged: 'ratio' | 'absolute'
  readonly unit: 'ns' | 'ms' | 'bytes' | 'promises'
  readonly drill: DrillName
  /** How many processes of each contender work at the same time; one if not given. */
  readonly processes?: number
  readonly params: DrillParams
  /** The floor, if any, comes first, then the contenders by which the workload is judged. */
  readonly contenders: readonly Contender[]
  readonly rounds?: number
  readonly sliceMs?: number
}
