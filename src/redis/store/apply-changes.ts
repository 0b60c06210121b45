// A batch of changes and its announcement: who is told of a change must find it done.
import { asBuffer } from '../../model/as-buffer.js'
import { asError, CacheError } from '../../model/errors.js'
import type { Attempt, Bytes, Change, ChangeResult, Milliseconds } from '../../model/ports.js'
import { faultBehind, isReply } from '../client/classify-error.js'
import type { Argument } from '../client/client.js'
import { ANNOUNCEMENT_FIELD, doneOrRefused, listOf, momentIn } from '../server/replies.js'
import { ANNOUNCE, EXPIRE_ENTRY, PUT, REMOVE, REPLACE_OR_REMOVE, type Script } from '../server/scripts.js'
import type { ServerTime } from '../server/server-time.js'
import { MAX_AT_ONCE, MAX_BYTES_AT_ONCE } from './per-tick.js'

/** About how many announcements the stream keeps. A bus that fell further behind says that it lost some. */
export const STREAM_LENGTH = 10_000

/**
 * Large announcements leave fewer: each is appended so that the stream would have at most so many bytes if all of it were as large. Small
 * ones that follow may stand beside them, so that together they are at most five times as much: about 16 MB.
 */
const BYTES_OF_ALIKE = 3 * 1024 * 1024

/** How long the stream may be once an announcement of so many bytes was appended. */
export function streamLengthWith(announcementBytes: number): number {
  return Math.min(STREAM_LENGTH, Math.max(1, Math.floor(BYTES_OF_ALIKE / Math.max(1, announcementBytes))))
}

