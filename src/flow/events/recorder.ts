// One outcome, one record: every path reports its outcome here, once, and that feeds the counters, histograms and events.

import type { Announcement } from '../../codec/announcement.js'
import type { AtMs } from '../../model/entry.js'
import { asError, type CacheError } from '../../model/errors.js'
import type { CacheEvents, Events, InvalidatedEvent, LoadReason } from '../../model/events/events.js'
import type { ReadOutcome, StaleResult } from '../../model/events/read-outcome.js'
import { isStored, type Stored, type StoreOutcome } from '../../model/events/store-outcome.js'
import { localKey as localKeyOf, type Space, userKeyOf } from '../../model/keys/key.js'
import type { Change, Clock, Milliseconds } from '../../model/ports.js'
import { isAboutValue } from '../../model/values/refused-value.js'
import { eventsOf } from './announced-events.js'
import { type CountedSpace, CountsByPath, SharedCounters, VerbCounters } from './counters.js'
import { Histogram } from './histogram.js'
import { History } from './history.js'
import { L2Recorder } from './l2-recorder.js'
import { Notices } from './notices.js'
import { OnceASecond } from './once-a-second.js'

/** The reason that `servedStale` gives for each outcome. */
const WHY_STALE: Readonly<Record<StaleResult, CacheEvents['servedStale']['why']>> = {
  stale: 'revalidating',
  staleIfError: 'loadFailed',
  staleIfSlow: 'softTimeout',
}

export class Recorder {
  /** The counts of each path. Every outcome is counted at one path, so the totals are their sums. */
  readonly paths = new CountsByPath()
  /** What is counted for the whole cache only. */
  readonly counters = new SharedCounters()
  readonly loadLatency = new Histogram()
  /** The ages of values that were served although they were no longer fresh. */
  readonly staleAges = new Histogram(1_000)
  readonly verbs = new VerbCounters()
  /** For `explain`. */
  readonly history = new History()
  /** Limits the events that anyone who can write to the bus can cause. */
  readonly #floods: OnceASecond
  readonly notices: Notices
  readonly l2: L2Recorder

  constructor(
    private readonly events: Events,
    private readonly clock: Pick<Clock, 'nowMs'>,
    /** A key or tag as events and messages show it. */
    readonly shown: (key: string) => string,
  ) {
    this.#floods = new OnceASecond(clock)
    this.notices = new Notices(events, shown)
    this.l2 = new L2Recorder(events, this.counters, this.history, this.notices)
  }

  /** The hot path: one increment of counts that are at hand, and an event object only if somebody listens. */
  l1Hit({ space, counts }: CountedSpace, localKey: string): void {
    counts.hit.l1++
    if (!this.events.hitsAreHeard) return
    this.events.emit('hit', { scope: space.scope, key: this.shown(userKeyOf(localKey)), tier: 'l1' })
  }

  /** A read has ended. `createdAtMs` is the creation of the entry that was served, needed if it is no longer fresh. */
  read({ space, counts }: CountedSpace, key: string, outcome: ReadOutcome, createdAtMs: AtMs = 0): void {
    const { events } = this
    const { reads } = counts
    switch (outcome.result) {
      case 'hit':
        reads.hit[outcome.tier]++
        if (events.hitsAreHeard) events.emit('hit', { scope: space.scope, key: this.shown(key), tier: outcome.tier })
        return
      case 'stale':
      case 'staleIfError':
      case 'staleIfSlow': {
        const { result, tier } = outcome
        const ageMs = this.clock.nowMs() - createdAtMs
        reads[result][tier]++
        this.staleAges.add(ageMs)
        if (events.has('servedStale')) {
          events.emit('servedStale', { scope: space.scope, key: this.shown(key), tier, why: WHY_STALE[result], ageMs })
        }
        return
      }
      case 'joined':
        reads.joined++
        if (events.has('joined')) events.emit('joined', { scope: space.scope, key: this.shown(key) })
        return
      case 'loaded':
      case 'absent':
      case 'failed':
      case 'timedOut':
        reads[outcome.result]++
        if (events.has('miss')) events.emit('miss', { scope: space.scope, key: this.shown(key) })
        return
      case 'aborted':
        reads.aborted++
        return
      default:
        outcome satisfies never
    }
  }

