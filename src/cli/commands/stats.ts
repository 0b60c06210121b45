// `tiercache stats`: what Redis itself can tell of a cache. Counters of reads live in the processes: cache.stats().
import { type BusState, countListeners, readBus } from '../checks/data-checks.js'
import { type Info, isRefused, kindOf, readInfo } from '../checks/info.js'
import { addressOf, mastersOf } from '../connection/client.js'
import type { Session } from '../connection/session.js'
import { countOf } from '../connection/settings.js'
import { type FoundKey, survey } from '../connection/survey.js'
import type { ExitCode } from '../output/failure.js'
import { table } from '../output/table.js'
import { countText, plural, safeText, sizeText, spanText } from '../output/text.js'
import type { Call, Command } from './command.js'
import { serverTimeMs } from './server-time.js'

/** Of how many keys of each scope the memory is read. */
const SAMPLED = 50

export const stats: Command = {
  name: 'stats',
  operands: '',
  minOperands: 0,
  maxOperands: 0,
  summary: 'counts the keys by namespace, and reports memory, tokens and the stream of announcements',
  details:
    'It looks through the keys with SCAN, in steps of 500. Hits, misses and loads are counted in the processes: cache.stats().\n' +
    'An entry here may also be a lease or a write fence, which live for seconds.',
  options: {
    'max-keys': { type: 'string', argument: '<n>', help: 'looks at so many keys of Redis at most; default 1000000' },
  },
  run: async (call) => {
    const most = countOf(call.text('max-keys') ?? '1000000', '--max-keys')
    return call.inSession('read', async (session) => report(call, session, await collect(session, most)))
  },
}

interface ScopeCount {
  readonly scope: string
  entries: number
  /** The memory of some of its entries. */
  readonly sample: number[]
}

interface Collected {
  readonly scopes: readonly ScopeCount[]
  readonly others: Readonly<Record<string, number>>
  readonly isComplete: boolean
  readonly servers: readonly { readonly address: string; readonly info: Info | undefined }[]
  readonly bus: BusState | undefined | 'other'
  readonly listeners: number | undefined
  readonly nowMs: number
}

async function collect(session: Session, most: number): Promise<Collected> {
  const scopes = new Map<string, ScopeCount>()
  const others: Record<string, number> = { 'tag token': 0, 'scope token': 0, 'change mark': 0, 'refresh lease': 0 }
  let isComplete = true
  for await (const batch of survey(session, most)) {
    isComplete &&= !batch.isCut
    const sampled = batch.keys.filter((key) => {
      if (key.kind === 'entry') return countEntry(scopes, key).sample.length < SAMPLED
      if (key.kind !== 'bus') others[key.kind] = (others[key.kind] ?? 0) + 1
      return false
    })
    await weigh(session, scopes, sampled.slice(0, SAMPLED))
  }
  const servers = await Promise.all(
    mastersOf(session.client).map(async (server) => ({ address: addressOf(server), info: await readInfo(server) })),
  )
  return {
    scopes: [...scopes.values()].sort((a, b) => b.entries - a.entries || (a.scope < b.scope ? -1 : 1)),
    others,
    isComplete,
    servers,
    bus: await readBus(session),
    listeners: await countListeners(session),
    nowMs: await serverTimeMs(session.client),
  }
}

function countEntry(scopes: Map<string, ScopeCount>, { scope }: FoundKey): ScopeCount {
  const count = scopes.get(scope) ?? { scope, entries: 0, sample: [] }
  count.entries++
  scopes.set(scope, count)
  return count
}

/** Reads the memory of some entries, if this user may. */
async function weigh({ send }: Session, scopes: Map<string, ScopeCount>, keys: readonly FoundKey[]): Promise<void> {
  try {
    const sizes = await Promise.all(keys.map(({ server, key }) => send(server, 'MEMORY', 'USAGE', key)))
    // A key may have expired in between.
    for (const [i, { scope }] of keys.entries()) if (sizes[i] !== null) scopes.get(scope)?.sample.push(Number(sizes[i]))
  } catch (error) {
    if (!isRefused(error)) throw error
  }
}

