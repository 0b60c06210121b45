// Writes and invalidations: first in this process, at once; then in L2; then announced to the other processes.
import { newExpiredStamp, newHoldFence } from '../../codec/envelope/stamp.js'
import type { Entry } from '../../model/entry.js'
import type { InvalidatedEvent } from '../../model/events/events.js'
import { storedIn } from '../../model/events/store-outcome.js'
import { fullKeyOf, localKey as localKeyOf, storeKeyOf, type Version } from '../../model/keys/key.js'
import { type Label, newSoftHalf, scopeLabel } from '../../model/labels.js'
import type { WriteOptions } from '../../model/options/options.js'
import type { Policy } from '../../model/options/policy.js'
import type { Bytes, Change, Milliseconds } from '../../model/ports.js'
import type { Core } from '../core.js'
import type { Accepted } from '../entries/accept.js'
import { putInL1 } from '../entries/local-entries.js'
import type { RemoteEntries } from '../entries/remote-entries.js'
import { scopeOfCall, spaceOfCall } from '../entries/scope-of-call.js'
import { CHANGES, traced } from '../events/traces.js'
import type { CallScope } from '../flights/call-scope.js'
import { keepMsOf, unreadKeepMsOf } from '../state/seal-plan.js'
import type { UnsentWrite } from '../state/unsent-writes.js'
import type { WriteResult } from '../sync/outbox.js'
import { idOf, keyId, labelId, type PendingChange } from '../sync/pending-change.js'
import type { CarriedLabels } from '../tokens/token-reader.js'
import { CallOrder, type Place } from './call-order.js'
import {
  acceptWritten,
  type Draft,
  draftOf,
  draftWithoutTokens,
  tagLabels,
  targetOf,
  unsentPlanOf,
  type WriteTarget,
} from './draft.js'

/** A change with the place of its call in the order of calls. */
interface Begun extends PendingChange {
  readonly place: Place
}

type LabelVerb = 'invalidateTags' | 'clear' | 'expireTags' | 'expireAll'

/** A value that is ready for a `set`. */
interface Prepared {
  readonly target: WriteTarget
  readonly draft: Draft
}

/**
 * Every method takes effect in this process before it returns its promise (G2), and once more when L2 has confirmed: a read in between
 * may have seen the old value, which must not be kept (G1).
 */
export class Writer {
  readonly #order = new CallOrder()

  constructor(
    private readonly core: Core,
    private readonly entries: RemoteEntries | undefined,
  ) {}

  /** Stores `value` in every tier. Rejects with `UNSUPPORTED_VALUE` or `SCHEMA_MISMATCH` before anything is changed. */
  set(
    scope: CallScope,
    userKey: string,
    value: unknown,
    options: WriteOptions<never> | undefined,
  ): Promise<WriteResult> {
    return this.#set(scope, userKey, () => acceptWritten(this.core, scope, value, options), options)
  }

  /** The same for a value that was accepted before. */
  setAccepted(
    scope: CallScope,
    userKey: string,
    accepted: Accepted,
    options: WriteOptions<never> | undefined,
  ): Promise<WriteResult> {
    return this.#set(scope, userKey, () => accepted, options)
  }

  /** Whether a call of this process that changes the key is in progress. */
  isChanging(localKey: string): boolean {
    return this.#order.isBusy(keyId(localKey))
  }

  /** Resolves once every call of this process that changes the key and has begun until now has ended. */
  earlierEnded(localKey: string): Promise<void> {
    return this.#order.earlierEnded(keyId(localKey))
  }

