// What `cache.source` takes, and what its options come to.

import type { CallScope } from '../../flow/core.js'
import type { BatchContext } from '../../flow/load/batcher.js'
import { childSpace, type Version } from '../../model/keys/key.js'
import { checkCount, checkNames, checkOneOf, invalid, withoutEffect } from '../../model/option-rules.js'
import { type Duration, toMs } from '../../model/options/duration.js'
import type { LoadContext, PolicyOptions } from '../../model/options/options.js'
import { POLICY_OPTIONS, resolvePolicy } from '../../model/options/policy.js'
import type { Milliseconds } from '../../model/ports.js'
import type { StandardSchema } from '../../model/values/schema.js'
import { refuseGenerator } from '../../model/values/used-once.js'
import type { WriteBehindPolicy } from './write-behind.js'

/** What a source may answer for an id that it does not have: `undefined` or `null`. It is cached as long as `absentTtl` says. */
export type Present<V> = NonNullable<V>

/** What `save` and `remove` are given besides the id. */
export interface SaveContext {
  readonly key: string
  /** 1, or more when a queued change (`write: 'behind'`) is tried again. */
  readonly attempt: number
}

/**
 * How a change reaches the source and the tiers. `'through'`: the source first, then every tier holds the new value.
 * `'invalidate'`: the source first, then no tier holds any. `'behind'`: later, from a queue in memory that a crash loses.
 */
export type WriteMode = 'through' | 'invalidate' | 'behind'

/** Limits of the queue of `write: 'behind'`. */
export interface WriteBehindOptions {
  /** As many queued ids are saved without waiting longer. Default 100. */
  readonly flushSize?: number | undefined
  /** How long a change waits at most before it is saved. Default '1s'. */
  readonly flushInterval?: Duration | undefined
  /** How many ids may wait. Beyond it `set` waits for room. Default 10,000. */
  readonly maxQueued?: number | undefined
  /** How long `set` waits for room before it rejects with `QUEUE_FULL`. Default '5s'. */
  readonly maxWait?: Duration | undefined
  /** How many ids are saved at once. Default 8. */
  readonly concurrency?: number | undefined
}

/** One of them or both: with both, a batch of one id goes to `load`. */
type Loads<Id, V> =
  | {
      /** Loads one value; `undefined` or `null` where there is none. */
      readonly load: (id: Id, ctx: LoadContext) => V | Promise<V>
      readonly loadMany?: LoadsMany<Id, V> | undefined
    }
  | {
      readonly load?: undefined
      /** Loads many at once: values in the order of `ids`, an `Error` where one failed. Gets of one tick become one call. */
      readonly loadMany: LoadsMany<Id, V>
    }

type LoadsMany<Id, V> = (
  ids: readonly Id[],
  ctx: BatchContext,
) => readonly (V | Error)[] | Promise<readonly (V | Error)[]>

/** A typed source: how values are loaded by their ids, how they are saved, and how long they are good. */
export type SourceDefinition<Id, V> = Loads<Id, V> & SourceOptions<Id, V>

export interface SourceOptions<Id, V> extends PolicyOptions {
  /** Saves a value; enables `set`. What it throws is what `set` rejects with. */
  readonly save?: ((id: Id, value: NoInfer<Present<V>>, ctx: SaveContext) => unknown) | undefined
  /** Removes a value; enables `delete`. */
  readonly remove?: ((id: Id, ctx: SaveContext) => unknown) | undefined
  /** Makes the key of an id. Default: any id made of plain data, encoded so that different ones never share an entry. */
  readonly key?: ((id: Id) => string) | undefined
  /** A function is not called for an absent value, which then carries no tags; a list is for all. */
  readonly tags?: readonly string[] | ((value: NoInfer<Present<V>>, id: Id) => readonly string[]) | undefined
  /** Another version is another set of entries: raise it when the shape of the values changes. */
  readonly version?: Version | undefined
  readonly schema?: StandardSchema<NoInfer<V>> | undefined
  /** Default 'through'. */
  readonly write?: WriteMode | undefined
  readonly behind?: WriteBehindOptions | undefined
  /** How many ids one `loadMany` takes at most. Default 1,000. */
  readonly maxBatch?: number | undefined
  /** How long a batch collects ids from its first one on. Default 0: those of one tick. */
  readonly batchWindow?: Duration | undefined
  /**
   * In whose async context (`AsyncLocalStorage`) the loaders of a source with `loadMany` run, `load` included. `'source'`: that in which
   * the source was made, so that no caller's tenant, rights or transaction decide what others get. `'caller'`: that of a batch's first
   * caller, for a context of which nothing but traces depends. Default 'source'.
   */
  readonly batchContext?: 'source' | 'caller' | undefined
}

