// A batch of changes and its announcement: a process that hears the announcement must already find the changes made.

import { asBuffer } from '../../model/as-buffer.js'
import { asError, CacheError } from '../../model/errors.js'
import { outOfMemory } from '../../model/events/notices.js'
import type { Attempt, Bytes, Change, ChangeResult, Hold } from '../../model/ports.js'
import { faultBehind } from '../client/classify-error.js'
import type { Argument } from '../client/client.js'
import { doneOrRefused, listOf, momentIn } from '../server/replies.js'
import { EXPIRE_ENTRY, PUT, REMOVE, REPLACE_OR_REMOVE, type Script } from '../server/scripts.js'
import type { ServerTime } from '../server/server-time.js'
import { type AnnounceContext, announceAfterChanges, type LabelChange } from './announce.js'
import { MAX_AT_ONCE, MAX_BYTES_AT_ONCE } from './per-tick.js'

export interface ApplyContext extends AnnounceContext {
  /** Whether commands are executed in the order sent: then the announcement need not wait for the changes. */
  readonly inOrder: boolean
  markKeyOf(key: string): string
  /** A change that is refused after the attempt is over is not sent again. */
  readonly attempt: Attempt
  /** The clock of the server that has `key`. */
  timeOf(key: string): ServerTime
}

type KeyChange = Exclude<Change, LabelChange>
type PutChange = Extract<Change, { op: 'put' }>

/** A key to remove, or to hold. */
interface Removal {
  readonly key: string
  readonly hold?: Hold | undefined
}

/** One command in flight, and the changes that it makes. */
interface Step {
  readonly indexes: readonly number[]
  readonly result: Promise<StepResult>
}

/** `'late'`: done, but after the commands that were sent behind it. */
type StepResult = 'done' | 'late' | Error

/** How often a change is sent at most while it is refused because other processes go on changing its key. */
const MAX_TRIES = 5

/**
 * Sends the changes of keys, then the changes of labels and the announcement as one step. Where the server keeps the order of sending,
 * all of it leaves at once. If a change took a second command, and so came after its announcement, it is announced once more.
 *
 * If the announcement fails, no change counts as applied, because other processes might never hear of it. Rejects if nothing is known of
 * any change.
 */
export async function applyChanges(
  changes: readonly Change[],
  announcement: Bytes | undefined,
  context: ApplyContext,
): Promise<readonly ChangeResult[]> {
  const labels = changes.filter(isLabelChange)
  const hasTail = labels.length > 0 || announcement !== undefined
  const rounds = roundsOf(changes)
  // With several rounds the announcement waits for the last one.
  const isEarly = context.inOrder && rounds.length <= 1
  const results = new Array<ChangeResult>(changes.length).fill(undefined)
  let early: Promise<Error | undefined> | undefined
  let isAnyLate = false
  let areAllFailed = true
  for (const round of rounds.length === 0 ? [[]] : rounds) {
    const steps = sendKeyChanges(changes, round, context)
    if (hasTail && isEarly) early = announceAfterChanges(labels, announcement, context)
    for (const { indexes, result } of steps) {
      const outcome = await result
      if (outcome === 'late') isAnyLate = true
      if (outcome instanceof Error) for (const index of indexes) results[index] = outcome
      else areAllFailed = false
    }
  }
  let failure = hasTail ? await (early ?? announceAfterChanges(labels, announcement, context)) : undefined
  if (early !== undefined && isAnyLate) failure ??= await announceAfterChanges([], announcement, context)
  if (failure === undefined) return results
  if (areAllFailed) throw failure
  return results.map((result) => result ?? failure)
}

function isLabelChange(change: Change): change is LabelChange {
  return change.op === 'invalidateLabel' || change.op === 'expireLabel'
}

/**
 * The indexes of the key changes, in rounds in which no key comes twice: a change that is refused and sent again must not come after a
 * later change of its key.
 */
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

/** Consecutive puts or deletes, as many as one script may take. With 64 writes in flight this saves the client a third (benchmark `set-64`). */
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
      return remove(changes as readonly Removal[], context)
    case 'replace':
      return replace(changes[0] as Extract<Change, { op: 'replace' }>, context)
    case 'expire':
      return expire(changes[0] as Extract<Change, { op: 'expire' }>, context)
    default:
      return op satisfies never
  }
}

/**
 * Sends a script that compares change marks until it refuses no key. A refusal means that the key was changed after the command was
 * sent, as far as the server's clock is known here, or that the command took too long to arrive. The change is then sent again.
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
  throw new CacheError(
    'L2_UNAVAILABLE',
    `Redis could not change ${left.length} keys: other processes kept changing them`,
  )
}

/** Sends the hash of the script first. If the server does not have it, the second sending comes behind the announcement: it is late. */
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
    // One by one: a smaller value may fit.
    if (puts.length > 1) return allOf(puts.map((change) => put([change], context)))
    // The new value cannot be stored, and the old one must not stay.
    context.notice('OUT_OF_MEMORY', outOfMemory('a value was removed instead of being replaced'))
    return late(remove(puts, context))
  }
}

async function allOf(steps: readonly Promise<StepResult>[]): Promise<StepResult> {
  await Promise.all(steps)
  return 'late'
}

function late(step: Promise<unknown>): Promise<StepResult> {
  return step.then(() => 'late')
}

/** The arguments of `REMOVE` for one key. */
function holdOf({ hold }: Removal, { wholeMs }: ApplyContext): Argument[] {
  return hold === undefined ? ['', 0] : [asBuffer(hold.fence), wholeMs(hold.keepMs)]
}

async function remove(removals: readonly Removal[], context: ApplyContext): Promise<StepResult> {
  const marked = removals.flatMap(({ key }) => [key, context.markKeyOf(key)])
  const holds = removals.some(({ hold }) => hold !== undefined) ? removals.flatMap((each) => holdOf(each, context)) : []
  const { reply, result } = await runNoting(REMOVE, marked, holds, context)
  const [moment] = listOf(reply, 2, 'a removal')
  context.timeOf(marked[0] as string).heard(momentIn(moment, 'a removal'))
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
    context.notice('OUT_OF_MEMORY', outOfMemory('a value was removed instead of being replaced'))
    return late(remove([{ key: change.key }], context))
  }
}

function settled(step: Promise<unknown>): Promise<StepResult> {
  return step.then((outcome) => (outcome === 'late' ? 'late' : 'done'), asError)
}
