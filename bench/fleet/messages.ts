// The messages between the bench of a fleet and its processes.

export interface FleetAssignment {
  readonly process: number
  /** One server, or the first nodes of a cluster. */
  readonly ports: readonly number[]
  readonly isCluster: boolean
}

/** `paced`: invalidations at a given rate, from which the lag of the bus is measured. The others do as much as they can. */
export type Work = 'reads' | 'misses' | 'invalidations' | 'paced'

export type FleetCommand =
  | { readonly do: 'fill' }
  | { readonly do: Work; readonly forMs: number; readonly perSecond: number }
  | { readonly do: 'end' }

export interface Worked {
  readonly report: 'worked'
  /** Operations that were done within the time. */
  readonly done: number
  readonly tookMs: number
  /** Processor time of this process. */
  readonly cpuMs: number
  /** From the call of an invalidation in another process until this one applied it. */
  readonly lagsMs: readonly number[]
}

export type FleetReport = { readonly report: 'ready' } | { readonly report: 'failed'; readonly reason: string } | Worked
