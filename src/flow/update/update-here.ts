// An update without an L2: the same in the memory of this process alone.
import { tagLabel } from '../../model/labels.js'
import type { Core } from '../core.js'
import type { LocalEntries } from '../entries/local-entries.js'
import { tagsFor } from '../entries/tags.js'
import { acceptWritten } from '../write/draft.js'
import type { Writer } from '../write/write.js'
import { type Attempted, CONFLICT, type UpdateJob } from './update-job.js'

/**
 * One attempt. The log of changed keys is the fence: a change of the key, or the invalidation of a label, that comes while the function
 * runs makes the attempt a conflict. Between that check and the effect of `setAccepted` nothing else can run.
 */
export async function attemptHere(
  core: Pick<Core, 'values' | 'local'>,
  writer: Writer,
  entries: LocalEntries,
  job: UpdateJob,
): Promise<Attempted> {
  const { keyLog, labelLog } = core.local
  const { scope, policy, userKey, localKey } = job
  const keyMark = keyLog.mark()
  const labelMark = labelLog.mark()
  const usable = entries.usable(localKey, policy)
  const present = usable?.age === 'staleIfError' ? undefined : usable?.entry
  const before = present === undefined ? undefined : entries.handOut(present.value)
  const { value: given, write } = await job.call(before, present !== undefined)
  if (given === undefined) return { kind: 'unchanged', value: before }
  const accepted = await acceptWritten(core, scope, given, write)
  const tags = tagsFor(write.tags, accepted.value, userKey).map(tagLabel)
  // A `set` that has begun and waits for its schema would count as overtaken by this one, although its value was not seen here.
  while (writer.isChanging(localKey)) await writer.earlierEnded(localKey)
  job.signal?.throwIfAborted()
  const labels = [...scope.space.scopeLabels, ...tags, ...(present?.labels.labels ?? [])]
  if (keyLog.brokenSince(keyMark, localKey)) return CONFLICT
  if (labels.some((label) => labelLog.brokenSince(labelMark, label))) return CONFLICT
  await writer.setAccepted(scope, userKey, accepted, write)
  return { kind: 'stored', value: accepted.value }
}
