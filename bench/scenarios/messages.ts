// What the scenario runner and its servers say to each other.

export interface ServerOptions {
  readonly postgresUrl: string
  readonly redisPort: number
  readonly cache: 'off' | 'on'
}

export type Order =
  | { readonly do: 'report' }
  /** Invalidates what many entries carry, so many times a second, until told otherwise. */
  | { readonly do: 'storm'; readonly perSecond: number }

export type Told =
  | { readonly told: 'listening'; readonly port: number }
  /** Counts since the start. */
  | {
      readonly told: 'report'
      readonly queries: number
      readonly hits: number
      readonly invalidations: number
    }