  /** A loader has returned a value. `loaded` reports later whether it was kept. */
  loadEnded({ counts }: CountedSpace, durationMs: Milliseconds): void {
    counts.loads++
    counts.loadMs += durationMs
    this.loadLatency.add(durationMs)
  }

  /** A loaded value was stored, or it is kept in no tier. */
  loaded(
    counted: CountedSpace,
    key: string,
    reason: LoadReason,
    durationMs: Milliseconds,
    outcome: StoreOutcome,
  ): void {
    const { space } = counted
    const { scope } = space
    if (isStored(outcome)) {
      if (this.history.hasTroubles) this.history.stored(localKeyOf(space, key))
      if (this.events.has('loaded'))
        this.events.emit('loaded', { scope, key: this.shown(key), reason, durationMs, kept: true })
      this.stored(counted, key, outcome)
      return
    }
    const localKey = localKeyOf(space, key)
    if (outcome === 'overtaken') counted.counts.fillsRefused++
    // `storeFailed` has noted it already, with the error.
    if (outcome !== 'unsupported') this.history.trouble(localKey, outcome, undefined, this.clock.nowMs())
    if (this.events.has('loaded')) {
      this.events.emit('loaded', { scope, key: this.shown(key), reason, durationMs, kept: false, notKept: outcome })
    }
  }

  loadFailed(
    { space, counts }: CountedSpace,
    key: string,
    reason: LoadReason,
    durationMs: Milliseconds,
    error: unknown,
  ): void {
    counts.loadFailures++
    counts.loadMs += durationMs
    this.loadLatency.add(durationMs)
    this.history.trouble(localKeyOf(space, key), 'loadFailed', asError(error), this.clock.nowMs())
    if (this.events.has('loadFailed')) {
      this.events.emit('loadFailed', {
        scope: space.scope,
        key: this.shown(key),
        reason,
        durationMs,
        error: asError(error),
      })
    }
  }

  stored({ space, counts }: CountedSpace, key: string, tiers: Stored): void {
    counts.stored++
    if (this.events.has('stored')) this.events.emit('stored', { scope: space.scope, key: this.shown(key), tiers })
  }

  storeFailed({ space, counts }: CountedSpace, localKey: string, error: unknown): void {
    counts.storeFailures++
    this.history.trouble(localKey, 'unsupported', asError(error), this.clock.nowMs())
    if (this.events.has('storeFailed')) {
      this.events.emit('storeFailed', {
        scope: space.scope,
        key: this.shown(userKeyOf(localKey)),
        error: asError(error),
      })
    }
    if (isAboutValue(error)) this.notices.valueNotKept(space.scope, error)
  }

  /**
   * A loaded value is kept in no tier, because a function of the application (such as `tags`) failed or returned something unusable.
   * Emits `storeFailed` each time, and one `notice` per scope and code.
   */
  notUnderstood(counted: CountedSpace, localKey: string, error: CacheError): void {
    this.storeFailed(counted, localKey, error)
    this.notices.once(counted.space.scope, error)
  }

  saveFailed(space: Space, key: string, attempt: number, error: unknown, retryInMs: Milliseconds): void {
    if (this.events.has('saveFailed')) {
      this.events.emit('saveFailed', {
        scope: space.scope,
        key: this.shown(key),
        attempt,
        error: asError(error),
        retryInMs,
      })
    }
  }

  /** L2 refused a fill. `loaded` follows with the outcome `'overtaken'`, and counts it. */
  fillRefused({ space }: CountedSpace, localKey: string): void {
    if (this.events.has('dropped')) {
      this.events.emit('dropped', {
        what: 'store',
        why: 'overtaken',
        scope: space.scope,
        key: this.shown(userKeyOf(localKey)),
      })
    }
  }

