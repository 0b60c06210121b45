// Sentinel names another master: the store and the bus continue there, and report that it is another server.
import { Redis } from 'ioredis'
import { Redis as Redis5 } from 'ioredis5'
import { afterEach, describe, expect, test } from 'vitest'
import { newToken } from '../../src/model/labels.js'
import type { RedisTarget } from '../../src/redis/index.js'
import { startRedisSentinel } from '../support/redis-sentinel.js'
import { sleep, waitFor } from '../support/wait.js'
import { openPeer, stamped } from './redis-peer.js'

const cleanups: (() => unknown)[] = []

afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean()
})

interface Sentinels {
  readonly sentinels: { host: string; port: number }[]
  readonly name: string
}

describe.each([
  ['ioredis 6', (options: Sentinels): RedisTarget => new Redis(options)],
  ['ioredis 5', (options: Sentinels): RedisTarget => new Redis5(options) as unknown as Redis],
  ['a connection of its own', (options: Sentinels): RedisTarget => ({ ...options })],
])('a failover seen through %s', (_, connect) => {
  test('leaves the store working, and the bus resumes its log', async () => {
    const group = await startRedisSentinel()
    cleanups.push(() => group.stop())
    const open = async () => {
      const target = connect({ sentinels: group.addresses, name: group.name })
      if (target instanceof Redis || target instanceof Redis5) {
        target.on('error', () => {})
        cleanups.push(() => target.disconnect())
      }
      const peer = await openPeer(target)
      cleanups.push(() => peer.close())
      return peer
    }
    const peer = await open()
    const listener = await open()
    const entry = stamped('live', 'a', 'kept')
    await peer.store.apply([{ op: 'put', key: 'shop:k', bytes: entry, keepMs: 60_000 }], Buffer.from('before'))
    const { tokens } = await peer.store.ensureTokens(['t:x'], [newToken()], 60_000, undefined)
    await listener.caughtUp()
    await sleep(200) // Replication is asynchronous.

    await group.failover()

    await waitFor('the store being ready on the new master', () => peer.said.at(-1) === 'ready other')
    expect(await peer.store.read(['shop:k'])).toEqual([entry])
    expect(await peer.store.readTokens(['t:x'])).toEqual(tokens)
    await peer.announce('after')
    await waitFor('the announcement', () => listener.messages.includes('after'))
    await listener.caughtUp()
    expect(new Set(listener.messages)).toEqual(new Set(['before', 'after']))
    expect(listener.losses.at(-1)).toContain('another server')
  })
})
