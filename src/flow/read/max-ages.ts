// How old a hit may be for the options of a call. Parsed durations are remembered, since parsing one takes as long as a hit.
import { type Duration, toMs } from '../../model/options/duration.js'
import type { PolicyOptions } from '../../model/options/options.js'
import type { Milliseconds } from '../../model/ports.js'

/** Most durations are constants. If a program computes more than this many, they are forgotten and parsed again. */
const MAX_KNOWN = 256

export class MaxAges {
  readonly #known = new Map<string, Milliseconds>()

  /** A fresh entry below this age is within all windows of these options. 0 if a duration is invalid. */
  of(options: PolicyOptions): Milliseconds {
    const { ttl, l1Ttl, absentTtl } = options
    if (ttl === undefined && l1Ttl === undefined && absentTtl === undefined) return Number.POSITIVE_INFINITY
    let leastMs = Number.POSITIVE_INFINITY
    if (ttl !== undefined) leastMs = Math.min(leastMs, this.#msOf(ttl))
    if (l1Ttl !== undefined) leastMs = Math.min(leastMs, this.#msOf(l1Ttl))
    if (absentTtl !== undefined) leastMs = Math.min(leastMs, this.#msOf(absentTtl))
    return leastMs
  }

  #msOf(duration: Duration): Milliseconds {
    if (typeof duration === 'number') return Number.isNaN(duration) ? 0 : duration
    const known = this.#known.get(duration)
    if (known !== undefined) return known
    const ms = parsed(duration)
    if (this.#known.size >= MAX_KNOWN) this.#known.clear()
    this.#known.set(duration, ms)
    return ms
  }
}

/** An invalid duration makes the call take the slow path, which refuses it. */
function parsed(duration: Duration): Milliseconds {
  try {
    return toMs(duration, 'ttl')
  } catch {
    return 0
  }
}
