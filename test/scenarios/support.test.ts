// Tests of the test servers, on which the other tests depend.

import { existsSync } from 'node:fs'
import { Redis } from 'ioredis'
import { afterEach, describe, expect, test } from 'vitest'
import { startChild } from '../support/child.js'
import { startPostgres } from '../support/postgres.js'
import { startProxy, type TcpProxy } from '../support/proxy.js'
import { startRedisCluster } from '../support/redis-cluster.js'
import { startRedisSentinel } from '../support/redis-sentinel.js'
import { type RedisServer, startRedis } from '../support/redis-server.js'
import { command } from '../support/resp.js'
import { waitFor } from '../support/wait.js'

const open: { stop(): unknown }[] = []

afterEach(async () => {
  for (const thing of open.splice(0).reverse()) await thing.stop()
})

function keep<T extends { stop(): unknown }>(thing: T): T {
  open.push(thing)
  return thing
}

describe('a Redis server', () => {
  test('has after a restart the data that was asked for: all, none, or the last snapshot', async () => {
    const server = keep(await startRedis({ password: 'secret' }))
    await server.command('SET', 'a', 'first')
    await server.restart('kept')
    expect(await server.command('GET', 'a')).toBe('first')
    await server.save()
    await server.command('SET', 'a', 'second')
    await server.restart('old')
    expect(await server.command('GET', 'a')).toBe('first')
    await server.restart('empty')
    expect(await server.command('GET', 'a')).toBeNull()
  })

  test('counts the commands of other clients, not its own', async () => {
    const server = keep(await startRedis())
    const counts = await server.countCommands(async () => {
      await server.command('SET', 'a', '1')
      await server.command('GET', 'a')
      await server.command('GET', 'b')
    })
    expect(counts).toEqual({ set: 1, get: 2 })
  })

  test('does not reply while paused and continues when resumed', async () => {
    const server = keep(await startRedis())
    server.pause()
    await expect(command(server.port, ['PING'], { limitMs: 200 })).rejects.toThrow('no reply')
    server.resume()
    expect(await server.command('PING')).toBe('PONG')
  })

  test('is gone after stop() together with its folder, even if it was paused', async () => {
    const server = await startRedis()
    server.pause()
    await server.stop()
    expect(isAlive(server.pid)).toBe(false)
    expect(existsSync(server.dir)).toBe(false)
  })

  test('ends with the process that started it, even if that one is killed', async () => {
    const child = startChild(new URL('./programs/starts-redis.ts', import.meta.url))
    const { pid, dir } = await child.next<{ pid: number; dir: string }>()
    expect(isAlive(pid)).toBe(true)
    await child.kill()
    await waitFor('the end of the orphaned server', () => !isAlive(pid) && !existsSync(dir))
  })
})

test('a cluster moves slots and promotes the replica of a killed master', async () => {
  const cluster = keep(await startRedisCluster({ replicasPerMaster: 1 }))
  const slot = await cluster.slotOf('a')
  const from = await cluster.masterOf('a')
  const to = (await cluster.masters()).find((master) => master !== from) as RedisServer
  await from.command('SET', 'a', '1')

  await cluster.startMigration(slot, to)
  await cluster.moveKeys(slot, to)
  await expect(from.command('GET', 'a')).rejects.toThrow(`ASK ${slot} 127.0.0.1:${to.port}`)
  await cluster.finishMigration(slot, to)
  await expect(from.command('GET', 'a')).rejects.toThrow(`MOVED ${slot} 127.0.0.1:${to.port}`)
  expect(await to.command('GET', 'a')).toBe('1')

  const replica = await cluster.replicaOf(to)
  await to.command('WAIT', 1, 5_000)
  expect(await cluster.failover('a')).toBe(replica)
  expect(await replica.command('GET', 'a')).toBe('1')
})

test('sentinels announce the replica as the new master when the master is killed', async () => {
  const group = keep(await startRedisSentinel())
  const master = await group.master()
  const promoted = await group.failover()
  expect(promoted).not.toBe(master)
  expect(await promoted.command('SET', 'a', '1')).toBe('OK')
})

