// The tokens of labels: those that an entry carries, read before its load, and those that an entry of L2 is judged by.
import type { AtMs } from '../../model/entry.js'
import { type Currency, compareTokens, type Label, type LabelSet, NO_LABELS } from '../../model/labels.js'
import type { Clock, Milliseconds, Token } from '../../model/ports.js'
import { type RemoteTier, UNAVAILABLE } from '../../tiers/remote-tier.js'
import type { TimeBudget } from '../runtime/time-budget.js'
import { LONGEST_LIFE_MS, type PendingLabels, TokenRequests } from './token-requests.js'
import type { TokenTable } from './token-table.js'

/** Labels with the tokens that an entry is to carry. */
export interface CarriedLabels {
  readonly set: LabelSet
  /** As of when all tokens were certain. */
  readonly asOfMs: AtMs
  /** Whether every token is the store's own: only then may an entry that carries them go to L2. */
  readonly isGoodForL2: boolean
}

/** What L2's tokens say of an entry, and as of when that is certain. */
export interface Judgement {
  readonly currency: Currency
  readonly asOfMs: AtMs
}

/** What can prove that labels were not invalidated since a load began. */
export interface LateProof {
  /** Tokens that were L2's before the load began. */
  readonly before: ReadonlyMap<Label, Token>
  /** The bus's position before the load began. */
  readonly since: string | undefined
  wasInvalidated(announcement: Uint8Array): boolean
}

/** An entry is stored after its load, and lives from then on: so much longer than the entry its token lives when the load begins. */
const LOAD_MARGIN_MS = 60_000
/** A server that is short of memory may have evicted a token, or may never have planted it: tokens in use are confirmed this often. */
const CONFIRM_EVERY_MS = 10_000

export class TokenReader {
  readonly #requests: TokenRequests
  /** Labels whose old tokens are being confirmed in the background. */
  readonly #confirming = new Set<Label>()
  /** The latest set that ends with each label. */
  readonly #sets = new Map<Label, LabelSet>()

  constructor(
    private readonly table: TokenTable,
    private readonly l2: RemoteTier | undefined,
    private readonly clock: Clock,
    private readonly pending: PendingLabels,
    private readonly maxLabels: number,
    private readonly background: (what: string, work: () => Promise<unknown>) => void,
  ) {
    this.#requests = new TokenRequests(table, l2, clock, pending, maxLabels)
  }

  /**
   * The tokens for an entry that is about to be loaded or written; `keepMs` is how long it may live. Without a promise when all are known.
   * They are read before the load begins, so a later invalidation makes them differ (G1). What does not come within `budget` is provisional.
   */
  carry(labels: readonly Label[], keepMs: Milliseconds, budget?: TimeBudget): CarriedLabels | Promise<CarriedLabels> {
    const nowMs = this.clock.nowMs()
    const missing = labels.filter((label) => !this.#isKnown(label, nowMs, keepMs))
    if (missing.length === 0 || !this.l2?.mayAnswer()) {
      this.#confirmOld(labels, nowMs, keepMs)
      return this.carryKnown(labels)
    }
    const asking = this.#requests.ensure(missing, keepMs)
    const answer = budget === undefined ? asking : budget.await(asking)
    if (missing.length === labels.length) return answer.then((answered) => this.carryKnown(labels, answered))
    // What is known now may be forgotten while the others are asked for (the bus begins to listen): it was L2's all the same.
    const before = this.#knownOf(labels, nowMs)
    return answer.then((answered) => {
      const carried = this.carryKnown(labels, answered && new Map([...before.tokens, ...answered]))
      return carried.asOfMs <= before.asOfMs ? carried : { ...carried, asOfMs: before.asOfMs }
    })
  }

  /** The tokens of those labels that are known, and since when that is certain. */
  #knownOf(labels: readonly Label[], nowMs: AtMs): { tokens: ReadonlyMap<Label, Token>; asOfMs: AtMs } {
    const tokens = new Map<Label, Token>()
    let asOfMs: AtMs = nowMs
    for (const label of labels) {
      const known = this.table.current(label, nowMs)
      if (known === undefined) continue
      tokens.set(label, known.token)
      asOfMs = Math.min(asOfMs, this.table.asOf(known, nowMs))
    }
    return { tokens, asOfMs }
  }

