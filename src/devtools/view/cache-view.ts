// The view of a cache in this process.
import { inspect } from 'node:util'
import type { Cache } from '../../cache/cache.js'
import { scopedCache } from './scoped-cache.js'
import type { DevtoolsChange, DevtoolsSnapshot, DevtoolsView, KeyReport } from './view.js'
import { Watcher } from './watcher.js'

/** How many entries of L1 a snapshot looks at, once a second. */
const ENTRIES = 5_000
const ROWS = 50
const EVENTS = 100

/** What is shown of a value. Getters and `inspect` methods of its own are not called. */
const SHOWN_VALUE = { depth: 5, maxArrayLength: 100, maxStringLength: 2_000, breakLength: 90, customInspect: false }

/** Shows `cache`. Values only if `showValues`; they are those of L1. */
export function cacheView(cache: Cache, showValues: boolean): DevtoolsView {
  const watcher = new Watcher(cache)
  return {
    path: cache.path,
    watch: (closed) => {
      const ends = [watcher.start(), cache.on('closed', closed)]
      return () => {
        for (const end of ends) end()
      }
    },
    snapshot: () => snapshotOf(cache, watcher),
    report: (scope, key) => reportOf(cache, watcher, scope, key, showValues),
    change: (change) => makeChange(cache, change),
  }
}

function snapshotOf(cache: Cache, watcher: Watcher): DevtoolsSnapshot {
  return {
    atMs: Date.now(),
    health: cache.health(),
    stats: cache.stats(),
    inspection: cache.inspect({ entries: ENTRIES, rows: ROWS }),
    hottest: watcher.hottest(ROWS),
    events: watcher.news(EVENTS),
  }
}

async function reportOf(
  root: Cache,
  watcher: Watcher,
  scope: string,
  key: string,
  showValues: boolean,
): Promise<KeyReport | undefined> {
  const found = scopedCache(root, scope)
  if (found === undefined) return undefined
  const { cache, options } = found
  const explanation = await cache.explain(key, options)
  const value = showValues ? cache.peek(key, options) : undefined
  const tags = explanation.l1?.tags ?? (explanation.l2.state === 'entry' ? explanation.l2.entry.tags : [])
  const subject = { scope, key, tags: tags.map(({ tag }) => tag) }
  return {
    explanation: showValues ? explanation : { ...explanation, why: withoutLoadersWords(explanation.why) },
    value: value === undefined ? undefined : inspect(value, SHOWN_VALUE),
    events: watcher.about(subject, EVENTS),
    reads: watcher.readsOf(subject),
  }
}

/** The last sentence may repeat what the loader threw, which may contain what it works with. */
function withoutLoadersWords(why: string): string {
  return why.replace(/(The last load failed .*? ago): .*$/s, '$1.')
}

async function makeChange(
  root: Cache,
  { verb, scope, names }: DevtoolsChange,
): Promise<'applied' | 'queued' | undefined> {
  const found = scopedCache(root, scope)
  if (found === undefined) return undefined
  const { cache, options } = found
  switch (verb) {
    case 'delete':
    case 'expire':
      return cache[verb](names, options)
    case 'invalidateTags':
    case 'expireTags':
      return cache[verb](names)
    case 'clear':
      // A version of single calls has no `clear` of its own: that of its cache would remove more than was asked for.
      return options.version === undefined ? cache.clear() : undefined
    default:
      return verb satisfies never
  }
}
