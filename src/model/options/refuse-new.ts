// Classes that users may name, test with `instanceof` and inject, but not make themselves.
import { CacheError } from '../errors.js'

/** Throws `INVALID_OPTION`: `className` was called with `new` by somebody who does not have what it is made of. */
export function refuseNew(className: string, how: string): never {
  throw new CacheError(
    'INVALID_OPTION',
    `expected ${how}; got new ${className}(), which only the cache itself can call`,
  )
}
