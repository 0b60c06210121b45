// Renews the idle life of entries whose values nobody asked for.
import { localKey as localKeyOf, type Version } from '../../model/keys/key.js'
import type { Core } from '../core.js'
import { scopeOfCall } from '../entries/scope-of-call.js'
import type { CallScope } from '../flights/call-scope.js'
import type { LookUp } from './look-up.js'

/** An entry may have been replaced since this process read it. Then the first touch is refused, and the second look finds the new entry. */
const MAX_LOOKS = 2

/** Returns how many of the keys have an entry that a read would return. Costs one read of L2 for keys that L1 does not have. */
export async function touch(
  core: Pick<Core, 'touches' | 'assertOpen'>,
  lookUp: LookUp,
  scope: CallScope,
  userKeys: readonly string[],
  version: Version | undefined,
): Promise<number> {
  core.assertOpen()
  const { space } = scopeOfCall(scope, { version })
  let alive = 0
  let left = [...new Set(userKeys)]
  for (let looks = 0; looks < MAX_LOOKS && left.length > 0; looks++) {
    const found = await lookUp.findMany(scope, left, { version })
    const renew = async (userKey: string, i: number): Promise<'alive' | 'absent' | 'refused'> => {
      const usable = found[i]
      if (usable === undefined || usable.age === 'staleIfError') return 'absent'
      return (await core.touches.renew(localKeyOf(space, userKey), usable.entry)) ? 'alive' : 'refused'
    }
    const results = await Promise.all(left.map(renew))
    alive += results.filter((result) => result === 'alive').length
    left = left.filter((_, i) => results[i] === 'refused')
  }
  return alive
}
