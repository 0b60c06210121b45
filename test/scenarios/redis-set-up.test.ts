// Common mistakes in connecting a cache to Redis: the cache works without L2, and reports the cause and what to do.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { Cluster, Redis } from 'ioredis'
import { type CacheError, type CacheErrorCode, createCache } from 'tiercache'
import type { TierDefinition } from 'tiercache/ports'
import { redisTier } from 'tiercache/redis'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { type Certificate, makeCertificate } from '../support/certificate.js'
import { freePort } from '../support/ports.js'
import { makeFolder, removeFolder } from '../support/processes.js'
import { type RedisServer, startRedis } from '../support/redis-server.js'
import { waitFor } from '../support/wait.js'

const PASSWORD = 'correct-horse-battery'
const WRONG = 'wrong-horse-battery'

let open: RedisServer
let guarded: RedisServer
let replica: RedisServer
let certificate: Certificate
let tlsPort: number
let closedPort: number

beforeAll(async () => {
  certificate = makeCertificate()
  tlsPort = await freePort()
  closedPort = await freePort()
  open = await startRedis({ args: certificate.args(tlsPort) })
  guarded = await startRedis({ password: PASSWORD })
  replica = await startRedis({ args: ['--replicaof', open.host, String(open.port)] })
})

afterAll(async () => {
  await Promise.all([open.stop(), guarded.stop(), replica.stop()])
  certificate.remove()
})

const written: string[] = []
const clients: { disconnect(): void }[] = []

beforeEach(() => {
  written.length = 0
  for (const method of ['log', 'warn', 'error', 'info'] as const) {
    vi.spyOn(console, method).mockImplementation((...args) => void written.push(args.map(String).join(' ')))
  }
})

afterEach(() => {
  for (const client of clients.splice(0)) client.disconnect()
  vi.restoreAllMocks()
})

/** A client as an application creates it, without a listener for its errors. */
function lent<C extends { disconnect(): void }>(client: C): C {
  clients.push(client)
  return client
}

/** The error with which a cache over `l2` reports that it does not use it. */
async function saidOf(l2: TierDefinition): Promise<CacheError> {
  const said: CacheError[] = []
  const cache = createCache({ name: 'shop', l2, logger: false })
  cache.on('degraded', ({ error }) => said.push(error))
  cache.on('notice', ({ error }) => error !== undefined && said.push(error as CacheError))
  expect(await cache.getOrSet('k', () => 'loaded')).toBe('loaded')
  expect(await cache.getOrSet('k', () => 'again'), 'memory works on').toBe('loaded')
  await waitFor('the cause', () => said.some(({ cause }) => cause !== undefined), { limitMs: 20_000 })
  await cache.close()
  return said.find(({ cause }) => cause !== undefined) as CacheError
}

const host = '127.0.0.1'

