// Reads that never load.
import { type Age, ageOf } from '../../model/entry.js'
import type { Tier } from '../../model/events/events.js'
import { ABORTED } from '../../model/events/read-outcome.js'
import { localKey as localKeyOf } from '../../model/keys/key.js'
import type { ReadOptions } from '../../model/options/options.js'
import { type Policy, resolvePolicy } from '../../model/options/policy.js'
import { ownOptions } from '../../model/own-options.js'
import type { Milliseconds } from '../../model/ports.js'
import type { Core } from '../core.js'
import type { Found } from '../entries/found.js'
import { l2BudgetOf } from '../entries/l2-budget.js'
import type { LocalEntries } from '../entries/local-entries.js'
import type { RemoteEntries } from '../entries/remote-entries.js'
import { scopeOfCall } from '../entries/scope-of-call.js'
import { L2_WAITS, type L2Trace, traced } from '../events/traces.js'
import type { CallScope } from '../flights/call-scope.js'
import type { UsableEntry } from '../flights/flight.js'

/** The result of `lookup`: the entry that was found, or `found: false`. Unlike `get`, it tells a cached `undefined` from a miss. */
export type Lookup<V> =
  | { readonly found: false }
  | {
      readonly found: true
      readonly value: V
      readonly tier: Tier
      /** `'stale'`: within staleWhileRevalidate. `'staleIfError'`: served only if loading fails. */
      readonly state: Exclude<Age, 'expired'>
      readonly ageMs: Milliseconds
      /** For how long it is still fresh: 0 once it is stale. */
      readonly freshForMs: Milliseconds
      /** For how long it lives on if nobody reads it; Infinity without `idleTtl`. `lookup` is a read, so most of the idle life is left. */
      readonly idleForMs: Milliseconds
      readonly tags: readonly string[]
    }

export class LookUp {
  readonly #core: Pick<Core, 'name' | 'clock' | 'callers' | 'remote' | 'local' | 'recorder' | 'assertOpen'>
  readonly #local: LocalEntries
  readonly #remote: RemoteEntries | undefined

  constructor(
    core: Pick<Core, 'name' | 'clock' | 'callers' | 'remote' | 'local' | 'recorder' | 'assertOpen'>,
    local: LocalEntries,
    remote: RemoteEntries | undefined,
  ) {
    this.#core = core
    this.#local = local
    this.#remote = remote
  }

  /** The usable entry that L1 or L2 has for a key. */
  async find(scope: CallScope, userKey: string, given: ReadOptions | undefined): Promise<UsableEntry | undefined> {
    this.#core.assertOpen()
    const options = ownOptions(given)
    const target = scopeOfCall(scope, options)
    const policy = resolvePolicy(scope.policy, options)
    const localKey = localKeyOf(target.space, userKey)
    this.#refuseAborted(target, [userKey], options)
    const inL1 = this.#local.read(localKey, policy)
    if (inL1 !== undefined && inL1.age === 'fresh') return inL1
    if (this.#remote === undefined || policy.tiers === 'l1') return inL1
    const keyMark = this.#core.local.keyLog.mark()
    const remote = this.#remote
    const read = () => remote.read({ space: target.space, localKey, policy, budget: l2BudgetOf(this.#core, policy) })
    const found = await this.#core.callers.await(traced(L2_WAITS, () => this.#waitOf(target, userKey), read))
    return this.#take(localKey, keyMark, policy, found) ?? inL1
  }

  /** The same for many keys, in their order, with one read of L2. */
  async findMany(
    scope: CallScope,
    userKeys: readonly string[],
    given: ReadOptions | undefined,
  ): Promise<readonly (UsableEntry | undefined)[]> {
    this.#core.assertOpen()
    const options = ownOptions(given)
    const target = scopeOfCall(scope, options)
    const policy = resolvePolicy(scope.policy, options)
    const localKeys = userKeys.map((userKey) => localKeyOf(target.space, userKey))
    this.#refuseAborted(target, userKeys, options)
    const results = localKeys.map((localKey) => this.#local.read(localKey, policy))
    const remote = policy.tiers === 'l1' ? undefined : this.#remote
    const missing = remote === undefined ? [] : indexesWhere(results, (usable) => usable?.age !== 'fresh')
    if (remote === undefined || missing.length === 0) return results
    const keyMark = this.#core.local.keyLog.mark()
    const asked = missing.map((i) => localKeys[i] as string)
    const subject = { space: target.space, policy, budget: l2BudgetOf(this.#core, policy) }
    const read = () =>
      remote.readMany(subject, asked, (j, found) => {
        const i = missing[j] as number
        results[i] = this.#take(asked[j] as string, keyMark, policy, found) ?? results[i]
      })
    await this.#core.callers.await(traced(L2_WAITS, () => this.#waitOf(target, undefined), read))
    return results
  }

  /** If the signal is aborted already, records the reads as aborted and throws its reason. */
  #refuseAborted(scope: CallScope, userKeys: readonly string[], options: ReadOptions | undefined): void {
    if (options?.signal?.aborted !== true) return
    for (const userKey of userKeys) this.#core.recorder.read(scope, userKey, ABORTED)
    throw options.signal.reason
  }

  #waitOf({ space }: CallScope, userKey: string | undefined): L2Trace {
    const { name, recorder } = this.#core
    const key = userKey === undefined ? undefined : recorder.shown(userKey)
    return { cache: name, scope: space.scope, key, wait: 'read' }
  }

  #take(localKey: string, keyMark: number, policy: Policy, found: Found): UsableEntry | undefined {
    if (found.kind !== 'entry') return undefined
    const age = ageOf(found.entry, this.#core.clock.nowMs())
    if (age === 'expired') return undefined
    this.#local.copyToL1(localKey, keyMark, policy, found)
    return { entry: found.entry, tier: 'l2', age }
  }
}

function indexesWhere<T>(items: readonly T[], is: (item: T) => boolean): number[] {
  const indexes: number[] = []
  for (let i = 0; i < items.length; i++) if (is(items[i] as T)) indexes.push(i)
  return indexes
}
