// An update in L2: read the present value, call the function, swap.
import { storedIn } from '../../model/events/store-outcome.js'
import type { Core, Remote } from '../core.js'
import { l2BudgetOf } from '../entries/l2-budget.js'
import type { LocalEntries } from '../entries/local-entries.js'
import type { RemoteEntries } from '../entries/remote-entries.js'
import type { Leases } from '../leases/leases.js'
import { mergeCarried } from '../load/fill.js'
import { LateLabels } from '../load/late-labels.js'
import { keepMsOf, unreadKeepMsOf } from '../state/seal-plan.js'
import type { CarriedLabels } from '../tokens/token-reader.js'
import { acceptWritten, type Draft, draftOf, targetOf, type WriteTarget } from '../write/draft.js'
import { rightBy, type Standing, StandingSearch } from './standing-search.js'
import { beginsAs, type Exchange, type Swaps } from './swaps.js'
import { held, unreachable } from './update-errors.js'
import { type Attempted, CONFLICT, type UpdateJob } from './update-job.js'

/** What updates in L2 need. */
export interface L2Parts {
  readonly core: Core
  readonly remote: Remote
  readonly entries: RemoteEntries
  readonly local: LocalEntries
  readonly leases: Leases
  readonly swaps: Swaps
}

/** What an attempt knows before it reads the present value. */
interface Beginning {
  readonly carried: CarriedLabels
  /** The epoch of the token table. */
  readonly epoch: number
  /** The position of the bus. */
  readonly since: string | undefined
  readonly atMs: number
}

/**
 * One call, over all its attempts.
 *
 * Invariant: an update is linearizable. The value that the function gets stands in L2, and the swap is executed only if it still stands
 * there, whatever any process did in between. The update takes effect at the moment of its swap. `Swaps` says why late and repeated
 * commands change nothing.
 *
 * The tokens that the new value carries are read before the present value, so an `invalidateTags` that comes later makes them differ (G1).
 *
 * An entry with an idle life is known in memory by its stamp. So the first attempt takes it from there, and needs one round trip instead of
 * two. If it is not the present one, the swap is refused. What fails before the swap is sent, or leaves the entry as it is, is not confirmed
 * by it: then the function is called again with the value of L2.
 */
export class UpdateInL2 {
  readonly #search: StandingSearch
  readonly #lateLabels: LateLabels
  #hasBegun = false
  /** The latest swap that was sent, and what its caller would get. */
  #sent: { readonly exchange: Exchange; readonly value: unknown } | undefined

  constructor(
    private readonly parts: L2Parts,
    private readonly job: UpdateJob,
  ) {
    const { core, leases, remote } = parts
    const { scope, policy, localKey } = job
    const subject = { space: scope.space, localKey, policy, budget: l2BudgetOf(core, policy) }
    this.#lateLabels = new LateLabels(core)
    this.#search = new StandingSearch({ core, leases, leaseMs: remote.leaseMs }, subject)
  }