  /** The same without asking L2; `undefined` if it has to be asked. */
  carryNow(labels: readonly Label[], keepMs: Milliseconds): CarriedLabels | undefined {
    const nowMs = this.clock.nowMs()
    const areKnown = this.l2 === undefined || labels.every((label) => this.#isKnown(label, nowMs, keepMs))
    return areKnown ? this.carryKnown(labels) : undefined
  }

  /**
   * An entry with these labels is about to be stored for `keepMs`. That is longer than the tokens were asked for where its loader
   * chose a longer ttl, or took long: then they are renewed behind the caller's back.
   */
  prolong(labels: readonly Label[], keepMs: Milliseconds): void {
    if (this.l2?.isAvailable() !== true) return
    const neededUntilMs = this.clock.nowMs() + Math.min(keepMs, LONGEST_LIFE_MS)
    const short = labels.filter((label) => this.#requests.keptUntilMs(label) < neededUntilMs)
    if (short.length > 0) this.background('renew tokens', () => this.#requests.ensure(short, keepMs))
  }

  /** Else this process would go on for ever to seal entries with a token that the others find missing. */
  #confirmOld(labels: readonly Label[], nowMs: AtMs, keepMs: Milliseconds): void {
    if (this.l2?.isAvailable() !== true) return
    const isOld = (label: Label) => {
      const asOfMs = this.table.current(label, nowMs)?.asOfMs
      return asOfMs !== undefined && nowMs >= asOfMs + CONFIRM_EVERY_MS && !this.#confirming.has(label)
    }
    const old = labels.filter(isOld)
    if (old.length === 0) return
    for (const label of old) this.#confirming.add(label)
    this.background('confirm tokens', async () => {
      await this.#requests.ensure(old, keepMs)
      for (const label of old) this.#confirming.delete(label)
    })
  }

  /** There is no use in asking for the token of a label whose invalidation still waits: it is the old one. */
  #isKnown(label: Label, nowMs: AtMs, keepMs: Milliseconds): boolean {
    if (this.pending.hasLabel(label)) return true
    if (this.table.current(label, nowMs) === undefined) return false
    if (this.l2 === undefined) return true
    const neededMs = Math.min(keepMs + LOAD_MARGIN_MS, LONGEST_LIFE_MS)
    return this.#requests.keptUntilMs(label) >= nowMs + neededMs
  }

  /** The same without asking L2: labels whose tokens are not known get provisional ones, which are good for L1 alone. */
  carryKnown(labels: readonly Label[], answered?: ReadonlyMap<Label, Token>): CarriedLabels {
    const nowMs = this.clock.nowMs()
    let asOfMs: AtMs = nowMs
    let isGoodForL2 = this.l2 !== undefined
    const tokens = labels.map((label) => {
      if (this.pending.hasLabel(label)) {
        isGoodForL2 = false
        return this.table.provisional(label)
      }
      const known = this.table.current(label, nowMs)
      if (known !== undefined) {
        asOfMs = Math.min(asOfMs, this.table.asOf(known, nowMs))
        return known.token
      }
      // Answered by the store, yet not taken into the table: it was invalidated on the way, and the entry will never be current.
      const fresh = answered?.get(label)
      if (fresh !== undefined) return fresh
      isGoodForL2 = false
      return this.table.provisional(label)
    })
    return { set: this.#shared(labels, tokens), asOfMs, isGoodForL2 }
  }

  /** One set for all entries that carry the same: it weighs more than the rest of an entry. */
  #shared(labels: readonly Label[], tokens: readonly Token[]): LabelSet {
    const last = labels.at(-1)
    if (last === undefined) return NO_LABELS
    const known = this.#sets.get(last)
    if (known !== undefined && isSame(known.labels, labels) && isSame(known.tokens, tokens)) return known
    const set = { labels, tokens }
    if (this.#sets.size >= this.maxLabels) this.#sets.clear()
    this.#sets.set(last, set)
    return set
  }

  /** What the current tokens say of an entry of L2; `undefined` if L2 did not tell them in time. Without a promise when they are known. */
  judge(set: LabelSet, budget: TimeBudget): Judgement | Promise<Judgement | undefined> {
    const nowMs = this.clock.nowMs()
    let missing: Label[] | undefined
    for (const label of set.labels) {
      if (this.pending.hasLabel(label)) return { currency: 'invalidated', asOfMs: nowMs }
      if (this.table.current(label, nowMs) === undefined) {
        missing ??= []
        missing.push(label)
      }
    }
    if (missing === undefined) return this.#judgeKnown(set, undefined)
    const answer = budget.await(this.#requests.read(missing))
    return answer.then((answered) => (answered === undefined ? undefined : this.#judgeKnown(set, answered)))
  }

  #judgeKnown(set: LabelSet, answered: ReadonlyMap<Label, Token> | undefined): Judgement {
    const nowMs = this.clock.nowMs()
    let asOfMs: AtMs = nowMs
    let currency: Currency = 'current'
    for (let i = 0; i < set.labels.length; i++) {
      const label = set.labels[i] as Label
      if (this.pending.hasLabel(label)) return { currency: 'invalidated', asOfMs }
      const known = this.table.current(label, nowMs)
      if (known !== undefined) asOfMs = Math.min(asOfMs, this.table.asOf(known, nowMs))
      const compared = compareTokens(set.tokens[i] as Token, known?.token ?? answered?.get(label))
      if (compared === 'invalidated') return { currency: 'invalidated', asOfMs }
      if (compared === 'expired') currency = 'expired'
    }
    return { currency, asOfMs }
  }

  /**
   * Tokens of labels that were named only by the loaded value. They serve if they are what they were `before` the load began, or if
   * the log proves that none of them was invalidated since (`since`: the bus's position before the load). `undefined`: that cannot be
   * proved. Without L2's answer they serve L1 alone, where the announcement of such an invalidation will arrive.
   */
  async carryLate(
    labels: readonly Label[],
    keepMs: Milliseconds,
    { before, since, wasInvalidated }: LateProof,
  ): Promise<CarriedLabels | undefined> {
    if (!this.l2?.mayAnswer()) return { ...this.carryKnown(labels), isGoodForL2: false }
    const ensured = await this.#requests.ensureNow(labels, keepMs, since)
    if (ensured === UNAVAILABLE) return { ...this.carryKnown(labels), isGoodForL2: false }
    // Tokens are random: one that is there again was never away.
    const areSame = labels.every((label, i) => ensured.tokens[i] === before.get(label))
    const isProven = areSame || (ensured.log !== undefined && !ensured.log.some(wasInvalidated))
    return isProven && ensured.areLearnt ? this.carryKnown(labels) : undefined
  }
}

function isSame(these: readonly string[], those: readonly string[]): boolean {
  if (these.length !== those.length) return false
  for (let i = 0; i < these.length; i++) if (these[i] !== those[i]) return false
  return true
}
