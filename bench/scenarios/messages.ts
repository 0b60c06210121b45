// The messages between the scenario runner and its servers.

export interface ServerOptions {
  readonly postgresUrl: string
  readonly redisPort: number
  readonly cache: 'off' | 'on'
}

export type Order =
  | { readonly do: 'report' }
  /** Invalidates a tag of many entries, so many times per second, until told to stop. */
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
