// `getOrSetMany`: one read of L2 for all keys, one call of the batch loader for the missing ones, flights shared with single gets.
import { CacheError, show } from '../../model/errors.js'
import { localKey as localKeyOf } from '../../model/keys/key.js'
import type { CallOptions } from '../../model/options/options.js'
import type { Core } from '../core.js'
import { spaceOfCall } from '../entries/scope-of-call.js'
import type { CallScope } from '../flights/call-scope.js'
import { Batcher, type BatchLoader } from '../load/batcher.js'
import type { Reader } from './read.js'

/** The values in the order of `userKeys`. Rejects with the error of the first key that failed, after the others were kept. */
export async function loadMissing<V>(
  reader: Pick<Reader, 'getOrSet'>,
  core: Pick<Core, 'callers' | 'local' | 'running'>,
  scope: CallScope,
  userKeys: readonly string[],
  loadMany: BatchLoader<string, V>,
  options: CallOptions<V> | undefined,
): Promise<V[]> {
  if (typeof loadMany !== 'function') {
    throw new CacheError(
      'INVALID_OPTION',
      `getOrSetMany expects a batch loader as its second argument; got ${show(loadMany)}`,
    )
  }
  const { callers, running } = core
  const space = spaceOfCall(scope, options)
  const batcher = new Batcher<string, V>({
    loadMany,
    load: undefined,
    maxBatch: Number.POSITIVE_INFINITY,
    windowMs: 0,
    clock: callers,
    running,
    context: 'made',
  })
  const values = new Map<string, Promise<V>>()
  for (const userKey of new Set(userKeys)) values.set(userKey, getInBatch(userKey))
  return allInOrder(userKeys.map((userKey) => values.get(userKey) as Promise<V>))

  function getInBatch(userKey: string): Promise<V> {
    const get = (load: Batcher<string, V>['load']) =>
      reader.getOrSet<V>(scope, userKey, (context) => load(userKey, context), options)
    return expectIn(batcher, core.local.flights.has(localKeyOf(space, userKey)), get)
  }
}

/**
 * Runs a get whose load goes into `batcher`. A get that joins a running load (`isFlying`) or needs none does not hold up the batch of
 * the others. One that waits for another process holds it up for a moment only.
 */
export function expectIn<Id, V, T>(
  batcher: Batcher<Id, V>,
  isFlying: boolean,
  get: (load: Batcher<Id, V>['load']) => Promise<T>,
): Promise<T> {
  if (isFlying) return get((id, context) => batcher.load(id, context))
  const { load, settled } = batcher.expect()
  const value = get(load)
  void value.then(settled, settled)
  return value
}

/** All values, once every promise has settled. Rejects with the first error in their order. */
export async function allInOrder<V>(values: readonly Promise<V>[]): Promise<V[]> {
  const settled = await Promise.allSettled(values)
  return settled.map((result) => {
    if (result.status === 'rejected') throw result.reason
    return result.value
  })
}
