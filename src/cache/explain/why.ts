// The reasons behind an explanation, as sentences. Pure: facts in, text out.
import type { PastChange, PastTrouble } from '../../flow/events/history.js'
import type { Tiers } from '../../model/options/options.js'
import type { Milliseconds } from '../../model/ports.js'

type State = 'fresh' | 'stale' | 'staleIfError' | 'expired' | 'invalidated' | 'unverified'

interface EntryFacts {
  readonly state: State
  readonly freshForMs: Milliseconds
  readonly staleForMs: Milliseconds
  readonly idleForMs: Milliseconds
  readonly ageMs: Milliseconds
}

/** The facts from which the sentences are made. */
export interface Facts {
  readonly answeredBy: 'l1' | 'l2' | 'loader' | 'flight'
  readonly tiers: Tiers
  readonly hasL1: boolean
  readonly l1: EntryFacts | undefined
  readonly l2:
    | { readonly state: 'entry'; readonly entry: EntryFacts }
    | { readonly state: 'none' | 'absent' | 'leased' | 'fenced' | 'unusable' | 'later-format' | 'unavailable' }
  readonly isQueued: boolean
  /** Remembered changes of the key and its labels. `subject` names what was changed. */
  readonly changes: readonly { readonly subject: string; readonly past: PastChange }[]
  readonly trouble: PastTrouble | undefined
  /** Why L2 is not used; `undefined` while it is. */
  readonly outage: Error | undefined
  readonly nowMs: number
}

/** The explanation as sentences, the most important one first. */
export function whyOf(facts: Facts): string {
  const sentences = [whoSentence(facts), ...tierSentences(facts), ...changeSentences(facts), ...troubleSentences(facts)]
  return sentences.map((sentence) => `${sentence}.`).join(' ')
}

function whoSentence({ answeredBy, l1, l2 }: Facts): string {
  switch (answeredBy) {
    case 'l1':
      return `L1 serves it: ${lifeOf(l1)}`
    case 'l2':
      return `L2 serves it: ${lifeOf(l2.state === 'entry' ? l2.entry : undefined)}`
    case 'flight':
      return 'A load or a read of L2 is under way in this process, and a caller joins it'
    case 'loader':
      return 'The loader is called'
    default:
      return answeredBy satisfies never
  }
}

function lifeOf(entry: EntryFacts | undefined): string {
  if (entry === undefined) return 'it has an entry'
  if (entry.state === 'staleIfError')
    return 'the last load failed, and staleIfError allows it until the next load is tried'
  const { idleForMs } = entry
  const idle = idleForMs === Number.POSITIVE_INFINITY ? '' : `, and is gone if it is not read for ${span(idleForMs)}`
  if (entry.state !== 'fresh')
    return `it is stale, and is served for ${another(entry.staleForMs)} while one refresh runs${idle}`
  return `it is fresh for ${another(entry.freshForMs)}${idle}`
}

/** Why no tier serves it, or why a later tier does. */
function tierSentences(facts: Facts): string[] {
  const { answeredBy, l1, l2, tiers, hasL1, isQueued } = facts
  if (answeredBy === 'l1') return isQueued ? [QUEUED] : []
  const sentences = [l1Sentence(l1, tiers, hasL1)]
  if (answeredBy === 'l2') return sentences
  if (tiers === 'l1') return [...sentences, "L2 is not read: the option tiers is 'l1'"]
  if (isQueued) return [...sentences, QUEUED]
  if (l2.state === 'unavailable') return [...sentences, unavailable(facts.outage)]
  return [...sentences, l2.state === 'entry' ? `L2 has an entry, but ${STATE[l2.entry.state]}` : L2_STATE[l2.state]]
}

const QUEUED = 'A change of this key waits until L2 can be reached, so L2 is not read for it'

const STATE: Readonly<Record<State, string>> = {
  fresh: 'it is fresh',
  stale: 'it is stale',
  staleIfError: 'it is no longer fresh, and is served only if loading fails',
  expired: 'it has expired',
  invalidated: 'one of its tags or scopes is not current',
  unverified: 'the bus has not been heard for l1.maxStaleness, so it is not trusted',
}

