// How old a hit may be that a call takes without further thought: looked up, since to parse a duration costs as much as a hit.
import { type Duration, toMs } from '../../model/options/duration.js'
import type { PolicyOptions } from '../../model/options/options.js'
import type { Milliseconds } from '../../model/ports.js'

/** Durations are constants of the program; those that are computed are parsed anew once there are more. */
const MAX_KNOWN = 256

export class MaxAges {
  readonly #known = new Map<string, Milliseconds>()

  /** Below this age an entry that is fresh is within all windows of these options. 0 where they are wrong. */
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

/** What is wrong is refused by the long way. */
function parsed(duration: Duration): Milliseconds {
  try {
    return toMs(duration, 'ttl')
  } catch {
    return 0
  }
}
