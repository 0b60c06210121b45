// `tiercache top`: who invalidated what in the last minutes, by the stream of announcements.
import type { InvalidatedEvent } from '../../index.js'
import { type Announced, AnnouncementReader } from '../connection/announcements.js'
import { countOf, durationMs } from '../connection/settings.js'
import type { ExitCode } from '../output/failure.js'
import { table } from '../output/table.js'
import { countText, nameText, plural, safeText, spanText } from '../output/text.js'
import type { Call, Command } from './command.js'
import { serverTimeMs } from './server-time.js'

export const top: Command = {
  name: 'top',
  operands: '',
  minOperands: 0,
  maxOperands: 0,
  summary: 'counts the announcements of the last minutes by tag, by key and by sender',
  details: 'It reads the stream of announcements, which has the last 10,000 at most.',
  options: {
    window: { type: 'string', argument: '<duration>', help: 'how far to look back; default 10m' },
    limit: { type: 'string', argument: '<n>', help: 'how many rows of each kind; default 10' },
  },
  run: async (call) => {
    const windowMs = durationMs(call.text('window') ?? '10m', '--window')
    const rows = countOf(call.text('limit') ?? '10', '--limit')
    return call.inSession('read', async ({ client, root, settings }) => {
      const nowMs = await serverTimeMs(client)
      const reader = new AnnouncementReader(client, root.path, settings)
      const counts = new Counts()
      try {
        for await (const each of reader.from(`${Math.max(0, Math.floor(nowMs - windowMs))}-0`)) counts.add(each)
      } finally {
        await reader.close()
      }
      return report(call, root.path, counts, { windowMs, rows, nowMs })
    })
  },
}

interface Count {
  readonly name: string
  times: number
  newestAtMs: number
}

/** How often each tag, key and sender was announced. */
export class Counts {
  announcements = 0
  readonly tags = new Map<string, Count>()
  readonly keys = new Map<string, Count>()
  readonly senders = new Map<string, Count>()
  /** Whole scopes: `clear`, and deletions by prefix. */
  readonly scopes = new Map<string, Count>()

  add({ atMs, events }: Announced): void {
    this.announcements++
    for (const event of events) this.#addEvent(event, atMs)
    const sender = events[0]?.sender
    if (sender !== undefined) note(this.senders, sender, atMs)
  }

  #addEvent({ by, scope, keys, tags }: InvalidatedEvent, atMs: number): void {
    if (by === 'clear' || by === 'expireAll' || by === 'deleteByPrefix') note(this.scopes, `${by} ${scope}`, atMs)
    for (const tag of tags) note(this.tags, tag, atMs)
    for (const key of keys) note(this.keys, `${scope}:${key}`, atMs)
  }
}

function note(counts: Map<string, Count>, name: string, atMs: number): void {
  const count = counts.get(name) ?? { name, times: 0, newestAtMs: atMs }
  count.times++
  count.newestAtMs = Math.max(count.newestAtMs, atMs)
  counts.set(name, count)
}

/** The `most` largest counts, the newest first among equals. */
export function largest(counts: ReadonlyMap<string, Count>, most: number): readonly Count[] {
  return [...counts.values()].sort((a, b) => b.times - a.times || b.newestAtMs - a.newestAtMs).slice(0, most)
}

interface Report {
  readonly windowMs: number
  readonly rows: number
  readonly nowMs: number
}

function report(call: Call, path: string, counts: Counts, { windowMs, rows, nowMs }: Report): ExitCode {
  const sections = { tags: counts.tags, keys: counts.keys, scopes: counts.scopes, senders: counts.senders }
  const tops = Object.entries(sections).map(([title, all]) => ({ title, all: all.size, largest: largest(all, rows) }))
  const data = { scope: path, windowMs, announcements: counts.announcements }
  const perMinute = (counts.announcements / (windowMs / 60_000)).toFixed(1)
  const lines = [
    `${path}: ${plural(counts.announcements, 'announcement')} in the last ${spanText(windowMs)}, ${perMinute} a minute`,
    ...tops.filter(({ all }) => all > 0).map((top) => `\n${sectionText(top, nowMs)}`),
  ]
  call.write(lines.join('\n'), { ...data, ...Object.fromEntries(tops.map((top) => [top.title, top.largest])) })
  return 0
}

function sectionText(
  { title, all, largest }: { title: string; all: number; largest: readonly Count[] },
  nowMs: number,
): string {
  const more = all > largest.length ? ` (${largest.length} of ${countText(all)})` : ''
  const rows = largest.map(({ name, times, newestAtMs }) => [
    // The name of a scope follows its verb.
    title === 'scopes' ? safeText(name) : nameText(name),
    countText(times),
    `${spanText(Math.max(0, nowMs - newestAtMs))} ago`,
  ])
  return table([[`${title}${more}`, 'times', 'newest'], ...rows], { right: [1, 2] })
}
