// Provides the tokens of labels: those that a new entry carries, read before its load, and those that an entry of L2 is judged by.
import type { AtMs } from '../../model/entry.js'
import { type Currency, compareTokens, type Label, type LabelSet, NO_LABELS } from '../../model/labels.js'
import { LONGEST_LEASE_MS } from '../../model/limits.js'
import type { Clock, Milliseconds, Token } from '../../model/ports.js'
import { UNAVAILABLE } from '../../tiers/operation.js'
import type { RemoteTier } from '../../tiers/remote-tier.js'
import type { TimeBudget } from '../runtime/time-budget.js'
import { LONGEST_LIFE_MS, type PendingLabels, TokenRequests } from './token-requests.js'
import type { TokenTable } from './token-table.js'

/** Labels with the tokens that an entry will carry. */
export interface CarriedLabels {
  readonly set: LabelSet
  /** The instant at which all tokens were known to be current. */
  readonly asOfMs: AtMs
  /** Whether every token comes from the store. Only then may an entry with them be stored in L2. */
  readonly isGoodForL2: boolean
  /** Whether L2 holds one of the labels: then no tier may keep a value that carries them. */
  readonly isHeld: boolean
}

/** Whether an entry of L2 is current, and as of when that is certain. */
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
  readonly startedAtMs: AtMs
  wasInvalidated(announcement: Uint8Array): boolean
}

/** The life of an entry begins only after its load. So at the beginning of the load a token must have this much more time left. */
const LOAD_MARGIN_MS = 60_000
/** How often tokens in use are confirmed: a server that is short of memory may have evicted one, or never planted it. */
const CONFIRM_EVERY_MS = 10_000
/** What a process carries for a label that is held. Nothing that carries it is kept. */
const NO_TOKEN: Token = '0'.repeat(32)
/** How much two clocks may differ over one load. */
const CLOCK_ERROR_MS = 1_000

