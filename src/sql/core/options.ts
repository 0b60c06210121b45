// The options of a SQL cache and of a query, and what they resolve to.
import type { Duration } from '../../index.js'
import { checkCount, checkNames, checkOneOf, invalid } from '../../model/option-rules.js'
import { toMs } from '../../model/options/duration.js'
import { holdMsOf } from '../../model/options/hold.js'

/** Whose results a query returns, such as the id of a tenant or user. */
export type Tenant = string | number

/** Options of `sqlCache`. */
export interface SqlCacheOptions {
  /** The namespace of the results in the cache, and the beginning of their tags. Default 'sql'. */
  readonly name?: string | undefined
  /** How long a result is fresh. Default: the `ttl` of the cache. */
  readonly ttl?: Duration | undefined
  /** How long after that it is still served while one refresh runs. A result that was invalidated is never served. Default 0. */
  readonly staleWhileRevalidate?: Duration | undefined
  /**
   * Where the tables of a statement come from that the caller does not name: `'parse'`: PostgreSQL's own parser, the package libpg-query;
   * `'named'`: such a statement is not cached. Default 'named'.
   */
  readonly tables?: 'parse' | 'named' | undefined
  /** Whose results the current caller sees: part of every key. Tables with row-level security are cached only with it. */
  readonly per?: (() => Tenant | undefined) | undefined
  /** The most rows of a result that is kept. Default 10,000. */
  readonly maxRows?: number | undefined
  /** The most bytes of a result that is kept, as the server sent it. Default 1 MiB. */
  readonly maxBytes?: number | undefined
  /** How long after a write nothing is kept of its tables: longer than replicas lag. Default 0. */
  readonly hold?: Duration | undefined
  /** `'pass'`: a statement that cannot be cached runs uncached, and a notice says why, once. `'error'`: it is refused with `SQL_REFUSED`. Default 'pass'. */
  readonly refuse?: 'pass' | 'error' | undefined
  /** `'shared'`: callers get the same rows, as with `getOrSet`. `'own'`: each caller gets rows of its own, which costs parsing them. Default 'shared'. */
  readonly results?: 'shared' | 'own' | undefined
  /** `'verified'`: a result is kept only if its client has the roles and settings of the key. `'trusted'`: the clients of a pool never differ. Default 'verified'. */
  readonly session?: 'verified' | 'trusted' | undefined
  /** How long facts of the catalogue are used, such as the tables of a view. DDL through an adapter ends it at once. Default '1m'. */
  readonly catalogueTtl?: Duration | undefined
  /** Tables that change with another one in ways that the catalogue does not show, such as by triggers: `{ orders: ['stock'] }`. */
  readonly affects?: Readonly<Record<string, readonly string[]>> | undefined
  /** Whether results get a tag per row where the columns of the primary key are among theirs. Default false. */
  readonly rowTags?: boolean | undefined
}

/** Options of one query. */
export interface QueryOptions {
  /** The tables that it reads. Default: by `tables` of the SQL cache. */
  readonly tables?: readonly string[] | undefined
  /** As for `sqlCache`. */
  readonly ttl?: Duration | undefined
  /** As for `sqlCache`. */
  readonly staleWhileRevalidate?: Duration | undefined
  /** More tags of the result, by which the application invalidates it. */
  readonly tags?: readonly string[] | undefined
  /** Whose result it is: in the place of `per` of the SQL cache. `null`: everybody's. */
  readonly per?: Tenant | null | undefined
  /** Functions that the caller accepts although their results change by themselves, such as `['now']`. */
  readonly functions?: readonly string[] | undefined
}

/** The options of a SQL cache, resolved. */
export interface SqlPolicy {
  readonly name: string
  readonly ttl: Duration | undefined
  readonly staleWhileRevalidate: Duration | undefined
  readonly tables: 'parse' | 'named'
  readonly per: SqlCacheOptions['per']
  readonly maxRows: number
  readonly maxBytes: number
  readonly holdMs: number
  readonly refuse: 'pass' | 'error'
  readonly results: 'shared' | 'own'
  readonly session: 'verified' | 'trusted'
  readonly catalogueTtlMs: number
  readonly affects: Readonly<Record<string, readonly string[]>>
  readonly rowTags: boolean
}

const CACHE_OPTIONS = [
  ...['name', 'ttl', 'staleWhileRevalidate', 'tables', 'per', 'maxRows', 'maxBytes', 'hold', 'refuse', 'results'],
  ...['session', 'catalogueTtl', 'affects', 'rowTags'],
]
const QUERY_OPTIONS = ['tables', 'ttl', 'staleWhileRevalidate', 'tags', 'per', 'functions']
const MAX_BYTES = 1024 * 1024

/** Checks and resolves the options of `sqlCache`. Throws `INVALID_OPTION`. */
export function policyOf(options: SqlCacheOptions): SqlPolicy {
  const own = checkNames(options, CACHE_OPTIONS, 'sqlCache')
  if (own.per !== undefined && typeof own.per !== 'function')
    throw invalid('per', 'a function without arguments', own.per)
  if (own.ttl !== undefined) toMs(own.ttl, 'ttl')
  if (own.staleWhileRevalidate !== undefined) toMs(own.staleWhileRevalidate, 'staleWhileRevalidate')
  return {
    name: own.name ?? 'sql',
    ttl: own.ttl,
    staleWhileRevalidate: own.staleWhileRevalidate,
    tables: checkOneOf(own.tables ?? 'named', 'tables', ['parse', 'named']),
    per: own.per,
    maxRows: checkCount(own.maxRows ?? 10_000, 'maxRows', 0, Number.POSITIVE_INFINITY),
    maxBytes: checkCount(own.maxBytes ?? MAX_BYTES, 'maxBytes', 0, Number.POSITIVE_INFINITY),
    holdMs: holdMsOf(own.hold),
    refuse: checkOneOf(own.refuse ?? 'pass', 'refuse', ['pass', 'error']),
    results: checkOneOf(own.results ?? 'shared', 'results', ['shared', 'own']),
    session: checkOneOf(own.session ?? 'verified', 'session', ['verified', 'trusted']),
    catalogueTtlMs: toMs(own.catalogueTtl ?? '1m', 'catalogueTtl'),
    affects: own.affects ?? {},
    rowTags: own.rowTags ?? false,
  }
}

/** Checks the options of a query. Throws `INVALID_OPTION`. */
export function checkQueryOptions(options: QueryOptions): QueryOptions {
  const own = checkNames(options, QUERY_OPTIONS, 'the options of a query')
  for (const name of ['tables', 'tags', 'functions'] as const) {
    const list: unknown = own[name]
    if (list === undefined) continue
    if (!Array.isArray(list) || !list.every((each) => typeof each === 'string' && each !== ''))
      throw invalid(name, "an array of names, such as ['items']", list)
  }
  const { per } = own
  if (per !== undefined && per !== null && typeof per !== 'string' && typeof per !== 'number')
    throw invalid('per', 'a string, a number or null', per)
  return own
}
