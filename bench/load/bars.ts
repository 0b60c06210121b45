// What a load test has to reach, as ratios and counts that do not depend on the machine.
import type { HttpLoad } from './http.js'
import type { LoadFigures } from './open-loop.js'

export interface Bar {
  readonly what: string
  readonly toReach: string
  readonly measured: string
  readonly holds: boolean
}

const P95_RATIO = 0.083
const HIT_RATIO = 0.7
const PER_SECOND = 1_000
const CONNECTIONS = 1_000
const SAMPLES = 1_000
/** How far the second generator may be off. */
const AGREEMENT = 0.2

export function barsOf({ uncached, filling, cached, queriesPerColdKey, besideWrk }: HttpLoad): Bar[] {
  const p95 = cached.p95Ms / uncached.p95Ms
  const samples = Math.min(uncached.reads, cached.reads)
  const errors = uncached.errors + filling.errors + cached.errors
  const agrees = (ratio: number) => Math.abs(ratio - 1) <= AGREEMENT
  return [
    bar(
      'p95 of cached reads, by that of uncached ones',
      `≤ ${P95_RATIO} ×`,
      `${p95.toFixed(3)} × (${cached.p95Ms.toFixed(1)} by ${uncached.p95Ms.toFixed(1)} ms)`,
      p95 <= P95_RATIO,
    ),
    bar('samples behind each p95', `≥ ${SAMPLES}`, String(samples), samples >= SAMPLES),
    bar(
      'hit ratio, from an empty cache on',
      `≥ ${HIT_RATIO * 100} %`,
      `${percent(filling)}, then ${percent(cached)}`,
      Math.min(filling.hitRatio, cached.hitRatio) >= HIT_RATIO,
    ),
    bar('requests a second', `≥ ${PER_SECOND}`, cached.perSecond.toFixed(0), cached.perSecond >= PER_SECOND),
    bar('connections', `≥ ${CONNECTIONS}`, String(cached.connections), cached.connections >= CONNECTIONS),
    bar('errors', '0', String(errors), errors === 0),
    bar('queries for 10 callers of a cold key', '1', String(queriesPerColdKey), queriesPerColdKey === 1),
    bar(
      'requests a second of a hit, by those that wrk measures',
      `1 ± ${AGREEMENT}`,
      besideWrk.perSecond.toFixed(2),
      agrees(besideWrk.perSecond),
    ),
    bar('p95 of an uncached read, by that of wrk', `1 ± ${AGREEMENT}`, besideWrk.p95.toFixed(2), agrees(besideWrk.p95)),
  ]
}

function bar(what: string, toReach: string, measured: string, holds: boolean): Bar {
  return { what, toReach, measured, holds }
}

function percent({ hitRatio }: LoadFigures): string {
  return `${(hitRatio * 100).toFixed(1)} %`
}
