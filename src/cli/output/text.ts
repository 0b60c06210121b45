// Texts for a terminal: names of others in one safe line, lengths of time and sizes for people. Pure.

/** Control and format characters, line ends, and halves of surrogate pairs: they could forge lines or steer the terminal. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu
/** What needs no quotes: it cannot be confused with the text around it. */
const PLAIN = /^[^\s"'\\,\p{C}\p{Z}]+$/u
const LONGEST = 200

/** A key, a tag or another name: as it is, or in quotes with escapes, and at most 200 characters of it. */
export function nameText(name: string): string {
  const cut = name.length > LONGEST ? `${name.slice(0, LONGEST)}…` : name
  return PLAIN.test(cut) ? cut : safeText(JSON.stringify(cut))
}

/** A text of a server or of an error, in one line and without characters that steer a terminal. */
export function safeText(text: string): string {
  return text.replace(/\s*\n\s*/g, ' ').replace(UNPRINTABLE, (c) => `\\u{${(c.codePointAt(0) as number).toString(16)}}`)
}

const UNITS = [
  { unit: 'd', ms: 86_400_000 },
  { unit: 'h', ms: 3_600_000 },
  { unit: 'min', ms: 60_000 },
  { unit: 's', ms: 1_000 },
] as const

/** Such as `340 ms`, `2.5 s`, `12 min`; `for ever` without an end. */
export function spanText(ms: number): string {
  if (ms === Number.POSITIVE_INFINITY) return 'for ever'
  const fit = UNITS.find((unit) => Math.abs(ms) >= unit.ms)
  if (fit === undefined) return `${Math.round(ms)} ms`
  const count = ms / fit.ms
  return `${Math.abs(count) < 10 ? Math.round(count * 10) / 10 : Math.round(count)} ${fit.unit}`
}

/** Such as `512 B`, `1.5 KB`, `12 MB`: powers of 1,024. */
export function sizeText(bytes: number): string {
  let size = bytes
  for (const unit of ['B', 'KB', 'MB', 'GB']) {
    if (size < 1_024) return `${size < 10 && unit !== 'B' ? size.toFixed(1) : Math.round(size)} ${unit}`
    size /= 1_024
  }
  return `${size.toFixed(1)} TB`
}

/** Such as `1,234`. */
export function countText(count: number): string {
  return count.toLocaleString('en-US')
}

/** A count with its word, such as `1 entry` or `2 entries`. */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${countText(count)} ${count === 1 ? one : many}`
}

/** The instant in UTC, such as `2026-03-01T12:00:00.000Z`. Whoever can write to a stream may choose an id that is no instant. */
export function instantText(epochMs: number): string {
  const instant = new Date(epochMs)
  return Number.isNaN(instant.getTime()) ? 'at no known time' : instant.toISOString()
}
