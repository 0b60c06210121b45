// The program `tiercache` where something is wrong: no Redis, rights that are missing, encrypted entries; and as a process of its own.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createCache } from 'tiercache'
import { redisTier } from 'tiercache/redis'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { startChild } from '../support/child.js'
import { runCommand } from '../support/command-line.js'
import { testKey } from '../support/keys.js'
import { PATIENT } from '../support/patient.js'
import { freePort } from '../support/ports.js'
import { makeFolder, removeFolder } from '../support/processes.js'
import { type RedisServer, startRedis } from '../support/redis-server.js'
import { waitFor } from '../support/wait.js'

let server: RedisServer
const folder = makeFolder('command-line')

beforeAll(async () => {
  server = await startRedis()
})

beforeEach(() => server.command('FLUSHALL'))

afterAll(async () => {
  await server.stop()
  removeFolder(folder)
})

const run = (command: string, url = server.url) => runCommand([...command.split(' '), '--url', url, '--name', 'shop'])

const USER = ['ACL', 'SETUSER', 'shop', 'reset', 'on', '>secret', '~shop:*', '~shop/*', '~shop#*', '~{shop}#*'] as const
const urlOf = (user: string): string => `redis://${user}:secret@127.0.0.1:${server.port}`

describe('a Redis that cannot be used', () => {
  test('has exit code 3, and a sentence that says what to do', async () => {
    const port = await freePort()
    const { code, out, err } = await run('get k --timeout 2s', `redis://127.0.0.1:${port}`)
    expect({ code, out }).toEqual({ code: 3, out: '' })
    expect(err).toMatch(/^tiercache: Redis cannot be used: .*ECONNREFUSED.*start the server/)
    expect(err).not.toMatch(/^\s+at /m)
  })

  test.each(['get k', 'explain k', 'stats', 'tail', 'top', 'doctor', 'delete k', 'clear --yes'])(
    '%s has exit code 3',
    async (command) => {
      const { code } = await run(`${command} --timeout 500ms`, `redis://127.0.0.1:${await freePort()}`)
      expect(code).toBe(3)
    },
  )

  test('that hangs makes no command hang', async () => {
    await using hung = await startRedis()
    hung.pause()
    try {
      for (const command of ['get k', 'delete k', 'doctor'])
        expect((await run(`${command} --timeout 500ms`, hung.url)).code).toBe(3)
    } finally {
      hung.resume()
    }
  })

  test('wants another password, which no message repeats', async () => {
    const { code, err } = await run('get k --timeout 2s', `redis://nobody:wrong-secret@127.0.0.1:${server.port}`)
    expect(code).toBe(3)
    expect(err).toMatch(/Check username and password/)
    expect(err).not.toMatch(/wrong-secret/)
  })
})

