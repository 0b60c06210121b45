// Without one of the rights that docs/guides/security.md lists, the cache serves calls without Redis and names the page that lists the rights.
import { readFileSync } from 'node:fs'
import { type Cache, type CacheError, createCache } from 'tiercache'
import { type RedisServerOptions, redisTier } from 'tiercache/redis'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { PATIENT } from '../support/patient.js'
import { type RedisCluster, startRedisCluster } from '../support/redis-cluster.js'
import { type RedisServer, startRedis } from '../support/redis-server.js'
import { waitFor } from '../support/wait.js'

const GUIDE = readFileSync(new URL('../../docs/guides/security.md', import.meta.url), 'utf8')
const RULES = (/^\s*ACL SETUSER shop (.*)$/m.exec(GUIDE)?.[1] ?? '').trim().split(/\s+/)
const IN_A_CLUSTER = ['+cluster|info', '+cluster|slots']

let server: RedisServer
let cluster: RedisCluster

beforeAll(async () => {
  server = await startRedis()
  cluster = await startRedisCluster()
})

afterAll(async () => {
  await Promise.all([server.stop(), cluster.stop()])
})

async function use(cache: Cache): Promise<void> {
  expect(await cache.getOrSet('loaded', () => 'v', { tags: ['t'] })).toBe('v')
  await cache.set('k', 1, { tags: ['t'] })
  await Promise.all([cache.get('k', { tiers: 'l2' }), cache.get('other', { tiers: 'l2' })])
  await cache.delete('k')
  await cache.invalidateTags('t')
  await cache.drain()
}

async function refusalWithout(
  right: string,
  user: string,
  target: RedisServerOptions,
  servers: readonly RedisServer[],
) {
  const rules = [...RULES, ...(servers.length > 1 ? IN_A_CLUSTER : [])].filter((rule) => rule !== `+${right}`)
  for (const each of servers) await each.command('ACL', 'SETUSER', user, ...rules)
  const connection = { ...target, username: user, password: 'secret' }
  const cache = createCache({ name: 'shop', ttl: '1h', logger: false, l2: redisTier(connection, PATIENT) })
  const errors: unknown[] = []
  cache.on('degraded', ({ error }) => errors.push(error))
  cache.on('notice', ({ error }) => errors.push(error))
  try {
    await waitFor(`the refusal of ${right}`, async () => {
      await use(cache)
      return errors.some((error) => (error as CacheError | undefined)?.code === 'L2_MISCONFIGURED')
    })
  } finally {
    await cache.close()
    for (const each of servers) await each.command('ACL', 'DELUSER', user)
  }
  return errors.find((error) => (error as CacheError | undefined)?.code === 'L2_MISCONFIGURED') as CacheError
}

const ADVICE = /(NOPERM|can't run this command).*docs\/guides\/security\.md/

test.each(['evalsha', 'set', 'unlink'])('without %s on one server', async (right) => {
  const target = { host: server.host, port: server.port }
  expect((await refusalWithout(right, `less-${right}`, target, [server])).message).toMatch(ADVICE)
})

test.each(['set', 'evalsha'])('without %s on a cluster', async (right) => {
  const refusal = await refusalWithout(right, `less-${right}`, { cluster: cluster.addresses }, cluster.nodes)
  expect(refusal.message).toMatch(ADVICE)
})
