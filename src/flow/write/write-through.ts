// Write-through: changes the source of truth together with the cache, so that no tier keeps what the change replaced.
import { newStamp } from '../../codec/envelope/stamp.js'
import { CacheError } from '../../model/errors.js'
import { localKey as localKeyOf, storeKeyOf } from '../../model/keys/key.js'
import type { Bytes, Change, Milliseconds } from '../../model/ports.js'
import type { Core } from '../core.js'
import type { Accepted } from '../entries/accept.js'
import type { RemoteEntries } from '../entries/remote-entries.js'
import type { CallScope } from '../flights/call-scope.js'
import { keepRenewing } from '../leases/renewal.js'
import { keepMsOf, unreadKeepMsOf } from '../state/seal-plan.js'
import type { UnsentWrite } from '../state/unsent-writes.js'
import type { WriteResult } from '../sync/outbox.js'
import type { PendingChange } from '../sync/pending-change.js'
import { acceptWritten, type Draft, draftOf, draftWithoutTokens, targetOf, type WriteTarget } from './draft.js'
import type { Writer } from './write.js'

/** One change of the source of truth. */
export interface SourceChange {
  readonly by: 'set' | 'delete'
  readonly scope: CallScope
  readonly userKey: string
  /** What the tiers keep afterwards; `undefined` for nothing. */
  readonly stored: { readonly value: unknown; readonly tags: readonly string[] } | undefined
  /** Changes the source: the user's `save` or `remove`. */
  readonly change: () => unknown
}

/**
 * How long a fence stands if it is not renewed. It must outlast everything that a database may still do for a process that died. Until
 * it expires, every read of the key loads, in every process.
 */
const FENCE_MS: Milliseconds = 10_000

/**
 * fence → change → store if the fence still stands, else remove → announce.
 *
 * Invariant: if a tier has a value under the key that lacks a change of the source, that value is removed or replaced after the change.
 * Step by step:
 *
 * 1. The fence replaces what stands in L2 and is announced, before the source changes. Every load in flight has then lost its right to
 *    store (its lease is gone, its flight is detached), and a load that meets the fence keeps its value in no tier. So while the source
 *    changes, no process stores what was read before the change. If this process dies now, the fence expires: a miss.
 * 2. Two writers each plant a fence, and the second fence replaces the first. In which order the source takes their values is unknown.
 *    The first writer, whenever it is done, finds a fence that is not its own and removes everything. If that removes the fence of the
 *    second writer, the second finds nothing and removes, too; if the second stored before, its value goes. So after both there is a
 *    miss, or the value of a writer whose change began after the other writer had removed: the newer one.
 * 3. In this process the log of changed keys does for L1 what the stamp does in L2: every write, invalidation and announcement is
 *    recorded there, and a value that was overtaken since its own fence does not go into L1.
 * 4. A change that failed may have happened nevertheless (a connection can break after the commit), so the key is removed.
 * 5. A fence that L2 did not confirm protects nothing: the key is removed instead of stored, and 'queued' until L2 confirms it.
 *
 * The tokens that the value carries are read before the source changes, so that `invalidateTags` during the change makes them differ.
 */
export class WriteThrough {
  constructor(
    private readonly core: Core,
    private readonly entries: RemoteEntries | undefined,
    private readonly writer: Writer,
  ) {}

