// What an announcement of another process says, as the events that listeners get.

import type { Announcement } from '../../codec/announcement.js'
import type { InvalidatedEvent } from '../../model/events/events.js'
import { scopeOf, userKeyOf } from '../../model/keys/key.js'
import type { Label } from '../../model/labels.js'

type Verb = InvalidatedEvent['by']

/**
 * One event for each verb and scope. A key that was deleted and one that was overwritten are announced alike, so that their verb is
 * `'unknown'`. Tags span the whole cache: their scope is that of the cache.
 */
export function eventsOf(said: Announcement, rootName: string): readonly InvalidatedEvent[] {
  const softly = said.expiredLabels.map(([label]) => label)
  return [
    ...ofKeys('unknown', said.keys, rootName),
    ...ofKeys('expire', said.expiredKeys, rootName),
    ...ofTags('invalidateTags', said.labels, rootName),
    ...ofTags('expireTags', softly, rootName),
    ...said.labels.filter(isOfScope).map((label) => event('clear', label.slice(2), [], [])),
    ...said.prefixes.map((prefix) => event('deleteByPrefix', scopeOf(prefix, rootName), [], [])),
  ]
}

function ofKeys(by: Verb, localKeys: readonly string[], rootName: string): readonly InvalidatedEvent[] {
  const byScope = new Map<string, string[]>()
  for (const localKey of localKeys) {
    const scope = scopeOf(localKey, rootName)
    const keys = byScope.get(scope) ?? []
    keys.push(userKeyOf(localKey))
    byScope.set(scope, keys)
  }
  return [...byScope].map(([scope, keys]) => event(by, scope, keys, []))
}

function ofTags(by: Verb, labels: readonly Label[], rootName: string): readonly InvalidatedEvent[] {
  const tags = labels.filter((label) => label.startsWith('t:')).map((label) => label.slice(2))
  return tags.length === 0 ? [] : [event(by, rootName, [], tags)]
}

function isOfScope(label: Label): boolean {
  return label.startsWith('c:')
}

function event(by: Verb, scope: string, keys: readonly string[], tags: readonly string[]): InvalidatedEvent {
  return { by, origin: 'remote', scope, keys, tags }
}
