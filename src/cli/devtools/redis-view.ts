// What the devtools page of the command line shows: what stands in Redis, and what is announced. No process is asked.
import { inspect } from 'node:util'
import type {
  DevtoolsChange,
  DevtoolsFinding,
  DevtoolsSnapshot,
  DevtoolsView,
  KeyReport,
  SeenEvent,
  StoredKeys,
} from '../../devtools/index.js'
import type { Cache } from '../../index.js'
import { whatOf } from '../commands/announced-text.js'
import { examine } from '../commands/doctor.js'
import { pastOf, whyOf } from '../commands/explain.js'
import { serverTimeMs } from '../commands/server-time.js'
import { type Announced, AnnouncementReader } from '../connection/announcements.js'
import { decodedName } from '../connection/names.js'
import { namespaceOf, type Session } from '../connection/session.js'
import { versionedName } from '../connection/settings.js'
import { survey } from '../connection/survey.js'
import { nameText, safeText } from '../output/text.js'

/** The announcements of so long ago are shown as soon as a page is opened. */
const PAST_MS = 10 * 60_000
const MAX_EVENTS = 100
/** How often the keys are looked through, how many at most, and how many are listed. */
const KEYS_EVERY_MS = 15_000
const LOOKED_KEYS = 50_000
const LISTED = 50
/** How often the set-up is examined. */
const FINDINGS_EVERY_MS = 60_000

const NOTE =
  'This page sees what stands in Redis and what is announced. Hits, loads, latencies and what a process has in memory are seen in that ' +
  'process only: mount devtools(cache) of tiercache/devtools there.'

export class RedisView implements DevtoolsView {
  readonly path: string
  readonly note = NOTE
  readonly #session: Session
  readonly #showValues: boolean
  readonly #reader: AnnouncementReader
  readonly #stored: Every<StoredKeys>
  readonly #findings: Every<readonly DevtoolsFinding[]>
  #events: SeenEvent[] = []
  #lastId: string | undefined
  #ids = 0

  constructor(session: Session, showValues: boolean) {
    const { client, root, settings } = session
    this.path = root.path
    this.#session = session
    this.#showValues = showValues
    this.#reader = new AnnouncementReader(client, root.path, settings)
    this.#stored = new Every(KEYS_EVERY_MS, () => storedKeys(session))
    this.#findings = new Every(FINDINGS_EVERY_MS, () => examine(session))
  }

  /** Each page asks anew, and nothing is done between its questions. */
  watch(): () => void {
    return () => undefined
  }

  async snapshot(): Promise<DevtoolsSnapshot> {
    await this.#hear()
    const [stored, findings] = [await this.#stored.get(), await this.#findings.get()]
    return { atMs: Date.now(), stored, findings, events: this.#events }
  }

  /** Reads what was announced since the last time. Nothing waits at the server, since other commands share the connection. */
  async #hear(): Promise<void> {
    this.#lastId ??= `${Math.max(0, (await serverTimeMs(this.#session.client)) - PAST_MS)}-0`
    for await (const announced of this.#reader.from(`(${this.#lastId}`)) {
      this.#lastId = announced.id
      this.#events = [eventOf(announced, ++this.#ids), ...this.#events].slice(0, MAX_EVENTS)
    }
  }

  async report(scope: string, key: string): Promise<KeyReport | undefined> {
    const found = this.#at(scope)
    if (found === undefined) return undefined
    const { cache, options } = found
    const explanation = await cache.explain(key, options)
    const past = await pastOf(this.#session, explanation, MAX_EVENTS)
    return {
      explanation: { ...explanation, why: whyOf(explanation) },
      value: this.#showValues ? await shownValue(cache, key, options) : undefined,
      events: past.map((announced, i) => eventOf(announced, -i)),
      reads: undefined,
    }
  }

  async change({ verb, scope, names }: DevtoolsChange): Promise<'applied' | 'queued' | undefined> {
    const found = this.#at(scope)
    if (found === undefined) return undefined
    const { cache, options } = found
    if (verb === 'delete' || verb === 'expire') return cache[verb](names, options)
    if (verb !== 'clear') return cache[verb](names)
    // A version of single calls has no `clear` of its own.
    return options.version === undefined ? cache.clear() : undefined
  }

  close(): Promise<void> {
    return this.#reader.close()
  }

  /** The cache of a scope, such as `shop/users@3`. `shop/@3` is the version of single calls. */
  #at(scope: string): { readonly cache: Cache; readonly options: { readonly version?: string } } | undefined {
    const { root } = this.#session
    if (scope !== root.path && !scope.startsWith(`${root.path}/`)) return undefined
    const path = scope.slice(root.path.length).split('/').filter(Boolean).map(versionedName)
    const version = path.at(-1)?.name === '' ? path.pop()?.version : undefined
    return { cache: namespaceOf(root, path), options: version === undefined ? {} : { version } }
  }
}

/** What is read anew only now and then. */
class Every<T> {
  readonly #everyMs: number
  readonly #read: () => Promise<T>
  #value: T | undefined
  #readAtMs = 0

  constructor(everyMs: number, read: () => Promise<T>) {
    this.#everyMs = everyMs
    this.#read = read
  }

  async get(): Promise<T> {
    if (this.#value === undefined || Date.now() - this.#readAtMs > this.#everyMs) {
      this.#value = await this.#read()
      this.#readAtMs = Date.now()
    }
    return this.#value
  }
}

async function storedKeys(session: Session): Promise<StoredKeys> {
  const counts = new Map<string, number>()
  const tags = new Set<string>()
  // SCAN may return a key twice.
  const keys = new Map<string, { readonly scope: string; readonly key: string }>()
  const prefix = session.settings.keyPrefix.length
  let complete = true
  for await (const batch of survey(session, LOOKED_KEYS)) {
    complete &&= !batch.isCut
    for (const { kind, scope, key } of batch.keys) {
      const name = decodedName(key.slice(prefix))
      if (kind === 'tag token' && name !== undefined && tags.size < LISTED) tags.add(name)
      if (kind !== 'entry') continue
      counts.set(scope, (counts.get(scope) ?? 0) + 1)
      if (name !== undefined && keys.size < LISTED) keys.set(key, { scope, key: name })
    }
  }
  const scopes = [...counts].map(([scope, entries]) => ({ scope, entries, bytes: undefined }))
  return {
    scopes: scopes.sort((a, b) => b.entries - a.entries),
    tags: [...tags].sort(),
    keys: [...keys.values()],
    complete,
  }
}

function eventOf({ atMs, events }: Announced, id: number): SeenEvent {
  const what = events.length === 0 ? 'an announcement that this release cannot read' : events.map(whatOf).join('; ')
  const sender = events[0]?.sender
  const text = sender === undefined ? what : `${what} by ${nameText(sender)}`
  return { id, atMs, name: 'invalidated', level: 'info', times: 1, text: safeText(text) }
}

async function shownValue(
  cache: Cache,
  key: string,
  options: { readonly version?: string },
): Promise<string | undefined> {
  const found = await cache.lookup(key, options)
  return found.found ? inspect(found.value, { depth: 5, maxArrayLength: 100, maxStringLength: 2_000 }) : undefined
}
