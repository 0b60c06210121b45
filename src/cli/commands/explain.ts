// `tiercache explain`: what a read of a key would find in Redis, and which announcements concerned it.
import type { Explanation, InvalidatedEvent } from '../../index.js'
import { type Announced, AnnouncementReader } from '../connection/announcements.js'
import type { Session } from '../connection/session.js'
import { type ExitCode, Failure } from '../output/failure.js'
import { table } from '../output/table.js'
import { instantText, nameText, safeText, spanText } from '../output/text.js'
import { dataOf, whatOf } from './announced-text.js'
import type { Call, Command } from './command.js'

/** How many announcements are shown. */
const SHOWN = 5

export const explain: Command = {
  name: 'explain',
  operands: '<key>',
  minOperands: 1,
  maxOperands: 1,
  summary: 'says what Redis has for a key, why it is or is not served, and who changed it last',
  details:
    'It reads the stream of announcements, which has the last 10,000 at most. What the memory of the processes has can only be asked there:\n' +
    'cache.explain(key). Exit code 1 if Redis has no value that could be served.',
  options: {},
  run: (call) => call.inSession('read', (session) => tell(call, session)),
}

async function tell(call: Call, session: Session): Promise<ExitCode> {
  const key = call.operands[0] as string
  const explained = await session.cache.explain(key, call.version)
  if (explained.l2.state === 'unavailable') {
    throw new Failure(3, `Redis did not answer in time: ${safeText(explained.why)} Type: tiercache doctor`)
  }
  const past = await pastOf(session, explained)
  call.write(textOf(explained, past), { ...explained, announcements: past.map(dataOf) })
  return explained.answeredBy === 'l2' ? 0 : 1
}

/** The last announcements that concern the key, newest first, as many as `shown`. None if this user may not read the stream. */
export async function pastOf(
  { client, root, settings }: Session,
  explained: Explanation,
  shown = SHOWN,
): Promise<readonly Announced[]> {
  const reader = new AnnouncementReader(client, root.path, settings)
  let past: Announced[] = []
  try {
    for await (const announced of reader.from('-')) {
      const events = announced.events.filter((event) => concerns(event, explained))
      if (events.length > 0) past = [{ ...announced, events }, ...past].slice(0, shown)
    }
  } catch (error) {
    if (!(error instanceof Error && error.message.startsWith('NOPERM'))) throw error
  } finally {
    await reader.close()
  }
  return past
}

/** Whether an announcement changed this key: by name, by a tag of its entry, or by clearing or searching a scope that it is in. */
export function concerns(
  event: InvalidatedEvent,
  { key, scope, l2 }: Pick<Explanation, 'key' | 'scope' | 'l2'>,
): boolean {
  if (event.by === 'clear' || event.by === 'expireAll')
    return scope === event.scope || scope.startsWith(`${event.scope}/`)
  if (event.by === 'deleteByPrefix') return scope === event.scope
  const tags = l2.state === 'entry' ? l2.entry.tags.map(({ tag }) => tag) : []
  return (event.scope === scope && event.keys.includes(key)) || event.tags.some((tag) => tags.includes(tag))
}

function textOf(explained: Explanation, past: readonly Announced[]): string {
  const rows = [
    ['key', nameText(explained.key)],
    ['scope', explained.scope],
    ['key in Redis', nameText(explained.storeKey)],
    ['in Redis', stateText(explained.l2)],
    ...lifeRows(explained.l2),
  ]
  const announced =
    past.length === 0
      ? 'No announcement in the stream concerns it.'
      : `Last announcements that concern it:\n${table(
          past.map((each) => [instantText(each.atMs), ...partsOf(each)]),
          { indent: '  ' },
        )}`
  return `${safeText(whyOf(explained))}\n\n${table(rows)}\n\n${announced}`
}

/** The reasons. The program itself has no memory tier; that of the processes is not known here. */
export function whyOf({ why }: Explanation): string {
  return why.replace(/ ?\bL1 is off\./, '')
}

function partsOf({ events }: Announced): string[] {
  return [events.map(whatOf).join('; '), `by ${nameText(events[0]?.sender ?? 'unknown')}`]
}

function stateText(l2: Explanation['l2']): string {
  return l2.state === 'entry' ? l2.entry.state : l2.state
}

function lifeRows(l2: Explanation['l2']): string[][] {
  if (l2.state !== 'entry') return []
  const { ageMs, freshForMs, staleForMs, usableForMs, tags, scopes } = l2.entry
  const labels = [
    ...tags.map(({ tag, currency }) => ['tag', `${nameText(tag)}: ${currency}`]),
    ...scopes.map((each) => ['scope', `${each.scope}: ${each.currency}`]),
  ]
  return [
    ['age', spanText(ageMs)],
    ['fresh for', spanText(freshForMs)],
    ['stale for', spanText(staleForMs)],
    ['usable for', spanText(usableForMs)],
    ...labels,
  ]
}