const mistakes: [string, CacheErrorCode, RegExp, RegExp, () => string | object][] = [
  ['no password', 'L2_AUTH_FAILED', /NOAUTH/, /password: process\.env/, () => `redis://${host}:${guarded.port}`],
  [
    'a wrong password',
    'L2_AUTH_FAILED',
    /WRONGPASS/,
    /Check username and password/,
    () => ({ host, port: guarded.port, password: WRONG }),
  ],
  [
    'an unknown user',
    'L2_AUTH_FAILED',
    /WRONGPASS/,
    /username/,
    () => ({ host, port: guarded.port, username: 'nobody', password: WRONG }),
  ],
  [
    'a port on which nothing listens',
    'L2_CONNECTION_REFUSED',
    /ECONNREFUSED/,
    /start the server/,
    () => `redis://${host}:${closedPort}`,
  ],
  [
    'a socket that does not exist',
    'L2_CONNECTION_REFUSED',
    /ENOENT/,
    /start the server/,
    () => '/tmp/tiercache-no-such.sock',
  ],
  ['an unknown host', 'L2_HOST_UNKNOWN', /ENOTFOUND|EAI_AGAIN/, /host name/, () => 'redis://no-such-host.invalid:6379'],
  [
    'TLS of the client only',
    'L2_TLS_FAILED',
    /ETIMEDOUT/,
    /did not reply to the TLS handshake/,
    () => `rediss://${host}:${open.port}`,
  ],
  [
    'TLS of the server only',
    'L2_TLS_FAILED',
    /ECONNRESET|EPIPE/,
    /as a server that expects TLS does/,
    () => `redis://${host}:${tlsPort}`,
  ],
  [
    'a certificate that is not accepted',
    'L2_TLS_FAILED',
    /certificate/i,
    /tls: \{ ca: /,
    () => `rediss://${host}:${tlsPort}`,
  ],
  ['a replica', 'L2_REPLICA', /replica/, /connect to the master/, () => `redis://${host}:${replica.port}`],
]

describe.each(mistakes)('%s', (_name, code, cause, advice, target) => {
  const check = (error: CacheError): void => {
    expect(error).toMatchObject({ code, message: expect.stringMatching(advice) })
    expect(error.cause).toBeInstanceOf(Error)
    expect(inspect(error.cause)).toMatch(cause)
    expect(inspect(error, { depth: 9 }), 'no secret, anywhere').not.toMatch(/horse-battery/)
    expect(written, 'nothing on the console').toEqual([])
  }

  test(`is ${code} of a connection that the SDK opens`, async () => check(await saidOf(redisTier(target() as string))))

  test(`is ${code} of a client that was lent`, async () => {
    const client = lent(new Redis(target() as string))
    check(await saidOf(redisTier(client)))
    // After that, the errors of a client without a listener are the application's own concern again.
    client.disconnect()
  })
})

test('a user without the permissions of a cache is L2_MISCONFIGURED, and the message says where they are listed', async () => {
  await open.command('ACL', 'SETUSER', 'weak', 'on', `>${PASSWORD}`, '+info', '+ping', '+client', '~*')
  const error = await saidOf(redisTier({ host, port: open.port, username: 'weak', password: PASSWORD }))
  expect(error).toMatchObject({ code: 'L2_MISCONFIGURED', message: expect.stringMatching(/NOPERM.*security\.md/) })
  expect(inspect(error, { depth: 9 })).not.toContain(PASSWORD)
})

test('a standalone server used as a cluster is L2_MISCONFIGURED', async () => {
  const error = await saidOf(redisTier({ cluster: [{ host, port: open.port }] }))
  expect(error).toMatchObject({
    code: 'L2_MISCONFIGURED',
    message: expect.stringMatching(/the server is not a cluster/i),
  })
})

describe('a cluster', () => {
  test.each<[string, CacheErrorCode, () => { port: number; password?: string }]>([
    ['whose nodes are down', 'L2_CONNECTION_REFUSED', () => ({ port: closedPort })],
    ['whose nodes require a password', 'L2_AUTH_FAILED', () => ({ port: guarded.port })],
    ['with a wrong password', 'L2_AUTH_FAILED', () => ({ port: guarded.port, password: WRONG })],
  ])('%s is %s, although the client hides the cause inside its error', async (_name, code, make) => {
    const { port, ...redisOptions } = make()
    const own = await saidOf(redisTier({ cluster: [{ host, port }], ...redisOptions }))
    const theirs = await saidOf(redisTier(lent(new Cluster([{ host, port }], { redisOptions }))))
    for (const error of [own, theirs]) {
      expect(error).toMatchObject({ code, cause: { cause: expect.any(Error) } })
      expect(inspect(error, { depth: 9 })).not.toMatch(/horse-battery/)
    }
    expect(written).toEqual([])
  })
})

describe('Sentinel', () => {
  test('whose sentinels are down is L2_CONNECTION_REFUSED', async () => {
    const options = { sentinels: [{ host, port: closedPort }], name: 'shop' }
    for (const target of [() => options, () => lent(new Redis(options))]) {
      expect(await saidOf(redisTier(target()))).toMatchObject({
        code: 'L2_CONNECTION_REFUSED',
        message: expect.stringMatching(/sentinels.*ECONNREFUSED/s),
      })
    }
    expect(written).toEqual([])
  })

  test('that does not know the name of the master is L2_MISCONFIGURED, and the message says where names are set', async () => {
    const dir = makeFolder('sentinel')
    writeFileSync(join(dir, 'sentinel.conf'), 'protected-mode no\n')
    const sentinel = await startRedis({ mode: 'sentinel', configFile: 'sentinel.conf', dir })
    const options = { sentinels: [{ host, port: sentinel.port }], name: 'shop' }
    const error = await saidOf(redisTier(options))
    expect(error.message).toContain('SENTINEL MASTERS')
    expect(error.code).toBe('L2_MISCONFIGURED')
    await sentinel.stop()
    removeFolder(dir)
  })
})
