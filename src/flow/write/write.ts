// Writes and invalidations: this process first and at once, then L2, then the announcement to the other processes.
import { newExpiredStamp } from '../../codec/stamp.js'
import type { Entry } from '../../model/entry.js'
import type { InvalidatedEvent } from '../../model/events/events.js'
import { storedIn } from '../../model/events/store-outcome.js'
import { fullKeyOf, localKey as localKeyOf, storeKeyOf, type Version } from '../../model/keys/key.js'
import { type Label, newSoftHalf, scopeLabel } from '../../model/labels.js'
import type { WriteOptions } from '../../model/options/options.js'
import type { Policy } from '../../model/options/policy.js'
import type { Bytes, Change } from '../../model/ports.js'
import type { CallScope, Core } from '../core.js'
import { putInL1 } from '../entries/local-entries.js'
import type { RemoteEntries } from '../entries/remote-entries.js'
import { scopeOfCall } from '../entries/scope-of-call.js'
import { keepMsOf } from '../state/seal-plan.js'
import type { UnsentWrite } from '../state/unsent-writes.js'
import type { WriteResult } from '../sync/outbox.js'
import type { PendingChange } from '../sync/pending-change.js'
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

/** A change with the place of its call. */
interface Begun extends PendingChange {
  readonly turn: Place
}

/**
 * Every method has its effect in this process before it returns its promise (G2), and once more when L2 has confirmed: what was
 * read in between may have been the old value, and is not kept (G1).
 */
export class Writer {
  readonly #keyTurns = new CallOrder()
  readonly #labelTurns = new CallOrder()

  constructor(
    private readonly core: Core,
    private readonly entries: RemoteEntries | undefined,
  ) {}

  /** Stores `value` in every tier. Rejects with `UNSUPPORTED_VALUE` or `SCHEMA_MISMATCH` before anything was done. */
  async set(
    scope: CallScope,
    userKey: string,
    value: unknown,
    options: WriteOptions<never> | undefined,
  ): Promise<WriteResult> {
    this.core.assertOpen()
    const { core, entries } = this
    const localKey = localKeyOf(scopeOfCall(scope, options).space, userKey)
    const turn = this.#keyTurns.begin(localKey)
    let target: WriteTarget
    let draft: Draft
    let unsent: UnsentWrite | undefined
    try {
      const accepting = acceptWritten(core, scope, value, options)
      const accepted = accepting instanceof Promise ? await core.callers.await(accepting) : accepting
      target = targetOf(core, entries, scope, userKey, accepted, options)
      const { labels } = target
      const { epoch } = core.tokens
      const carrying = core.tokenReader.carry(labels, keepMsOf(target.life))
      if (carrying instanceof Promise) unsent = this.#beginUnsent(target)
      const carried = carrying instanceof Promise ? await core.callers.await(core.background.track(carrying)) : carrying
      draft = draftOf(core, entries, target, carried, epoch)
    } catch (error) {
      if (unsent !== undefined) core.local.unsent.remove(localKey, unsent)
      this.#keyTurns.end(localKey, turn)
      throw error
    }
    // From here on nothing is thrown. A later call may have overtaken this one: it came before it, and is as good as applied once
    // that one is.
    if (this.#keyTurns.isOvertaken(localKey, turn)) {
      const later = await core.callers.await(this.#keyTurns.resultOfLater(localKey, turn))
      if (later !== undefined) {
        if (unsent !== undefined) core.local.unsent.remove(localKey, unsent)
        this.#keyTurns.end(localKey, turn)
        return later
      }
    }
    const { labels, policy } = target
    const { entry, bytes, plan, mustReseal } = draft
    const key = this.#storeKey(localKey)
    const change: Change = bytes ? { op: 'put', key, bytes, keepMs: keepMsOf(target.life) } : { op: 'delete', key }
    if (unsent !== undefined) core.local.unsent.remove(localKey, unsent)
    this.#outdateHere(localKey)
    core.local.forgetKey(localKey)
    // Its size is estimated: the bytes for L2 may be compressed, and memory holds the value itself.
    if (entry !== undefined) putInL1(core, localKey, entry, policy, undefined)
    const asked = [{ turn, subject: localKey, change, labels, plan, mustReseal }]
    const result = await this.#tell('set', { space: target.space, policy }, asked, entry)
    const isInL1 = entry !== undefined && core.l1?.peek(localKey) === entry
    const tiers = storedIn(isInL1, bytes !== undefined && result === 'applied')
    if (tiers !== undefined) core.recorder.stored(target.space.scope, userKey, tiers)
    return result
  }

  /**
   * The value of `target` is what this process reads from now on, although L2 has to be asked for tokens before it can be stored (G2).
   * Throws what storing it would throw, before anything is done.
   */
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

  /** A later call of this process changes the key: what an earlier one left to be told must not be served. */
  #outdateHere(localKey: string): void {
    this.core.journal.overtaken([localKey], [])
    if (this.core.local.unsent.size > 0) this.core.local.unsent.outdate(localKey)
  }

