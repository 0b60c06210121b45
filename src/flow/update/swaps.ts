// Exchanges what stands under a key in L2, then makes every process forget what stood there before.
import { STAMP_BYTES } from '../../codec/envelope/stamp.js'
import type { Entry } from '../../model/entry.js'
import { storeKeyOf } from '../../model/keys/key.js'
import type { Policy } from '../../model/options/policy.js'
import { UNAVAILABLE } from '../../tiers/operation.js'
import type { Core, Remote } from '../core.js'
import { putInL1 } from '../entries/local-entries.js'
import type { CallScope } from '../flights/call-scope.js'
import type { Mark } from '../flights/invalidation-log.js'
import type { WriteResult } from '../sync/outbox.js'
import type { Swap } from '../sync/pending-change.js'
import { unknownOutcome, unreachable } from './update-errors.js'

/** One exchange of a value. */
export interface Exchange {
  readonly by: 'set' | 'delete'
  readonly scope: CallScope
  readonly localKey: string
  readonly swap: Swap
  /** Taken before `expected` was read. */
  readonly mark: Mark
  /** What L1 gets. */
  readonly written: { readonly entry: Entry; readonly policy: Policy } | undefined
}

/**
 * Why these commands are linearizable, however late or often one of them is executed (see `scripts.ts` for each):
 *
 * - What a swap expects is a stamp or a lease that was read before. It is gone once it was replaced, and never comes back. So of all swaps
 *   that expect the same, one is executed, once: a repeated or late one is refused.
 * - A claim that is executed again plants another lease, which no swap expects. It expires.
 * - A `set` in progress, of any process, replaces what stands there without comparing. If its put is executed between the read and the
 *   swap, the swap is refused, and the new value is read. If it is executed after the swap, the `set` is the later one of the two. It is
 *   executed at most once, since its first execution leaves a change mark. A put that was sent before the swap may come after it, but then
 *   its `set` has not returned 'applied' before the swap: the two were made at the same time, and either may be the later one.
 * - Only L2's reply counts. What L1, the journal or an unsent write has is never the present value of an update.
 */
export class Swaps {
  constructor(
    private readonly core: Pick<Core, 'name' | 'l1' | 'local' | 'outbox' | 'journal' | 'recorder'>,
    private readonly remote: Remote,
  ) {}

  /**
   * Resolves once the value is exchanged and announced. Rejects with `L2_UNAVAILABLE`.
   *
   * If the announcement cannot be sent, it waits in the journal like every other change, and is sent before L2 is trusted again.
   */
  async exchange(exchange: Exchange): Promise<'done' | 'refused'> {
    const { tier } = this.remote
    const { localKey, swap } = exchange
    const { expected, next, keepMs } = swap
    // Nothing is sent while L2 is not available, so here it is certain that nothing was changed.
    if (!tier.isAvailable()) throw unreachable()
    const reply = await tier.swap(storeKeyOf(localKey, this.core.name), expected, next, keepMs)
    if (reply === 'refused') return 'refused'
    if (reply === UNAVAILABLE) return this.#settle(exchange)
    if (next !== undefined) exchange.written?.entry.idle?.storedAs(next)
    this.#forget(exchange, exchange.written)
    await this.#publish(exchange, undefined)
    return 'done'
  }

  /** A swap that was executed, as what stands there now shows, although its first reply said otherwise: a client sent it twice. */
  async wasExecuted(exchange: Exchange): Promise<void> {
    this.#forget(exchange, undefined)
    await this.#publish(exchange, undefined)
  }

  /** L2 did not reply: the swap is sent again (see `SwappedKey`). Only what stands there afterwards can show that it was executed. */
  async #settle(exchange: Exchange): Promise<'done'> {
    const { tier } = this.remote
    const { localKey, swap } = exchange
    this.#forget(exchange, undefined)
    const result = await this.#publish(exchange, swap)
    if (result === 'queued' || swap.next === undefined) throw unknownOutcome()
    const there = await tier.read(storeKeyOf(localKey, this.core.name))
    if (there === UNAVAILABLE || there === undefined || !beginsAs(there, swap.next)) throw unknownOutcome()
    return 'done'
  }

  /**
   * This process forgets what it read before the swap, and `written` takes its place in L1, unless the key was changed since it was read:
   * then that change is the later one. A `set` of this process that is not sent yet will follow the swap, so its value goes on being read
   * here (G2).
   */
  #forget({ localKey, mark }: Exchange, written: Exchange['written']): void {
    const { core } = this
    const isOvertaken = core.local.keyLog.brokenSince(mark, localKey) || core.local.unsent.has(localKey)
    core.journal.overtaken([localKey], [])
    core.local.forgetKey(localKey)
    if (written !== undefined && !isOvertaken) putInL1(core, localKey, written.entry, written.policy, undefined)
  }

  #publish({ by, scope, localKey }: Exchange, again: Swap | undefined): Promise<WriteResult> {
    const { core } = this
    const change = { op: 'swapped', key: storeKeyOf(localKey, core.name), again } as const
    const pending = { subject: localKey, change, labels: [], plan: undefined }
    core.recorder.invalidatedHere(by, scope, [pending])
    return core.outbox.submit([pending])
  }
}

/** Whether two values begin with the same stamp, so that one of them is the other. */
export function beginsAs(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one.subarray(0, STAMP_BYTES), other.subarray(0, STAMP_BYTES)) === 0
}
