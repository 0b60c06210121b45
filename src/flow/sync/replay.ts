// Publishes what waits in the journal, before L2 is trusted again (G2, G6).

import type { Bytes, Change, Clock } from '../../model/ports.js'
import { backoffMs, type Random } from '../../model/time/freshness.js'
import type { RemoteTier } from '../../tiers/remote-tier.js'
import type { Journal, JournalEntry } from './journal.js'
import { forRetry, type PendingChange } from './pending-change.js'
import type { Publisher } from './publisher.js'

/** What the replay needs of its cache. */
export interface ReplaySurroundings {
  readonly publisher: Publisher
  /** `undefined`: there is no L2, and nothing ever waits. */
  readonly tier: RemoteTier | undefined
  readonly clock: Clock
  /** The clock of the ages of entries, and of holds. */
  readonly ages: Pick<Clock, 'nowMs'>
  readonly random: Random
  /** Whether announcements travel with the store: only then can the bus have caught up. */
  readonly hearsOthers: boolean
  /** Seals a waiting value again, with the current tokens; `undefined` if they are not available. */
  reseal(pending: PendingChange): Promise<Change | undefined>
  /** Another stamp for the same soft expiry of a local key. */
  restamp(localKey: string, stamp: Bytes): Bytes
  /** Resolves with `true` once the bus has delivered everything announced until now, with `false` if it is not heard in time. */
  caughtUp(): Promise<boolean>
  /** A waiting change was published. Its effect is repeated in this process, since what was read in between is outdated. */
  publishedAtLast(pending: PendingChange, isLatest: boolean): void
  replayed(changes: number, overflowed: boolean): void
  background(what: string, work: () => Promise<unknown>): void
}

const FIRST_RETRY_MS = 50
const LONGEST_RETRY_MS = 5_000
const CHUNK = 500

/**
 * Invariant: before L2 is used again after an outage, the waiting removals are published, in the order in which they came. Values follow
 * in theirs, and their keys stay blocked until then.
 */
export class Replay {
  #mustAssertAgain = false
  #isReplaying = false
  #isPublishingValues = false
  #attempt = 0
  #cancelRetry: (() => void) | undefined
  #isEnded = false

  constructor(
    private readonly journal: Journal,
    private readonly around: ReplaySurroundings,
  ) {}

  /** The server is another one now, which may lack what the previous one confirmed recently. */
  serverChanged(): void {
    this.#mustAssertAgain = true
  }

