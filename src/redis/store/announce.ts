// The last step of a batch: label changes and the announcement, in one atomic step.

import { asBuffer } from '../../model/as-buffer.js'
import { asError } from '../../model/errors.js'
import { heldAnotherType, outOfMemory } from '../../model/events/notices.js'
import type { Bytes, Change, Milliseconds } from '../../model/ports.js'
import { faultBehind, isReply } from '../client/classify-error.js'
import type { Argument } from '../client/client.js'
import { ANNOUNCEMENT_FIELD } from '../server/replies.js'
import { ANNOUNCE, type Script } from '../server/scripts.js'

/** About how many announcements the stream keeps. A bus that falls further behind reports that it lost some. */
export const STREAM_LENGTH = 10_000

/**
 * A large announcement trims the stream to fewer entries: to this many bytes if all entries were as large. Small announcements that
 * follow may stand beside large ones. Together they are at most five times as much: about 16 MB.
 */
const BYTES_OF_ALIKE = 3 * 1024 * 1024

/** How long the stream may be after an announcement of `announcementBytes` was appended. */
export function streamLengthWith(announcementBytes: number): number {
  return Math.min(STREAM_LENGTH, Math.max(1, Math.floor(BYTES_OF_ALIKE / Math.max(1, announcementBytes))))
}

export type LabelChange = Extract<Change, { label: string }>

export interface AnnounceContext {
  readonly busKey: string
  readonly holdsKey: string
  tokenKeyOf(label: string): string
  send(key: string, command: string, args: Argument[]): Promise<unknown>
  run(script: Script, keys: readonly string[], args: readonly Argument[]): Promise<unknown>
  notice(code: string, detail: string): void
  wholeMs(ms: Milliseconds): number
}

/** Changes `labels` and announces. Returns why it failed. */
export async function announceAfterChanges(
  labels: readonly LabelChange[],
  announcement: Bytes | undefined,
  context: AnnounceContext,
): Promise<Error | undefined> {
  try {
    if (labels.length > 0) await runAnnounce(labels, announcement, context)
    else if (announcement !== undefined) await append(announcement, context)
    return undefined
  } catch (error) {
    return asError(error)
  }
}

/** Without label changes one XADD is enough. */
async function append(announcement: Bytes, context: AnnounceContext): Promise<void> {
  const { busKey } = context
  try {
    const entry = ['*', ANNOUNCEMENT_FIELD, asBuffer(announcement)]
    await context.send(busKey, 'xadd', [busKey, 'MAXLEN', '~', streamLengthWith(announcement.length), ...entry])
  } catch (error) {
    // The script also appends when the server is out of memory, and it replaces a key to which nothing can be appended: one of another
    // type, or a stream whose last id is the largest possible. Neither helps if the error is not from Redis itself.
    const fault = faultBehind(error)
    if (fault !== 'outOfMemory' && fault !== 'wrongType' && !(fault === 'unavailable' && isReply(error))) throw error
    await runAnnounce([], announcement, context)
    if (fault === 'unavailable')
      context.notice('STREAM_REPLACED', 'nothing could be appended to the stream of announcements, so it was recreated')
    else if (fault === 'wrongType') context.notice('WRONG_TYPE', heldAnotherType(busKey))
    else context.notice('OUT_OF_MEMORY', outOfMemory('announcements take a second command'))
  }
}

async function runAnnounce(labels: readonly LabelChange[], announcement: Bytes | undefined, context: AnnounceContext) {
  const keys = [context.busKey, context.holdsKey, ...labels.map(({ label }) => context.tokenKeyOf(label))]
  const changes = labels.map((change) => argumentOf(change, context))
  const entry =
    announcement === undefined
      ? ['', '', STREAM_LENGTH]
      : [ANNOUNCEMENT_FIELD, asBuffer(announcement), streamLengthWith(announcement.length)]
  await context.run(ANNOUNCE, keys, [...entry, ...changes])
}

/** The change of one label, as `ANNOUNCE` takes it. */
function argumentOf(change: LabelChange, { wholeMs }: AnnounceContext): string {
  if (change.op === 'expireLabel') return change.soft
  return change.holdMs === undefined ? '' : `h${wholeMs(change.holdMs)}`
}
