// How a source loads: one id per call, or the ids of one tick together.

import type { Core } from '../../flow/core.js'
import type { CallScope } from '../../flow/flights/call-scope.js'
import { Batcher } from '../../flow/load/batcher.js'
import { expectIn } from '../../flow/read/load-many.js'
import { CacheError } from '../../model/errors.js'
import { localKey as localKeyOf } from '../../model/keys/key.js'
import type { LoadContext, Loader } from '../../model/options/options.js'
import type { RequestScopes } from '../request-scope/request-scope.js'
import type { ResolvedSource, SourceDefinition } from './definition.js'

/** The parts of a cache that loading needs. */
export interface LoadingParts {
  readonly core: Core
  readonly requests: RequestScopes
}

/** The largest `batchSize`, also if `maxBatch` is Infinity. */
const MAX_BATCH_SIZE = 1_000

/** Runs the reads of a source with its loader, and batches them if it has `loadMany`. */
export class SourceLoading<Id, V> {
  /** How many ids to read at once so that batches are full; `undefined` without `loadMany`. */
  readonly batchSize: number | undefined
  readonly #parts: LoadingParts
  readonly #scope: CallScope
  readonly #load: (id: Id, context: LoadContext) => V | Promise<V>
  readonly #batcher: Batcher<Id, V> | undefined

  constructor(parts: LoadingParts, definition: SourceDefinition<Id, V>, resolved: ResolvedSource) {
    const { load, loadMany } = definition
    const { scope, maxBatch, batchWindowMs: windowMs, batchContext } = resolved
    this.#parts = parts
    this.#scope = scope
    this.#load = load ?? noLoad
    if (loadMany === undefined) return
    const { callers, running } = parts.core
    this.batchSize = Math.min(maxBatch, MAX_BATCH_SIZE)
    this.#batcher = new Batcher<Id, V>({
      load,
      // A batch has callers of several requests, so it runs outside the request scope of each.
      loadMany: (ids, context) => parts.requests.outside(() => loadMany(ids, context))(),
      ...{ maxBatch, windowMs, clock: callers, running, context: batchContext === 'caller' ? 'caller' : 'made' },
    })
  }

  /** Runs a read of `id` with its loader, which joins the batch of its tick. */
  run<T>(id: Id, key: string, read: (load: Loader<V>) => Promise<T>): Promise<T> {
    const batcher = this.#batcher
    if (batcher === undefined) return read((context) => this.#load(id, context))
    const isFlying = this.#parts.core.local.flights.has(localKeyOf(this.#scope.space, key))
    return expectIn(batcher, isFlying, (load) => read((context) => load(id, context)))
  }
}

function noLoad(): never {
  throw new CacheError('INVALID_OPTION', 'a source needs load or loadMany')
}
