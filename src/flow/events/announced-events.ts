// Turns an announcement of another process into the events that listeners get.

import type { Announcement } from '../../codec/announcement.js'
import type { InvalidatedEvent } from '../../model/events/events.js'
import { scopeOf, userKeyOf } from '../../model/keys/key.js'
import type { Label } from '../../model/labels.js'

type Verb = InvalidatedEvent['by']

/**
 * One event per verb and scope. Deleted and overwritten keys are announced alike, so their verb is `'unknown'`. Tags belong to the
 * whole cache, so their scope is that of the cache.
 */
export function eventsOf(announcement: Announcement, rootName: string): readonly InvalidatedEvent[] {
  const { sender } = announcement
  const expiredLabels = announcement.expiredLabels.map(([label]) => label)
  return [
    ...ofKeys('unknown', announcement.keys, rootName),
    ...ofKeys('expire', announcement.expiredKeys, rootName),
    ...ofTags('invalidateTags', announcement.labels, rootName),
    ...ofTags('expireTags', expiredLabels, rootName),
    ...announcement.labels.filter(isOfScope).map((label) => said('clear', label.slice(2), [], [])),
    ...expiredLabels.filter(isOfScope).map((label) => said('expireAll', label.slice(2), [], [])),
    ...announcement.prefixes.map((prefix) => said('deleteByPrefix', scopeOf(prefix, rootName), [], [])),
  ].map((event) => ({ ...event, origin: 'remote', sender }))
}

type Said = Omit<InvalidatedEvent, 'origin' | 'sender'>

function ofKeys(by: Verb, localKeys: readonly string[], rootName: string): readonly Said[] {
  const byScope = new Map<string, string[]>()
  for (const localKey of localKeys) {
    const scope = scopeOf(localKey, rootName)
    const keys = byScope.get(scope) ?? []
    keys.push(userKeyOf(localKey))
    byScope.set(scope, keys)
  }
  return [...byScope].map(([scope, keys]) => said(by, scope, keys, []))
}

function ofTags(by: Verb, labels: readonly Label[], rootName: string): readonly Said[] {
  const tags = labels.filter((label) => label.startsWith('t:')).map((label) => label.slice(2))
  return tags.length === 0 ? [] : [said(by, rootName, [], tags)]
}

function isOfScope(label: Label): boolean {
  return label.startsWith('c:')
}

function said(by: Verb, scope: string, keys: readonly string[], tags: readonly string[]): Said {
  return { by, scope, keys, tags }
}
