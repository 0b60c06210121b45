// A batch of changes and its announcement: who is told of a change must find it done.
import { asBuffer } from '../model/as-buffer.js'
import type { Bytes, Change, ChangeResult, Milliseconds } from '../model/ports.js'
import { faultBehind } from './classify-error.js'
import type { Argument } from './client.js'
import { FEWEST_AT_ONCE, MAX_AT_ONCE, MAX_BYTES_AT_ONCE } from './per-tick.js'
import { ANNOUNCEMENT_FIELD } from './replies.js'
import { ANNOUNCE, EXPIRE_ENTRY, PUT_MANY, REPLACE_OR_REMOVE, type Script } from './scripts.js'

/** About how many announcements the stream keeps. A bus that fell further behind says that it lost some. */
export const STREAM_LENGTH = 10_000

export interface ApplyContext {
  /** Whether commands are executed in the order sent: then the announcement need not wait for the changes. */
  readonly inOrder: boolean
  readonly busKey: string
  tokenKeyOf(label: string): string
  send(key: string, command: string, args: Argument[]): Promise<unknown>
  run(script: Script, keys: readonly string[], args: readonly Argument[]): Promise<unknown>
  wholeMs(ms: Milliseconds): number
  notice(code: string, detail: string): void
}

type LabelChange = Extract<Change, { label: string }>
type KeyChange = Exclude<Change, LabelChange>
type PutChange = Extract<Change, { op: 'put' }>

/** One command under way and the changes that it does. */
interface Step {
  readonly indexes: readonly number[]
  readonly result: Promise<StepResult>
}

/** `'late'`: done, but only after what was sent behind it. */
type StepResult = 'done' | 'late' | Error

/**
 * Sends the changes of keys, then the changes of labels and the announcement as one step. Where order is kept, all of it leaves at
 * once; a change that had to be done in another way, and so later, is announced once more.
 *
 * If the announcement fails, no change counts as applied: other processes might never hear of it. Rejects if nothing is known.
 */
export async function applyChanges(
  changes: readonly Change[],
  announcement: Bytes | undefined,
  context: ApplyContext,
): Promise<readonly ChangeResult[]> {
  const labels = changes.filter(isLabelChange)
  const hasTail = labels.length > 0 || announcement !== undefined
  // A script that the server forgot is sent again, behind everything else.
  const isEarly = context.inOrder && !changes.some(({ op }) => op === 'expire')
  const steps = sendKeyChanges(changes, context)
  const early = hasTail && isEarly ? sendTail(labels, announcement, context) : undefined
  const results = new Array<ChangeResult>(changes.length).fill(undefined)
  let isAnyLate = false
  let areAllFailed = true
  for (const { indexes, result } of steps) {
    const outcome = await result
    if (outcome === 'late') isAnyLate = true
    if (outcome instanceof Error) for (const index of indexes) results[index] = outcome
    else areAllFailed = false
  }
  let failure = hasTail ? await (early ?? sendTail(labels, announcement, context)) : undefined
  if (early !== undefined && isAnyLate) failure ??= await sendTail([], announcement, context)
  if (failure === undefined) return results
  if (areAllFailed) throw failure
  return results.map((result) => result ?? failure)
}

function isLabelChange(change: Change): change is LabelChange {
  return change.op === 'invalidateLabel' || change.op === 'expireLabel'
}

function sendKeyChanges(changes: readonly Change[], context: ApplyContext): Step[] {
  const steps: Step[] = []
  for (let index = 0; index < changes.length; index++) {
    const change = changes[index] as Change
    if (isLabelChange(change)) continue
    const puts = context.inOrder ? putsFrom(changes, index) : []
    if (puts.length >= FEWEST_AT_ONCE) {
      steps.push({ indexes: puts.map((_, i) => index + i), result: settled(putMany(puts, context)) })
      index += puts.length - 1
      continue
    }
    if (change.op !== 'delete') {
      steps.push({ indexes: [index], result: settled(sendKeyChange(change, context)) })
      continue
    }
    const keys = [change.key]
    const indexes = [index]
    // Deletes in a row are one command where keys may share it.
    for (let next = changes[index + 1]; context.inOrder && next?.op === 'delete'; next = changes[index + 1]) {
      keys.push(next.key)
      indexes.push(++index)
    }
    steps.push({ indexes, result: settled(context.send(change.key, 'unlink', keys)) })
  }
  return steps
}

async function sendKeyChange(change: Exclude<KeyChange, { op: 'delete' }>, context: ApplyContext): Promise<StepResult> {
  const { key } = change
  switch (change.op) {
    case 'put':
      return put(key, change.bytes, change.keepMs, context)
    case 'replace':
      return replace(change, context)
    case 'expire':
      await context.run(EXPIRE_ENTRY, [key], [asBuffer(change.stamp)])
      return 'done'
    default:
      return change satisfies never
  }
}