/** The sampled entries stand for all of their scope. */
function estimateBytes({ entries, sample }: ScopeCount): number | undefined {
  if (sample.length === 0) return undefined
  return Math.round((sample.reduce((sum, size) => sum + size, 0) / sample.length) * entries)
}

function report(call: Call, { root }: Session, all: Collected): ExitCode {
  const scopes = all.scopes.map((each) => ({
    scope: each.scope,
    entries: each.entries,
    bytes: estimateBytes(each) ?? null,
  }))
  const servers = all.servers.map(({ address, info }) => ({ address, ...(info && memoryFigures(info)) }))
  const bus = all.bus === undefined || all.bus === 'other' ? null : all.bus
  const tokens = { tags: all.others['tag token'] ?? 0, scopes: all.others['scope token'] ?? 0 }
  call.write(textOf(root.path, all), {
    ...{ scope: root.path, complete: all.isComplete, scopes, tokens, servers },
    ...{ changeMarks: all.others['change mark'], refreshLeases: all.others['refresh lease'] },
    bus: bus && { ...bus, newestAgeMs: bus.newestAtMs === undefined ? null : Math.max(0, all.nowMs - bus.newestAtMs) },
    listeners: all.listeners ?? null,
  })
  return 0
}

function memoryFigures(info: Info) {
  const { product, version, mode } = kindOf(info)
  return {
    product,
    version,
    mode,
    usedBytes: Number(info.used_memory ?? 0),
    maxBytes: Number(info.maxmemory ?? 0),
    policy: info.maxmemory_policy ?? 'unknown',
    evictedKeys: Number(info.evicted_keys ?? 0),
    expiredKeys: Number(info.expired_keys ?? 0),
  }
}

function textOf(path: string, all: Collected): string {
  const scopeRows = all.scopes.map((each) => {
    const bytes = estimateBytes(each)
    return [each.scope, countText(each.entries), bytes === undefined ? '?' : `about ${sizeText(bytes)}`]
  })
  const otherRows = Object.entries(all.others).map(([kind, count]) => [`${kind}s`, countText(count)])
  return [
    ...(all.isComplete ? [] : ['Not all keys were looked at: raise --max-keys. The counts are too low.\n']),
    table([['namespace', 'entries', 'memory'], ...(scopeRows.length === 0 ? [[path, '0', '']] : scopeRows)], {
      right: [1, 2],
    }),
    '',
    table(otherRows, { right: [1] }),
    '',
    `bus: ${busText(all)}`,
    `listening: ${all.listeners === undefined ? 'unknown (CLIENT LIST is not allowed)' : plural(all.listeners, 'connection')}`,
    '',
    ...all.servers.map(
      ({ address, info }) => `${address}: ${info === undefined ? 'INFO is not allowed' : serverText(info)}`,
    ),
  ].join('\n')
}

function busText({ bus, nowMs }: Collected): string {
  if (bus === undefined) return 'no stream, so no process with this name has listened yet'
  if (bus === 'other') return 'something else stands under the key of the stream. Type: tiercache doctor'
  const ages = [bus.newestAtMs, bus.oldestAtMs].map((atMs) =>
    atMs === undefined ? '?' : spanText(Math.max(0, nowMs - atMs)),
  )
  return `${plural(bus.length, 'entry', 'entries')}, the newest ${ages[0]} old, the oldest ${ages[1]}`
}

function serverText(info: Info): string {
  const { product, version, mode, usedBytes, maxBytes, policy, evictedKeys } = memoryFigures(info)
  const limit = maxBytes === 0 ? ', no limit' : ` of ${sizeText(maxBytes)}`
  return `${product} ${safeText(version)} (${safeText(mode)}), ${sizeText(usedBytes)} used${limit}, ${safeText(policy)}, ${countText(evictedKeys)} evicted`
}
