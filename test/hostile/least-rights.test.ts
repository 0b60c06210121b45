// The users that docs/guides/security.md proposes can do all that a cache does, and nothing else.
import { readFileSync } from 'node:fs'
import { Cluster, Redis } from 'ioredis'
import { type Cache, createCache } from 'tiercache'
import { type RedisTierOptions, redisTier } from 'tiercache/redis'
import { describe, expect, test } from 'vitest'
import { PATIENT } from '../support/patient.js'
import { startRedisCluster } from '../support/redis-cluster.js'
import { type RedisServer, startRedis } from '../support/redis-server.js'
import { waitFor } from '../support/wait.js'

const GUIDE = readFileSync(new URL('../../docs/guides/security.md', import.meta.url), 'utf8')

/** The command that users copy. */
const USER = /^\s*(ACL SETUSER shop .*)$/m.exec(GUIDE)?.[1]?.trim().split(/\s+/) ?? []
const CREDENTIALS = { username: 'shop', password: 'secret' }

/** The rights that the guide adds for a feature, from the line of the list that begins with its name. */
function rightsFor(feature: string): string[] {
  const line = GUIDE.split('\n').find((line) => line.trim().startsWith(`- ${feature}: \``))
  if (line === undefined) throw new Error(`the guide adds no rights for ${feature}`)
  return [...line.matchAll(/`([+&][^`]*)`/g)].flatMap(([, rights = '']) => rights.split(' '))
}

/** Uses every verb that needs Redis, in two processes, and a recovery. */
async function useEverything(open: () => Cache, servers: readonly RedisServer[]): Promise<void> {
  await using a = open()
  await using b = open()
  const areHeard = () => [a, b].every((cache) => cache.stats().l2.available && cache.stats().bus.trusted)
  await waitFor('both being in use', areHeard)
  const inner = a.namespace('inner', { version: 2 })
  expect(await inner.set('k', 1, { tags: ['t'] })).toBe('applied')
  const entries = [['x', 1] as const, ['y', 2] as const, ['z', 3] as const]
  expect(await a.setMany(entries, { tags: ['t'] })).toBe('applied')
  expect(await b.getMany(['x', 'y'])).toEqual([1, 2])
  expect(await b.get('z')).toBe(3)
  expect(await b.getOrSet('loaded', () => 'v', { tags: ['other'] })).toBe('v')
  await b.drain()
  // It takes longer than half a lease, so that the lease is renewed. Its tag is known late.
  let isLoading = false
  const slow = a.getOrSet('slow', async (context) => {
    isLoading = true
    await new Promise((resolve) => setTimeout(resolve, 1_300))
    context.tags('late')
    return 1
  })
  await waitFor('the load', () => isLoading)
  await b.getOrSet('slow', () => 2)
  expect(await slow).toBe(1)
  const rows = a.source('rows', { load: () => 1, save: () => undefined, remove: () => undefined })
  expect(await rows.get(1)).toBe(1)
  expect(await rows.refresh(1)).toBe(1)
  await rows.save(1, 2)
  await rows.remove(1)
  expect(await a.expire('x')).toBe('applied')
  expect(await a.delete('y')).toBe('applied')
  expect(await a.expireTags('other')).toBe('applied')
  expect(await a.get('loaded')).toBeUndefined()
  expect(await a.invalidateTags('t')).toBe('applied')
  expect(await a.delete('y', { hold: '50ms' })).toBe('applied')
  expect(await a.invalidateTags('held', { hold: '50ms' })).toBe('applied')
  expect(await b.getOrSet('held', () => 1, { tags: ['held'] })).toBe(1)
  expect(await inner.clear()).toBe('applied')
  await waitFor('the other process hearing of it', () => b.peek('y') === undefined)
  for (const server of servers) await server.command('CLIENT', 'KILL', 'USER', 'shop')
  await waitFor('recovery', async () => {
    await Promise.all([a.get('any'), b.get('any')])
    return areHeard()
  })
  expect(await a.clear()).toBe('applied')
}

/** The commands that the rules allow. */
function commandsOf(rules: readonly string[]): string[] {
  return rules.filter((rule) => rule.startsWith('+')).map((rule) => rule.slice(1))
}

async function refusals(servers: readonly RedisServer[]): Promise<unknown[]> {
  const logs = await Promise.all(servers.map((server) => server.command('ACL', 'LOG')))
  return logs.flat(1)
}

/** The commands that these servers executed since their statistics were reset, without those of this test. */
async function commandsExecuted(servers: readonly RedisServer[]): Promise<string[]> {
  const own = ['acl|', 'config|', 'auth', 'client|kill', 'info', 'ping', 'cluster|', 'debug']
  const stats = await Promise.all(servers.map((server) => server.info('commandstats')))
  const fields = stats.flatMap((one) => Object.entries(one))
  const executed = fields.filter(([, text]) => Number(/calls=(\d+)/.exec(text)?.[1]) > 0)
  const names = executed.map(([field]) => field.replace('cmdstat_', ''))
  return [...new Set(names)].filter((name) => !own.some((other) => name.startsWith(other))).sort()
}

/** The cache needs these as well, but the tests send them too. */
const UNCOUNTED = ['client|kill', 'info', 'ping', 'cluster|slots', 'cluster|info']

interface Place {
  readonly servers: readonly RedisServer[]
  readonly rules: readonly string[]
  open(options?: RedisTierOptions): Cache
}

/** Gives the user the rights of the guide on every server, and resets the statistics. */
async function giveRights(servers: readonly RedisServer[], rules: readonly string[]): Promise<void> {
  for (const server of servers) {
    await server.command(...(rules as [string, ...string[]]))
    await server.command('ACL', 'LOG', 'RESET')
    await server.command('CONFIG', 'RESETSTAT')
  }
}

async function checkRights({ servers, rules, open }: Place): Promise<void> {
  await giveRights(servers, rules)
  await useEverything(open, servers)
  expect(await refusals(servers)).toEqual([])
  const allowed = commandsOf(rules).filter((name) => !UNCOUNTED.includes(name))
  expect(await commandsExecuted(servers), 'every right is used').toEqual(allowed.sort())
}

const breaker = { openFor: '100ms', maxOpenFor: '200ms' } as const
const TIER: RedisTierOptions = { ...PATIENT, breaker }

describe('with the rights of the guide a cache works, no command is refused, and every right is used:', () => {
  test.each([undefined, 3])('as version %s', async (version) => {
    await using server = await startRedis()
    const url = `redis://shop:secret@127.0.0.1:${server.port}`
    await checkRights({
      servers: [server],
      rules: USER,
      open: () => createCache({ name: 'shop', version, ttl: '1h', l2: redisTier(url, TIER) }),
    })
  })

  test('on a cluster', async () => {
    const cluster = await startRedisCluster()
    const clients: Cluster[] = []
    try {
      await checkRights({
        servers: cluster.nodes,
        rules: [...USER, ...rightsFor('Redis Cluster')],
        open: () => {
          const client = new Cluster(cluster.addresses, { redisOptions: CREDENTIALS })
          client.on('error', () => undefined)
          clients.push(client)
          return createCache({ name: 'shop', ttl: '1h', l2: redisTier(client, TIER) })
        },
      })
    } finally {
      for (const client of clients) client.disconnect()
      await cluster.stop()
    }
  })
})