export class TokenReader {
  readonly #requests: TokenRequests
  /** Labels whose old tokens are being confirmed in the background. */
  readonly #confirming = new Set<Label>()
  /** The latest label set that ends with each label. */
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
   * The tokens for an entry that is about to be loaded or written and may live for `keepMs`. They are read before the load begins, so a
   * later invalidation makes them differ (G1). Returns no promise if all are known. A token that does not come within `budget` is
   * provisional.
   */
  carry(labels: readonly Label[], keepMs: Milliseconds, budget?: TimeBudget): CarriedLabels | Promise<CarriedLabels> {
    const nowMs = this.clock.nowMs()
    const missing = labels.filter((label) => !this.#isKnown(label, nowMs, keepMs))
    if (missing.length === 0 || !this.l2?.mayAnswer()) {
      this.#confirmOld(labels, nowMs, keepMs)
      return this.carryKnown(labels)
    }
    const request = this.#requests.ensure(missing, keepMs)
    const reply = budget === undefined ? request : budget.await(request)
    if (missing.length === labels.length) return reply.then((received) => this.carryKnown(labels, received))
    // The table may forget a known token while the others are read (when the bus begins to listen). It was L2's token nevertheless.
    const before = this.#knownOf(labels, nowMs)
    return reply.then((received) => {
      const carried = this.carryKnown(labels, received && new Map([...before.tokens, ...received]))
      return carried.asOfMs <= before.asOfMs ? carried : { ...carried, asOfMs: before.asOfMs }
    })
  }

  /** The known tokens of these labels, and as of when they are certain. */
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

  /** `carry` without asking L2; `undefined` if L2 has to be asked. */
  carryNow(labels: readonly Label[], keepMs: Milliseconds): CarriedLabels | undefined {
    const nowMs = this.clock.nowMs()
    const areKnown = this.l2 === undefined || labels.every((label) => this.#isKnown(label, nowMs, keepMs))
    return areKnown ? this.carryKnown(labels) : undefined
  }

  /**
   * An entry with these labels is about to be stored for `keepMs`. If its loader chose a longer ttl or took long, its tokens may expire
   * before it does: then they are renewed in the background.
   */
  prolong(labels: readonly Label[], keepMs: Milliseconds): void {
    if (this.l2?.isAvailable() !== true) return
    const neededUntilMs = this.clock.nowMs() + Math.min(keepMs, LONGEST_LIFE_MS)
    const short = labels.filter((label) => this.#requests.keptUntilMs(label) < neededUntilMs)
    if (short.length > 0) this.background('renew tokens', () => this.#requests.ensure(short, keepMs))
  }

  /** Without it, this process could keep sealing entries with a token that the other processes find missing. */
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

  /** A label whose invalidation still waits counts as known: L2 would only return its old token. */
  #isKnown(label: Label, nowMs: AtMs, keepMs: Milliseconds): boolean {
    if (this.pending.hasLabel(label)) return true
    if (this.table.current(label, nowMs) === undefined) return false
    if (this.l2 === undefined) return true
    const neededMs = Math.min(keepMs + LOAD_MARGIN_MS, LONGEST_LIFE_MS)
    return this.#requests.keptUntilMs(label) >= nowMs + neededMs
  }

  /** `carry` without asking L2: a label whose token is not known gets a provisional one, which is good for L1 only. */
  carryKnown(labels: readonly Label[], received?: ReadonlyMap<Label, Token | undefined>): CarriedLabels {
    const nowMs = this.clock.nowMs()
    let asOfMs: AtMs = nowMs
    let isGoodForL2 = this.l2 !== undefined
    let isHeld = false
    const tokens = labels.map((label) => {
      if (received?.has(label) === true && received.get(label) === undefined) {
        isHeld = true
        return NO_TOKEN
      }
      if (this.pending.hasLabel(label)) {
        isGoodForL2 = false
        return this.table.provisional(label)
      }
      const known = this.table.current(label, nowMs)
      if (known !== undefined) {
        asOfMs = Math.min(asOfMs, this.table.asOf(known, nowMs))
        return known.token
      }
      // The store returned it, but the table has no current token. Either the label was invalidated meanwhile, and the entry will never
      // be current; or announcements were missed, and the entry will be verified.
      const returned = received?.get(label)
      if (returned !== undefined) return returned
      isGoodForL2 = false
      return this.table.provisional(label)
    })
    return {
      set: isHeld ? { labels, tokens } : this.#shared(labels, tokens),
      asOfMs,
      isGoodForL2: isGoodForL2 && !isHeld,
      isHeld,
    }
  }

  /** One label set for all entries that carry the same: a set takes more memory than the rest of an entry. */
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

  /**
   * Judges an entry of L2 by the tokens that are current at `nowMs`; `undefined` if L2 did not return them in time. Returns no promise if
   * all are known. `waiter` has the time that L2 may cost; it is asked only if L2 is.
   */
  judge(
    set: LabelSet,
    waiter: { readonly budget: TimeBudget },
    nowMs: AtMs,
  ): Judgement | Promise<Judgement | undefined> {
    let missing: Label[] | undefined
    for (const label of set.labels) {
      if (this.pending.hasLabel(label)) return { currency: 'invalidated', asOfMs: nowMs }
      if (this.table.current(label, nowMs) === undefined) {
        missing ??= []
        missing.push(label)
      }
    }
    if (missing === undefined) return this.#judgeKnown(set, undefined, nowMs)
    const reply = waiter.budget.await(this.#requests.read(missing))
    return reply.then((received) => received && this.#judgeKnown(set, received, this.clock.nowMs()))
  }

  #judgeKnown(set: LabelSet, received: ReadonlyMap<Label, Token | undefined> | undefined, nowMs: AtMs): Judgement {
    let asOfMs: AtMs = nowMs
    let currency: Currency = 'current'
    for (let i = 0; i < set.labels.length; i++) {
      const label = set.labels[i] as Label
      if (this.pending.hasLabel(label)) return { currency: 'invalidated', asOfMs }
      const known = this.table.current(label, nowMs)
      if (known !== undefined) asOfMs = Math.min(asOfMs, this.table.asOf(known, nowMs))
      const compared = compareTokens(set.tokens[i] as Token, known?.token ?? received?.get(label))
      if (compared === 'invalidated') return { currency: 'invalidated', asOfMs }
      if (compared === 'expired') currency = 'expired'
    }
    return { currency, asOfMs }
  }

  /**
   * The tokens of labels that became known only after the load. They are valid if they equal those from `before` the load, or if the log
   * proves that none was invalidated since (`since` is the bus's position before the load). `undefined` if neither can be proved. If L2
   * does not answer, they are good for L1 only, where the announcement of such an invalidation will arrive.
   *
   * The log shows what was invalidated during the load, not what was held before it began and until it ended: a process that started
   * meanwhile has not heard of that hold, and the label may have a new token by now. So the log proves nothing if any hold lasted while
   * the load ran. The token of such a label is known from now on, so the next load needs no proof.
   */
  async carryLate(
    labels: readonly Label[],
    keepMs: Milliseconds,
    { before, since, startedAtMs, wasInvalidated }: LateProof,
  ): Promise<CarriedLabels | undefined> {
    if (!this.l2?.mayAnswer()) return { ...this.carryKnown(labels), isGoodForL2: false }
    const ensured = await this.#requests.ensureNow(labels, keepMs, since)
    if (ensured === UNAVAILABLE) return { ...this.carryKnown(labels), isGoodForL2: false }
    // Tokens are random, so an equal token has been there all the time.
    const areSame = labels.every((label, i) => ensured.tokens[i] === before.get(label))
    const ranMs = this.clock.nowMs() - startedAtMs
    const mayBeHeld = heldWithin(ensured.holdEndedAgoMs, ranMs + CLOCK_ERROR_MS)
    const isProven = areSame || (!mayBeHeld && ensured.log !== undefined && !ensured.log.some(wasInvalidated))
    return isProven && ensured.areLearnt ? this.carryKnown(labels) : undefined
  }
}

/** Whether a hold may have lasted within the last `spanMs`; the store remembers those of ten minutes. */
function heldWithin(endedAgoMs: Milliseconds | undefined, spanMs: Milliseconds): boolean {
  return endedAgoMs === undefined ? spanMs >= LONGEST_LEASE_MS : endedAgoMs <= spanMs
}

function isSame(these: readonly string[], those: readonly string[]): boolean {
  if (these.length !== those.length) return false
  for (let i = 0; i < these.length; i++) if (these[i] !== those[i]) return false
  return true
}
