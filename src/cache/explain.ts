// `cache.explain(key)`: everything that decides what a read of the key would do now.

import type { Core, Scope } from '../flow/core.js'
import type { Reader } from '../flow/read.js'
import type { Found } from '../flow/remote-entries.js'
import { scopeOfCall } from '../flow/scope-of-call.js'
import { type Age, ageOf, type Entry } from '../model/entry.js'
import { localKey as localKeyOf, storeKeyOf } from '../model/key.js'
import type { Currency, Label } from '../model/labels.js'
import type { ReadOptions } from '../model/options.js'
import { resolvePolicy } from '../model/policy.js'
import type { Milliseconds } from '../model/ports.js'
import type { BreakerState } from '../tiers/breaker.js'

/** An entry as one tier has it. */
export interface ExplainedEntry {
  readonly state: Age
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
  /** Who would answer `getOrSet` now. */
  readonly answeredBy: 'l1' | 'l2' | 'loader' | 'flight'
  readonly l1: ExplainedEntry | undefined
  readonly l2:
    | { readonly state: 'entry'; readonly entry: ExplainedEntry }
    | { readonly state: 'none' | 'absent' | 'leased' | 'fenced' | 'useless' | 'later-format' | 'unavailable' }
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
  scope: Scope,
  userKey: string,
  options: ReadOptions | undefined,
): Promise<Explanation> {
  core.assertOpen()
  const { space } = scopeOfCall(scope, options)
  const policy = resolvePolicy(scope.policy, options)
  const localKey = localKeyOf(space, userKey)
  const inL1 = core.l1?.peek(localKey)
  const reading = reader.entries?.read(space, localKey, policy, reader.patience())
  const found = reading && (await core.callers.await(reading))
  const nowMs = core.clock.nowMs()
  const l1 = inL1 && explainEntry(core, inL1, nowMs)
  const l1Serves = inL1 !== undefined && isServed(ageOf(inL1, nowMs)) && core.tokens.verify(inL1, nowMs) === 'current'
  const l2Serves = found?.kind === 'entry' && isServed(ageOf(found.entry, nowMs))
  const isLoading = core.local.flights.has(localKey)
  return {
    key: userKey,
    scope: space.scope,
    storeKey: storeKeyOf(localKey, core.name),
    answeredBy: l1Serves ? 'l1' : isLoading ? 'flight' : l2Serves ? 'l2' : 'loader',
    l1,
    l2: explainFound(core, found, nowMs),
    breaker: core.remote?.tier.state ?? 'closed',
    isQueued: core.recovery.hasKey(localKey),
    isLoading,
    isTrusted: core.tokens.isTrusted(nowMs),
  }
}

function isServed(age: Age): boolean {
  return age === 'fresh' || age === 'stale'
}

function explainFound(core: Core, found: Found | undefined, nowMs: number): Explanation['l2'] {
  if (found === undefined) return { state: 'none' }
  if (found.kind === 'entry') return { state: 'entry', entry: explainEntry(core, found.entry, nowMs) }
  return { state: found.kind === 'held' ? 'leased' : found.kind }
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