  /**
   * Rejects with exactly what `change` threw; the cache then holds nothing newer than the source. Rejects with `UNSUPPORTED_VALUE`,
   * or with what is wrong with the tags, before anything was changed.
   */
  write(change: SourceChange): Promise<WriteResult> {
    return this.core.background.track(this.#write(change))
  }

  async #write({ by, scope, userKey, stored, change }: SourceChange): Promise<WriteResult> {
    const { core, writer } = this
    const localKey = localKeyOf(scope.space, userKey)
    const removal = this.#pending(localKey, { op: 'delete', key: this.#storeKey(localKey) })
    const prepared = stored && (await this.#prepare(scope, userKey, stored))

    const fence = this.entries === undefined || scope.policy.tiers === 'l1' ? undefined : newStamp('fence')
    core.local.forgetKey(localKey)
    const mark = core.local.keyLog.mark()
    const planting = core.outbox.submit([this.#planting(localKey, fence) ?? removal])
    if (prepared !== undefined) core.local.unsent.remove(localKey, prepared.unsent)
    const isFenced = (await planting) === 'applied'
    const stopRenewing = fence && isFenced ? this.#renew(localKey, fence) : undefined
    try {
      await change()
    } catch (error) {
      await writer.settle('delete', scope, removal)
      throw error
    } finally {
      stopRenewing?.()
    }

    if (prepared === undefined || !isFenced) return writer.settle(by, scope, removal)
    const { target, draft } = prepared
    if (draft.isHeld) core.recorder.heldBack(scope.space.scope, localKey)
    const isOvertaken = core.local.keyLog.brokenSince(mark, localKey)
    const written = isOvertaken || draft.entry === undefined ? undefined : { entry: draft.entry, policy: target.policy }
    return writer.settle(by, scope, this.#replacing(localKey, fence, target, draft) ?? removal, written)
  }

  /** From this call on, this process serves no earlier value of any tier: until the fence stands, reads go to the source. */
  async #prepare(
    scope: CallScope,
    userKey: string,
    { value, tags }: NonNullable<SourceChange['stored']>,
  ): Promise<{ target: WriteTarget; draft: Draft; unsent: UnsentWrite } | undefined> {
    const { core, entries } = this
    let accepted: Accepted
    try {
      const accepting = acceptWritten(core, scope, value, undefined)
      accepted = accepting instanceof Promise ? await accepting : accepting
    } catch (error) {
      if (!(error instanceof CacheError && error.code === 'SCHEMA_MISMATCH')) throw error
      // The source may accept what its schema does not: it is changed, and the key is removed from the tiers.
      core.recorder.storeFailed(scope, localKeyOf(scope.space, userKey), error)
      return undefined
    }
    const target = targetOf(core, entries, scope, userKey, accepted, { tags })
    const { epoch } = core.tokens
    const carrying = core.tokenReader.carry(target.labels, keepMsOf(target.life))
    const early = carrying instanceof Promise ? undefined : draftOf(core, entries, target, carrying, epoch)
    if (early === undefined) draftWithoutTokens(core, entries, target)
    const unsent: UnsentWrite = { plan: undefined }
    core.local.forgetKey(target.localKey)
    core.local.unsent.add(target.localKey, unsent)
    try {
      return { target, draft: early ?? draftOf(core, entries, target, await carrying, epoch), unsent }
    } catch (error) {
      core.local.unsent.remove(target.localKey, unsent)
      throw error
    }
  }

  #planting(localKey: string, fence: Bytes | undefined): PendingChange | undefined {
    if (fence === undefined) return undefined
    return this.#pending(localKey, { op: 'put', key: this.#storeKey(localKey), bytes: fence, keepMs: FENCE_MS })
  }

  #replacing(localKey: string, fence: Bytes | undefined, target: WriteTarget, draft: Draft): PendingChange | undefined {
    const { bytes, mustReseal } = draft
    if (fence === undefined || bytes === undefined || mustReseal) return undefined
    const key = this.#storeKey(localKey)
    return this.#pending(localKey, { op: 'replace', key, expected: fence, bytes, keepMs: unreadKeepMsOf(target.life) })
  }

  #renew(localKey: string, fence: Bytes): () => void {
    const { core } = this
    if (core.remote === undefined) return () => undefined
    return keepRenewing(core, core.remote, this.#storeKey(localKey), fence, FENCE_MS)
  }

  #pending(subject: string, change: Change): PendingChange {
    return { subject, change, labels: [], plan: undefined }
  }

  #storeKey(localKey: string): string {
    return storeKeyOf(localKey, this.core.name)
  }
}