async function put(key: string, bytes: Bytes, keepMs: Milliseconds, context: ApplyContext): Promise<StepResult> {
  try {
    await context.send(key, 'set', [key, asBuffer(bytes), 'PX', context.wholeMs(keepMs)])
    return 'done'
  } catch (error) {
    if (faultBehind(error) !== 'outOfMemory') throw error
    // The new value cannot be kept, and the old one must not be.
    context.notice('OUT_OF_MEMORY', 'a value was removed instead of being replaced')
    await context.send(key, 'unlink', [key])
    return 'late'
  }
}

/** The values to be put in a row from `index` on, as many as one script may take. */
function putsFrom(changes: readonly Change[], index: number): PutChange[] {
  const puts: PutChange[] = []
  let bytes = 0
  for (let next = changes[index]; next?.op === 'put' && puts.length < MAX_AT_ONCE; next = changes[++index]) {
    bytes += next.bytes.length
    if (bytes > MAX_BYTES_AT_ONCE) break
    puts.push(next)
  }
  return puts
}

/** One command for many values: 64 writes in flight cost the client a third less (bench, set-64). */
async function putMany(puts: readonly PutChange[], context: ApplyContext): Promise<StepResult> {
  const keys = puts.map(({ key }) => key)
  const args: Argument[] = []
  for (const { bytes, keepMs } of puts) args.push(asBuffer(bytes), context.wholeMs(keepMs))
  try {
    await context.send(keys[0] as string, 'evalsha', [PUT_MANY.sha, keys.length, ...keys, ...args])
    return 'done'
  } catch (error) {
    const fault = faultBehind(error)
    if (fault !== 'scriptMissing' && fault !== 'outOfMemory') throw error
    // One by one, in order: who does not fit is removed.
    await Promise.all(puts.map(({ key, bytes, keepMs }) => put(key, bytes, keepMs, context)))
    return 'late'
  }
}

/** By its hash first, so that a script sent again behind the announcement is known to be late. */
async function replace(change: Extract<Change, { op: 'replace' }>, context: ApplyContext): Promise<StepResult> {
  const { key } = change
  const args = [asBuffer(change.expected), asBuffer(change.bytes), context.wholeMs(change.keepMs)]
  try {
    await context.send(key, 'evalsha', [REPLACE_OR_REMOVE.sha, 1, key, ...args])
    return 'done'
  } catch (error) {
    const fault = faultBehind(error)
    if (fault === 'scriptMissing') await context.run(REPLACE_OR_REMOVE, [key], args).catch(unlessFull)
    else await unlessFull(error)
    return 'late'
  }

  function unlessFull(error: unknown): Promise<unknown> {
    if (faultBehind(error) !== 'outOfMemory') throw error
    context.notice('OUT_OF_MEMORY', 'a value was removed instead of being replaced')
    return context.send(key, 'unlink', [key])
  }
}

/** The labels and the announcement; answers why it failed. */
async function sendTail(
  labels: readonly LabelChange[],
  announcement: Bytes | undefined,
  context: ApplyContext,
): Promise<Error | undefined> {
  try {
    if (labels.length > 0) await announce(labels, announcement, context)
    else if (announcement !== undefined) await append(announcement, context)
    return undefined
  } catch (error) {
    return asError(error)
  }
}

async function append(announcement: Bytes, context: ApplyContext): Promise<void> {
  const { busKey } = context
  try {
    const entry = ['*', ANNOUNCEMENT_FIELD, asBuffer(announcement)]
    await context.send(busKey, 'xadd', [busKey, 'MAXLEN', '~', STREAM_LENGTH, ...entry])
  } catch (error) {
    const fault = faultBehind(error)
    if (fault !== 'outOfMemory' && fault !== 'wrongType') throw error
    // The script appends also when memory is short, and replaces what is not a stream.
    context.notice(fault === 'wrongType' ? 'WRONG_TYPE' : 'OUT_OF_MEMORY', 'announced by a script instead')
    await announce([], announcement, context)
  }
}

async function announce(labels: readonly LabelChange[], announcement: Bytes | undefined, context: ApplyContext) {
  const keys = [context.busKey, ...labels.map(({ label }) => context.tokenKeyOf(label))]
  const softs = labels.map((change) => (change.op === 'expireLabel' ? change.soft : ''))
  const entry =
    announcement === undefined ? ['', '', STREAM_LENGTH] : [ANNOUNCEMENT_FIELD, asBuffer(announcement), STREAM_LENGTH]
  await context.run(ANNOUNCE, keys, [...entry, ...softs])
}

function settled(step: Promise<unknown>): Promise<StepResult> {
  return step.then((outcome) => (outcome === 'late' ? 'late' : 'done'), asError)
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error))
}
