// What PostgreSQL itself tells: writes of other programs, cascades, and what happens while it is not heard.
import pg from 'pg'
import { type Cache, createCache } from 'tiercache'
import { type CachedPool, type SqlCache, sqlCache } from 'tiercache/sql'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { startPgBouncer } from '../../support/pgbouncer.js'
import { type PostgresServer, startPostgres } from '../../support/postgres.js'
import { startProxy, type TcpProxy } from '../../support/proxy.js'

let postgres: PostgresServer
let proxy: TcpProxy
let cache: Cache
let sql: SqlCache
let raw: pg.Pool
let pool: pg.Pool & CachedPool
let listener: { close(): Promise<void> } | undefined

beforeAll(async () => {
  postgres = await startPostgres()
  proxy = await startProxy(postgres.port)
})
afterAll(async () => {
  await proxy.stop()
  await postgres.stop()
})

beforeEach(async () => {
  postgres.query(`drop schema public cascade; create schema public;
    create table orgs (id int primary key); insert into orgs values (1), (2);
    create table items (id int primary key, org int references orgs on delete cascade, n int); insert into items values (1, 1, 10), (2, 2, 20);
    create table parts (id int) partition by range (id); create table parts_1 partition of parts for values from (0) to (100)`)
  cache = createCache({ name: 'shop', ttl: '1m', logger: false })
  sql = sqlCache(cache, { tables: 'parse' })
  raw = new pg.Pool({ connectionString: postgres.url, max: 3 })
  pool = sql.pg(raw)
})
afterEach(async () => {
  await listener?.close()
  listener = undefined
  await proxy.restore()
  await raw.end()
  await cache.close()
})

const overProxy = () => new pg.Client({ host: '127.0.0.1', port: proxy.port, user: 'postgres', database: 'postgres' })
const N = 'select n from items where id = 1'
const read = async () => (await pool.cached(N)).rows
const bypassed = async () => /LISTEN was lost/.test((await pool.explain(N)).why[0] ?? '')

test('writes of other programs are heard, with their cascades, on partitions, and at their commit', async () => {
  expect(await sql.triggers.install(raw)).toEqual(['public.items', 'public.orgs', 'public.parts', 'public.parts_1'])
  expect(await sql.triggers.install(raw, ['items'])).toEqual(['public.items'])
  listener = await sql.listen(overProxy)
  const count = async (table: string) => (await pool.cached(`select count(*)::int as n from ${table}`)).rows[0].n
  expect([await read(), await count('items'), await count('parts_1')]).toEqual([[{ n: 10 }], 2, 0])
  postgres.query('begin; update items set n = 11 where id = 1; rollback')
  expect((await pool.explain(N)).entry?.l1?.state).toBe('fresh')
  postgres.query('update items set n = 12 where id = 1')
  await expect.poll(read).toEqual([{ n: 12 }])
  postgres.query('delete from orgs where id = 2')
  await expect.poll(() => count('items')).toBe(1)
  postgres.query('insert into parts values (1)')
  await expect.poll(() => count('parts_1')).toBe(1)
  postgres.query('truncate items')
  await expect.poll(() => count('items')).toBe(0)
  await sql.triggers.remove(raw)
  expect(postgres.query("select count(*) from pg_trigger where tgname = 'tiercache_changed'")).toEqual([['0']])
})

test.each(['cut', 'silent'] as const)(
  'while the connection is %s nothing is kept, and afterwards everything is outdated',
  async (fault) => {
    await sql.triggers.install(raw)
    listener = await sql.listen(overProxy, { ping: '50ms', timeout: '300ms' })
    expect(await read()).toEqual([{ n: 10 }])
    if (fault === 'cut') await proxy.refuse()
    else proxy.silence()
    await expect.poll(bypassed, { timeout: 5_000 }).toBe(true)
    postgres.query('update items set n = 13 where id = 1')
    expect(await read()).toEqual([{ n: 13 }])
    postgres.query('update items set n = 14 where id = 1')
    expect(await read()).toEqual([{ n: 14 }])
    await proxy.restore()
    await expect.poll(bypassed, { timeout: 5_000 }).toBe(false)
    expect(await read()).toEqual([{ n: 14 }])
    expect((await pool.explain(N)).entry?.l1?.state).toBe('fresh')
  },
)

test('PgBouncer in transaction mode is refused, and so is a database that cannot be reached', async () => {
  const pooler = await startPgBouncer(postgres.port)
  try {
    const client = () => new pg.Client({ connectionString: pooler.url })
    await expect(sql.listen(client)).rejects.toMatchObject({
      code: 'INVALID_OPTION',
      message: expect.stringContaining('pooler'),
    })
  } finally {
    await pooler.stop()
  }
  await proxy.refuse()
  await expect(sql.listen(overProxy)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  expect(await bypassed()).toBe(false)
})
