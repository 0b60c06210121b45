// How users write lengths of time, and their one translation into whole milliseconds.
import { CacheError, show } from '../errors.js'

/**
 * A length of time: a number of milliseconds, or a number with its unit such as `'250ms'`, `'30s'`, `'1.5h'`.
 * `Infinity` (the number) means no limit; `0` means not at all, where that makes sense.
 *
 * To the compiler `'3 '` is a number, so `'3 s'` is refused by `toMs` only: `${bigint}s` would refuse it, and with it `'1.5s'` and
 * what programs compute, `${seconds}s`.
 */
export type Duration = number | `${number}ms` | `${number}s` | `${number}m` | `${number}h` | `${number}d`

/** What 0 means for an option: `'zero-ok'` (do not cache, off) or `'positive'` (nonsense, refused). */
export type DurationRule = 'zero-ok' | 'positive'

const WRITTEN = /^(\d+(?:\.\d+)?|\.\d+)(ms|s|m|h|d)$/

/**
 * The whole milliseconds of `value`; `name` is the option to name in the error.
 * What is above 0 stays above 0, so that `'0.2ms'` never turns into "do not cache".
 */
export function toMs(value: Duration, name: string, rule: DurationRule = 'zero-ok'): number {
  const ms = typeof value === 'string' ? parse(value) : value
  if (typeof ms !== 'number' || !(rule === 'positive' ? ms > 0 : ms >= 0)) throw refusal(value, name, rule)
  // Adding 0 turns -0 into 0.
  return ms > 0 && ms < 1 ? 1 : Math.round(ms) + 0
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
      `got ${show(value)}`,
  )
}
