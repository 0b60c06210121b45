// `cache.inspect()`: what this process has and does at one moment, for tools and people.
import type { Core } from '../../flow/core.js'
import type { Flight } from '../../flow/flights/flight.js'
import type { PendingChange } from '../../flow/sync/pending-change.js'
import type { Entry } from '../../model/entry.js'
import type { LoadReason } from '../../model/events/events.js'
import { scopeOf, userKeyOf } from '../../model/keys/key.js'
import { isTag, tagsAmong } from '../../model/labels.js'
import { checkCount, checkOptions } from '../../model/option-rules.js'
import type { Milliseconds } from '../../model/ports.js'
import { type L1State, stateInL1 } from './state-in-l1.js'

/** How much `cache.inspect()` looks at. */
export interface InspectOptions {
  /** How many entries of L1, the most recently used ones (default 1,000). The cost grows with it: 10,000 take a few milliseconds. */
  readonly entries?: number | undefined
  /** How many rows each list may have (default 100). */
  readonly rows?: number | undefined
}

/** An entry of L1. Its key and its tags are shown as the option `eventKeys` says. */
export interface InspectedEntry {
  readonly scope: string
  readonly key: string
  /** See `ExplainedEntry.state`. */
  readonly state: L1State
  readonly ageMs: Milliseconds
  /** What is left of its freshness; 0 once it is over. */
  readonly freshForMs: Milliseconds
  readonly tags: readonly string[]
}

/** A load, or a read of L2, that runs in this process. */
export interface InspectedFlight {
  readonly scope: string
  readonly key: string
  readonly reason: LoadReason
  /** `'waiting'`: a refresh that waits for a free place. `'reading'`: L2, or the right to load. `'storing'`: the loader has returned. */
  readonly phase: 'waiting' | 'reading' | 'loading' | 'storing'
  /** For how long it has been under way. */
  readonly forMs: Milliseconds
  /** Whether an invalidation came meanwhile: it serves its callers, and its value is kept nowhere. */
  readonly detached: boolean
}

/** A change that waits until L2 can be reached: of a key, of a tag, or of a whole scope. */
export interface InspectedChange {
  readonly verb: 'set' | 'update' | 'delete' | 'expire' | 'invalidateTags' | 'expireTags' | 'clear' | 'expireAll'
  readonly scope: string
  readonly key?: string
  readonly tag?: string
}

/** What `cache.inspect()` returns. It is about this process, and about this cache or namespace with the namespaces below it. */
export interface CacheInspection {
  readonly l1: {
    /** How many entries were looked at. */
    readonly looked: number
    /** Whether these are all entries. If not, they are the most recently used ones. */
    readonly complete: boolean
    /** How many of them are in each state. */
    readonly states: Readonly<Record<L1State, number>>
    /** Their tags, the most frequent first. Once there are 10,000 different ones, further ones are not counted. */
    readonly tags: readonly { readonly tag: string; readonly entries: number }[]
    /** Most recently used first. */
    readonly entries: readonly InspectedEntry[]
  }
  /** In no order. `stats().loading.flights` counts those that a caller can join. */
  readonly flights: readonly InspectedFlight[]
  /** In the order in which they came. `health().detail.waiting` counts all of them. */
  readonly waiting: readonly InspectedChange[]
  /** For how long L1 is trusted if the bus is not heard again; 0 if it is not trusted, Infinity if there is no L2. */
  readonly trustedForMs: Milliseconds
}

const MAX_COUNTED_TAGS = 10_000

/** Inspects the cache or namespace at `path`; see `Cache.inspect`. */
export function inspect(core: Core, path: string, options?: InspectOptions): CacheInspection {
  const own = checkOptions(options, ['entries', 'rows'], 'inspect')
  const most = checkCount(own?.entries ?? 1_000, 'entries', 0, Number.POSITIVE_INFINITY)
  const rows = checkCount(own?.rows ?? 100, 'rows', 0, Number.POSITIVE_INFINITY)
  const nowMs = core.clock.nowMs()
  const isHere = (scope: string) => scope === path || scope.startsWith(`${path}/`)
  return {
    l1: inspectL1(core, isHere, most, rows, nowMs),
    flights: flightsOf(core, isHere, rows, nowMs),
    waiting: waitingOf(core, isHere, rows),
    trustedForMs: Math.max(0, core.tokens.trustedUntilMs - nowMs),
  }
}