  async attempt(): Promise<Attempted> {
    const { swaps } = this.parts
    const beginning = await this.#begin()
    const remembered = this.#takeRemembered()
    if (remembered !== undefined) {
      const attempted = await this.#exchange(beginning, remembered).catch((error: unknown) => {
        if (this.#sent !== undefined) throw error
        return CONFLICT
      })
      if (attempted.kind === 'stored') return attempted
    }
    const standing = await this.#search.find()
    const sent = this.#sent
    if (sent?.exchange.swap.next !== undefined && beginsAs(standing.fence, sent.exchange.swap.next)) {
      await swaps.wasExecuted(sent.exchange)
      return { kind: 'stored', value: sent.value }
    }
    return this.#exchangeByRight(beginning, standing)
  }

  /** The entry of this process, once per call; `undefined` if its stamp is not known. */
  #takeRemembered(): Standing | undefined {
    const { core, local } = this.parts
    const { localKey, policy } = this.job
    if (this.#hasBegun) return undefined
    this.#hasBegun = true
    const mark = core.local.keyLog.mark()
    const usable = local.usable(localKey, policy)
    const stamp = usable?.entry.idle?.stamp
    if (usable === undefined || usable.age === 'staleIfError' || stamp === undefined) return undefined
    const fence = Buffer.from(stamp, 'latin1')
    return { present: usable, fence, right: rightBy(fence), mark }
  }

  async #exchangeByRight(beginning: Beginning, standing: Standing): Promise<Attempted> {
    const { leases } = this.parts
    const stopRenewing = leases.renewWhileLoading(standing.right)
    let attempted: Attempted | undefined
    try {
      attempted = await this.#exchange(beginning, standing)
      return attempted
    } finally {
      stopRenewing()
      if (attempted?.kind !== 'stored') leases.giveBack(standing.right)
    }
  }

  /** Reads the tokens of all labels that are known before the value. */
  async #begin(): Promise<Beginning> {
    const { core } = this.parts
    const { labels, longestMs, policy } = this.job
    const { epoch } = core.tokens
    const since = core.bus?.position()
    const atMs = core.clock.nowMs()
    const carried = await core.tokenReader.carry(labels, longestMs, l2BudgetOf(core, policy))
    if (carried.isHeld) throw held()
    if (!carried.isGoodForL2) throw unreachable()
    return { carried, epoch, since, atMs }
  }

  async #exchange(beginning: Beginning, { present, fence, mark }: Standing): Promise<Attempted> {
    const { core, entries, local, swaps } = this.parts
    const { scope, userKey, signal } = this.job
    const before = present === undefined ? undefined : local.handOut(present.entry.value)
    const { value: given, write } = await this.job.call(before, present !== undefined)
    if (given === undefined) return { kind: 'unchanged', value: before }
    const accepted = await acceptWritten(core, scope, given, write)
    const target = targetOf(core, entries, scope, userKey, accepted, write)
    const carried = await this.#carryAll(target, beginning)
    if (carried === undefined) return CONFLICT
    const draft = draftOf(core, entries, target, carried, beginning.epoch)
    core.tokenReader.prolong(target.labels, keepMsOf(target.life))
    signal?.throwIfAborted()
    const { localKey, policy, life } = target
    const exchange: Exchange = {
      ...{ by: 'set', scope, localKey, mark },
      swap: { expected: fence, next: draft.bytes, keepMs: unreadKeepMsOf(life) },
      written: draft.entry && { entry: draft.entry, policy },
    }
    this.#sent = { exchange, value: accepted.value }
    if ((await swaps.exchange(exchange)) === 'refused') return CONFLICT
    this.#report(draft)
    return { kind: 'stored', value: accepted.value }
  }

  /**
   * The tokens of all labels of the value. For those that follow from the value itself, it must be proven that they were not invalidated
   * since the attempt began; `undefined` if it cannot be proven.
   */
  async #carryAll(
    { labels, life }: WriteTarget,
    { carried, since, atMs }: Beginning,
  ): Promise<CarriedLabels | undefined> {
    const late = labels.filter((label) => !carried.set.labels.includes(label))
    if (late.length === 0) return carried
    const keepMs = keepMsOf(life)
    const proven =
      this.#lateLabels.known(late, atMs, keepMs) ??
      (await this.#lateLabels.prove(late, { startedAtMs: atMs, since }, keepMs))
    if (proven?.isHeld === true) throw held()
    if (proven?.isGoodForL2 === false) throw unreachable()
    return proven && mergeCarried(carried, proven)
  }

  #report({ entry, bytes }: Draft): void {
    const { core } = this.parts
    const { scope, userKey, localKey } = this.job
    const isInL1 = entry !== undefined && core.l1?.peek(localKey) === entry
    const tiers = storedIn(isInL1, bytes !== undefined)
    if (tiers !== undefined) core.recorder.stored(scope, userKey, tiers)
  }
}
