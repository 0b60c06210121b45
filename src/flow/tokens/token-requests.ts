// Asks L2 for tokens: the labels of one tick in one request. The table learns what L2 returns.
import type { AtMs } from '../../model/entry.js'
import { type Label, newToken } from '../../model/labels.js'
import type { Bytes, Clock, EnsuredTokens, Milliseconds, Token } from '../../model/ports.js'
import { atEndOfTick } from '../../model/time/tick.js'
import { UNAVAILABLE, type Unavailable } from '../../tiers/operation.js'
import type { RemoteTier } from '../../tiers/remote-tier.js'
import type { TokenTable } from './token-table.js'

/** Labels whose invalidation is not published yet: the store's token for them is the old one. */
export interface PendingLabels {
  hasLabel(label: Label): boolean
}

/** Tokens by label, `undefined` for one that is held; without a map L2 could not be asked. */
type Tokens = ReadonlyMap<Label, Token | undefined> | undefined

/** What `ensureNow` returns. */
export interface Ensured {
  /** In the order of the labels; `undefined` for one that is held. */
  readonly tokens: readonly (Token | undefined)[]
  /** The announcements after `since`; `undefined` if the store cannot list them. */
  readonly log: readonly Bytes[] | undefined
  /** How long ago the last hold of any label ended; see `EnsuredTokens`. */
  readonly holdEndedAgoMs?: Milliseconds | undefined
  /** Whether the table took every token: none is held, and none was invalidated while it was read. */
  readonly areLearnt: boolean
}

interface Batch {
  readonly labels: Set<Label>
  keepMs: Milliseconds
  readonly result: Promise<Tokens>
}

/**
 * A token must outlive every entry that carries it, but not by much: even for an entry that lives one second, each tag is a key in Redis.
 * So a token's life follows the longest one requested. It is requested half as long again, so that entries of equal life do not renew it
 * each time.
 */
const LIFE_FACTOR = 1.5
const MIN_LIFE_MS = 5 * 60 * 1_000
const MAX_LIFE_MS = 2 * 365 * 24 * 3_600_000

/** The longest life of an entry that its tokens can outlive. */
export const LONGEST_LIFE_MS: Milliseconds = MAX_LIFE_MS / LIFE_FACTOR

export class TokenRequests {
  #reads: Batch | undefined
  #ensures: Batch | undefined
  /** Until when the store keeps each token, as last requested here. If the token was replaced, this may be too late: that is a miss. */
  readonly #keptUntilMs = new Map<Label, AtMs>()

  constructor(
    private readonly table: TokenTable,
    private readonly l2: RemoteTier | undefined,
    private readonly clock: Clock,
    private readonly pending: PendingLabels,
    private readonly maxLabels: number,
  ) {}

  /** Until when the store keeps the token of a label; 0 if that is not known. */
  keptUntilMs(label: Label): AtMs {
    return this.#keptUntilMs.get(label) ?? 0
  }