describe('the rights of the user', () => {
  const ALL =
    '+client|id +client|kill +client|setname +eval +evalsha +get +getrange +hello +info +mget +pexpire +pttl +script|load +set +setrange +strlen +time +unlink +xadd +xrange +xread'

  test('that the security guide gives suffice to read and to change; stats names what it lacks', async () => {
    await server.command(...USER, ...ALL.split(' '))
    const url = urlOf('shop')
    expect(await run('delete k', url)).toMatchObject({ code: 0, err: '' })
    expect(await run('explain k', url)).toMatchObject({ code: 1, err: '' })
    expect(await run('top', url)).toMatchObject({ code: 0, err: '' })
    const { code, err } = await run('stats', url)
    expect(code).toBe(3)
    expect(err).toMatch(/This user of Redis may not do that: NOPERM.*scan/)
  })

  test('are checked by doctor without any right to ask for them', async () => {
    await server.command(...USER, ...ALL.split(' ').filter((rule) => rule !== '+xadd'))
    const { code, out } = await run('doctor', urlOf('shop'))
    expect(code).toBe(1)
    expect(out).toMatch(/^wrong +rights +the cache needs commands that this user may not run: xadd$/m)
    expect(out).toMatch(/→ ACL SETUSER <user> \+xadd$/m)
    expect(await server.command('DBSIZE')).toBe(0)
  })

  test('may forbid a change, which is then not confirmed: exit code 3, and doctor names the rights', async () => {
    await server.command(...USER, ...ALL.split(' ').filter((rule) => !/^\+(eval|evalsha|unlink)$/.test(rule)))
    for (const command of ['delete k', 'invalidate-tags t', 'clear --yes']) {
      const { code, out, err } = await run(`${command} --timeout 2s`, urlOf('shop'))
      expect({ code, out }).toEqual({ code: 3, out: '' })
      expect(err).toMatch(/^tiercache: Redis did not confirm the change.* type: tiercache doctor\n$/)
    }
    expect((await run('doctor', urlOf('shop'))).out).toMatch(/may not run: eval, evalsha, unlink$/m)
  })

  test('of another user are checked by an administrator', async () => {
    await server.command(...USER, ...ALL.split(' '), 'resetkeys', '~shop:*')
    const { code, out } = await run('doctor --user shop')
    expect(code).toBe(1)
    expect(out).toMatch(/may not use keys of these forms: .*\{shop\}#bus/)
    expect(out).not.toMatch(/the cache needs commands/)
  })
})

describe('doctor', () => {
  const doctor = async (): Promise<{ code: number; out: string }> => run('doctor')

  test('says what the policies of eviction mean', async () => {
    expect((await doctor()).out).toMatch(/^warning +memory .*no limit/m)
    await server.command('CONFIG', 'SET', 'maxmemory', '100mb')
    expect((await doctor()).out).toMatch(/^warning +memory .*noeviction: once it is full, Redis refuses new values/m)
    await server.command('CONFIG', 'SET', 'maxmemory-policy', 'volatile-lru')
    expect((await doctor()).out).toMatch(/^ok +memory .*volatile-lru/m)
  })

  test('says that nobody has listened yet, which is a warning', async () => {
    const { code, out } = await doctor()
    expect(out).toMatch(/^warning +bus +there is no stream \{shop\}#bus/m)
    expect(code).toBe(0)
  })

  test('finds another type in the place of the stream', async () => {
    await server.command('SET', '{shop}#bus', 'x', 'PX', '60000')
    expect(await doctor()).toMatchObject({
      code: 1,
      out: expect.stringMatching(/^wrong +bus +the key \{shop\}#bus is not a stream/m),
    })
  })

  test('finds a replica', async () => {
    await using replica = await startRedis({ args: ['--replicaof', '127.0.0.1', String(server.port)] })
    await waitFor('the first copy', async () => (await replica.info('replication')).master_link_status === 'up')
    const { code, out } = await run('doctor --timeout 2s', replica.url)
    expect(code).toBe(1)
    expect(out).toMatch(/^wrong +replication .*replica/m)
  })

  test('finds a cluster that is used as a single server, and the other way round', async () => {
    await using node = await startRedis({ mode: 'cluster' })
    expect((await run('doctor --timeout 2s', node.url)).out).toMatch(/^wrong +kind .*\n.*--cluster/m)
    const { code, out } = await run('doctor --cluster --timeout 2s')
    expect(code).toBe(1)
    expect(out).toMatch(/^wrong +connection .*cluster support disabled/m)
  })
})

describe('an encrypted cache', () => {
  test('is read with a file of keys; without it the command says why it cannot', async () => {
    const encrypt = { active: 'a', keys: { a: testKey('cli').toString('base64') } }
    await using cache = createCache({ name: 'shop', ttl: '1h', l2: redisTier(server.url, { ...PATIENT, encrypt }) })
    await cache.ready()
    await cache.set('k', 'secret')
    const file = join(folder, 'keys.json')
    writeFileSync(file, JSON.stringify(encrypt))
    expect(await run(`get k --encryption-key-file ${file}`)).toMatchObject({ code: 0, out: "'secret'\n" })
    const { code, err } = await run('get k')
    expect(code).toBe(1)
    expect(err).toMatch(/Redis has an entry of k that cannot be read here: .*encrypt/)
  })
})

test('a key prefix of the client is put before every key', async () => {
  await using cache = createCache({
    name: 'shop',
    ttl: '1h',
    l2: redisTier({ url: server.url, keyPrefix: 'app:' }, PATIENT),
  })
  await cache.ready()
  await cache.set('k', 'v', { tags: ['t'] })
  expect(await run('get k --key-prefix app:')).toMatchObject({ code: 0, out: "'v'\n" })
  expect((await run('stats --key-prefix app:')).out).toMatch(/^shop +1 +about/m)
  expect((await run('doctor --key-prefix app:')).out).toMatch(/each with an expiry/)
  expect(await run('invalidate-tags t --key-prefix app:')).toMatchObject({ code: 0 })
  expect((await run('top --key-prefix app:')).out).toMatch(/^t +1 /m)
  expect(await run('get k')).toMatchObject({ code: 1 })
})

describe('as a process of its own', () => {
  const program = new URL('./programs/command-line.ts', import.meta.url)
  const start = (...args: string[]) =>
    startChild(program, { args, env: { REDIS_URL: server.url, TIERCACHE_NAME: 'shop' } })

  test('it takes Redis and the name from variables, and ends with the exit code', async () => {
    await using missing = start('get', 'k')
    expect(await missing.exit).toMatchObject({ code: 1 })
    await using wrong = start('get')
    expect(await wrong.exit).toMatchObject({ code: 2 })
    await using done = start('delete', 'k')
    expect(await done.exit).toMatchObject({ code: 0 })
    expect(done.stdout).toBe('deleted 1 key of shop\n')
  })

  test('tail goes on when Redis comes back, and ends at Ctrl-C with exit code 0', async () => {
    await using own = await startRedis()
    await using tailing = startChild(program, {
      args: ['tail', '--since', '1h', '--url', own.url, '--name', 'shop', '--timeout', '20s'],
    })
    const announce = (name: string) =>
      own.command('XADD', '{shop}#bus', '*', 'm', JSON.stringify({ v: 1, s: 'shell', l: [`t:${name}`] }))
    await announce('first')
    await waitFor('the first line', () => tailing.stdout.includes('first'))
    await own.restart('kept')
    await waitFor('word of it', () => tailing.stderr.includes('Trying again'))
    await announce('second')
    await waitFor('the second line', () => tailing.stdout.includes('second'))
    await tailing.kill('SIGINT')
    expect(await tailing.exit).toMatchObject({ code: 0 })
    expect(tailing.stdout).toMatch(/invalidateTags shop: second {2}by shell\n/)
  })
})
