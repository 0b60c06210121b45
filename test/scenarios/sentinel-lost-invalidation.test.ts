// G4 over a Sentinel failover.
import { Redis } from 'ioredis'
import { test } from 'vitest'
import { startRedisSentinel } from '../support/redis-sentinel.js'
import { loseInvalidations } from './lost-invalidation.js'

test('invalidations that a failover by Sentinel lost are made again, and no outdated value is served after it', async () => {
  await using group = await startRedisSentinel()
  const master = await group.master()
  const replica = group.servers.find((server) => server !== master)!
  const connect = () => new Redis({ sentinels: group.addresses, name: group.name }).on('error', () => undefined)
  await loseInvalidations({ master, replica, connect, failover: () => group.failover() }, 'k')
})
