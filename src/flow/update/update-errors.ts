// Why an update or a pull could not be made.
import { CacheError } from '../../model/errors.js'

/** Other calls changed the key each time, or it cannot be changed now. `why` completes "expected to exchange the value". */
export function conflict(why: string): CacheError {
  return new CacheError('UPDATE_CONFLICT', `expected to exchange the value of the key; ${why}. Nothing was changed`)
}

/** Before anything was sent that changes the key. */
export function unreachable(): CacheError {
  return new CacheError(
    'L2_UNAVAILABLE',
    'expected to read the present value from L2; L2 cannot be reached, or an earlier change of this process to the key or its tags still ' +
      'waits for it. Nothing was changed: try again later',
  )
}

/** L2 may have executed the exchange. */
export function unknownOutcome(): CacheError {
  return new CacheError(
    'L2_UNAVAILABLE',
    'expected L2 to confirm the exchange of the value; it did not. It may have been made, or may be made once L2 can be reached, unless the ' +
      'key is changed before. Read the key again before you repeat the call',
  )
}

/** `invalidateTags` with a hold keeps every new value with the tag out of the cache, and so it does those of updates. */
export function held(): CacheError {
  return conflict(
    'one of its tags is held (invalidateTags with `hold`), so no value that carries it is kept. Try again after the hold',
  )
}