  /** A fill, the value of a `set`, or a refresh was given up because too much was in flight. */
  dropped(what: 'store' | 'refresh', scope: string, localKey: string): void {
    this.counters.dropped++
    if (this.events.has('dropped')) {
      this.events.emit('dropped', { what, why: 'busy', scope, key: this.shown(userKeyOf(localKey)) })
    }
  }

  /** The value of a write is kept nowhere, because a label of it is held. */
  heldBack(scope: string, localKey: string): void {
    this.counters.dropped++
    this.history.trouble(localKey, 'held', undefined, this.clock.nowMs())
    if (this.events.has('dropped')) {
      this.events.emit('dropped', { what: 'store', why: 'held', scope, key: this.shown(userKeyOf(localKey)) })
    }
  }

  /** Refreshes that had not started when the cache was closed. */
  refreshesDropped(count: number): void {
    this.counters.dropped += count
    if (count > 0 && this.events.has('dropped')) this.events.emit('dropped', { what: 'refresh', why: 'closed' })
  }

  corrupt(space: Space, localKey: string, error: CacheError): void {
    this.paths.of(space.scope).corrupt++
    this.history.trouble(localKey, 'corrupt', error, this.clock.nowMs())
    if (this.events.has('corrupt')) {
      this.events.emit('corrupt', { scope: space.scope, key: this.shown(userKeyOf(localKey)), error })
    }
  }

  /** A write or an invalidation of this process. */
  invalidatedHere(
    by: InvalidatedEvent['by'],
    { space, counts }: CountedSpace,
    changes: readonly { readonly subject: string; readonly change: { readonly op: Change['op'] | 'swapped' } }[],
  ): void {
    if (by === 'set') counts.writes += changes.length
    else {
      counts.invalidations++
      if (by !== 'unknown') this.verbs[by]++
    }
    this.history.changedHere(by, changes, this.clock.nowMs())
    if (!this.events.has('invalidated')) return
    const keys: string[] = []
    const tags: string[] = []
    for (const { subject, change } of changes) {
      if (change.op !== 'invalidateLabel' && change.op !== 'expireLabel') keys.push(this.shown(userKeyOf(subject)))
      else if (subject.startsWith('t:')) tags.push(this.shown(subject.slice(2)))
    }
    this.events.emit('invalidated', { by, origin: 'local', scope: space.scope, keys, tags })
  }

  /** Another process announced changes: one event per verb and scope. They count once, at the path of the cache itself. */
  invalidatedElsewhere(rootName: string, announcement: Announcement): void {
    this.paths.of(rootName).invalidations++
    this.verbs.remote++
    this.history.changedElsewhere(announcement, this.clock.nowMs())
    if (!this.events.has('invalidated')) return
    for (const event of eventsOf(announcement, rootName)) {
      const keys = event.keys.map(this.shown)
      this.events.emit('invalidated', { ...event, keys, tags: event.tags.map(this.shown) })
    }
  }

  /** L1 was full, so it dropped an entry. */
  evicted(scope: string, localKey: string): void {
    if (this.events.has('evicted')) this.events.emit('evicted', { scope, key: this.shown(userKeyOf(localKey)) })
  }

  queued(waiting: number): void {
    this.counters.queued++
    if (this.events.has('queued')) this.events.emit('queued', { waiting })
  }

  replayed(changes: number, overflowed: boolean): void {
    this.counters.replayed += changes
    if (this.events.has('replayed')) this.events.emit('replayed', { changes, overflowed })
  }

  messageIgnored(error: CacheError): void {
    this.counters.messagesIgnored++
    if (this.events.has('messageIgnored') && this.#floods.admits('messageIgnored')) {
      this.events.emit('messageIgnored', { error })
    }
  }

  busRecovered(lostMs: Milliseconds): void {
    if (this.events.has('busRecovered')) this.events.emit('busRecovered', { lostMs })
  }

  busLost(reason: string): void {
    this.counters.busLosses++
    if (this.events.has('busLost') && this.#floods.admits(`busLost ${reason}`)) this.events.emit('busLost', { reason })
  }
}
