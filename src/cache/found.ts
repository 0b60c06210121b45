// What the reads that never load make of an entry that they have found.
import type { Core } from '../flow/core.js'
import type { CallScope } from '../flow/flights/call-scope.js'
import type { UsableEntry } from '../flow/flights/flight.js'
import type { Lookup } from '../flow/read/look-up.js'
import { type Entry, idleForMs } from '../model/entry.js'
import { ABSENT, HIT, STALE } from '../model/events/read-outcome.js'
import { localKey } from '../model/keys/key.js'
import { tagsAmong } from '../model/labels.js'

/** Reports the read of `key` and returns its value; `undefined` if there is none, or only one for a failed load. */
export function served(core: Core, scope: CallScope, key: string, usable: UsableEntry | undefined): unknown {
  const { recorder } = core
  if (usable === undefined || usable.age === 'staleIfError') {
    recorder.read(scope, key, ABSENT)
    return undefined
  }
  const { entry, age, tier } = usable
  recorder.read(scope, key, age === 'fresh' ? HIT[tier] : STALE[tier], entry.createdAtMs)
  touched(core, scope, key, usable)
  return releasedValue(core, entry)
}

/** The entry of `key` was found for a caller: that renews its idle life, if it has one. */
export function touched(core: Core, { space }: CallScope, key: string, { entry }: UsableEntry): void {
  if (entry.idle !== undefined) core.touches.read(localKey(space, key), entry)
}

/** The result of `lookup`. */
export function lookupOf<V>(core: Core, usable: UsableEntry | undefined): Lookup<V> {
  if (usable === undefined) return { found: false }
  const { entry, tier, age } = usable
  const nowMs = core.clock.nowMs()
  return {
    found: true,
    value: releasedValue(core, entry) as V,
    tier,
    state: age,
    ageMs: nowMs - entry.createdAtMs,
    freshForMs: Math.max(0, entry.freshUntilMs - nowMs),
    idleForMs: idleForMs(entry, nowMs),
    tags: tagsAmong(entry.labels.labels),
  }
}

function releasedValue({ l1 }: Core, { value }: Entry): unknown {
  return l1 === undefined ? value : l1.release(value)
}