  async #set(
    scope: CallScope,
    userKey: string,
    accept: () => Accepted | Promise<Accepted>,
    options: WriteOptions<never> | undefined,
  ): Promise<WriteResult> {
    const { core } = this
    core.assertOpen()
    const localKey = localKeyOf(spaceOfCall(scope, options), userKey)
    const id = keyId(localKey)
    const place = this.#order.begin(id)
    const unsent: { write: UnsentWrite | undefined } = { write: undefined }
    const removeUnsent = () => {
      if (unsent.write !== undefined) core.local.unsent.remove(localKey, unsent.write)
    }
    let prepared: Prepared
    try {
      const preparing = this.#prepare(scope, userKey, accept, options, unsent)
      prepared = preparing instanceof Promise ? await preparing : preparing
    } catch (error) {
      removeUnsent()
      this.#order.end(id, place)
      throw error
    }
    // Nothing is thrown from here on. If a later call has overtaken this one, its value counts, and this call gets its result.
    const later = this.#order.isOvertaken(id, place)
      ? await core.callers.await(this.#order.resultOfLater(id, place))
      : undefined
    removeUnsent()
    if (later !== undefined) {
      this.#order.end(id, place)
      return later
    }
    return this.#store(userKey, prepared, place)
  }

  /** Prepares the value for both tiers. Returns a promise only if the schema or L2 must be awaited: else the effect is at once (G2). */
  #prepare(
    scope: CallScope,
    userKey: string,
    accept: () => Accepted | Promise<Accepted>,
    options: WriteOptions<never> | undefined,
    unsent: { write: UnsentWrite | undefined },
  ): Prepared | Promise<Prepared> {
    const { core, entries } = this
    const accepting = accept()
    const carry = (accepted: Accepted) =>
      this.#carryTokens(targetOf(core, entries, scope, userKey, accepted, options), unsent)
    return accepting instanceof Promise ? core.callers.await(accepting).then(carry) : carry(accepting)
  }

  /** While L2 is asked for tokens, this process reads the value as `unsent` (G2). */
  #carryTokens(target: WriteTarget, unsent: { write: UnsentWrite | undefined }): Prepared | Promise<Prepared> {
    const { core, entries } = this
    const { epoch } = core.tokens
    const carrying = core.tokenReader.carry(target.labels, keepMsOf(target.life))
    const finish = (carried: CarriedLabels) => ({ target, draft: draftOf(core, entries, target, carried, epoch) })
    if (!(carrying instanceof Promise)) return finish(carrying)
    unsent.write = this.#beginUnsent(target)
    return core.callers.await(core.background.track(carrying)).then(finish)
  }

  /** Throws what storing the value would throw, before anything is changed. */
  #beginUnsent(target: WriteTarget): UnsentWrite {
    const { core } = this
    const { localKey } = target
    draftWithoutTokens(core, this.entries, target)
    const write: UnsentWrite = { plan: unsentPlanOf(core, target) }
    core.journal.overtaken([localKey], [])
    core.local.forgetKey(localKey)
    core.local.unsent.add(localKey, write)
    return write
  }

  async #store(userKey: string, { target, draft }: Prepared, place: Place): Promise<WriteResult> {
    const { core } = this
    const { localKey, scope, policy, labels } = target
    const { entry, bytes, plan, mustReseal } = draft
    const key = this.#storeKey(localKey)
    const change: Change = bytes
      ? { op: 'put', key, bytes, keepMs: unreadKeepMsOf(target.life) }
      : { op: 'delete', key }
    // A value that was set is newer than what a hold of its key keeps out. Not once more when it is confirmed: another hold may have begun.
    if (entry !== undefined || bytes !== undefined) core.local.holds.releaseKey(localKey)
    const begun = this.#applyHere({ subject: localKey, change, labels, plan, mustReseal }, place)
    // L1 estimates the size: the bytes for L2 may be compressed, while L1 keeps the value itself.
    if (entry !== undefined) putInL1(core, localKey, entry, policy, undefined)
    const result = await this.#publish('set', scope, [begun], entry)
    const isInL1 = entry !== undefined && core.l1?.peek(localKey) === entry
    const tiers = storedIn(isInL1, bytes !== undefined && result === 'applied')
    if (tiers !== undefined) core.recorder.stored(scope, userKey, tiers)
    if (draft.isHeld) core.recorder.heldBack(scope.space.scope, localKey)
    return result
  }

  /**
   * The last step of a change of the source of truth: this process forgets the key, `written` takes its place in L1, and the change is
   * published.
   */
  settle(
    by: 'set' | 'delete',
    scope: CallScope,
    pending: PendingChange,
    written?: { readonly entry: Entry; readonly policy: Policy },
  ): Promise<WriteResult> {
    const begun = this.#begin(pending)
    if (written !== undefined) putInL1(this.core, pending.subject, written.entry, written.policy, undefined)
    return this.#publish(by, scope, [begun], written?.entry)
  }

  /** The entries are never served again, and for `holdMs` what is loaded is kept nowhere. */
  delete(
    scope: CallScope,
    userKeys: readonly string[],
    version: Version | undefined,
    holdMs: Milliseconds = 0,
  ): Promise<WriteResult> {
    const localKeys = this.#localKeys(scope, userKeys, version)
    if (holdMs > 0) this.core.local.holdKeys(localKeys, holdMs)
    const hold = () => (holdMs > 0 ? { fence: newHoldFence(), keepMs: holdMs } : undefined)
    const changes = localKeys.map((localKey) => {
      const change: Change = { op: 'delete', key: this.#storeKey(localKey), hold: hold() }
      return this.#begin(this.#held(unlabelled(localKey, change), holdMs))
    })
    return this.#publish('delete', scopeOfCall(scope, { version }), changes)
  }

  /** The entries stop being fresh; they may still be served if loading fails. */
  expire(scope: CallScope, userKeys: readonly string[], version: Version | undefined): Promise<WriteResult> {
    const storeMs = this.core.remote?.tier.storeNowMs() ?? 0
    const changes = this.#localKeys(scope, userKeys, version).map((localKey) => {
      const stamp = this.#expiredStamp(localKey, storeMs)
      return this.#begin(unlabelled(localKey, { op: 'expire', key: this.#storeKey(localKey), stamp }))
    })
    return this.#publish('expire', scopeOfCall(scope, { version }), changes)
  }

  #expiredStamp(localKey: string, storeMs: number): Bytes {
    const { remote, name } = this.core
    return remote?.codec.expiredStamp(fullKeyOf(localKey, name), storeMs) ?? newExpiredStamp(storeMs)
  }

  /** Every entry that carries one of the tags is no longer current: O(tags), whatever the number of entries. */
  invalidateTags(scope: CallScope, tags: readonly string[], holdMs: Milliseconds = 0): Promise<WriteResult> {
    this.core.assertOpen()
    return this.#changeLabels('invalidateTags', scope, tagLabels(tags), holdMs)
  }

  /** Everything of this cache or namespace is no longer current: O(1). */
  clear(scope: CallScope, holdMs: Milliseconds = 0): Promise<WriteResult> {
    this.core.assertOpen()
    return this.#changeLabels('clear', scope, [scopeLabel(scope.space.scope)], holdMs)
  }

  /** The soft twin of `invalidateTags`: entries stop being fresh; they may still be served if loading fails. */
  expireTags(scope: CallScope, tags: readonly string[]): Promise<WriteResult> {
    this.core.assertOpen()
    return this.#changeLabels('expireTags', scope, tagLabels(tags), 0)
  }

  /** The soft twin of `clear`: O(1). */
  expireAll(scope: CallScope): Promise<WriteResult> {
    this.core.assertOpen()
    return this.#changeLabels('expireAll', scope, [scopeLabel(scope.space.scope)], 0)
  }

  #changeLabels(by: LabelVerb, scope: CallScope, labels: readonly Label[], holdMs: Milliseconds): Promise<WriteResult> {
    const { journal, local } = this.core
    if (holdMs > 0) local.holdLabels(labels, holdMs)
    journal.overtaken([], labels)
    if (isSoft(by)) local.expireLabels(new Set(labels))
    else local.forgetLabels(new Set(labels))
    const changes = labels.map((label): Begun => {
      const change: Change = isSoft(by)
        ? { op: 'expireLabel', label, soft: newSoftHalf() }
        : { op: 'invalidateLabel', label, holdMs: holdMs > 0 ? holdMs : undefined }
      return { ...this.#held(unlabelled(label, change), holdMs), place: this.#order.begin(labelId(label)) }
    })
    return this.#publish(by, scope, changes)
  }

  #held(pending: PendingChange, holdMs: Milliseconds): PendingChange {
    return holdMs > 0 ? { ...pending, heldUntilMs: this.core.clock.nowMs() + holdMs } : pending
  }

  #localKeys(scope: CallScope, userKeys: readonly string[], version: Version | undefined): readonly string[] {
    this.core.assertOpen()
    const space = spaceOfCall(scope, { version })
    return [...new Set(userKeys)].map((userKey) => localKeyOf(space, userKey))
  }

  #storeKey(localKey: string): string {
    return storeKeyOf(localKey, this.core.name)
  }

  /** Gives the change of a key its place in the order, and applies it in this process. */
  #begin(pending: PendingChange): Begun {
    return this.#applyHere(pending, this.#order.begin(idOf(pending)))
  }

  /** Applies a change in this process. A value of an earlier call that still waits to be published must not be served any more. */
  #applyHere(pending: PendingChange, place: Place): Begun {
    const { journal, local } = this.core
    journal.overtaken([pending.subject], [])
    if (local.unsent.size > 0) local.unsent.outdate(pending.subject)
    local.applyChange(pending.subject, pending.change, 'clean-l1')
    return { ...pending, place }
  }

  /** Publishes the changes of one call, which are all of one kind, and repeats their effect here. */
  async #publish(
    by: InvalidatedEvent['by'],
    scope: CallScope,
    changes: readonly Begun[],
    written?: Entry,
  ): Promise<WriteResult> {
    const { core } = this
    core.recorder.invalidatedHere(by, scope, changes)
    if (changes.length === 0) return 'applied'
    const messageOf = () => ({ cache: core.name, scope: scope.space.scope, by, count: changes.length })
    const result = await core.callers.await(traced(CHANGES, messageOf, () => core.outbox.submit(changes)))
    const labels = new Set<Label>()
    for (const begun of changes) {
      const { place, subject, change } = begun
      const isLast = this.#order.end(idOf(begun), place, result)
      if (result === 'applied' && 'bytes' in change) written?.idle?.storedAs(change.bytes)
      if (change.op === 'invalidateLabel' || change.op === 'expireLabel') labels.add(subject)
      // While a later write of the same key is in progress, that write cleans L1.
      else if (core.remote !== undefined)
        core.local.applyChange(subject, change, isLast ? 'clean-l1' : 'keep-l1', written)
    }
    if (core.remote !== undefined && labels.size > 0) {
      core.local.applyLabelChange(isSoft(by) ? 'expireLabel' : 'invalidateLabel', labels)
    }
    return result
  }
}

function isSoft(by: InvalidatedEvent['by']): boolean {
  return by === 'expireTags' || by === 'expireAll'
}

/** A change that carries no labels. */
function unlabelled(subject: string, change: Change): PendingChange {
  return { subject, change, labels: [], plan: undefined }
}
