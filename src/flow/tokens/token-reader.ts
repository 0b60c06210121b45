// Gets the tokens of labels: those that a load is to carry, and those that an entry of L2 is judged by. Asks the store once per tick.
import type { AtMs } from '../../model/entry.js'
import { type Currency, compareTokens, type Label, type LabelSet, NO_LABELS, newToken } from '../../model/labels.js'
import type { Clock, Milliseconds, Token } from '../../model/ports.js'
import { atEndOfTick } from '../../model/time/tick.js'
import { type RemoteTier, UNAVAILABLE } from '../../tiers/remote-tier.js'
import type { TimeBudget } from '../runtime/time-budget.js'
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

/** Labels whose invalidation still waits to be told: the store's token for them is the old one. */
export interface PendingLabels {
  hasLabel(label: Label): boolean
}

/** What can prove that labels were not invalidated since a load began. */
export interface LateProof {
  /** Tokens that were L2's before the load began. */
  readonly before: ReadonlyMap<Label, Token>
  /** The bus's position before the load began. */
  readonly since: string | undefined
  wasInvalidated(announcement: Uint8Array): boolean
}

interface Batch<T> {
  readonly labels: Set<Label>
  keepMs: Milliseconds
  readonly answer: Promise<T>
}

/**
 * A token must outlive every entry that carries it, and there is no use in its outliving them by much: each tag of an entry of one
 * second is a key of its own. So its life follows the longest life asked for. It is asked for half as long again, so that entries of
 * one life do not renew it each time, and the store may keep it a third longer still. See {@link tokenLifeOf}.
 */
const LIFE_FACTOR = 1.5
const MIN_LIFE_MS = 5 * 60 * 1_000
/** An entry is stored after its load, and lives from then on: so much longer than the entry does its token live when the load begins. */
const LOAD_MARGIN_MS = 60_000
/** A server that is short of memory may have evicted a token, or never have planted it: what is in use is confirmed this often. */
const CONFIRM_EVERY_MS = 10_000
const MAX_LIFE_MS = 2 * 365 * 24 * 3_600_000

