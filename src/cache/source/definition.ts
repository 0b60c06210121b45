// The definition that `cache.source` takes, its checks and its defaults.

import { childScope } from '../../flow/entries/scope-of-call.js'
import type { CallScope } from '../../flow/flights/call-scope.js'
import type { BatchContext } from '../../flow/load/batcher.js'
import type { Version } from '../../model/keys/key.js'
import { checkCount, checkNames, checkOneOf, invalid, withoutEffect } from '../../model/option-rules.js'
import { type Duration, toMs } from '../../model/options/duration.js'
import type { LoadContext, PolicyOptions } from '../../model/options/options.js'
import { POLICY_OPTIONS, resolvePolicy } from '../../model/options/policy.js'
import type { Milliseconds } from '../../model/ports.js'
import type { StandardSchema } from '../../model/values/schema.js'
import { refuseGenerator } from '../../model/values/used-once.js'
import type { WriteBehindPolicy } from './write-behind.js'

/** A value that exists. For an id that does not exist a loader returns `undefined` or `null`, which is cached for `absentTtl`. */
export type Present<V> = NonNullable<V>

/** The last argument of `save` and `remove`. */
export interface SaveContext {
  /** The key of the id within the source. */
  readonly key: string
  /** 1; counts up when a queued change (`write: 'behind'`) is tried again. */
  readonly attempt: number
}

/**
 * How a change reaches the source and the tiers. `'through'`: first the source, then every tier stores the new value. `'invalidate'`:
 * first the source, then every tier removes its value. `'behind'`: later, from a queue in memory, which a crash loses.
 */
export type WriteMode = 'through' | 'invalidate' | 'behind'

/** Options of the queue of `write: 'behind'`. */
export interface WriteBehindOptions {
  /** How many queued ids start a flush before `flushInterval` is over. Default 100. */
  readonly flushSize?: number | undefined
  /** The longest that a change waits before it is saved. Default '1s'. */
  readonly flushInterval?: Duration | undefined
  /** How many ids may be queued, at most 1,000,000. Further calls of `save` and `remove` wait for room. Default 10,000. */
  readonly maxQueued?: number | undefined
  /** How long a call waits for room before it rejects with `QUEUE_FULL`. Default '5s'. */
  readonly maxWait?: Duration | undefined
  /** How many ids are saved at the same time. Default 8. */
  readonly concurrency?: number | undefined
}

/** `load`, `loadMany` or both. With both, a batch of one id calls `load`. */
type Loads<Id, V> =
  | {
      /** Loads one value, and returns `undefined` or `null` if there is none. */
      readonly load: (id: Id, ctx: LoadContext) => V | Promise<V>
      readonly loadMany?: LoadsMany<Id, V> | undefined
    }
  | {
      readonly load?: undefined
      /** Loads many values. Returns them in the order of `ids`, with an `Error` for an id that failed. Gets of one tick become one call. */
      readonly loadMany: LoadsMany<Id, V>
    }

type LoadsMany<Id, V> = (
  ids: readonly Id[],
  ctx: BatchContext,
) => readonly (V | Error)[] | Promise<readonly (V | Error)[]>

/** Defines a source: how its values are loaded by their ids, how they are saved, and how long they are cached. */
export type SourceDefinition<Id, V> = Loads<Id, V> & SourceOptions<Id, V>

/** The options of a source, besides its loaders. */
export interface SourceOptions<Id, V> extends PolicyOptions {
  /** Saves a value in the source; enables `save` and `saveMany`, which reject with what it throws. */
  readonly save?: ((id: Id, value: NoInfer<Present<V>>, ctx: SaveContext) => unknown) | undefined
  /** Removes a value from the source; enables `remove`, which rejects with what it throws. */
  readonly remove?: ((id: Id, ctx: SaveContext) => unknown) | undefined
  /** Makes the key of an id. Default: ids of plain data are encoded so that different ids never share an entry. */
  readonly key?: ((id: Id) => string) | undefined
  /** The tags of every value, or a function that derives them. The function is not called for an absent value, which then has no tags. */
  readonly tags?: readonly string[] | ((value: NoInfer<Present<V>>, id: Id) => readonly string[]) | undefined
  /** Part of the keys: raise it when the shape of the values changes. Entries of another version are never served. */
  readonly version?: Version | undefined
  /** Validates every value once, whether it comes from a loader, from `save` or from L2. */
  readonly schema?: StandardSchema<NoInfer<V>> | undefined
  /** How changes reach the source and the tiers. Default 'through'. */
  readonly write?: WriteMode | undefined
  /** The queue of `write: 'behind'`. */
  readonly behind?: WriteBehindOptions | undefined
  /** The largest number of ids in one call of `loadMany`. Default 1,000. */
  readonly maxBatch?: number | undefined
  /** How long a batch collects ids, counted from its first one. Default 0: the ids of one tick. */
  readonly batchWindow?: Duration | undefined
  /**
   * The async context (`AsyncLocalStorage`) in which the loaders of a source with `loadMany` run, `load` included. `'source'`: the one in
   * which the source was created, so that no caller's tenant, rights or transaction decide what others get. `'caller'`: that of the
   * first caller of a batch, which is safe only for contexts that change no result, such as traces. Default 'source'.
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

/** Returns the definition, without properties of a polluted `Object.prototype`. Throws `INVALID_OPTION` for unknown options. */
export function checkDefinition<Id, V>(definition: SourceDefinition<Id, V>): SourceDefinition<Id, V> {
  return checkNames(definition, KNOWN, 'source')
}

/** Checks a definition and fills in the defaults. Throws `INVALID_OPTION` or `INVALID_KEY`. */
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
    throw invalid('load', 'a function of an id that returns its value (or pass loadMany)', load)
  }
  const policyOptions = Object.fromEntries(POLICY_OPTIONS.map((each) => [each, definition[each]]))
  const policy = resolvePolicy(parent.policy, policyOptions)
  // Only checked here: the function itself is called for each value.
  if (tags !== undefined) resolvePolicy(policy, { tags } as PolicyOptions)
  const resolved = {
    scope: childScope(parent, name, version, policy),
    write: checkOneOf(write, 'write', ['through', 'invalidate', 'behind']),
    behind: resolveBehind(definition.behind ?? {}),
    maxBatch: checkCount(maxBatch, 'maxBatch', 1, Number.POSITIVE_INFINITY),
    batchWindowMs: toMs(batchWindow, 'batchWindow'),
    batchContext: checkOneOf(definition.batchContext ?? 'source', 'batchContext', ['source', 'caller']),
  }
  refuseWithoutEffect(definition)
  return resolved
}

/** Refuses options for work that this source never does, which would otherwise be ignored silently. */
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
