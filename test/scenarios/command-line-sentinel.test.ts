// The program `tiercache` on a master that sentinels find, also after another one has taken over.
import { Redis } from 'ioredis'
import { createCache } from 'tiercache'
import { redisTier } from 'tiercache/redis'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runCommand } from '../support/command-line.js'
import { PATIENT } from '../support/patient.js'
import { freePort } from '../support/ports.js'
import { type RedisSentinel, startRedisSentinel } from '../support/redis-sentinel.js'
import { waitFor } from '../support/wait.js'

let group: RedisSentinel
let where: readonly string[]

beforeAll(async () => {
  group = await startRedisSentinel()
  const addresses = group.addresses.map(({ host, port }) => `${host}:${port}`).join(',')
  where = ['--sentinel', addresses, '--master', group.name, '--name', 'shop', '--timeout', '20s']
})

afterAll(() => group?.stop())

const run = (command: string, others: readonly string[] = []) =>
  runCommand([...command.split(' '), ...where, ...others])

test('commands read and change the master, and go on with its successor', async () => {
  const client = new Redis({ sentinels: group.addresses, name: group.name })
  const cache = createCache({ name: 'shop', ttl: '1h', l2: redisTier(client, PATIENT) })
  try {
    await cache.set('k', 1)
    expect(await run('get k')).toEqual({ code: 0, out: '1\n', err: '' })
    const doctor = await run('doctor')
    expect(doctor.out).toMatch(/^ok +connection/m)
    expect(doctor.code).toBe(0)
    expect((await run('stats')).out).toMatch(new RegExp(`^master ${group.name}: Redis`, 'm'))
    expect(await run('delete k')).toMatchObject({ code: 0 })
    await waitFor('the process hearing of it', () => cache.peek('k') === undefined)
    await group.failover()
    await waitFor('the service using the successor', async () => (await cache.set('k', 2)) === 'applied')
    expect(await run('get k')).toEqual({ code: 0, out: '2\n', err: '' })
  } finally {
    await cache.close()
    client.disconnect()
  }
})

test('user, password and database of the master come from the URL', async () => {
  const master = await group.master()
  await master.command('ACL', 'SETUSER', 'ops', 'on', '>s@cret', '~*', '&*', '+@all')
  const client = new Redis(master.port, { db: 2 })
  const cache = createCache({ name: 'shop', ttl: '1h', l2: redisTier(client, PATIENT) })
  try {
    await cache.set('in 2', 1)
    expect((await run('get', ['in 2', '--url', 'redis://ops:s%40cret@unused/2'])).out).toBe('1\n')
    const refused = await run('get', ['in 2', '--url', 'redis://ops:wrong@unused/2'])
    expect(refused.code).toBe(3)
    expect(refused.err).toMatch(/Check username and password/)
  } finally {
    await cache.close()
    client.disconnect()
  }
})

test('an unknown master, or sentinels that cannot be reached, have exit code 3 and a sentence', async () => {
  const unknown = await run('get k', ['--master', 'nobody', '--timeout', '2s'])
  expect(unknown.code).toBe(3)
  expect(unknown.err).toMatch(/sentinels do not know a master with this name/)
  const sentinel = `127.0.0.1:${await freePort()}`
  const away = await runCommand([
    'get',
    'k',
    '--sentinel',
    sentinel,
    '--master',
    'm',
    '--name',
    'shop',
    '--timeout',
    '1s',
  ])
  expect(away.code).toBe(3)
  expect(away.err).toMatch(/^tiercache: Redis cannot be used: /)
})
