// Splits changes into groups that fit into one message each. Messages are bounded, and so are the stream and the cost of reading one.

import { type Announcement, encodeAnnouncement, MAX_ANNOUNCEMENT_BYTES } from '../../codec/announcement.js'
import type { Label } from '../../model/labels.js'
import type { Bytes } from '../../model/ports.js'
import type { PendingChange } from './pending-change.js'

/** Changes that are applied in one step and announced in one message. */
export interface AnnouncementPart {
  readonly pending: readonly PendingChange[]
  readonly announcement: Bytes
}

/** In the order of `pending`; nearly always it is a single part. */
export function partsOf(sender: string, pending: readonly PendingChange[]): readonly AnnouncementPart[] {
  if (pending.length === 1 || !isSurelyTooLarge(pending)) {
    const announcement = encodeAnnouncement(announcementOf(sender, pending))
    if (pending.length === 1 || announcement.length <= MAX_ANNOUNCEMENT_BYTES) return [{ pending, announcement }]
  }
  const half = pending.length >>> 1
  return [...partsOf(sender, pending.slice(0, half)), ...partsOf(sender, pending.slice(half))]
}

/** The announcement that all keys with `prefix` were deleted. */
export function prefixAnnouncement(sender: string, prefix: string): Bytes {
  return encodeAnnouncement({ ...announcementOf(sender, []), prefixes: [prefix] })
}

/** The subjects alone are too long, so it need not be encoded. */
function isSurelyTooLarge(pending: readonly PendingChange[]): boolean {
  let length = 0
  for (const { subject } of pending) length += subject.length
  return length > MAX_ANNOUNCEMENT_BYTES
}

/** What the other processes must know about these changes. */
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
      case 'swapped':
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