test('with the rights that the guide adds for it, the tracking bus works', async () => {
  await using server = await startRedis()
  const url = `redis://shop:secret@127.0.0.1:${server.port}`
  await giveRights([server], [...USER, ...rightsFor("`bus: 'tracking'`")])
  await useEverything(
    () => createCache({ name: 'shop', ttl: '1h', l2: redisTier(url, { ...TIER, bus: 'tracking' }) }),
    [server],
  )
  expect(await refusals([server])).toEqual([])
})

test.each([
  [
    'streams (`cache.streams`, `tiercache/llm`)',
    { db: 0 },
    async (cache: Cache) => {
      const parts = (async function* () {
        yield 1
        await new Promise((resolve) => setTimeout(resolve, 1_300))
        yield 2
      })()
      const read = await cache.streams.open('stream', () => parts)
      expect((await read.next()).value).toBe(1)
      expect((await read.next()).value).toBe(2)
      await read.return()
    },
  ],
  ['deleteByPrefix', { db: 0 }, async (cache: Cache) => void (await cache.deleteByPrefix('k'))],
  ['another database than 0', { db: 2 }, async (cache: Cache) => void (await cache.set('k', 1))],
])('%s needs exactly the right that the guide adds for it', async (feature, { db }, use) => {
  await using server = await startRedis()
  const url = `redis://shop:secret@127.0.0.1:${server.port}/${db}`
  const open = () => createCache({ name: 'shop', logger: false, l2: redisTier(url, { ...TIER, timeout: '500ms' }) })
  await giveRights([server], USER)
  {
    await using cache = open()
    await use(cache).catch(() => undefined)
    await waitFor('a refusal', async () => (await refusals([server])).length > 0)
  }
  await giveRights([server], [...USER, ...rightsFor(feature)])
  await using cache = open()
  await cache.ready()
  await use(cache)
  expect(await refusals([server])).toEqual([])
})

test('a user with these rights can neither read other keys nor harm the server', async () => {
  await using server = await startRedis()
  await server.command(...(USER as [string, ...string[]]))
  const client = new Redis({ port: server.port, ...CREDENTIALS })
  try {
    for (const [name, ...args] of [
      ['GET', 'other:k'],
      ['SET', 'shopping:k', 'v'],
      ['SET', '{shop}', 'v'],
      ['EVAL', "return redis.call('GET', 'other:k')", '1', 'shop:k'],
      ['FLUSHALL'],
      ['KEYS', '*'],
      ['SCAN', '0'],
      ['CONFIG', 'GET', '*'],
      ['ACL', 'LIST'],
      ['CLIENT', 'LIST'],
      ['SUBSCRIBE', 'news'],
      ['SHUTDOWN'],
    ] as [string, ...string[]][]) {
      await expect(client.call(name, ...args), name).rejects.toThrow(/NOPERM|No permissions|can't access/i)
    }
    expect(await client.call('SET', 'shop:k', 'v')).toBe('OK')
  } finally {
    client.disconnect()
  }
})
