// An announcement as text. Pure.
import type { InvalidatedEvent } from '../../index.js'
import type { Announced } from '../connection/announcements.js'
import { instantText, nameText } from '../output/text.js'

/** How many keys or tags of one announcement a line names. */
const NAMED = 8

const VERBS: Readonly<Record<InvalidatedEvent['by'], string>> = {
  // Written and deleted keys are announced alike.
  unknown: 'set or delete',
  set: 'set',
  delete: 'delete',
  expire: 'expire',
  invalidateTags: 'invalidateTags',
  expireTags: 'expireTags',
  clear: 'clear',
  expireAll: 'expireAll',
  deleteByPrefix: 'deleteByPrefix',
}

/** One line, such as `2026-03-01T12:00:00.000Z  invalidateTags shop: org:7  by k3…`. */
export function lineOf({ atMs, events }: Announced): string {
  const what = events.length === 0 ? 'an announcement that this release cannot read' : events.map(whatOf).join('; ')
  const sender = events[0]?.sender
  return `${instantText(atMs)}  ${what}${sender === undefined ? '' : `  by ${nameText(sender)}`}`
}

/** What one event says: the verb, its scope, and the keys or tags. */
export function whatOf({ by, scope, keys, tags }: InvalidatedEvent): string {
  const names = by === 'invalidateTags' || by === 'expireTags' ? tags : keys
  const what = `${VERBS[by]} ${nameText(scope)}`
  if (names.length === 0) return what
  const more = names.length > NAMED ? ` and ${names.length - NAMED} more` : ''
  return `${what}: ${names.slice(0, NAMED).map(nameText).join(', ')}${more}`
}

/** The same as data, for `--json`. */
export function dataOf({ id, atMs, events }: Announced): object {
  return {
    id,
    at: instantText(atMs),
    sender: events[0]?.sender ?? null,
    changes: events.map(({ by, scope, keys, tags }) => ({ by, scope, keys, tags })),
  }
}
