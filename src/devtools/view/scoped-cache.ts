// From the scope of an entry, such as `shop/users@3`, back to the cache whose calls have this scope.
import type { Cache } from '../../cache/cache.js'

/** A cache or namespace, with the option `version` of its calls. */
export interface ScopedCache {
  readonly cache: Cache
  readonly options: { readonly version?: string }
}

/** What is counted under it belongs to one of the paths that are not counted separately. */
const OTHER = 'other'

/** `undefined` if `scope` is not below `root`, or was never used: a made-up one would be counted as a path of its own. */
export function scopedCache(root: Cache, scope: string): ScopedCache | undefined {
  if (scope === root.path) return { cache: root, options: {} }
  if (!scope.startsWith(`${root.path}/`)) return undefined
  const { byPath } = root.stats()
  if (!Object.hasOwn(byPath, scope) && !Object.hasOwn(byPath, OTHER)) return undefined
  let found: ScopedCache = { cache: root, options: {} }
  for (const segment of scope.slice(root.path.length + 1).split('/')) {
    const [name = '', version] = segment.split('@')
    // `shop/@3` is the version of single calls.
    if (name === '') found = { ...found, options: version === undefined ? {} : { version } }
    else found = { cache: found.cache.namespace(name, version === undefined ? {} : { version }), options: {} }
  }
  return found
}
