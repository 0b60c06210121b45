// How users write durations, and how they are turned into whole milliseconds.
import { CacheError, show } from '../errors.js'

/**
 * A duration: a number of milliseconds, or a string of a number and its unit, such as `'250ms'`, `'30s'`, `'5m'`, `'1.5h'` or `'7d'`.
 * `Infinity` means no limit; `0` means not at all, for options that allow it. A computed number can have a unit: `${minutes}m`.
 *
 * `'3 s'` compiles, because the compiler takes `'3 '` for a number; it is refused at run time. The type `${bigint}s` would refuse it at
 * compile time, but also `'1.5s'` and computed strings such as `${seconds}s`.
 */
export type Duration = number | `${number}ms` | `${number}s` | `${number}m` | `${number}h` | `${number}d`

/** Whether an option may be 0: `'zero-ok'` (it means off) or `'positive'` (it is refused). */
export type DurationRule = 'zero-ok' | 'positive'

/** What a template writes for a number is taken too: `${n}m` may be `1e+21m` or `Infinitym`. */
const WRITTEN = /^(\d+(?:\.\d+)?(?:e[+-]\d+)?|\.\d+|Infinity)(ms|s|m|h|d)$/
const PLAIN = /^(?:\d+(?:\.\d+)?|\.\d+)$/

/**
 * Returns `value` in whole milliseconds. Throws `INVALID_OPTION`, with `name` as the name of the option. A value above 0 stays above 0, so
 * that `'0.2ms'` does not become "do not cache".
 */
export function toMs(value: Duration, name: string, rule: DurationRule = 'zero-ok'): number {
  const ms = typeof value === 'string' ? parse(value) : value
  if (typeof ms !== 'number' || !(rule === 'positive' ? ms > 0 : ms >= 0)) throw refusal(value, name, rule)
  // Adding 0 turns -0 into 0.
  return ms > 0 && ms < 1 ? 1 : Math.round(ms) + 0
}

/**
 * Returns a duration that is given as text, such as the value of an environment variable, in whole milliseconds. The text is a number with
 * its unit (`'5m'`, `'250ms'`), a number of milliseconds (`'300000'`), or `'Infinity'` for no limit. Throws `INVALID_OPTION` for any other
 * text; `name` says in the message what has the wrong value.
 */
export function parseDuration(text: string, name = 'the duration'): number {
  const ms = typeof text === 'string' ? msOf(text) : Number.NaN
  if (!Number.isNaN(ms)) return toMs(ms, name)
  throw new CacheError(
    'INVALID_OPTION',
    `${name} must be a duration: a number with ms, s, m, h or d, such as '5m', a number of milliseconds, such as '300000', or 'Infinity'; ` +
      `got ${show(text)}`,
  )
}

function msOf(text: string): number {
  if (text === 'Infinity') return Number.POSITIVE_INFINITY
  return PLAIN.test(text) ? Number(text) : parse(text)
}

function parse(text: string): number {
  const match = WRITTEN.exec(text)
  return match === null ? Number.NaN : Number(match[1]) * unitMs(match[2] as Unit)
}

type Unit = 'ms' | 's' | 'm' | 'h' | 'd'

function unitMs(unit: Unit): number {
  switch (unit) {
    case 'ms':
      return 1
    case 's':
      return 1_000
    case 'm':
      return 60_000
    case 'h':
      return 3_600_000
    case 'd':
      return 86_400_000
    default:
      return unit satisfies never
  }
}

function refusal(value: unknown, name: string, rule: DurationRule): CacheError {
  const bound = rule === 'positive' ? 'above 0' : 'of 0 or more'
  return new CacheError(
    'INVALID_OPTION',
    `${name} must be a duration ${bound}: milliseconds as a number, or a number with ms, s, m, h or d, such as '5m'; ` +
      `got ${show(value)}${suggestion(value)}`,
  )
}

/** How people write units, with the unit of ours and how many of it one of theirs is. */
const UNIT_WORDS: readonly (readonly [RegExp, Unit, number])[] = [
  [/^(ms|msecs?|millis|milliseconds?)$/, 'ms', 1],
  [/^(s|secs?|seconds?)$/, 's', 1],
  [/^(m|mins?|minutes?)$/, 'm', 1],
  [/^(h|hrs?|hours?)$/, 'h', 1],
  [/^(d|days?)$/, 'd', 1],
  [/^(w|wks?|weeks?)$/, 'd', 7],
]

/** What was probably meant; nothing if that is not clear. */
function suggestion(value: unknown): string {
  if (typeof value !== 'string' || value.length > 40) return ''
  const [, number = '', word = ''] = /^\s*(\d+(?:[.,]\d+)?)\s*([a-z]*)\.?\s*$/i.exec(value) ?? []
  if (number !== '' && word === '')
    return `. Did you mean ${Number(number.replace(',', '.'))} (milliseconds) or '${number}s'?`
  const known = UNIT_WORDS.find(([pattern]) => pattern.test(word.toLowerCase()))
  if (known === undefined) return ''
  const [, unit, times] = known
  return `. Did you mean '${Number(number.replace(',', '.')) * times}${unit}'?`
}
