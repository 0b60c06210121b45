// What stands in Redis under the name of a cache: its stream, who listens to it, and keys that no cache can have written.

import { mastersOf } from '../connection/client.js'
import { busKey } from '../connection/names.js'
import type { Session } from '../connection/session.js'
import { type FoundKey, survey } from '../connection/survey.js'
import { countText, nameText, plural, spanText } from '../output/text.js'
import { type Finding, found } from './finding.js'
import { isRefused } from './info.js'

/** The stream of announcements, as Redis has it. */
export interface BusState {
  readonly length: number
  /** When its oldest and newest entries were appended, on the server's clock; `undefined` if it has none. */
  readonly oldestAtMs: number | undefined
  readonly newestAtMs: number | undefined
}

/** `undefined`: there is none. `'other'`: something else stands under its key. */
export async function readBus({ client, root }: Session): Promise<BusState | undefined | 'other'> {
  const key = busKey(root.path)
  try {
    const [length, [oldest], [newest]] = await Promise.all([
      client.xlen(key),
      client.xrange(key, '-', '+', 'COUNT', 1),
      client.xrevrange(key, '+', '-', 'COUNT', 1),
    ])
    return length === 0 ? undefined : { length, oldestAtMs: msOf(oldest?.[0]), newestAtMs: msOf(newest?.[0]) }
  } catch (error) {
    if (error instanceof Error && error.message.startsWith('WRONGTYPE')) return 'other'
    throw error
  }
}

function msOf(id: string | undefined): number | undefined {
  return id === undefined ? undefined : Number(id.split('-')[0])
}

/** Pure. `nowMs`: the server's clock. */
export function checkBus(bus: BusState | undefined | 'other', path: string, nowMs: number): Finding {
  const key = busKey(path)
  if (bus === 'other') {
    return {
      ...found('wrong', 'bus', `the key ${key} is not a stream`),
      fix: `Type: redis-cli UNLINK '${key}'. The next announcement makes a new stream`,
    }
  }
  if (bus === undefined || bus.newestAtMs === undefined) {
    return {
      ...found('warning', 'bus', `there is no stream ${key}: no process with this name has listened yet`),
      fix: 'Compare --name with the option name of createCache, and its version (--name shop@2). A tracking bus needs no stream',
    }
  }
  return found(
    'ok',
    'bus',
    `${plural(bus.length, 'entry', 'entries')} in ${key}, the newest ${spanText(Math.max(0, nowMs - bus.newestAtMs))} old`,
  )
}

/** How many processes listen to the bus; `undefined` if this user may not ask. */
export async function countListeners({ client, root }: Session): Promise<number | undefined> {
  try {
    const lists = await Promise.all(mastersOf(client).map((server) => server.call('CLIENT', 'LIST')))
    const name = `name=tiercache:${root.path}:bus`
    return lists.flatMap((list) => String(list).split('\n')).filter((line) => line.split(' ').includes(name)).length
  } catch (error) {
    if (isRefused(error)) return undefined
    throw error
  }
}

/** How many keys are looked at, and of how many the expiry is read. */
const LOOKED = 100_000
const SAMPLED = 1_000

/** Every entry has an expiry, and so have tokens and marks. The stream has none. */
export async function checkExpiries(session: Session): Promise<Finding> {
  let sampled = 0
  const endless: FoundKey[] = []
  for await (const { keys } of survey(session, LOOKED)) {
    const some = keys.filter(({ kind }) => kind !== 'bus').slice(0, SAMPLED - sampled)
    const lives = await Promise.all(some.map(({ server, key }) => session.send(server, 'PTTL', key)))
    endless.push(...some.filter((_, i) => Number(lives[i]) === -1))
    sampled += some.length
    if (sampled >= SAMPLED) break
  }
  const text = `${plural(sampled, 'key')} sampled`
  if (endless.length === 0) return found('ok', 'expiry', `${text}, each with an expiry`)
  const names = endless
    .slice(0, 3)
    .map(({ key }) => nameText(key))
    .join(', ')
  return {
    ...found(
      'wrong',
      'expiry',
      `${text}, ${countText(endless.length)} without an expiry, such as ${names}. No cache writes such keys`,
    ),
    fix: 'Another program writes under this name, or ran PERSIST: give it another prefix, and UNLINK those keys',
  }
}
