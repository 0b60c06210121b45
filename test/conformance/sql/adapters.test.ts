// Every adapter of `tiercache/sql` on a real PostgreSQL: results are the driver's, and never older than a commit.
import { MemoryServer } from 'tiercache/testing'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type PostgresServer, startPostgres } from '../../support/postgres.js'
import { ADAPTERS, type Service } from './adapters.js'
import { POSTGRES_TYPES } from './postgres-types.js'

let postgres: PostgresServer

beforeAll(async () => {
  postgres = await startPostgres()
})

afterAll(() => postgres.stop())

describe.each(ADAPTERS)('$name', ({ open }) => {
  let server: MemoryServer
  let services: Service[] = []

  async function start(options?: Parameters<typeof open>[2]): Promise<Service> {
    const service = await open(postgres.url, server, options)
    services.push(service)
    return service
  }

  beforeAll(() => {
    server = new MemoryServer()
  })

  afterEach(async () => {
    await Promise.all(services.map((service) => service.close()))
    services = []
    postgres.query('drop schema public cascade; create schema public')
    server = new MemoryServer()
  })

  test('returns what the driver returns for every type: on a miss, a hit in memory and a hit in Redis', async () => {
    const [a, b] = [await start(), await start()]
    for (const [type, ...expressions] of POSTGRES_TYPES) {
      const text = `select ${expressions.map((expression, i) => `${expression} as v${i}`).join(', ')}`
      const plain = await a.driver(text)
      const before = a.reads()
      for (const service of [a, a, b, b]) {
        expect(await service.read(text), `${type}, of ${service === a ? 'the first' : 'the second'} process`).toEqual(
          plain,
        )
        await service.cache.drain()
      }
      expect(a.reads() - before, `${type} is read once`).toBe(1)
    }
    expect(b.reads(), 'the second process reads Redis alone').toBe(0)
  })

  test('a write of another process is seen by the next read', async () => {
    postgres.query('create table items (id int primary key, n int); insert into items values (1, 1)')
    const [a, b] = [await start(), await start()]
    const text = 'select n from items where id = $1'
    const old = await a.driver(text, [1])
    expect(await a.read(text, [1])).toEqual(old)
    expect(await b.read(text, [1])).toEqual(old)
    await a.write('update items set n = 2 where id = 1')
    const changed = await a.driver(text, [1])
    expect(changed).not.toEqual(old)
    expect(await a.read(text, [1])).toEqual(changed)
    await expect.poll(() => b.read(text, [1])).toEqual(changed)
  })

  test('a transaction counts after its commit, not after its rollback, and reads of it pass the cache by', async () => {
    postgres.query('create table items (id int primary key, n int); insert into items values (1, 1)')
    const a = await start()
    const text = 'select n from items'
    const old = await a.read(text)
    const failing = a.transaction(async (run) => {
      await run('update items set n = 2')
      throw new Error('rolled back')
    })
    await expect(failing).rejects.toThrow('rolled back')
    expect(await a.read(text)).toBe(old)
    await a.transaction(async (run) => {
      await run('update items set n = 3')
      expect(JSON.stringify(await run(text))).toContain('"n":3')
      expect(await a.read(text), 'nobody else sees it').toEqual(old)
    })
    expect(await a.read(text)).toEqual(await a.driver(text))
    expect(await a.read(text)).not.toEqual(old)
  })
})
