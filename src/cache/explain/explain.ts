// `cache.explain(key)`: collects everything that decides what a read of the key would do now.

import type { Core } from '../../flow/core.js'
import type { Found } from '../../flow/entries/found.js'
import { l2BudgetOf } from '../../flow/entries/l2-budget.js'
import { spaceOfCall } from '../../flow/entries/scope-of-call.js'
import type { Recorder } from '../../flow/events/recorder.js'
import type { CallScope } from '../../flow/flights/call-scope.js'
import type { Reader } from '../../flow/read/read.js'
import { ageOf, type Entry, idleForMs } from '../../model/entry.js'
import { showName } from '../../model/errors.js'
import { localKey as localKeyOf, storeKeyOf } from '../../model/keys/key.js'
import { type Currency, isTag, type Label } from '../../model/labels.js'
import type { ReadOptions } from '../../model/options/options.js'
import { resolvePolicy } from '../../model/options/policy.js'
import type { Milliseconds } from '../../model/ports.js'
import type { BreakerState } from '../../tiers/breaker.js'
import { type L1State, stateInL1 } from './state-in-l1.js'
import { whyOf } from './why.js'

/** An entry in one tier. */
export interface ExplainedEntry {
  /**
   * Its age. 'invalidated': one of its tags or scopes is not current. 'unverified': the bus is not heard, so L2 has to be asked. An entry
   * in either state is not served.
   */
  readonly state: L1State
  readonly ageMs: Milliseconds
  /** What is left of each window; 0 once it is over. */
  readonly freshForMs: Milliseconds
  readonly staleForMs: Milliseconds
  readonly usableForMs: Milliseconds
  /**
   * What is left of its idle life: after that it is gone if it was not read; 0 once it is. Infinity without an idle life. An entry of L2
   * may have less than this left, since it is not known when another process read it last.
   */
  readonly idleForMs: Milliseconds
  /** Its tags and scopes, and whether each is current. 'unknown': L2 has to be asked. */
  readonly tags: readonly { readonly tag: string; readonly currency: Currency | 'unknown' }[]
  readonly scopes: readonly { readonly scope: string; readonly currency: Currency | 'unknown' }[]
}

/** What `cache.explain(key)` returns. */
export interface Explanation {
  readonly key: string
  readonly scope: string
  /** The name of the key in L2. */
  readonly storeKey: string
  /**
   * What would serve a `getOrSet` with these options now: a tier whose entry is fresh or stale (or allowed by `staleIfError`, while the
   * next load waits after a failed one), a running load that it would join, or its loader.
   */
  readonly answeredBy: 'l1' | 'l2' | 'loader' | 'flight'
  /**
   * The same with its reasons, as sentences for people: which invalidation it was, when, and by which process; what was refused; why L2
   * is not used. The wording may change in any release.
   */
  readonly why: string
  readonly l1: ExplainedEntry | undefined
  readonly l2:
    | { readonly state: 'entry'; readonly entry: ExplainedEntry }
    | { readonly state: 'none' | 'absent' | 'leased' | 'fenced' | 'unusable' | 'later-format' | 'unavailable' }
  readonly breaker: BreakerState
  /** Whether a change of this key is in the journal and waits until L2 can be reached. */
  readonly isQueued: boolean
  /** Whether a load or a read of L2 is running for this key in this process. */
  readonly isLoading: boolean
  /** Whether the bus was heard recently enough to trust L1 without asking L2. */
  readonly isTrusted: boolean
}

