// The messages between the suite and its servers.

export type FrameworkName = 'node' | 'express' | 'fastify' | 'hono' | 'koa' | 'nest'

/** 'none': handlers alone. 'rival': the cache that users of the framework usually take. */
export type Caching = 'none' | 'tiercache' | 'rival'

export interface ServerSettings {
  readonly framework: FrameworkName
  readonly caching: Caching
  /** Several processes share one cache in this Redis, as far as the cache can. */
  readonly redisPort?: number
}

export type Told =
  | { readonly port: number }
  /** Since the start: runs of the slow handler, and processor time. */
  | { readonly runs: number; readonly cpuUs: number }