export interface ApplyContext {
  /** Whether commands are executed in the order sent: then the announcement need not wait for the changes. */
  readonly inOrder: boolean
  readonly busKey: string
  tokenKeyOf(label: string): string
  markKeyOf(key: string): string
  /** What is refused after it is over is not sent again. */
  readonly attempt: Attempt
  /** The clock of the server that has `key`. */
  timeOf(key: string): ServerTime
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

/** A change of a key that is refused while the key goes on being changed is sent so often at most. */
const MAX_TRIES = 5

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
  const rounds = roundsOf(changes)
  // What is sent in a later round, or again, is announced again.
  const isEarly = context.inOrder && rounds.length <= 1
  const results = new Array<ChangeResult>(changes.length).fill(undefined)
  let early: Promise<Error | undefined> | undefined
  let isAnyLate = false
  let areAllFailed = true
  for (const round of rounds.length === 0 ? [[]] : rounds) {
    const steps = sendKeyChanges(changes, round, context)
    if (hasTail && isEarly) early = sendTail(labels, announcement, context)
    for (const { indexes, result } of steps) {
      const outcome = await result
      if (outcome === 'late') isAnyLate = true
      if (outcome instanceof Error) for (const index of indexes) results[index] = outcome
      else areAllFailed = false
    }
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

/** The indexes of the key changes, in rounds in which no key comes twice: a change that is refused and sent again overtakes nothing. */
function roundsOf(changes: readonly Change[]): number[][] {
  const rounds: number[][] = []
  let keys = new Set<string>()
  changes.forEach((change, index) => {
    if (isLabelChange(change)) return
    if (rounds.length === 0 || keys.has(change.key)) {
      rounds.push([])
      keys = new Set()
    }
    keys.add(change.key)
    rounds.at(-1)?.push(index)
  })
  return rounds
}

function sendKeyChanges(changes: readonly Change[], round: readonly number[], context: ApplyContext): Step[] {
  const steps: Step[] = []
  for (let at = 0; at < round.length; ) {
    const first = changes[round[at] as number] as KeyChange
    const indexes = context.inOrder ? alikeFrom(changes, round, at) : [round[at] as number]
    const alike = indexes.map((index) => changes[index] as KeyChange)
    steps.push({ indexes, result: settled(sendAlike(first.op, alike, context)) })
    at += indexes.length
  }
  return steps
}

/** Puts or deletes in a row, as many as one script may take: 64 writes in flight cost the client a third less (bench, set-64). */
function alikeFrom(changes: readonly Change[], round: readonly number[], at: number): number[] {
  const first = changes[round[at] as number] as KeyChange
  const alike = [round[at] as number]
  if (first.op !== 'put' && first.op !== 'delete') return alike
  let bytes = bytesOf(first)
  for (let next = at + 1; next < round.length && alike.length < MAX_AT_ONCE; next++) {
    const change = changes[round[next] as number] as KeyChange
    bytes += bytesOf(change)
    if (change.op !== first.op || bytes > MAX_BYTES_AT_ONCE) break
    alike.push(round[next] as number)
  }
  return alike
}

function bytesOf(change: KeyChange): number {
  return change.op === 'put' ? change.bytes.length : 0
}

function sendAlike(op: KeyChange['op'], changes: readonly KeyChange[], context: ApplyContext): Promise<StepResult> {
  switch (op) {
    case 'put':
      return put(changes as readonly PutChange[], context)
    case 'delete':
      return remove(
        changes.map(({ key }) => key),
        context,
      )
    case 'replace':
      return replace(changes[0] as Extract<Change, { op: 'replace' }>, context)
    case 'expire':
      return expire(changes[0] as Extract<Change, { op: 'expire' }>, context)
    default:
      return op satisfies never
  }
}

/**
 * Sends a script that goes by change marks until it refuses no key. A refusal means that the key was changed after the sending, as far
 * as is known of the server's clock, or that the command was long on its way: it is as if it were sent only now.
 */
async function whileRefused(
  script: Script,
  keys: readonly string[],
  argsOf: (key: string) => readonly Argument[],
  context: ApplyContext,
): Promise<StepResult> {
  const time = context.timeOf(keys[0] as string)
  let left = keys
  let result: StepResult = 'done'
  for (let tries = 0; tries < MAX_TRIES && !(tries > 0 && context.attempt.isOver); tries++) {
    const { sentAt, lateAt } = time.sending()
    const marked = left.flatMap((key) => [key, context.markKeyOf(key)])
    const sent = await runNoting(script, marked, [sentAt, lateAt, ...left.flatMap(argsOf)], context)
    const [moment, ...accepted] = listOf(sent.reply, left.length + 1, 'a change')
    time.heard(momentIn(moment, 'a change'))
    left = left.filter((_, i) => doneOrRefused(accepted[i], 'a change') === 'refused')
    if (sent.result === 'late' || left.length > 0) result = 'late'
    if (left.length === 0) return result
  }
  throw new CacheError('L2_UNAVAILABLE', `Redis could not change ${left.length} keys: others went on changing them`)
}

/** By its hash first, so that a script which had to be sent again, behind the announcement, is known to be late. */
async function runNoting(
  script: Script,
  keys: readonly string[],
  args: readonly Argument[],
  context: ApplyContext,
): Promise<{ readonly reply: unknown; readonly result: 'done' | 'late' }> {
  try {
    const known = [script.sha, keys.length, ...keys, ...args]
    return { reply: await context.send(keys[0] as string, 'evalsha', known), result: 'done' }
  } catch (error) {
    if (faultBehind(error) !== 'scriptMissing') throw error
    return { reply: await context.run(script, keys, args), result: 'late' }
  }
}

async function put(puts: readonly PutChange[], context: ApplyContext): Promise<StepResult> {
  const byKey = new Map(puts.map((change) => [change.key, change]))
  const argsOf = (key: string): readonly Argument[] => {
    const { bytes, keepMs } = byKey.get(key) as PutChange
    return [asBuffer(bytes), context.wholeMs(keepMs)]
  }
  try {
    return await whileRefused(PUT, [...byKey.keys()], argsOf, context)
  } catch (error) {
    if (faultBehind(error) !== 'outOfMemory') throw error
    // One by one: a smaller one may fit.
    if (puts.length > 1) return allOf(puts.map((change) => put([change], context)))
    // The new value cannot be kept, and the old one must not be.
    context.notice('OUT_OF_MEMORY', 'a value was removed instead of being replaced')
    return late(remove([...byKey.keys()], context))
  }
}

async function allOf(steps: readonly Promise<StepResult>[]): Promise<StepResult> {
  await Promise.all(steps)
  return 'late'
}

function late(step: Promise<unknown>): Promise<StepResult> {
  return step.then(() => 'late')
}

async function remove(keys: readonly string[], context: ApplyContext): Promise<StepResult> {
  const marked = keys.flatMap((key) => [key, context.markKeyOf(key)])
  const { reply, result } = await runNoting(REMOVE, marked, [], context)
  const [moment] = listOf(reply, 2, 'a removal')
  context.timeOf(keys[0] as string).heard(momentIn(moment, 'a removal'))
  return result
}

function expire({ key, stamp }: Extract<Change, { op: 'expire' }>, context: ApplyContext): Promise<StepResult> {
  return whileRefused(EXPIRE_ENTRY, [key], () => [asBuffer(stamp)], context)
}

async function replace(change: Extract<Change, { op: 'replace' }>, context: ApplyContext): Promise<StepResult> {
  const args = [asBuffer(change.expected), asBuffer(change.bytes), context.wholeMs(change.keepMs)]
  try {
    return (await runNoting(REPLACE_OR_REMOVE, [change.key], args, context)).result
  } catch (error) {
    if (faultBehind(error) !== 'outOfMemory') throw error
    context.notice('OUT_OF_MEMORY', 'a value was removed instead of being replaced')
    return late(remove([change.key], context))
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
    await context.send(busKey, 'xadd', [busKey, 'MAXLEN', '~', streamLengthWith(announcement.length), ...entry])
  } catch (error) {
    // The script appends also when memory is short, and replaces what nothing can be appended to: another type, or a stream whose last
    // id is the largest there is. Where Redis itself said nothing, neither way is open.
    const fault = faultBehind(error)
    if (fault !== 'outOfMemory' && fault !== 'wrongType' && !(fault === 'unavailable' && isReply(error))) throw error
    await announce([], announcement, context)
    if (fault === 'unavailable')
      context.notice('STREAM_REPLACED', 'nothing could be appended to the stream of announcements')
    else context.notice(fault === 'wrongType' ? 'WRONG_TYPE' : 'OUT_OF_MEMORY', 'announced by a script instead')
  }
}

async function announce(labels: readonly LabelChange[], announcement: Bytes | undefined, context: ApplyContext) {
  const keys = [context.busKey, ...labels.map(({ label }) => context.tokenKeyOf(label))]
  const softs = labels.map((change) => (change.op === 'expireLabel' ? change.soft : ''))
  const entry =
    announcement === undefined
      ? ['', '', STREAM_LENGTH]
      : [ANNOUNCEMENT_FIELD, asBuffer(announcement), streamLengthWith(announcement.length)]
  await context.run(ANNOUNCE, keys, [...entry, ...softs])
}

function settled(step: Promise<unknown>): Promise<StepResult> {
  return step.then((outcome) => (outcome === 'late' ? 'late' : 'done'), asError)
}
