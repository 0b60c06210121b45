// Options of lru-cache that say everything. It reads them from `{}` where it is given none, and so from `Object.prototype`: a `ttl` there
// would end each entry by itself, a `status` would be written to. The language's default applies to what is `undefined`.

/** What `new LRUCache` takes, and nothing besides: bare of a prototype. */
export function lruOptions<T extends object>(options: T): T {
  return Object.assign(Object.create(null) as object, options) as T
}

// lru-cache writes `status: undefined` into these and nothing else, so that all caches may share them.

/** For `get` and `peek`. */
export const READ_OPTIONS: object = {
  status: undefined,
  allowStale: undefined,
  updateAgeOnGet: undefined,
  noDeleteOnStaleGet: undefined,
}

/** For `set`; with `size` a copy of one's own. */
export const WRITE_OPTIONS: { size: number } = {
  status: undefined,
  ttl: undefined,
  start: undefined,
  noDisposeOnSet: undefined,
  sizeCalculation: undefined,
  noUpdateTTL: undefined,
  size: 0,
} as { size: number }
