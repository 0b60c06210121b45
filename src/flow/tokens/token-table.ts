// What this process knows of label tokens, and for how long it may trust L1: the epoch, the trust, the era.
import { LRUCache } from 'lru-cache'
import type { AtMs, Entry } from '../../model/entry.js'
import {
  type Currency,
  compareTokens,
  type Label,
  type LabelSet,
  newSoftHalf,
  newToken,
  withSoftHalf,
} from '../../model/labels.js'
import { lruOptions, READ_OPTIONS, WRITE_OPTIONS } from '../../model/options/lru-options.js'
import type { Milliseconds, Token } from '../../model/ports.js'

/** How a token came to be known. A provisional one was made up here because the store could not be asked. */
interface Known {
  readonly token: Token
  /** As of when it was the store's token; `undefined` for a provisional one. */
  readonly asOfMs: AtMs | undefined
  /** The era in which it was learned: trust in the bus carries it on only within that era. */
  readonly era: number
  /** When its last soft expiry was heard of here. */
  expiredAtMs: AtMs | undefined
}

/** What a read of tokens must hand back with its answer, so that an invalidation that passed it on the way is noticed. */
export type TokenTicket = number

export interface TokenTableOptions {
  readonly maxLabels: number
  readonly maxStalenessMs: Milliseconds
  /** `false`: this process is alone with its L1, so nothing can change behind its back. */
  readonly isShared: boolean
}

/**
 * The bounded table of current tokens.
 *
 * Invariants:
 * - `epoch` moves whenever a token of the table changes or goes, and whenever announcements may have been missed. So an L1 entry
 *   whose labels were found current at the present epoch is still current: one integer comparison.
 * - Before `trustedUntilMs` every announcement made earlier than `heardAtMs` has been applied here.
 * - A token that left the table (invalidated or pushed out by the bound) is *unknown*, and unknown means "ask the store",
 *   never "still current".
 */
export class TokenTable {
  /** Compared with `Entry.epoch` on every L1 hit. */
  epoch = 1
  /** Until when L1 needs no other proof than the epoch. */
  trustedUntilMs: AtMs
  readonly maxStalenessMs: Milliseconds
  #heardAtMs: AtMs = Number.NEGATIVE_INFINITY
  /** Entries verified at an earlier epoch may have missed an announcement of their key: only the store can tell. */
  #eraEpoch = 1
  #era = 1
  /** Reads begun with an earlier ticket were on their way when announcements were missed. */
  #lostAt: TokenTicket = 0
  #tickets = 0
  #readsInFlight = 0
  readonly #forgotten = new Map<Label, TokenTicket>()
  readonly #known: LRUCache<Label, Known>
  readonly isShared: boolean

  constructor(options: TokenTableOptions) {
    // By size, not `max`: lru-cache makes room for `max` at once, 28 B for each label that may never come.
    this.#known = new LRUCache(lruOptions({ maxSize: options.maxLabels, sizeCalculation: () => 1 }))
    this.isShared = options.isShared
    this.maxStalenessMs = options.maxStalenessMs
    this.trustedUntilMs = options.isShared ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY
  }

  get size(): number {
    return this.#known.size
  }

  /** The epoch since which no announcement was missed. */
  get eraEpoch(): number {
    return this.#eraEpoch
  }

  isTrusted(nowMs: AtMs): boolean {
    return nowMs < this.trustedUntilMs
  }