export class TokenReader {
  #reads: Batch<ReadonlyMap<Label, Token> | undefined> | undefined
  #ensures: Batch<ReadonlyMap<Label, Token> | undefined> | undefined
  /** Until when the store keeps each token, as last asked for here. If another token replaced it: too late at most, which is a miss. */
  readonly #keptUntilMs = new Map<Label, AtMs>()
  /** Labels whose old tokens L2 is being asked for behind the callers' backs. */
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
  ) {}

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
    const asking = this.#ensure(missing, keepMs)
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
    const neededUntilMs = this.clock.nowMs() + Math.min(keepMs, MAX_LIFE_MS / LIFE_FACTOR)
    const short = labels.filter((label) => (this.#keptUntilMs.get(label) ?? 0) < neededUntilMs)
    if (short.length > 0) this.background('renew tokens', () => this.#ensure(short, keepMs))
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
      await this.#ensure(old, keepMs)
      for (const label of old) this.#confirming.delete(label)
    })
  }

  /** There is no use in asking for the token of a label whose invalidation still waits: it is the old one. */
  #isKnown(label: Label, nowMs: AtMs, keepMs: Milliseconds): boolean {
    if (this.pending.hasLabel(label)) return true
    if (this.table.current(label, nowMs) === undefined) return false
    if (this.l2 === undefined) return true
    const neededMs = Math.min(keepMs + LOAD_MARGIN_MS, MAX_LIFE_MS / LIFE_FACTOR)
    return (this.#keptUntilMs.get(label) ?? 0) >= nowMs + neededMs
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
    const answer = budget.await(this.#read(missing))
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

  /** Asks the store for existing tokens; labels asked for in the same tick travel together. */
  #read(labels: readonly Label[]): Promise<ReadonlyMap<Label, Token> | undefined> {
    this.#reads ??= this.#batch((batch) => {
      this.#reads = undefined
      return this.#sendRead([...batch.labels])
    })
    for (const label of labels) this.#reads.labels.add(label)
    return this.#reads.answer
  }

  async #sendRead(labels: readonly Label[]): Promise<ReadonlyMap<Label, Token> | undefined> {
    return this.#learning(labels, async (l2) => await l2.readTokens(labels), undefined)
  }

  /** Asks the store for tokens and plants those that it does not have. */
  #ensure(labels: readonly Label[], keepMs: Milliseconds): Promise<ReadonlyMap<Label, Token> | undefined> {
    this.#ensures ??= this.#batch((batch) => {
      this.#ensures = undefined
      return this.#sendEnsure([...batch.labels], batch.keepMs)
    })
    for (const label of labels) this.#ensures.labels.add(label)
    this.#ensures.keepMs = Math.max(this.#ensures.keepMs, keepMs)
    return this.#ensures.answer
  }

  async #sendEnsure(labels: readonly Label[], keepMs: Milliseconds): Promise<ReadonlyMap<Label, Token> | undefined> {
    const lifeMs = tokenLifeOf(keepMs)
    const ask = async (l2: RemoteTier) => {
      const ensured = await l2.ensureTokens(labels, labels.map(newToken), lifeMs, undefined)
      return ensured === UNAVAILABLE ? UNAVAILABLE : ensured.tokens
    }
    return this.#learning(labels, ask, lifeMs)
  }

  async #learning(
    labels: readonly Label[],
    ask: (l2: RemoteTier) => Promise<readonly (Token | undefined)[] | typeof UNAVAILABLE>,
    lifeMs: Milliseconds | undefined,
  ): Promise<ReadonlyMap<Label, Token> | undefined> {
    if (this.l2 === undefined) return undefined
    const answered = new Map<Label, Token>()
    const sentAtMs = this.clock.nowMs()
    const ticket = this.table.beginRead()
    const tokens = await ask(this.l2)
    if (tokens !== UNAVAILABLE) {
      for (let i = 0; i < labels.length; i++) {
        const label = labels[i] as Label
        const token = tokens[i]
        if (token === undefined || this.pending.hasLabel(label)) continue
        // A token that was overtaken by an invalidation is judged as missing: it may be the old one.
        const isTaken = this.table.learn(label, token, sentAtMs, ticket)
        if (isTaken || lifeMs !== undefined) answered.set(label, token)
        if (isTaken && lifeMs !== undefined) this.#noteKept(label, sentAtMs + lifeMs)
      }
    }
    this.table.endRead()
    return tokens === UNAVAILABLE ? undefined : answered
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
    const sentAtMs = this.clock.nowMs()
    const lifeMs = tokenLifeOf(keepMs)
    const ticket = this.table.beginRead()
    const ensured = await this.l2.ensureTokens(labels, labels.map(newToken), lifeMs, since)
    let isProven = false
    if (ensured !== UNAVAILABLE) {
      // Tokens are random: one that is there again was never away.
      const areSame = labels.every((label, i) => ensured.tokens[i] === before.get(label))
      isProven = areSame || (ensured.log !== undefined && !ensured.log.some(wasInvalidated))
      labels.forEach((label, i) => {
        if (this.pending.hasLabel(label)) isProven = false
        else if (!this.table.learn(label, ensured.tokens[i] as Token, sentAtMs, ticket)) isProven = false
        else this.#noteKept(label, sentAtMs + lifeMs)
      })
    }
    this.table.endRead()
    if (ensured === UNAVAILABLE) return { ...this.carryKnown(labels), isGoodForL2: false }
    return isProven ? this.carryKnown(labels) : undefined
  }

  #batch<T>(send: (batch: Batch<T>) => Promise<T>): Batch<T> {
    const batch: Batch<T> = {
      labels: new Set(),
      keepMs: 0,
      answer: new Promise((resolve, reject) => {
        atEndOfTick(() => void send(batch).then(resolve, reject))
      }),
    }
    return batch
  }

  #noteKept(label: Label, untilMs: AtMs): void {
    if (this.#keptUntilMs.size >= this.maxLabels) this.#keptUntilMs.clear()
    this.#keptUntilMs.set(label, untilMs)
  }
}

/** What the store is asked to keep the token of an entry for that may live for `keepMs`. */
export function tokenLifeOf(keepMs: Milliseconds): Milliseconds {
  return Math.min(MAX_LIFE_MS, Math.max(MIN_LIFE_MS, keepMs * LIFE_FACTOR))
}

function isSame(these: readonly string[], those: readonly string[]): boolean {
  if (these.length !== those.length) return false
  for (let i = 0; i < these.length; i++) if (these[i] !== those[i]) return false
  return true
}
