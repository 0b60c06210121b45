import { EventEmitter } from 'node:events'
import { Cluster, Redis } from 'ioredis'
import { Cluster as Cluster5, Redis as Redis5 } from 'ioredis5'
import type { CacheError } from 'tiercache'
import { describe, expect, test } from 'vitest'
import { splitOptions } from '../../../src/redis/client/server-options.js'
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
  ])('refuses %s, and the message says what it expects', (target) => {
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
    [{ subscriber: new FakeClient(), bus: false }, /subscriber has no effect with bus: false/],
    [{ timout: '1s' }, /redisTier has no option "timout"\. Did you mean timeout\?/],
    ['1s' as never, /redisTier must be an object/],
  ])('refuses the options %o', (options, message) => {
    expect(() => redisTier(new FakeClient(), options as RedisTierOptions)).toThrowError(
      expect.objectContaining({ code: 'INVALID_OPTION', message: expect.stringMatching(message) }),
    )
  })

  test.each<[string, unknown, RegExp]>([
    [
      'node-redis',
      Object.assign(new EventEmitter(), { sendCommand() {}, isOpen: false }),
      /client of node-redis \(the package redis\)/,
    ],
    [
      'GLIDE',
      new (class GlideClient {
        customCommand() {}
      })(),
      /client of GLIDE/,
    ],
    [
      'Upstash',
      new (class Redis {
        hset() {}
        pipeline() {}
        createScript() {}
      })(),
      /client of @upstash\/redis, which speaks HTTP/,
    ],
    [
      'an unknown library',
      new (class Tedis {
        get() {}
      })(),
      /an instance of Tedis/,
    ],
    ['a plain object with methods', { get() {}, set() {} }, /an instance of Object/],
    ['a promise', Promise.resolve(new FakeClient()), /a promise: await it first/],
    ['a pipeline', { exec() {}, hset() {}, get() {} }, /a pipeline or transaction/],
    ['the class', Redis, /the class or function Redis: pass what new Redis\(\) returns/],
    ['a list of nodes', [{ host: 'h', port: 1 }], /an array: for a cluster pass \{ cluster:/],
  ])('refuses %s when it is called, and the message names what to pass instead', (_name, target, message) => {
    const refused = expect.objectContaining({ code: 'INVALID_OPTION', message: expect.stringMatching(message) })
    expect(() => redisTier(target as RedisTarget)).toThrow(refused)
    expect(() => redisTier(target as RedisTarget)).toThrow(/ioredis 5 or 6 or of iovalkey.* a connection of its own/)
  })

  test.each<[object, RegExp]>([
    [{ hots: 'x' }, /has no option "hots"\. Did you mean host\?/],
    [{ uri: 'redis://h' }, /has no option "uri"\. Did you mean url\?/],
    [{ host: 'h', maxEntries: 1 }, /has no option "maxEntries"/],
    [{ url: 'localhost:6379' }, /the option url of a connection must begin with redis:/],
    [{ url: 'redis://h', host: 'h' }, /host of a connection has no effect beside url/],
    [{ url: 'redis://h', cluster: [{ host: 'h' }] }, /cluster of a connection cannot be combined with url/],
    [{ cluster: [] }, /cluster must be an array of \{ host, port \}, at least one/],
    [{ cluster: ['h:1'] }, /each of cluster must be an address/],
    [{ cluster: [{ host: 'h' }], port: 1 }, /port of a connection has no effect beside cluster/],
    [{ cluster: [{ host: 'h' }], db: 3 }, /db of a connection must be 0 beside cluster/],
    [
      { cluster: [{ host: 'h' }], retryStrategy: () => 1 },
      /retryStrategy .* no effect beside cluster\. Give clusterRetryStrategy/,
    ],
    [{ cluster: [{ host: 'h' }], redisOptions: {} }, /redisOptions .* no effect\. Give its members beside cluster/],
    [{ sentinels: [{ host: 'h' }] }, /sentinels of a connection needs the name of the master/],
    [{ sentinels: [{ host: 'h' }], name: 'm', path: '/s' }, /path of a connection has no effect beside sentinels/],
    [{ name: 'm' }, /name of a connection has no effect without sentinels/],
    [{ host: 'h', natMap: {} }, /natMap of a connection has no effect without sentinels/],
    [{ host: 'h', scaleReads: 'slave' }, /scaleReads of a connection has no effect without cluster/],
    [{ host: 'h', enableOfflineQueue: true }, /enableOfflineQueue of a connection can only be false/],
    [{ monitor: true }, /monitor of a connection can only be false/],
  ])('refuses the connection %o, which has an option without effect', (target, message) => {
    expect(() => redisTier(target as RedisTarget)).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION', message: expect.stringMatching(message) }),
    )
  })

  test.each<[object]>([
    [{ url: 'redis://h', tls: {}, keyPrefix: 'a:', connectTimeout: 1 }],
    [{ host: 'h', port: 1, db: 2, username: 'u', password: 'p', protocol: 3, enableOfflineQueue: false }],
    [{ sentinels: [{ host: 'h', port: 1 }], name: 'm', sentinelPassword: 'p', natMap: {} }],
    [{ cluster: [{ host: 'h', port: 1 }], password: 'p', natMap: {}, scaleReads: 'slave', maxRedirections: 3 }],
    [{ host: 'h', port: undefined, sentinels: null }],
  ])('accepts the connection %o', (target) => {
    expect(() => redisTier(target as RedisTarget)).not.toThrow()
  })

  test('passes options of a cluster to its client, and those of a connection to its nodes', () => {
    expect(splitOptions({ natMap: 1, scaleReads: 'all', keyPrefix: 'a:', password: 'p', connectTimeout: 1 })).toEqual({
      ofCluster: { natMap: 1, scaleReads: 'all', keyPrefix: 'a:' },
      ofNodes: { password: 'p', connectTimeout: 1 },
    })
  })

  test('shows no password in an error message, wherever it was written', () => {
    const secret = 'correct-horse'
    const targets = [
      `http://user:${secret}@h`,
      `user:${secret}@h:1`,
      { url: `valkey://:${secret}@h` },
      { pasword: secret },
      { password: secret, hots: 'h' },
      [{ password: secret }],
      new (class Client {
        password = secret
      })(),
      { cluster: `redis://:${secret}@h` },
      { cluster: [`redis://:${secret}@h`] },
    ]
    for (const target of targets) {
      const refusal = refusalOf(() => redisTier(target as RedisTarget))
      expect(refusal.code).toBe('INVALID_OPTION')
      expect(refusal.message).not.toContain('horse')
    }
    expect(
      refusalOf(() => redisTier(new FakeClient(), { subscriber: `redis://:${secret}@h` as never })).message,
    ).not.toContain('horse')
  })

  test('accepts a client, a URL, a socket path or options, and opens nothing yet', () => {
    const client = new FakeClient()
    for (const target of [client, 'redis://localhost', 'rediss://u:p@h:1/2', '/tmp/redis.sock', { host: 'h' }, {}]) {
      expect(() => redisTier(target)).not.toThrow()
    }
    expect(client.sent).toEqual([])
    expect(client.eventNames()).toEqual([])
  })

  test('accepts the types of clients of ioredis 6 and 5', () => {
    const connectors = [
      () => new Redis({ lazyConnect: true }),
      () => new Cluster([], { lazyConnect: true }),
      () => new Redis5({ lazyConnect: true }),
      () => new Cluster5([], { lazyConnect: true }),
    ] satisfies (() => RedisTarget)[]
    for (const make of connectors) expect(redisTier(make())).toHaveProperty('connect')
  })

  test('passes on the options that concern every tier, and none of its own', () => {
    const options = { timeout: '1s', leaseTtl: 500, breaker: false, maxValueBytes: 10, bus: false } as const
    const { connect, ...rest } = redisTier(new FakeClient(), options)
    expect(connect).toBeTypeOf('function')
    expect(rest).toEqual({ timeout: '1s', leaseTtl: 500, breaker: false, maxValueBytes: 10 })
  })
})

function refusalOf(make: () => unknown): CacheError {
  try {
    make()
  } catch (error) {
    return error as CacheError
  }
  throw new Error('it was accepted')
}