const L2_STATE: Readonly<Record<Exclude<Facts['l2']['state'], 'entry' | 'unavailable'>, string>> = {
  none: 'There is no L2',
  absent: 'L2 has no entry',
  leased: 'L2 has no entry, and a process holds the lease to load it',
  fenced:
    'A save through its source is running, or the key was deleted with a hold, so values loaded meanwhile are not kept',
  unusable: 'L2 has an entry that must not be served: it is expired, invalidated or damaged',
  'later-format': 'L2 has an entry of a later release, which this one cannot read',
}

function l1Sentence(l1: EntryFacts | undefined, tiers: Tiers, hasL1: boolean): string {
  if (tiers === 'l2') return "L1 is not read: the option tiers is 'l2'"
  if (!hasL1) return 'L1 is off'
  if (l1 === undefined) return 'L1 has no entry'
  return `L1 has an entry, but ${l1.idleForMs === 0 ? 'it was not read for its idleTtl' : STATE[l1.state]}`
}

function unavailable(outage: Error | undefined): string {
  return outage === undefined ? 'L2 did not reply in time' : `L2 is not used: ${withoutPeriod(outage.message)}`
}

/**
 * A `set` of this process explains nothing: a tier has its value, or a later change replaced it. A change by another process is
 * 'unknown', since its `set` and `delete` look alike; it explains nothing either if a tier serves the key.
 */
function changeSentences({ answeredBy, changes, nowMs }: Facts): string[] {
  const isServed = answeredBy === 'l1' || answeredBy === 'l2'
  return changes
    .filter(({ past }) => past.by !== 'set' && !(isServed && past.by === 'unknown'))
    .map(({ subject, past }) => {
      const who = past.sender === undefined ? 'this process' : `another process (${past.sender})`
      return `${upper(subject)} was ${DONE[past.by]} ${span(nowMs - past.atMs)} ago by ${who} (${verbOf(past.by)})`
    })
}

const DONE: Readonly<Record<PastChange['by'], string>> = {
  set: 'written',
  delete: 'deleted',
  expire: 'expired',
  invalidateTags: 'invalidated',
  expireTags: 'expired',
  clear: 'cleared',
  expireAll: 'expired',
  deleteByPrefix: 'deleted',
  unknown: 'deleted or overwritten',
}

function verbOf(by: PastChange['by']): string {
  return by === 'unknown' ? 'set or delete' : by
}

function troubleSentences({ trouble, nowMs }: Facts): string[] {
  if (trouble === undefined) return []
  const detail = trouble.error === undefined ? '' : `: ${withoutPeriod(trouble.error.message)}`
  return [`${TROUBLE[trouble.what]} ${span(nowMs - trouble.atMs)} ago${detail}`]
}

const TROUBLE: Readonly<Record<PastTrouble['what'], string>> = {
  skipped: 'The last loaded value was not kept, because its loader called ctx.skip(),',
  ttlIsZero: 'The last loaded value was not kept, because its ttl is 0,',
  changing: 'The last loaded value was not kept, because its source was being changed,',
  held: 'The last value was not kept, because its key or one of its tags was invalidated with a hold,',
  overtaken: 'The last loaded value was refused, because an invalidation or a write came while it was loaded,',
  unsupported: 'The last loaded value was refused',
  unproven: 'The last loaded value was not kept, because it has a tag that was not known before the load,',
  busy: 'The last loaded value was not kept, because too much waited to be stored,',
  unavailable: 'The last loaded value was not kept, because no tier could take it,',
  loadFailed: 'The last load failed',
  corrupt: 'Its entry in L2 could not be read',
}

function another(ms: Milliseconds): string {
  return ms === Number.POSITIVE_INFINITY ? 'ever' : `another ${span(ms)}`
}

function span(ms: Milliseconds): string {
  return ms < 1_000 ? `${Math.max(0, Math.round(ms))} ms` : `${Math.round(ms / 100) / 10} s`
}

function upper(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}

function withoutPeriod(text: string): string {
  return text.endsWith('.') ? text.slice(0, -1) : text
}