  /** Publishes what waits; `true` if L2 may be used again. Runs as the probe of the half-open breaker or by itself, never twice at once. */
  async run(): Promise<boolean> {
    const { tier } = this.around
    if (tier === undefined) return true
    if (this.#isReplaying) return false
    this.#isReplaying = true
    try {
      return await this.#replay(tier)
    } finally {
      this.#isReplaying = false
    }
  }

  async #replay(tier: RemoteTier): Promise<boolean> {
    // Starts again if the server changes meanwhile.
    do {
      if (this.#mustAssertAgain) this.#assertRecent(tier)
      if (this.journal.size === 0) {
        if (!(await tier.answers())) return false
      } else if (!(await this.#publishRemovals())) return false
    } while (this.#mustAssertAgain)
    this.#attempt = 0
    // For values the bus must have caught up, which may take longer than callers should wait. Their keys stay blocked meanwhile.
    if (this.journal.size > 0) this.around.background('replay values', () => this.#publishValues())
    return true
  }

  /** Removals, expiries and changes of labels only make entries go away, so they may be published at any time and more than once. */
  async #publishRemovals(): Promise<boolean> {
    const waiting = this.journal.removals()
    for (let i = 0; i < waiting.length; i += CHUNK) {
      // A newer change may have gone ahead while the previous chunk was published.
      const chunk = waiting.slice(i, i + CHUNK).filter((pending) => this.journal.isWaiting(pending))
      if (chunk.length === 0) continue
      const nowMs = this.around.ages.nowMs()
      const toPublish = chunk.map((pending) => forRetry(pending, this.around.restamp, nowMs))
      const results = await this.around.publisher.publish(toPublish, 'replay')
      const published = chunk.filter((_, at) => results[at] === undefined)
      chunk.forEach((pending, at) => {
        if (results[at] === undefined) this.#done(pending, toPublish[at])
      })
      if (published.length > 0) this.around.replayed(published.length, this.journal.takeOverflow(published))
      if (published.length < chunk.length) return false
    }
    return true
  }

  /**
   * Publishes the values that no other process has overtaken, as far as the bus shows. For the others the key is removed: that L2 has
   * nothing under it proves nothing, since another process may have deleted it.
   *
   * Published keys stay blocked until the bus has caught up once more: an invalidation may have come between the check and the value.
   */
  async #publishValues(): Promise<void> {
    if (this.#isPublishingValues) return
    this.#isPublishingValues = true
    try {
      const hasCaughtUp = await this.#hasCaughtUp()
      const published: JournalEntry[] = []
      for (const entry of this.journal.values()) {
        if (entry.pending.change.op !== 'put') continue
        if (!hasCaughtUp || entry.missedSome) this.journal.dropValue(entry.pending)
        else if (await this.#publishValue(entry)) published.push(entry)
        else break
      }
      if (published.length > 0) this.#settle(published, await this.#hasCaughtUp())
    } finally {
      this.#isPublishingValues = false
    }
    if (this.journal.size > 0) this.planRetry()
  }

  async #hasCaughtUp(): Promise<boolean> {
    return this.around.hearsOthers && (await this.around.caughtUp())
  }

  /** `false`: L2 did not confirm it. */
  async #publishValue({ pending }: JournalEntry): Promise<boolean> {
    const change = await this.around.reseal(pending)
    if (!this.journal.isWaiting(pending)) return true
    if (change === undefined) {
      this.journal.dropValue(pending)
      return true
    }
    const results = await this.around.publisher.publish([{ ...pending, change }], 'replay')
    return results[0] === undefined
  }

  #settle(published: readonly JournalEntry[], hasCaughtUp: boolean): void {
    let count = 0
    for (const entry of published) {
      const { pending } = entry
      // Overtaken meanwhile: it is a removal by now, or a newer change waits.
      if (pending.change.op !== 'put' || !this.journal.isWaiting(pending)) continue
      if (!hasCaughtUp || entry.missedSome) {
        this.journal.dropValue(pending)
        continue
      }
      this.#done(pending)
      count++
    }
    if (count > 0) this.around.replayed(count, false)
  }

  /** `published` is the form in which `waiting` was published. */
  #done(waiting: PendingChange, published: PendingChange = waiting): void {
    this.around.publishedAtLast(published, this.journal.published(waiting, published) === 'latest')
  }

  #assertRecent(tier: RemoteTier): void {
    this.#mustAssertAgain = false
    this.journal.assertRecent(tier.lastAnsweredAtMs)
  }

  /** Tries again later: while the breaker is closed, nothing else calls `run`. */
  planRetry(): void {
    if (this.#cancelRetry !== undefined || this.#isEnded) return
    const delayMs = backoffMs(++this.#attempt, FIRST_RETRY_MS, LONGEST_RETRY_MS, this.around.random)
    this.#cancelRetry = this.around.clock.after(delayMs, () => {
      this.#cancelRetry = undefined
      if (this.journal.size === 0 || this.#isEnded) return
      const retry = async () => {
        if (this.around.tier?.isAvailable() !== true || !(await this.run())) this.planRetry()
      }
      this.around.background('replay', retry)
    })
  }

  /** Stops trying; returns how many changes were never published. */
  end(): number {
    this.#isEnded = true
    this.#cancelRetry?.()
    return this.journal.size
  }
}
