// How long a value lives, and how its entry in this process is made.
import { type AtMs, Entry, IdleLife } from '../../model/entry.js'
import type { LabelSet } from '../../model/labels.js'
import type { Policy } from '../../model/options/policy.js'
import type { Milliseconds } from '../../model/ports.js'
import { jittered } from '../../model/time/freshness.js'
import type { Life } from '../state/seal-plan.js'

/** How long a value lives under this policy. `ttlMs` is the ttl that its loader chose, if it did. */
export function lifeOf(policy: Policy, value: unknown, ttlMs: Milliseconds | undefined, random: () => number): Life {
  const isAbsent = value === undefined || value === null
  const fullMs = ttlMs ?? (isAbsent ? (policy.absentTtlMs ?? policy.ttlMs) : policy.ttlMs)
  const freshForMs = jittered(fullMs, policy.jitter, random)
  const usableForMs = freshForMs + Math.max(policy.staleWhileRevalidateMs, policy.staleIfErrorMs)
  return {
    freshForMs,
    staleForMs: freshForMs + policy.staleWhileRevalidateMs,
    usableForMs,
    staleIfErrorMs: policy.staleIfErrorMs,
    idleForMs: policy.idleTtlMs < usableForMs ? policy.idleTtlMs : Number.POSITIVE_INFINITY,
  }
}

/** The idle life of a value that was created at `createdAtMs` and written, loaded or read at `atMs`; `undefined` if it has none. */
export function idleLifeOf(
  { idleForMs, usableForMs }: Life,
  createdAtMs: AtMs,
  atMs = createdAtMs,
): IdleLife | undefined {
  if (idleForMs === Number.POSITIVE_INFINITY) return undefined
  return new IdleLife(idleForMs, Math.floor(createdAtMs) + usableForMs, Math.floor(atMs))
}

/** What an entry is made of. */
export interface EntryParts {
  readonly value: unknown
  readonly createdAtMs: AtMs
  /** Counted from `createdAtMs`. */
  readonly life: Life
  /** When L1's own ttl ends: the entry is not usable in L1 after that. */
  readonly l1UntilMs: AtMs
  readonly verifiedAtMs: AtMs
  readonly labels: LabelSet
  readonly loadMs: Milliseconds
  readonly etag: string | undefined
  /** The epoch of the token table when the tokens were read. */
  readonly epoch: number
  readonly idle?: IdleLife | undefined
}

/** An entry with its times as instants. Instants are rounded down and durations up: V8 stores small integers without boxing. */
export function makeEntry(parts: EntryParts): Entry {
  const { life, l1UntilMs } = parts
  const createdAtMs = Math.floor(parts.createdAtMs)
  return new Entry({
    value: parts.value,
    createdAtMs,
    freshUntilMs: Math.min(createdAtMs + life.freshForMs, l1UntilMs),
    staleUntilMs: Math.min(createdAtMs + life.staleForMs, l1UntilMs),
    usableUntilMs: Math.min(createdAtMs + life.usableForMs, l1UntilMs),
    verifiedAtMs: Math.floor(parts.verifiedAtMs),
    labels: parts.labels,
    loadMs: Math.ceil(parts.loadMs),
    etag: parts.etag,
    epoch: parts.epoch,
    staleIfErrorMs: life.staleIfErrorMs,
    idle: parts.idle,
  })
}