  /** The tokens that the store has. */
  read(labels: readonly Label[]): Promise<Tokens> {
    this.#reads ??= batchOf((batch) => {
      this.#reads = undefined
      return this.#learning([...batch.labels], (l2, all) => l2.readTokens(all), undefined)
    })
    for (const label of labels) this.#reads.labels.add(label)
    return this.#reads.result
  }

  /** The same, but the store plants missing tokens, and keeps all of them long enough for entries that live for `keepMs`. */
  ensure(labels: readonly Label[], keepMs: Milliseconds): Promise<Tokens> {
    this.#ensures ??= batchOf((batch) => {
      this.#ensures = undefined
      return this.#ensureAll([...batch.labels], batch.keepMs)
    })
    for (const label of labels) this.#ensures.labels.add(label)
    this.#ensures.keepMs = Math.max(this.#ensures.keepMs, keepMs)
    return this.#ensures.result
  }

  /** The same in a request of its own, with what was announced after the bus's position `since`. */
  async ensureNow(
    labels: readonly Label[],
    keepMs: Milliseconds,
    since: string | undefined,
  ): Promise<Ensured | Unavailable> {
    if (this.l2 === undefined) return UNAVAILABLE
    const sentAtMs = this.clock.nowMs()
    const lifeMs = tokenLifeOf(keepMs)
    const ticket = this.table.beginRead()
    const ensured = await this.l2.ensureTokens(labels, labels.map(newToken), lifeMs, since)
    let areLearnt = true
    if (ensured !== UNAVAILABLE) {
      this.#noteHolds(ensured)
      labels.forEach((label, i) => {
        const token = ensured.tokens[i]
        if (token === undefined || this.pending.hasLabel(label)) areLearnt = false
        else if (!this.table.learn(label, token, sentAtMs, ticket)) areLearnt = false
        else this.#noteKept(label, sentAtMs + lifeMs)
      })
    }
    this.table.endRead()
    return ensured === UNAVAILABLE ? UNAVAILABLE : { ...ensured, areLearnt }
  }

  #ensureAll(labels: readonly Label[], keepMs: Milliseconds): Promise<Tokens> {
    const lifeMs = tokenLifeOf(keepMs)
    const ask = async (l2: RemoteTier) => {
      const ensured = await l2.ensureTokens(labels, labels.map(newToken), lifeMs, undefined)
      if (ensured === UNAVAILABLE) return UNAVAILABLE
      this.#noteHolds(ensured)
      return ensured.tokens
    }
    return this.#learning(labels, ask, lifeMs)
  }

  async #learning(
    labels: readonly Label[],
    ask: (l2: RemoteTier, labels: readonly Label[]) => Promise<readonly (Token | undefined)[] | Unavailable>,
    lifeMs: Milliseconds | undefined,
  ): Promise<Tokens> {
    if (this.l2 === undefined) return undefined
    const received = new Map<Label, Token | undefined>()
    const mustPlant = lifeMs !== undefined
    const sentAtMs = this.clock.nowMs()
    const ticket = this.table.beginRead()
    const tokens = await ask(this.l2, labels)
    if (tokens !== UNAVAILABLE) {
      for (let i = 0; i < labels.length; i++) {
        const label = labels[i] as Label
        const token = tokens[i]
        // A label that gets no token is held. A known one is outdated, whatever this process has heard.
        if (token === undefined && mustPlant) this.#noteHeld(label, received)
        if (token === undefined || this.pending.hasLabel(label)) continue
        // After an invalidation in between, this may be the old token: a read counts it as missing.
        const isTaken = this.table.learn(label, token, sentAtMs, ticket)
        if (isTaken || mustPlant) received.set(label, token)
        if (isTaken && lifeMs !== undefined) this.#noteKept(label, sentAtMs + lifeMs)
      }
    }
    this.table.endRead()
    return tokens === UNAVAILABLE ? undefined : received
  }

  #noteHolds({ holdEndedAgoMs }: EnsuredTokens): void {
    if (holdEndedAgoMs !== undefined && holdEndedAgoMs < 0) this.table.onHeld?.(this.clock.nowMs() - holdEndedAgoMs)
  }

  #noteHeld(label: Label, received: Map<Label, Token | undefined>): void {
    received.set(label, undefined)
    if (this.table.token(label) !== undefined) this.table.forget(label)
  }

  #noteKept(label: Label, untilMs: AtMs): void {
    if (this.#keptUntilMs.size >= this.maxLabels) this.#keptUntilMs.clear()
    this.#keptUntilMs.set(label, untilMs)
  }
}

/** A batch that is sent at the end of this tick. */
function batchOf(send: (batch: Batch) => Promise<Tokens>): Batch {
  const batch: Batch = {
    labels: new Set(),
    keepMs: 0,
    result: new Promise((resolve, reject) => {
      atEndOfTick(() => void send(batch).then(resolve, reject))
    }),
  }
  return batch
}

/** How long the store is asked to keep the tokens of an entry that may live for `keepMs`. It may keep them up to a third longer. */
export function tokenLifeOf(keepMs: Milliseconds): Milliseconds {
  return Math.min(MAX_LIFE_MS, Math.max(MIN_LIFE_MS, keepMs * LIFE_FACTOR))
}
