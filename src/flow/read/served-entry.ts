// How a read ended, for callers that ask where their value came from. Plain reads keep no such record.
import { type Age, type AtMs, ageOf, type Entry } from '../../model/entry.js'
import type { Tier } from '../../model/events/events.js'
import { isStored } from '../../model/events/store-outcome.js'
import { tagsAmong } from '../../model/labels.js'
import type { Milliseconds } from '../../model/ports.js'
import type { Core } from '../core.js'
import type { UsableEntry } from '../flights/flight.js'
import type { ReadEnd } from '../load/read-end.js'

/** A value that a read returned, and where it came from. */
export interface ServedEntry<V> {
  readonly value: V
  /** The tier that had the value, or `'loader'`. */
  readonly tier: Tier | 'loader'
  /** fresh; stale: within staleWhileRevalidate; staleIfError: served because loading failed or took too long. */
  readonly state: Exclude<Age, 'expired'>
  /** The time since the value was loaded or set. */
  readonly ageMs: Milliseconds
  /** What is left of its freshness. 0 once it is stale, and 0 for a loaded value that is kept nowhere. */
  readonly freshForMs: Milliseconds
  /** How long its load took: what a hit has saved. 0 if it was set, not loaded. */
  readonly loadMs: Milliseconds
  /** Whether it came from a load, or a read of L2, that another caller of this process had begun. */
  readonly shared: boolean
  readonly tags: readonly string[]
}

/** The same for an entry that this process had. */
export function servedFrom<V>(
  { clock }: Pick<Core, 'clock'>,
  { entry, tier, age }: UsableEntry,
  value: V,
): ServedEntry<V> {
  return fromEntry(value, entry, clock.nowMs(), { tier, state: age, shared: false })
}

/** What the caller of a read gets that has ended with `value`. */
export function servedEntry<V>({ clock }: Pick<Core, 'clock'>, value: V, end: ReadEnd): ServedEntry<V> {
  const nowMs = clock.nowMs()
  const { entry, flight, outcome } = end
  const shared = outcome?.result === 'joined'
  if (entry !== undefined) {
    return fromEntry(value, entry, nowMs, { tier: tierOf(end), state: stateOf(end, nowMs), shared })
  }
  // Not decided yet: it is on its way into L2. A value that is kept nowhere may have labels, too.
  const isKept = flight !== undefined && (flight.stored === undefined || isStored(flight.stored))
  return {
    value,
    tier: 'loader',
    state: 'fresh',
    ageMs: nowMs - (flight?.loadedAtMs ?? nowMs),
    freshForMs: isKept ? Math.max(0, flight.resultUntilMs - nowMs) : 0,
    loadMs: flight?.loadMs ?? 0,
    shared,
    tags: isKept ? tagsAmong(flight.resultLabels ?? []) : [],
  }
}

function fromEntry<V>(
  value: V,
  { createdAtMs, freshUntilMs, loadMs, labels }: Entry,
  nowMs: AtMs,
  how: Pick<ServedEntry<V>, 'tier' | 'state' | 'shared'>,
): ServedEntry<V> {
  return {
    value,
    ...how,
    ageMs: nowMs - createdAtMs,
    freshForMs: Math.max(0, freshUntilMs - nowMs),
    loadMs,
    tags: tagsAmong(labels.labels),
  }
}

/** A caller that joined has the outcome `joined`; the tier is in that of the flight. */
function tierOf({ outcome, flight }: ReadEnd): Tier {
  if (outcome !== undefined && 'tier' in outcome) return outcome.tier
  return flight !== undefined && 'tier' in flight.outcome ? flight.outcome.tier : 'l1'
}

/** A caller whose `softTimeout` passed may have got a value of either age. */
function stateOf({ outcome, entry }: ReadEnd, nowMs: AtMs): ServedEntry<unknown>['state'] {
  switch (outcome?.result) {
    case 'stale':
      return 'stale'
    case 'staleIfError':
      return 'staleIfError'
    case 'staleIfSlow':
      return entry !== undefined && ageOf(entry, nowMs) === 'stale' ? 'stale' : 'staleIfError'
    default:
      return 'fresh'
  }
}
