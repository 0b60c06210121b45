// For classes that users may import for `instanceof` and injection, but not construct.
import { CacheError } from '../errors.js'

/** Throws `INVALID_OPTION`: `className` was called with `new`. `how` is the call that makes an instance. */
export function refuseNew(className: string, how: string): never {
  throw new CacheError(
    'INVALID_OPTION',
    `expected ${how}; got new ${className}(), which only the cache itself can call`,
  )
}