describe('the proxy', () => {
  async function behindProxy(): Promise<{ server: RedisServer; proxy: TcpProxy; client: Redis }> {
    const server = keep(await startRedis())
    const proxy = keep(await startProxy(server.port))
    const client = new Redis(proxy.port, { maxRetriesPerRequest: null, retryStrategy: () => 20, commandTimeout: 400 })
    client.on('error', () => undefined) // These tests cause faults on purpose.
    keep({ stop: () => client.disconnect() })
    expect(await client.ping()).toBe('PONG')
    return { server, proxy, client }
  }

  test('cuts connections, and clients can connect again', async () => {
    const { proxy, client } = await behindProxy()
    const closed = new Promise((resolve) => client.once('close', resolve))
    proxy.cut()
    await closed
    expect(await client.ping()).toBe('PONG')
    expect(proxy.accepted).toBe(2)
  })

  test('refuses connections until it is restored', async () => {
    const { proxy } = await behindProxy()
    await proxy.refuse()
    await expect(command(proxy.port, ['PING'])).rejects.toThrow('ECONNREFUSED')
    await proxy.restore()
    expect(await command(proxy.port, ['PING'])).toBe('PONG')
  })

  test('silences a link for good without closing it, and lets new links through after restore()', async () => {
    const { server, proxy, client } = await behindProxy()
    proxy.silence()
    await expect(client.set('a', '1')).rejects.toThrow('timed out')
    await expect(command(proxy.port, ['PING'], { limitMs: 200 })).rejects.toThrow('no reply')
    await proxy.restore()
    await expect(client.set('a', '1')).rejects.toThrow('timed out')
    expect(client.status).toBe('ready')
    expect(await command(proxy.port, ['PING'])).toBe('PONG')
    expect(await server.command('GET', 'a')).toBeNull()
  })

  test('holds requests back and delivers them late, also after their sender has disconnected', async () => {
    const { server, proxy, client } = await behindProxy()
    proxy.hold('requests')
    await expect(client.set('a', 'late')).rejects.toThrow('timed out')
    client.disconnect()
    expect(await server.command('GET', 'a')).toBeNull()
    await proxy.restore()
    await waitFor('the late write', async () => (await server.command('GET', 'a')) === 'late')
  })

  test('delays replies without changing their order', async () => {
    const { proxy, client } = await behindProxy()
    proxy.delay(60, 20)
    const startedAtMs = performance.now()
    expect(await Promise.all([client.incr('n'), client.incr('n'), client.incr('n')])).toEqual([1, 2, 3])
    expect(performance.now() - startedAtMs).toBeGreaterThan(50)
  })

  test('resets a connection in the middle of a reply, once', async () => {
    const { server, proxy } = await behindProxy()
    await server.command('SET', 'a', 'x'.repeat(1_000))
    proxy.resetMidReply(100)
    await expect(command(proxy.port, ['GET', 'a'])).rejects.toThrow('ECONNRESET')
    expect(await command(proxy.port, ['GET', 'a'])).toBe('x'.repeat(1_000))
  })
})

test('a PostgreSQL server answers queries and is gone after stop()', async () => {
  const server = await startPostgres()
  server.query('CREATE TABLE shelf (id int PRIMARY KEY, title text)')
  server.query("INSERT INTO shelf VALUES (1, 'one'), (2, NULL)")
  expect(server.query('SELECT * FROM shelf ORDER BY id')).toEqual([
    ['1', 'one'],
    ['2', ''],
  ])
  await server.stop()
  expect(isAlive(server.pid)).toBe(false)
})

describe('a child process', () => {
  test('communicates over its channel and ends when asked to', async () => {
    const child = startChild(new URL('./programs/echoes.ts', import.meta.url), { args: ['hello'] })
    expect(await child.next()).toEqual({ ready: 'hello' })
    child.send({ n: 1 })
    expect(await child.next()).toEqual({ echo: { n: 1 } })
    child.send({ stop: true })
    expect(await child.exit).toEqual({ code: 0, signal: null })
  })

  test('is ended by an unhandled rejection', async () => {
    const child = startChild(new URL('./programs/echoes.ts', import.meta.url))
    child.send({ reject: 'this was not caught' })
    expect((await child.exit).code).not.toBe(0)
    expect(child.stderr).toContain('this was not caught')
  })
})

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