/** Explains what a read of `userKey` would do now; see `Cache.explain`. */
export async function explain(
  core: Core,
  reader: Reader,
  scope: CallScope,
  userKey: string,
  options: ReadOptions | undefined,
): Promise<Explanation> {
  core.assertOpen()
  const space = spaceOfCall(scope, options)
  const policy = resolvePolicy(scope.policy, options)
  const localKey = localKeyOf(space, userKey)
  const reading =
    policy.tiers === 'l1'
      ? undefined
      : reader.entries?.read({ space, localKey, policy, budget: l2BudgetOf(core, policy) })
  const found = reading && (await core.callers.await(reading))
  const nowMs = core.clock.nowMs()
  // A value that this process has set comes before what the tiers have, as it does for a read.
  const written = reader.local.ownWrite(localKey)
  const inL1 =
    written !== undefined ? written.usable?.entry : policy.tiers === 'l2' ? undefined : core.l1?.peek(localKey)
  const l1 = inL1 && { ...explainEntry(core, inL1, nowMs), state: stateInL1(core, inL1, nowMs) }
  const l2 = explainFound(core, found, nowMs)
  const isLoading = core.local.flights.has(localKey)
  const mustWait = policy.failureBackoff !== undefined && core.local.failures.mustWait(localKey, nowMs)
  const answeredBy = servedBy(l1, l2, isLoading, mustWait)
  const isQueued = core.journal.hasKey(localKey)
  const labels = [...space.scopeLabels, ...(inL1?.labels.labels ?? []), ...labelsOf(found)]
  const facts = { answeredBy, l1, l2, tiers: policy.tiers, isQueued, hasL1: core.l1 !== undefined }
  return {
    key: userKey,
    scope: space.scope,
    storeKey: storeKeyOf(localKey, core.name),
    answeredBy,
    why: whyOf({ ...facts, ...pastOf(core.recorder, localKey, new Set(labels), inL1?.createdAtMs), nowMs }),
    l1,
    l2,
    breaker: core.remote?.tier.state ?? 'closed',
    isQueued,
    isLoading,
    isTrusted: core.tokens.isTrusted(nowMs),
  }
}

/**
 * A flight comes before L2, since a caller would join it. While the next load waits after a failed one, an entry that `staleIfError`
 * allows is served.
 */
function servedBy(
  l1: ExplainedEntry | undefined,
  l2: Explanation['l2'],
  isLoading: boolean,
  mustWait: boolean,
): Explanation['answeredBy'] {
  const serves = ({ state }: ExplainedEntry) =>
    state === 'fresh' || state === 'stale' || (mustWait && state === 'staleIfError')
  if (l1 !== undefined && serves(l1)) return 'l1'
  if (isLoading) return 'flight'
  return l2.state === 'entry' && serves(l2.entry) ? 'l2' : 'loader'
}

function labelsOf(found: Found | undefined): readonly Label[] {
  if (found?.kind === 'entry') return found.entry.labels.labels
  return found?.kind === 'unusable' ? (found.labels?.labels ?? []) : []
}

/** The remembered changes of the key, and those of its labels since the entry in memory was created. */
function pastOf(
  { history, shown }: Recorder,
  localKey: string,
  labels: ReadonlySet<Label>,
  sinceMs = Number.NEGATIVE_INFINITY,
) {
  const ofKey = history.changeOfKey(localKey)
  const ofLabels = [...labels].flatMap((label) => {
    const past = history.changeOfLabel(label)
    return past === undefined || past.atMs < sinceMs ? [] : [{ subject: wordFor(label, shown), past }]
  })
  const changes = [...(ofKey === undefined ? [] : [{ subject: 'the key', past: ofKey }]), ...ofLabels]
  return { changes, trouble: history.troubleOf(localKey), outage: history.outage }
}

function wordFor(label: Label, shown: (tag: string) => string): string {
  return isTag(label) ? `its tag ${showName(shown(label.slice(2)))}` : `its scope ${label.slice(2)}`
}

function explainFound(core: Core, found: Found | undefined, nowMs: number): Explanation['l2'] {
  if (found === undefined) return { state: 'none' }
  if (found.kind === 'entry') return { state: 'entry', entry: explainEntry(core, found.entry, nowMs) }
  return { state: found.kind }
}

function explainEntry(core: Core, entry: Entry, nowMs: number): ExplainedEntry {
  const { labels, tokens } = entry.labels
  const named = labels.map((label, i) => ({ label, currency: currencyOf(core, label, tokens[i] as string) }))
  const of = (kind: string) => named.filter(({ label }) => label.startsWith(kind))
  return {
    state: ageOf(entry, nowMs),
    ageMs: nowMs - entry.createdAtMs,
    freshForMs: Math.max(0, entry.freshUntilMs - nowMs),
    staleForMs: Math.max(0, entry.staleUntilMs - nowMs),
    usableForMs: Math.max(0, entry.usableUntilMs - nowMs),
    idleForMs: idleForMs(entry, nowMs),
    tags: of('t:').map(({ label, currency }) => ({ tag: label.slice(2), currency })),
    scopes: of('c:').map(({ label, currency }) => ({ scope: label.slice(2), currency })),
  }
}

function currencyOf(core: Core, label: Label, token: string): Currency | 'unknown' {
  if (core.tokens.token(label) === undefined) return 'unknown'
  return core.tokens.compare({ labels: [label], tokens: [token] })
}
