// Complete options for lru-cache. Without options it reads from `{}`, and so from a polluted `Object.prototype`: a `ttl` there would expire
// entries, and a `status` would be written to. A property that is `undefined` gets its default.

/** The options of `new LRUCache`, as an object without a prototype. */
export function lruOptions<T extends object>(options: T): T {
  return Object.assign(Object.create(null) as object, options) as T
}

// lru-cache writes nothing into these but `status: undefined`, so all caches can share them.

/** The options of `get` and `peek`. */
export const READ_OPTIONS: object = {
  status: undefined,
  allowStale: undefined,
  updateAgeOnGet: undefined,
  noDeleteOnStaleGet: undefined,
}

/** The options of `set`. To pass a `size`, copy them. */
export const WRITE_OPTIONS: { size: number } = {
  status: undefined,
  ttl: undefined,
  start: undefined,
  noDisposeOnSet: undefined,
  sizeCalculation: undefined,
  noUpdateTTL: undefined,
  size: 0,
} as { size: number }
