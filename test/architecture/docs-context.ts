// Declarations that the examples in the docs assume: the application around the cache.
import type { Redis } from 'ioredis'
import type { Cache } from 'tiercache'

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
/** The cache of a page that does not create one. */
export declare const cache: Cache
