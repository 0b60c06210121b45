// `pull`: get and delete as one step, so that of all callers in all processes at most one gets the value.
import { ageOf } from '../../model/entry.js'
import { ABORTED, FAILED } from '../../model/events/read-outcome.js'
import { localKey as localKeyOf } from '../../model/keys/key.js'
import type { PullOptions } from '../../model/options/options.js'
import { ownOptions } from '../../model/own-options.js'
import type { Core } from '../core.js'
import type { Found, FoundEntry } from '../entries/found.js'
import { l2BudgetOf } from '../entries/l2-budget.js'
import type { LocalEntries } from '../entries/local-entries.js'
import { scopeOfCall } from '../entries/scope-of-call.js'
import type { CallScope } from '../flights/call-scope.js'
import type { UsableEntry } from '../flights/flight.js'
import type { Writer } from '../write/write.js'
import { untilAborted } from './until-aborted.js'
import { conflict, unreachable } from './update-errors.js'
import type { L2Parts } from './update-in-l2.js'

/** Each failed try means that another call changed the key in between. */
const MAX_TRIES = 50

export class Pulls {
  constructor(
    private readonly core: Core,
    private readonly local: LocalEntries,
    private readonly writer: Writer,
    private readonly l2: L2Parts | undefined,
  ) {}

  /**
   * The entry that was removed; `undefined` if there was none. Rejects with `L2_UNAVAILABLE`: then the entry is there, or its removal was
   * not confirmed, and nobody gets its value. The caller counts the read, unless this rejects.
   */
  async pull(scope: CallScope, userKey: string, given: PullOptions | undefined): Promise<UsableEntry | undefined> {
    const { core } = this
    core.assertOpen()
    const { version, signal } = ownOptions(given) ?? {}
    const target = scopeOfCall(scope, { version })
    const localKey = localKeyOf(target.space, userKey)
    const pulling = this.#pull(target, userKey, localKey, signal)
    try {
      return await core.callers.await(core.background.track(pulling))
    } catch (error) {
      const isAborted = signal?.aborted === true && error === signal.reason
      core.recorder.read(target, userKey, isAborted ? ABORTED : FAILED)
      throw error
    }
  }

  async #pull(
    scope: CallScope,
    userKey: string,
    localKey: string,
    signal: AbortSignal | undefined,
  ): Promise<UsableEntry | undefined> {
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      signal?.throwIfAborted()
      await untilAborted(this.writer.earlierEnded(localKey), signal)
      if (this.l2 === undefined || scope.policy.tiers === 'l1') return this.#pullHere(scope, userKey, localKey)
      const mark = this.core.local.keyLog.mark()
      const found = await this.#read(this.l2, scope, localKey)
      if (found === 'again') continue
      if (found.kind !== 'entry') {
        // What L2 has lost may still be in memory. Nobody was given it, but this process must not go on serving what it could not pull.
        this.core.l1?.delete(localKey)
        return undefined
      }
      signal?.throwIfAborted()
      const usable = this.#usable(found)
      const swap = { expected: found.stamp, next: undefined, keepMs: 1 }
      const exchange = { by: 'delete', scope, localKey, swap, mark, written: undefined } as const
      if ((await this.l2.swaps.exchange(exchange)) === 'done') return usable
    }
    throw conflict('others changed it each time')
  }

  /** `again`: a write of this process waits for tokens, and L2 is not asked before it has ended. */
  async #read({ core, entries }: L2Parts, scope: CallScope, localKey: string): Promise<Found | 'again'> {
    const found = await entries.read({
      space: scope.space,
      localKey,
      policy: scope.policy,
      budget: l2BudgetOf(core, scope.policy),
    })
    if (found.kind !== 'unavailable') return found
    if (this.writer.isChanging(localKey)) return 'again'
    throw unreachable()
  }

  #usable({ entry }: FoundEntry): UsableEntry | undefined {
    const age = ageOf(entry, this.core.clock.nowMs())
    return age === 'expired' ? undefined : { entry, tier: 'l2', age }
  }

  /** Without an L2: nothing can come between the read and the effect of `delete`. */
  async #pullHere(scope: CallScope, userKey: string, localKey: string): Promise<UsableEntry | undefined> {
    const usable = this.local.usable(localKey, scope.policy)
    if (usable !== undefined) await this.writer.delete(scope, [userKey], undefined)
    return usable
  }
}
