// The tokens that this process knows, and how long it may trust L1: the epoch, the trust, the era.
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

/** A known token. A provisional one was made up in this process because the store could not be asked. */
interface Known {
  readonly token: Token
  /** As of when it was the store's token; `undefined` for a provisional one. */
  readonly asOfMs: AtMs | undefined
  /** The era in which it was learned. Trust in the bus keeps it valid only within that era. */
  readonly era: number
  /** When this process learned of its last soft expiry. */
  expiredAtMs: AtMs | undefined
}

/** Passed from `beginRead` to `learn`, so that an invalidation during the read is noticed. */
export type TokenTicket = number

export interface TokenTableOptions {
  readonly maxLabels: number
  readonly maxStalenessMs: Milliseconds
  /** `false` without an L2: there is no shared state that could change unnoticed, so L1 is always trusted. */
  readonly isShared: boolean
}

/**
 * The bounded table of current tokens.
 *
 * Invariants:
 * - `epoch` moves whenever a token of the table changes or is invalidated, and whenever announcements may have been missed. So an L1
 *   entry whose labels were found current at the current epoch is still current, and one integer comparison shows it.
 * - Before `trustedUntilMs` every announcement made earlier than `#heardAtMs` has been applied here.
 * - A token that left the table (invalidated or pushed out by the bound) is *unknown*, and unknown means "ask the store",
 *   never "still current".
 */
export class TokenTable {
  /** Compared with `Entry.epoch` on every L1 hit. */
  epoch = 1
  /** Until when the epoch alone proves that an L1 entry is current. */
  trustedUntilMs: AtMs
  readonly maxStalenessMs: Milliseconds
  /** For how long what was verified is good without the bus: `maxStalenessMs`, and nothing once the cache closes. */
  #goodForMs: Milliseconds
  /** Called when L2 says that some label is held until then. */
  onHeld: ((untilMs: AtMs) => void) | undefined
  #heardAtMs: AtMs = Number.NEGATIVE_INFINITY
  /** Entries verified at an earlier epoch may have missed an announcement of their key: only the store can tell. */
  #eraEpoch = 1
  #era = 1
  /** Reads with an earlier ticket were in flight when announcements were missed. */
  #lostAt: TokenTicket = 0
  #tickets = 0
  #readsInFlight = 0
  readonly #forgotten = new Map<Label, TokenTicket>()
  readonly #known: LRUCache<Label, Known>
  readonly isShared: boolean

  constructor(options: TokenTableOptions) {
    // Bounded by size, not `max`: for `max` lru-cache allocates 28 B per possible label at once.
    this.#known = new LRUCache(lruOptions({ maxSize: options.maxLabels, sizeCalculation: () => 1 }))
    this.isShared = options.isShared
    this.maxStalenessMs = options.maxStalenessMs
    this.#goodForMs = options.maxStalenessMs
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

  /** Ends all trust in L1 for good. */
  distrust(): void {
    this.trustedUntilMs = Number.NEGATIVE_INFINITY
    this.#goodForMs = 0
  }

  /** The bus proved that everything announced before `sentAtMs` is applied. */
  heard(sentAtMs: AtMs): void {
    if (sentAtMs <= this.#heardAtMs) return
    // Announcements from before the bus listened never arrive.
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
   * The token to judge an entry of L2 by, if the store need not be asked: it was learned in this era, and the bus is trusted or the
   * store confirmed it less than `maxStalenessMs` ago. A token of an earlier era does not count, however young: an entry that it proves
   * current would count as verified in this era.
   */
  current(label: Label, nowMs: AtMs): Known | undefined {
    const known = this.#known.get(label, READ_OPTIONS)
    if (known === undefined) return undefined
    if (!this.isShared) return known
    if (known.asOfMs === undefined || known.era !== this.#era) return undefined
    return this.isTrusted(nowMs) || nowMs < known.asOfMs + this.maxStalenessMs ? known : undefined
  }

  /** As of when `known` is certain: the bus carries an older confirmation forward, but only to the time at which it was last heard. */
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

  /** Call this before the store is asked for tokens; `endRead` must follow. */
  beginRead(): TokenTicket {
    this.#readsInFlight++
    return this.#tickets
  }

  endRead(): void {
    this.#readsInFlight--
    if (this.#readsInFlight === 0) this.#forgotten.clear()
  }

  /**
   * Takes a token that the store returned for a read with `ticket`, sent at `sentAtMs`. Returns whether it was taken: not if the label
   * was invalidated while the reply was on its way, since it may be the old token.
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
   * The label was soft-expired: its entries may still be served if loading fails. Only the store knows the new soft half, so a random
   * one stands in: the half in a late announcement may be that of an earlier expiry, and entries that carry it must not become current.
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
   * When an entry that `compare` found expired did expire, as far as this process knows; now, if it does not know. It remembers that
   * instant, so that the entry's remaining time does not start again with each read.
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
   * The quick half of "may this L1 entry be served?", with what `verify` noted. In an entry, this epoch means: nothing has changed or was
   * missed since it was verified, so the bus proves it. This epoch with a minus sign means: its labels are current, but announcements of
   * its key may have been missed. Such an entry, and every entry while the bus is not heard, is good for the bound of G3 only.
   */
  isProven(entry: Entry, nowMs: AtMs): boolean {
    const { epoch } = this
    if (entry.epoch === epoch) return nowMs < this.trustedUntilMs || nowMs < entry.verifiedAtMs + this.#goodForMs
    return entry.epoch === -epoch && nowMs < entry.verifiedAtMs + this.#goodForMs
  }

  /** The slow half, which compares labels if need be. It notes a verified entry, so that the next hit takes the quick half. */
  verify(entry: Entry, nowMs: AtMs): Currency {
    const isOfThisEra = entry.epoch >= this.#eraEpoch
    const missedNothing = isOfThisEra && this.isTrusted(nowMs)
    // The bus is not heard, or announcements were missed: serve what was verified within the bound of G3, and no longer.
    if (!missedNothing && nowMs >= entry.verifiedAtMs + this.#goodForMs) return 'invalidated'
    if (entry.epoch === this.epoch || entry.epoch === -this.epoch) return 'current'
    const currency = this.compare(entry.labels)
    if (currency === 'current') entry.epoch = isOfThisEra ? this.epoch : -this.epoch
    return currency
  }
}
