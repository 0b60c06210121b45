// A failover to a replica that has not received the last invalidations: what it still has must be removed, in every process.
import { type Cache, createCache } from 'tiercache'
import { type RedisConnection, redisTier } from 'tiercache/redis'
import { expect } from 'vitest'
import type { RedisServer } from '../support/redis-server.js'
import { waitFor } from '../support/wait.js'

export interface Replicated {
  readonly master: RedisServer
  readonly replica: RedisServer
  connect(): RedisConnection & { disconnect(): void }
  /** Kills the master and returns the server that took over. */
  failover(): Promise<RedisServer>
}

const TOKEN = '{shop}#t:t'

/** `key` is on the same master as the tokens of the cache `shop`. */
export async function loseInvalidations(group: Replicated, key: string): Promise<void> {
  const clients = [group.connect(), group.connect()]
  const [a, b] = clients.map((client) => open(client)) as [Cache, Cache]
  try {
    await waitFor('both buses being heard', () => a.stats().bus.trusted && b.stats().bus.trusted)
    await a.set(key, 'old')
    await a.set(`${key}:tagged`, 'old', { tags: ['t'] })
    expect(await b.getMany([key, `${key}:tagged`])).toEqual(['old', 'old'])
    const sizes = () => Promise.all([group.master, group.replica].map((server) => server.command('DBSIZE')))
    await waitFor('the replica having it all', async () => new Set(await sizes()).size === 1)
    await stopReplication(group.master)
    expect(await a.delete(key)).toBe('applied')
    expect(await a.invalidateTags(['t'])).toBe('applied')
    const [atMaster, atReplica] = await sizes()
    expect(Number(atReplica) - Number(atMaster), 'the replica still has the entry and the token').toBe(2)

    const promoted = await group.failover()

    await waitFor('the repair', async () => {
      const left = await Promise.all([promoted.command('EXISTS', `shop:${key}`), promoted.command('EXISTS', TOKEN)])
      return left.every((count) => count === 0)
    })
    await waitFor('both caches using Redis again', () => a.stats().l2.available && b.stats().l2.available)
    for (const cache of [a, b]) expect(await cache.getMany([key, `${key}:tagged`])).toEqual([undefined, undefined])
    expect(await b.getOrSet(key, () => 'new')).toBe('new')
    await b.drain()
    expect(await a.get(key)).toBe('new')
  } finally {
    await Promise.all([a.close(), b.close()])
    for (const client of clients) client.disconnect()
  }
}

function open(client: RedisConnection): Cache {
  return createCache({ name: 'shop', ttl: '1h', recovery: { window: '1m' }, l2: redisTier(client, { timeout: '2s' }) })
}

/** Permanently: the replica may not fetch what it missed. */
async function stopReplication(master: RedisServer): Promise<void> {
  await master.command('ACL', 'SETUSER', 'default', '-psync', '-sync')
  await master.command('CLIENT', 'KILL', 'TYPE', 'replica')
}
