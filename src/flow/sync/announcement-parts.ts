// Changes in groups that are announced in one message each: a message is bounded, so that the stream is and what it takes to read one.

import { type Announcement, encodeAnnouncement, MAX_ANNOUNCEMENT_BYTES } from '../../codec/announcement.js'
import type { Label } from '../../model/labels.js'
import type { Bytes } from '../../model/ports.js'
import type { PendingChange } from './pending-change.js'

/** What is done in one step, and then announced in one message. */
export interface AnnouncementPart {
  readonly pending: readonly PendingChange[]
  readonly announcement: Bytes
}

/** In the order of `outgoing`; nearly always it is one. */
export function partsOf(sender: string, pending: readonly PendingChange[]): readonly AnnouncementPart[] {
  if (pending.length === 1 || !isSurelyTooLarge(pending)) {
    const announcement = encodeAnnouncement(announcementOf(sender, pending))
    if (pending.length === 1 || announcement.length <= MAX_ANNOUNCEMENT_BYTES)
      return [{ pending: pending, announcement }]
  }
  const half = pending.length >>> 1
  return [...partsOf(sender, pending.slice(0, half)), ...partsOf(sender, pending.slice(half))]
}

/** The announcement of keys that begin with `prefix`. */
export function prefixAnnouncement(sender: string, prefix: string): Bytes {
  return encodeAnnouncement({ ...announcementOf(sender, []), prefixes: [prefix] })
}

/** Known without encoding it. */
function isSurelyTooLarge(pending: readonly PendingChange[]): boolean {
  let length = 0
  for (const { subject } of pending) length += subject.length
  return length > MAX_ANNOUNCEMENT_BYTES
}

/** What the other processes must know of these changes. */
function announcementOf(sender: string, pending: readonly PendingChange[]): Announcement {
  const keys: string[] = []
  const expiredKeys: string[] = []
  const labels: Label[] = []
  const expiredLabels: [Label, string][] = []
  for (const { subject, change } of pending) {
    switch (change.op) {
      case 'put':
      case 'replace':
      case 'delete':
        keys.push(subject)
        break
      case 'expire':
        expiredKeys.push(subject)
        break
      case 'invalidateLabel':
        labels.push(subject)
        break
      case 'expireLabel':
        expiredLabels.push([subject, change.soft])
        break
      default:
        change satisfies never
    }
  }
  return { sender, keys, expiredKeys, labels, expiredLabels, prefixes: [] }
}