/** A definition with its options checked. */
export interface ResolvedSource {
  readonly scope: CallScope
  readonly write: WriteMode
  readonly behind: WriteBehindPolicy
  readonly maxBatch: number
  readonly batchWindowMs: Milliseconds
  readonly batchContext: 'source' | 'caller'
}

const DEFAULT_MAX_BATCH = 1_000
const FUNCTIONS = ['load', 'loadMany', 'save', 'remove', 'key'] as const
const OTHERS = [...FUNCTIONS, 'tags', 'version', 'write', 'behind', 'maxBatch', 'batchWindow', 'batchContext'] as const
const KNOWN: readonly string[] = [...POLICY_OPTIONS, ...OTHERS]
const BEHIND = ['flushSize', 'flushInterval', 'maxQueued', 'maxWait', 'concurrency']

/** A definition as `ownOptions` says. Throws `INVALID_OPTION` for what is none. */
export function checkDefinition<Id, V>(definition: SourceDefinition<Id, V>): SourceDefinition<Id, V> {
  return checkNames(definition, KNOWN, 'source')
}

/** Throws `INVALID_OPTION` or `INVALID_KEY` for whatever is not as `SourceDefinition` says. */
export function resolveSource<Id, V>(
  parent: CallScope,
  name: string,
  definition: SourceDefinition<Id, V>,
): ResolvedSource {
  const { load, loadMany, version, tags, write = 'through', maxBatch = DEFAULT_MAX_BATCH, batchWindow = 0 } = definition
  for (const each of FUNCTIONS) {
    if (definition[each] !== undefined && typeof definition[each] !== 'function') {
      throw invalid(each, 'a function', definition[each])
    }
    refuseGenerator(definition[each], each)
  }
  if (load === undefined && loadMany === undefined) {
    throw invalid('load', 'a function of an id that answers its value (or give loadMany)', load)
  }
  const policyOptions = Object.fromEntries(POLICY_OPTIONS.map((each) => [each, definition[each]]))
  const policy = resolvePolicy(parent.policy, policyOptions)
  // Only checked here.
  if (tags !== undefined) resolvePolicy(policy, { tags } as PolicyOptions)
  const resolved = {
    scope: { space: childSpace(parent.space, name, version), policy },
    write: checkOneOf(write, 'write', ['through', 'invalidate', 'behind']),
    behind: resolveBehind(definition.behind ?? {}),
    maxBatch: checkCount(maxBatch, 'maxBatch', 1, Number.POSITIVE_INFINITY),
    batchWindowMs: toMs(batchWindow, 'batchWindow'),
    batchContext: checkOneOf(definition.batchContext ?? 'source', 'batchContext', ['source', 'caller']),
  }
  refuseWithoutEffect(definition)
  return resolved
}

/** What is about work that this source never does would be ignored in silence. */
function refuseWithoutEffect<Id, V>(definition: SourceDefinition<Id, V>): void {
  const { loadMany, save, remove, write, behind, maxBatch, batchWindow, batchContext } = definition
  if (behind !== undefined && write !== 'behind') throw withoutEffect('behind', "without write: 'behind'")
  if (write !== undefined && save === undefined && remove === undefined) {
    throw withoutEffect('write', 'without save or remove')
  }
  if (loadMany === undefined && maxBatch !== undefined) throw withoutEffect('maxBatch', 'without loadMany')
  if (loadMany === undefined && batchContext !== undefined) throw withoutEffect('batchContext', 'without loadMany')
  if (loadMany === undefined && batchWindow !== undefined) throw withoutEffect('batchWindow', 'without loadMany')
}

function resolveBehind(options: WriteBehindOptions): WriteBehindPolicy {
  const own = checkNames(options, BEHIND, 'behind')
  const { flushSize = 100, flushInterval = '1s', maxQueued = 10_000, maxWait = '5s', concurrency = 8 } = own
  return {
    flushSize: checkCount(flushSize, 'behind.flushSize', 1, Number.POSITIVE_INFINITY),
    flushIntervalMs: toMs(flushInterval, 'behind.flushInterval'),
    maxQueued: checkCount(maxQueued, 'behind.maxQueued', 1, MAX_QUEUED),
    maxWaitMs: toMs(maxWait, 'behind.maxWait'),
    concurrency: checkCount(concurrency, 'behind.concurrency', 1, Number.POSITIVE_INFINITY),
  }
}

/** Every queue has a limit (G10). */
const MAX_QUEUED = 1_000_000