  /** The bus proved that everything announced before `sentAtMs` is applied. */
  heard(sentAtMs: AtMs): void {
    if (sentAtMs <= this.#heardAtMs) return
    // What was announced before the bus listened never arrives.
    if (this.#heardAtMs === Number.NEGATIVE_INFINITY) this.lost()
    this.#heardAtMs = sentAtMs
    this.trustedUntilMs = sentAtMs + this.maxStalenessMs
  }

  /** Announcements may have been missed: everything verified so far must be verified against the store. */
  lost(): void {
    this.#era++
    this.epoch++
    this.#eraEpoch = this.epoch
    this.#lostAt = ++this.#tickets
  }

  /**
   * The token to judge an entry of L2 by, if it may be used without asking the store: learned in this era, and the bus is heard or
   * the store itself confirmed it at most `maxStalenessMs` ago. Not one of an earlier era, however young: an entry that it found
   * current would count as verified in this one.
   */
  current(label: Label, nowMs: AtMs): Known | undefined {
    const known = this.#known.get(label, READ_OPTIONS)
    if (known === undefined) return undefined
    if (!this.isShared) return known
    if (known.asOfMs === undefined || known.era !== this.#era) return undefined
    return this.isTrusted(nowMs) || nowMs < known.asOfMs + this.maxStalenessMs ? known : undefined
  }

  /** As of when `known` is certain: trust in the bus carries an older confirmation forward, but only to what was heard. */
  asOf(known: Known, nowMs: AtMs): AtMs {
    if (!this.isShared) return nowMs
    if (known.asOfMs === undefined) return Number.NEGATIVE_INFINITY
    return known.era === this.#era ? Math.max(known.asOfMs, this.#heardAtMs) : known.asOfMs
  }

  /** The last known token, however old; provisional ones included. */
  token(label: Label): Token | undefined {
    return this.#known.get(label, READ_OPTIONS)?.token
  }

  /** The token that entries of this process carry while the store cannot be asked; never good for L2. */
  provisional(label: Label): Token {
    const known = this.#known.get(label, READ_OPTIONS)
    if (known !== undefined) return known.token
    const token = newToken()
    this.#known.set(label, { token, asOfMs: undefined, era: this.#era, expiredAtMs: undefined }, WRITE_OPTIONS)
    return token
  }

  /** Call before tokens are asked of the store; `endRead` must follow. */
  beginRead(): TokenTicket {
    this.#readsInFlight++
    return this.#tickets
  }

  endRead(): void {
    this.#readsInFlight--
    if (this.#readsInFlight === 0) this.#forgotten.clear()
  }

  /**
   * Takes a token that the store answered to a read begun with `ticket` at `sentAtMs`.
   * Answers whether it was taken: not if the label was invalidated while the answer was on its way, since it may be the old token.
   */
  learn(label: Label, token: Token, sentAtMs: AtMs, ticket: TokenTicket): boolean {
    const forgottenAt = this.#forgotten.get(label)
    if (forgottenAt !== undefined && forgottenAt > ticket) return false
    const known = this.#known.peek(label, READ_OPTIONS)
    if (known !== undefined && known.token !== token) this.epoch++
    const era = ticket < this.#lostAt ? this.#era - 1 : this.#era
    const isSame = known !== undefined && compareTokens(known.token, token) !== 'invalidated'
    this.#known.set(
      label,
      { token, asOfMs: sentAtMs, era, expiredAtMs: isSame ? known.expiredAtMs : undefined },
      WRITE_OPTIONS,
    )
    return true
  }

  /** The label was invalidated: its token is unknown until the store is asked. */
  forget(label: Label): void {
    this.#noteForgotten(label)
    this.#known.delete(label)
    this.epoch++
  }

  /**
   * The label was softly expired: its entries may still be served if loading fails. What its soft half is now only the store can say:
   * an announcement that comes late may be of the last expiry but one, and entries that carry that half are not current again.
   */
  expire(label: Label, nowMs: AtMs): void {
    this.#noteForgotten(label)
    const known = this.#known.peek(label, READ_OPTIONS)
    if (known !== undefined) {
      const token = withSoftHalf(known.token, newSoftHalf())
      this.#known.set(label, { token, asOfMs: undefined, era: this.#era, expiredAtMs: nowMs }, WRITE_OPTIONS)
    }
    this.epoch++
  }

  #noteForgotten(label: Label): void {
    this.#tickets++
    if (this.#readsInFlight > 0) this.#forgotten.set(label, this.#tickets)
  }

  /** Compares what an entry carries with the last known tokens, however old. Unknown counts as invalidated. */
  compare(set: LabelSet): Currency {
    let worst: Currency = 'current'
    for (let i = 0; i < set.labels.length; i++) {
      const carried = set.tokens[i] as Token
      const known = this.#known.get(set.labels[i] as Label, READ_OPTIONS)?.token
      if (carried === known) continue
      if (compareTokens(carried, known) === 'invalidated') return 'invalidated'
      worst = 'expired'
    }
    return worst
  }

  /**
   * When an entry that `compare` found expired was: as far as this process knows, at the latest now. What it finds out late it
   * remembers, so that the entry's remaining time does not begin anew with each read.
   */
  expiredAtMs(set: LabelSet, nowMs: AtMs): AtMs {
    let firstMs = nowMs
    for (let i = 0; i < set.labels.length; i++) {
      const known = this.#known.get(set.labels[i] as Label, READ_OPTIONS)
      if (known === undefined || compareTokens(set.tokens[i] as Token, known.token) !== 'expired') continue
      known.expiredAtMs ??= nowMs
      firstMs = Math.min(firstMs, known.expiredAtMs)
    }
    return firstMs
  }

  /**
   * The slow half of "may this L1 entry be served?", after its epoch or the trust was found wanting.
   * Marks the entry as verified when it is, so that the next hit costs one comparison again.
   */
  verify(entry: Entry, nowMs: AtMs): Currency {
    const missedNothing = entry.epoch >= this.#eraEpoch && this.isTrusted(nowMs)
    // Not heard, or announcements missed: what was certain at `verifiedAtMs` may be served for the bound that G3 gives, no longer.
    if (!missedNothing && nowMs >= entry.verifiedAtMs + this.maxStalenessMs) return 'invalidated'
    if (entry.epoch === this.epoch) return 'current'
    const currency = this.compare(entry.labels)
    if (currency === 'current' && missedNothing) entry.epoch = this.epoch
    return currency
  }
}