type IsHere = (scope: string) => boolean

function inspectL1(core: Core, isHere: IsHere, most: number, rows: number, nowMs: number): CacheInspection['l1'] {
  const states = { fresh: 0, stale: 0, staleIfError: 0, expired: 0, invalidated: 0, unverified: 0 }
  const tags = new Map<string, number>()
  const entries: InspectedEntry[] = []
  let passed = 0
  let looked = 0
  for (const [localKey, entry] of core.l1?.entries() ?? []) {
    if (passed >= most) break
    passed++
    if (!isHere(scopeOf(localKey, core.name))) continue
    looked++
    const state = stateInL1(core, entry, nowMs)
    states[state]++
    countTags(tags, tagsAmong(entry.labels.labels))
    if (entries.length < rows) entries.push(inspectEntry(core, localKey, entry, state, nowMs))
  }
  const counted = [...tags].map(([tag, count]) => ({ tag: core.recorder.shown(tag), entries: count }))
  return {
    looked,
    complete: passed === (core.l1?.size ?? 0),
    states,
    tags: counted.sort((a, b) => b.entries - a.entries).slice(0, rows),
    entries,
  }
}

function countTags(counts: Map<string, number>, tags: readonly string[]): void {
  for (const tag of tags) {
    const count = counts.get(tag)
    if (count !== undefined || counts.size < MAX_COUNTED_TAGS) counts.set(tag, (count ?? 0) + 1)
  }
}

function inspectEntry(core: Core, localKey: string, entry: Entry, state: L1State, nowMs: number): InspectedEntry {
  return {
    ...namesOf(core, localKey),
    state,
    ageMs: nowMs - entry.createdAtMs,
    freshForMs: Math.max(0, entry.freshUntilMs - nowMs),
    tags: tagsAmong(entry.labels.labels).map(core.recorder.shown),
  }
}

function namesOf({ name, recorder }: Core, localKey: string): { readonly scope: string; readonly key: string } {
  return { scope: scopeOf(localKey, name), key: recorder.shown(userKeyOf(localKey)) }
}

function flightsOf(core: Core, isHere: IsHere, rows: number, nowMs: number): readonly InspectedFlight[] {
  const { inFlight, flights } = core.local
  return [...new Set([...inFlight, ...flights.values()])]
    .filter(({ localKey }) => isHere(scopeOf(localKey, core.name)))
    .slice(0, rows)
    .map((flight) => ({
      ...namesOf(core, flight.localKey),
      reason: flight.reason,
      phase: phaseOf(flight),
      forMs: nowMs - flight.beganAtMs,
      detached: flight.detached,
    }))
}

function phaseOf({ start, isLoading, hasLoaded }: Flight): InspectedFlight['phase'] {
  if (hasLoaded) return 'storing'
  if (isLoading) return 'loading'
  return start === undefined ? 'reading' : 'waiting'
}

/** A tag belongs to the whole cache, so its change concerns every namespace. */
function waitingOf(core: Core, isHere: IsHere, rows: number): readonly InspectedChange[] {
  return core.journal
    .first(rows)
    .map((pending) => inspectChange(core, pending))
    .filter(({ scope, tag }) => tag !== undefined || isHere(scope))
}

function inspectChange(core: Core, { subject, change }: PendingChange): InspectedChange {
  switch (change.op) {
    case 'put':
    case 'replace':
      return { verb: 'set', ...namesOf(core, subject) }
    case 'swapped':
      return { verb: 'update', ...namesOf(core, subject) }
    case 'delete':
    case 'expire':
      return { verb: change.op, ...namesOf(core, subject) }
    case 'invalidateLabel':
      return labelChange(core, subject, 'invalidateTags', 'clear')
    case 'expireLabel':
      return labelChange(core, subject, 'expireTags', 'expireAll')
    default:
      return change satisfies never
  }
}

function labelChange(
  core: Core,
  label: string,
  ofTag: InspectedChange['verb'],
  ofScope: InspectedChange['verb'],
): InspectedChange {
  const name = label.slice(2)
  if (!isTag(label)) return { verb: ofScope, scope: name }
  return { verb: ofTag, scope: core.name, tag: core.recorder.shown(name) }
}
