// `Cache-Control`, of requests and of responses (RFC 9111 §5.2).
import { type Fields, fieldOf, membersOf } from './fields.js'

/** The directives by lower-case name. One without an argument has `''`. Of a repeated directive the first counts (RFC 9111 §4.2.1). */
export type Directives = ReadonlyMap<string, string>

const NONE: Directives = new Map()

/**
 * The directives of a message. Names are case-insensitive, and an argument may be a quoted string (RFC 9111 §5.2). `Pragma: no-cache` of a
 * request without `Cache-Control` counts as `no-cache` (RFC 9111 §5.4).
 */
export function directivesOf(fields: Fields): Directives {
  const value = fieldOf(fields, 'cache-control')
  if (value === undefined) return NONE
  const directives = new Map<string, string>()
  for (const member of membersOf(value)) {
    const at = member.indexOf('=')
    const name = (at < 0 ? member : member.slice(0, at)).toLowerCase()
    if (!directives.has(name)) directives.set(name, at < 0 ? '' : unquoted(member.slice(at + 1)))
  }
  return directives
}

/** The directives of a request. */
export function requestDirectivesOf(fields: Fields): Directives {
  if (fields['cache-control'] === undefined && fieldOf(fields, 'pragma')?.toLowerCase().includes('no-cache') === true) {
    return new Map([['no-cache', '']])
  }
  return directivesOf(fields)
}

/** The largest number of seconds that is told apart: a larger one counts as this (RFC 9111 §1.2.2). */
const MOST_SECONDS = 2 ** 31

/** The delta-seconds of a directive; `undefined` if it is absent, and 0, which is stale, if it is no number (RFC 9111 §4.2.1). */
export function secondsOf(directives: Directives, name: string): number | undefined {
  const value = directives.get(name)
  return value === undefined ? undefined : (deltaSeconds(value) ?? 0)
}

/** A whole number of seconds (RFC 9111 §1.2.2); `undefined` if `text` is none. */
export function deltaSeconds(text: string): number | undefined {
  return /^\d+$/.test(text) ? Math.min(Number(text), MOST_SECONDS) : undefined
}

function unquoted(value: string): string {
  return /^".*"$/s.test(value) ? value.slice(1, -1).replaceAll(/\\(.)/gs, '$1') : value
}
