// `cache.explain(key)`: everything that decides what a read of the key would do now.

import type { CallScope, Core } from '../../flow/core.js'
import { l2BudgetOf } from '../../flow/entries/l2-budget.js'
import type { Found } from '../../flow/entries/remote-entries.js'
import { scopeOfCall } from '../../flow/entries/scope-of-call.js'
import type { Reader } from '../../flow/read/read.js'
import type { Recorder } from '../../flow/runtime/recorder.js'
import { type Age, ageOf, type Entry } from '../../model/entry.js'
import { showName } from '../../model/errors.js'
import { localKey as localKeyOf, storeKeyOf } from '../../model/keys/key.js'
import { type Currency, isTag, type Label } from '../../model/labels.js'
import type { ReadOptions } from '../../model/options/options.js'
import { resolvePolicy } from '../../model/options/policy.js'
import type { Milliseconds } from '../../model/ports.js'
import type { BreakerState } from '../../tiers/breaker.js'
import { whyOf } from './why.js'

/** An entry as one tier has it. */
export interface ExplainedEntry {
  /** 'invalidated': a tag or scope of it is not current. 'unverified': the bus is not heard, and L2 has to be asked. Neither is served. */
  readonly state: Age | 'invalidated' | 'unverified'
  readonly ageMs: Milliseconds
  /** What is left of each window; 0 when it is over. */
  readonly freshForMs: Milliseconds
  readonly staleForMs: Milliseconds
  readonly usableForMs: Milliseconds
  /** Tags and scopes with whether each is current; 'unknown': L2 has to be asked. */
  readonly tags: readonly { readonly tag: string; readonly currency: Currency | 'unknown' }[]
  readonly scopes: readonly { readonly scope: string; readonly currency: Currency | 'unknown' }[]
}

/** What `cache.explain(key)` answers. */
export interface Explanation {
  readonly key: string
  readonly scope: string
  /** The key's name in L2. */
  readonly storeKey: string
  /** Who would serve `getOrSet` now: a tier whose entry below is fresh or stale (after a load that failed: usable), a load under way that it would join, or its loader. */
  readonly answeredBy: 'l1' | 'l2' | 'loader' | 'flight'
  /** The same with its reasons, in sentences: which invalidation, by whom and when; what was refused; why L2 is not used. For people: the words may change. */
  readonly why: string
  readonly l1: ExplainedEntry | undefined
  readonly l2:
    | { readonly state: 'entry'; readonly entry: ExplainedEntry }
    | { readonly state: 'none' | 'absent' | 'leased' | 'fenced' | 'unusable' | 'later-format' | 'unavailable' }
  readonly breaker: BreakerState
  /** Whether a change of this key still waits until L2 can be told. */
  readonly isQueued: boolean
  readonly isLoading: boolean
  /** Whether the bus was heard lately enough to trust L1 without asking L2. */
  readonly isTrusted: boolean
}

export async function explain(
  core: Core,
  reader: Reader,
  scope: CallScope,
  userKey: string,
  options: ReadOptions | undefined,
): Promise<Explanation> {
  core.assertOpen()
  const { space } = scopeOfCall(scope, options)
  const policy = resolvePolicy(scope.policy, options)
  const localKey = localKeyOf(space, userKey)
  const reading =
    policy.tiers === 'l1' ? undefined : reader.entries?.read(space, localKey, policy, l2BudgetOf(core, policy))
  const found = reading && (await core.callers.await(reading))
  const nowMs = core.clock.nowMs()
  // As a read would: a value that was set here goes before what the tiers have.
  const written = reader.local.ownWrite(localKey)
  const inL1 =
    written !== undefined ? written.usable?.entry : policy.tiers === 'l2' ? undefined : core.l1?.peek(localKey)
  const l1 = inL1 && { ...explainEntry(core, inL1, nowMs), state: stateInL1(core, inL1, nowMs) }
  const l2 = explainFound(core, found, nowMs)
  const isLoading = core.local.flights.has(localKey)
  const mustWait = policy.failureBackoff !== undefined && core.local.failures.mustWait(localKey, nowMs)
  const answeredBy = whoAnswers(l1, l2, isLoading, mustWait)
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

/** A flight comes before L2: whoever asks now joins it. While a load that failed waits for its next try, what staleIfError allows is served. */
function whoAnswers(
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

/** What an entry of L1 is worth once its labels and the trust in the bus are looked at. */
function stateInL1(core: Core, entry: Entry, nowMs: number): ExplainedEntry['state'] {
  if (ageOf(entry, nowMs) === 'expired') return 'expired'
  const currency = core.tokens.verify(entry, nowMs)
  if (currency === 'invalidated') {
    return core.tokens.compare(entry.labels) === 'invalidated' ? 'invalidated' : 'unverified'
  }
  if (currency === 'expired') entry.expire(core.tokens.expiredAtMs(entry.labels, nowMs))
  return ageOf(entry, nowMs)
}

function labelsOf(found: Found | undefined): readonly Label[] {
  if (found?.kind === 'entry') return found.entry.labels.labels
  return found?.kind === 'unusable' ? (found.labels?.labels ?? []) : []
}

/** What is remembered of the key and of its labels since the entry in memory was made. */
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
    tags: of('t:').map(({ label, currency }) => ({ tag: label.slice(2), currency })),
    scopes: of('c:').map(({ label, currency }) => ({ scope: label.slice(2), currency })),
  }
}

function currencyOf(core: Core, label: Label, token: string): Currency | 'unknown' {
  if (core.tokens.token(label) === undefined) return 'unknown'
  return core.tokens.compare({ labels: [label], tokens: [token] })
}
