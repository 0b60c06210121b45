import { Cluster, Redis } from 'ioredis'
import { Cluster as Cluster5, Redis as Redis5 } from 'ioredis5'
import { describe, expect, test } from 'vitest'
import { type RedisTarget, type RedisTierOptions, redisTier } from '../../../src/redis/index.js'
import { FakeClient } from './fake-client.js'

describe('redisTier', () => {
  test.each([
    [undefined],
    [null],
    [42],
    [''],
    ['localhost'],
    ['http://localhost'],
    [[]],
    [new (class RedisClientType {})()],
  ])('refuses %s, saying what it expects', (target) => {
    expect(() => redisTier(target as RedisTarget)).toThrowError(
      expect.objectContaining({
        code: 'INVALID_OPTION',
        message: expect.stringMatching(/expects a client .* got /),
      }),
    )
  })

  test.each<[object, RegExp]>([
    [{ bus: 'pubsub' }, /bus must be 'stream'.*got "pubsub"/],
    [{ bus: true }, /bus must be/],
    [{ subscriber: {} }, /subscriber must be a client.*Leave it out/],
  ])('refuses the options %o', (options, message) => {
    expect(() => redisTier(new FakeClient(), options as RedisTierOptions)).toThrowError(
      expect.objectContaining({ code: 'INVALID_OPTION', message: expect.stringMatching(message) }),
    )
  })

  test('takes a client, a URL, a socket path or options, and opens nothing yet', () => {
    const client = new FakeClient()
    for (const target of [client, 'redis://localhost', 'rediss://u:p@h:1/2', '/tmp/redis.sock', { host: 'h' }, {}]) {
      expect(() => redisTier(target)).not.toThrow()
    }
    expect(client.sent).toEqual([])
    expect(client.eventNames()).toEqual([])
  })

  test('takes the clients of ioredis 6 and 5 as they are typed', () => {
    const connectors = [
      () => new Redis({ lazyConnect: true }),
      () => new Cluster([], { lazyConnect: true }),
      () => new Redis5({ lazyConnect: true }),
      () => new Cluster5([], { lazyConnect: true }),
    ] satisfies (() => RedisTarget)[]
    for (const make of connectors) expect(redisTier(make())).toHaveProperty('connect')
  })

  test('passes on what concerns every tier, and nothing of its own', () => {
    const options = { timeout: '1s', leaseTtl: 500, breaker: false, maxValueBytes: 10, bus: false } as const
    const { connect, ...rest } = redisTier(new FakeClient(), options)
    expect(connect).toBeTypeOf('function')
    expect(rest).toEqual({ timeout: '1s', leaseTtl: 500, breaker: false, maxValueBytes: 10 })
  })
})
