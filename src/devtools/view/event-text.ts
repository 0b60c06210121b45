// An event as the page shows it: a sentence without values. Pure.
import { CacheError } from '../../model/errors.js'
import type { CacheEventName, CacheEvents, InvalidatedEvent } from '../../model/events/events.js'
import { foreignText } from '../../model/text/foreign-text.js'

type Texts = { readonly [Name in CacheEventName]?: (payload: CacheEvents[Name]) => string }

/** What happens to entries all the time. */
export const LIFE: Texts = {
  miss: () => 'no tier had a value',
  loaded: ({ reason, durationMs, kept, notKept }) =>
    `loaded in ${ms(durationMs)} (${reason})${kept ? '' : `, kept nowhere: ${notKept}`}`,
  servedStale: ({ tier, why, ageMs }) => `served ${ms(ageMs)} old from ${tier.toUpperCase()} (${why})`,
  stored: ({ tiers }) => `stored in ${tiers === 'all' ? 'L1 and L2' : tiers.toUpperCase()}`,
  evicted: () => 'evicted from L1, which is full',
}

/** What a person wants to see as it comes. */
export const NEWS: Texts = {
  invalidated: (event) => invalidatedText(event),
  connected: ({ tookMs }) => `L2 is in use, after ${ms(tookMs)}`,
  recovered: ({ degradedMs }) => `L2 is used again, after ${ms(degradedMs)}`,
  replayed: ({ changes, overflowed }) =>
    `${changes} waiting changes were published${overflowed ? '; too many had waited, so one clear replaced them' : ''}`,
  busRecovered: ({ lostMs }) => `the bus is heard again, after ${ms(lostMs)}`,
  closed: ({ lost, unsaved }) => `the cache was closed; ${lost} changes never reached L2, ${unsaved} were not saved`,
}

/** The same, if it is trouble. */
export const TROUBLE: Texts = {
  loadFailed: ({ reason, durationMs, error }) =>
    `the load (${reason}) failed after ${ms(durationMs)}: ${nameOf(error)}`,
  storeFailed: ({ error }) => `the value could not be kept: ${nameOf(error)}`,
  saveFailed: ({ attempt, error, retryInMs }) =>
    `saving failed (attempt ${attempt}): ${nameOf(error)}; again in ${ms(retryInMs)}`,
  corrupt: ({ error }) => `the entry in L2 could not be used: ${error.message}`,
  degraded: ({ error }) => `L2 is not used: ${error.message}`,
  queued: ({ waiting }) => `a change could not reach L2 and waits, as one of ${waiting}`,
  dropped: ({ what, why }) => `a ${what} was given up (${why})`,
  busLost: ({ reason }) => `announcements may have been missed: ${reason}`,
  messageIgnored: ({ error }) => `an announcement was ignored: ${error.message}`,
  listenerFailed: ({ event, error }) => `a listener of ${event} failed: ${nameOf(error)}`,
  notice: ({ code, detail }) => `${code}: ${detail}`,
}

/** Only the kind of an error of the application: its message may contain what a loader works with. */
function nameOf(error: Error): string {
  return error instanceof CacheError ? error.code : foreignText(error.name, 60)
}

const MOST_NAMED = 8

/** Such as `invalidateTags org:7 by another process (k3…)`. Written and deleted keys are announced alike. */
export function invalidatedText({ by, scope, keys, tags, origin, sender }: InvalidatedEvent): string {
  const names = tags.length > 0 ? tags : keys
  const shown = names.slice(0, MOST_NAMED).join(', ')
  const more = names.length > MOST_NAMED ? ` and ${names.length - MOST_NAMED} more` : ''
  const who = origin === 'local' ? 'this process' : `another process (${foreignText(sender ?? 'unknown', 60)})`
  return `${by === 'unknown' ? 'set or delete' : by} ${names.length === 0 ? scope : `${shown}${more}`} by ${who}`
}

function ms(duration: number): string {
  if (duration < 1_000) return `${duration < 10 ? Math.round(duration * 10) / 10 : Math.round(duration)} ms`
  return `${Math.round(duration / 100) / 10} s`
}
