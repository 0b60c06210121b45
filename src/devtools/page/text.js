// Figures as text. Everything that the page shows goes through `textContent`, so no text ever becomes HTML.

const COUNT = new Intl.NumberFormat('en-US')

/** Such as `1,234`. */
export function count(/** @type {number} */ number) {
  return COUNT.format(number)
}

/** Such as `99.4%`; a dash for a part of nothing. */
export function percent(/** @type {number} */ part, /** @type {number} */ whole) {
  return whole === 0 ? '–' : `${(Math.floor((part / whole) * 1_000) / 10).toFixed(1)}%`
}

/** Such as `0.4 ms`, `12 s`, `3 min`. JSON has no Infinity, so `null` stands for it. */
export function span(/** @type {number | null} */ ms) {
  if (ms === null || ms === Number.POSITIVE_INFINITY) return 'for ever'
  if (ms < 10) return `${Math.round(ms * 10) / 10} ms`
  if (ms < 1_000) return `${Math.round(ms)} ms`
  if (ms < 120_000) return `${Math.round(ms / 100) / 10} s`
  if (ms < 7_200_000) return `${Math.round(ms / 60_000)} min`
  return ms < 172_800_000 ? `${Math.round(ms / 3_600_000)} h` : `${Math.round(ms / 86_400_000)} d`
}

/** Such as `1.5 MB`. */
export function size(/** @type {number} */ bytes) {
  let left = bytes
  for (const unit of ['B', 'KB', 'MB', 'GB']) {
    if (left < 1_024) return `${left < 10 && unit !== 'B' ? left.toFixed(1) : Math.round(left)} ${unit}`
    left /= 1_024
  }
  return `${left.toFixed(1)} TB`
}

/** The time of day, such as `14:03:22`. */
export function time(/** @type {number} */ epochMs) {
  return new Date(epochMs).toLocaleTimeString('en-GB')
}

/** A rate per second. */
export function rate(/** @type {number} */ perSecond) {
  return perSecond < 10 ? String(Math.round(perSecond * 10) / 10) : count(Math.round(perSecond))
}
