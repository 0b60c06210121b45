// Kysely on a real PostgreSQL: its AST names the tables, its driver the commit, and a hit takes no connection.
import { Kysely, PostgresDialect, sql as raw } from 'kysely'
import pg from 'pg'
import { type Cache, createCache } from 'tiercache'
import { type SqlCache, sqlCache } from 'tiercache/sql'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { type PostgresServer, startPostgres } from '../../support/postgres.js'

interface Tables {
  items: { id: number; n: number }
  orgs: { id: number; name: string }
}

let postgres: PostgresServer
let cache: Cache
let sql: SqlCache
let pool: pg.Pool
let db: Kysely<Tables>

beforeAll(async () => {
  postgres = await startPostgres()
})
afterAll(() => postgres.stop())

beforeEach(() => {
  postgres.query(`drop schema public cascade; create schema public;
    create table items (id int primary key, n int); insert into items values (1, 10), (2, 20);
    create table orgs (id int primary key, name text); insert into orgs values (1, 'a')`)
  cache = createCache({ name: 'shop', ttl: '1m', logger: false })
  sql = sqlCache(cache) // no parser: the AST is enough
  pool = new pg.Pool({ connectionString: postgres.url, max: 1 })
  db = new Kysely<Tables>({ dialect: sql.kysely(new PostgresDialect({ pool })) })
})
afterEach(async () => {
  await db.destroy()
  await cache.close()
})

const items = () => db.selectFrom('items').select(['id', 'n']).where('id', '=', 1)

test('a query is cached where it is asked for, and a hit takes no connection', async () => {
  const rows = await sql.cached(items())
  const client = await pool.connect() // the only one
  expect(await sql.cached(items())).toEqual(rows)
  client.release()
  postgres.query('update items set n = 11')
  expect(await items().execute()).toEqual([{ id: 1, n: 11 }])
  expect(await sql.cached(items())).toEqual([{ id: 1, n: 10 }])
})

test.each<[string, () => Promise<unknown>]>([
  ['an update', () => db.updateTable('items').set({ n: 5 }).where('id', '=', 1).execute()],
  ['a delete', () => db.deleteFrom('items as i').where('i.id', '=', 1).execute()],
  [
    'an upsert',
    () =>
      db
        .insertInto('items')
        .values({ id: 1, n: 6 })
        .onConflict((c) => c.column('id').doUpdateSet({ n: 6 }))
        .execute(),
  ],
  [
    'a write in WITH',
    () =>
      db
        .with('w', (q) => q.updateTable('items').set({ n: 7 }).returning('id'))
        .selectFrom('w')
        .selectAll()
        .execute(),
  ],
  ['raw SQL', () => raw`update items set n = 8 where id = 1`.execute(db)],
  [
    'a change of the schema',
    () =>
      db.schema
        .alterTable('items')
        .alterColumn('n', (c) => c.setDataType('text'))
        .execute(),
  ],
  ['a transaction', () => db.transaction().execute((tx) => tx.updateTable('items').set({ n: 9 }).execute())],
])('%s invalidates', async (_name, write) => {
  const rows = await sql.cached(items())
  await write()
  const now = await sql.cached(items())
  expect(now).not.toEqual(rows)
  expect(now).toEqual(await items().execute())
})

test('a join, raw parts and locks: what depends on the AST', async () => {
  const join = () => db.selectFrom('items').innerJoin('orgs', 'orgs.id', 'items.id').select(['items.n', 'orgs.name'])
  await sql.cached(join())
  await db.updateTable('orgs').set({ name: 'b' }).execute()
  expect(await sql.cached(join())).toEqual([{ n: 10, name: 'b' }])
  const notices: string[] = []
  cache.on('notice', ({ detail }) => void notices.push(detail))
  await sql.cached(items().forUpdate())
  await sql.cached(db.selectFrom('items').select([raw<string>`now()`.as('t')]))
  await sql.cached(db.selectFrom('items').select((q) => q.fn<number>('random', []).as('r')))
  expect(notices.map((text) => /locks rows|contains now|contains random/.exec(text)?.[0])).toEqual([
    'locks rows',
    'contains now',
    'contains random',
  ])
})

test('savepoints that are rolled back are forgotten', async () => {
  const orgs = await sql.cached(db.selectFrom('orgs').selectAll())
  await sql.cached(items())
  const tx = await db.startTransaction().execute()
  await tx.updateTable('items').set({ n: 30 }).execute()
  const inner = await tx.savepoint('s').execute()
  await inner.updateTable('orgs').set({ name: 'x' }).execute()
  await inner.rollbackToSavepoint('s').execute()
  await tx.commit().execute()
  postgres.query("update orgs set name = 'seen by nobody'")
  expect(await sql.cached(db.selectFrom('orgs').selectAll())).toEqual(orgs)
  expect(await sql.cached(items())).toEqual([{ id: 1, n: 30 }])
})
