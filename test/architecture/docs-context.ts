// Declarations that the examples in the docs assume: the application around the cache.
import type { Redis } from 'ioredis'
import type { Cache } from 'tiercache'
import type { OtelMeter, OtelTracer } from 'tiercache/otel'
import type { PrometheusRegistry } from 'tiercache/prometheus'

export interface User {
  readonly id: number
  readonly name: string
  readonly orgId: number
}

interface Users {
  find(id: number, options?: { signal: AbortSignal }): Promise<User>
  findMany(ids: readonly number[]): Promise<User[]>
  update(id: number, change: Partial<User>): Promise<void>
}

export declare const db: {
  readonly users: Users
  transaction(work: (tx: { readonly users: Users }) => Promise<void>): Promise<void>
}
export declare const id: number
export declare const org: number
export declare const patch: Partial<User>
export declare const changed: User
export declare const user: User
export declare function fetchRates(): Promise<ReadonlyMap<string, number>>
export declare function fetchQuote(symbol: string): Promise<{ readonly price: number }>
/** The application's connection. */
export declare const client: Redis
/** The registry of prom-client. */
export declare const register: PrometheusRegistry
/** The application's meter and tracer of OpenTelemetry. */
export declare const meter: OtelMeter
export declare const tracer: OtelTracer
/** The cache of a page that does not create one. */
export declare const cache: Cache