  /**
   * The last step of a change of the source of truth: the key is forgotten here, `written` takes its place in L1, and L2 and the
   * other processes are told.
   */
  settle(
    by: 'set' | 'delete',
    scope: CallScope,
    pending: PendingChange,
    written?: { readonly entry: Entry; readonly policy: Policy },
  ): Promise<WriteResult> {
    const localKey = pending.subject
    const turn = this.#keyTurns.begin(localKey)
    this.#outdateHere(localKey)
    this.core.local.forgetKey(localKey)
    if (written !== undefined) putInL1(this.core, localKey, written.entry, written.policy, undefined)
    return this.#tell(by, scope, [{ ...pending, turn }], written?.entry)
  }

  /** The entries must never be served again. */
  delete(scope: CallScope, userKeys: readonly string[], version: Version | undefined): Promise<WriteResult> {
    const changes = this.#localKeys(scope, userKeys, version).map((localKey): Begun => {
      const turn = this.#keyTurns.begin(localKey)
      this.#outdateHere(localKey)
      this.core.local.forgetKey(localKey)
      const change: Change = { op: 'delete', key: this.#storeKey(localKey) }
      return { turn, subject: localKey, change, labels: [], plan: undefined }
    })
    return this.#tell('delete', scopeOfCall(scope, { version }), changes)
  }

  /** The entries stop being fresh; they may still be served if loading fails. */
  expire(scope: CallScope, userKeys: readonly string[], version: Version | undefined): Promise<WriteResult> {
    const storeMs = this.core.remote?.tier.storeNowMs() ?? 0
    const changes = this.#localKeys(scope, userKeys, version).map((localKey): Begun => {
      const turn = this.#keyTurns.begin(localKey)
      this.#outdateHere(localKey)
      this.core.local.expireKey(localKey)
      const change: Change = {
        op: 'expire',
        key: this.#storeKey(localKey),
        stamp: this.#expiredStamp(localKey, storeMs),
      }
      return { turn, subject: localKey, change, labels: [], plan: undefined }
    })
    return this.#tell('expire', scopeOfCall(scope, { version }), changes)
  }

  #expiredStamp(localKey: string, storeMs: number): Bytes {
    const { remote, name } = this.core
    return remote?.codec.expiredStamp(fullKeyOf(localKey, name), storeMs) ?? newExpiredStamp(storeMs)
  }

  /** Every entry that carries one of the tags is no longer current: O(tags), whatever the number of entries. */
  invalidateTags(scope: CallScope, tags: readonly string[]): Promise<WriteResult> {
    return this.#invalidateLabels('invalidateTags', scope, tagLabels(tags))
  }

  /** Everything of this cache or namespace is no longer current: O(1). */
  clear(scope: CallScope): Promise<WriteResult> {
    return this.#invalidateLabels('clear', scope, [scopeLabel(scope.space.scope)])
  }

  #invalidateLabels(by: 'invalidateTags' | 'clear', scope: CallScope, labels: readonly Label[]): Promise<WriteResult> {
    this.core.assertOpen()
    this.core.journal.overtaken([], labels)
    this.core.local.forgetLabels(new Set(labels))
    const changes = labels.map((label): Begun => {
      const turn = this.#labelTurns.begin(label)
      return { turn, subject: label, change: { op: 'invalidateLabel', label }, labels: [], plan: undefined }
    })
    return this.#tell(by, scope, changes)
  }

  /** The soft twin of `invalidateTags`: entries stop being fresh; they may still be served if loading fails. */
  expireTags(scope: CallScope, tags: readonly string[]): Promise<WriteResult> {
    this.core.assertOpen()
    const labels = tagLabels(tags)
    this.core.journal.overtaken([], labels)
    this.core.local.expireLabels(new Set(labels))
    const changes = labels.map((label): Begun => {
      const soft = newSoftHalf()
      const turn = this.#labelTurns.begin(label)
      return { turn, subject: label, change: { op: 'expireLabel', label, soft }, labels: [], plan: undefined }
    })
    return this.#tell('expireTags', scope, changes)
  }

  #localKeys(scope: CallScope, userKeys: readonly string[], version: Version | undefined): readonly string[] {
    this.core.assertOpen()
    const { space } = scopeOfCall(scope, { version })
    return [...new Set(userKeys)].map((userKey) => localKeyOf(space, userKey))
  }

  #storeKey(localKey: string): string {
    return storeKeyOf(localKey, this.core.name)
  }

  /** Tells L2 and the other processes. */
  async #tell(
    by: InvalidatedEvent['by'],
    scope: CallScope,
    changes: readonly Begun[],
    written?: Entry,
  ): Promise<WriteResult> {
    const { core } = this
    core.recorder.invalidatedHere(by, scope.space, changes)
    if (changes.length === 0) return 'applied'
    const result = await core.callers.await(core.outbox.submit(changes))
    const labels = new Set<Label>()
    for (const { turn, subject, change } of changes) {
      const isOfLabel = change.op === 'invalidateLabel' || change.op === 'expireLabel'
      const isLast = (isOfLabel ? this.#labelTurns : this.#keyTurns).end(subject, turn, result)
      if (isOfLabel) labels.add(subject)
      // While a later write of the same key is still on its way, L1 is that one's to clean.
      else if (core.remote !== undefined)
        core.local.applyChange(subject, change, isLast ? 'clean-l1' : 'keep-l1', written)
    }
    // All changes of one call are alike.
    if (core.remote !== undefined && labels.size > 0) {
      core.local.applyLabelChange(by === 'expireTags' ? 'expireLabel' : 'invalidateLabel', labels)
    }
    return result
  }
}
