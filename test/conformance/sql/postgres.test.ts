// What a SQL cache on pg must get right on a real PostgreSQL: what is refused, whose results they are, what a write reaches, and
// when a transaction counts.
import pg from 'pg'
import Cursor from 'pg-cursor'
import { type Cache, createCache } from 'tiercache'
import { type CachedPool, type SqlCache, type SqlCacheOptions, sqlCache } from 'tiercache/sql'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type PostgresServer, startPostgres } from '../../support/postgres.js'
import { startProxy, type TcpProxy } from '../../support/proxy.js'
import { waitFor } from '../../support/wait.js'

const SCHEMA = `
  create table orgs (id int primary key, name text);
  create table items (id int primary key, org int references orgs on delete cascade on update cascade, n int);
  insert into orgs values (1, 'a'), (2, 'b');
  insert into items values (1, 1, 10), (2, 1, 20), (3, 2, 30);
  create view dear as select i.id, i.n, o.name from items i join orgs o on o.id = i.org;
  create view dearest as select * from dear where n > 15;
  create view few as select id, n from items where n > 15;
  create view today as select id from items where now() > '2000-01-01';
  create view dated as select id, current_date as d from items;
  create table parts (id int, day date) partition by range (day);
  create table parts_2024 partition of parts for values from ('2024-01-01') to ('2025-01-01');
  insert into parts values (1, '2024-05-05');
  create function fixed(x int) returns int language sql immutable as 'select n from items where id = x';
  create function moving() returns int language sql volatile as 'select 1';
  create function writing() returns void language sql volatile as 'update items set n = n + 1';
  create table secrets (id int, owner text);
  insert into secrets values (1, 'alice'), (2, 'bob'), (3, 'bob');
  alter table secrets enable row level security;
  create policy own on secrets using (owner = current_user);
  do $$ begin
    if not exists (select from pg_roles where rolname = 'alice') then create role alice login; create role bob login; end if;
  end $$;
  grant select on secrets, items to alice, bob`

let postgres: PostgresServer
let cache: Cache
let sql: SqlCache
let pools: pg.Pool[] = []
let proxy: TcpProxy | undefined

beforeAll(async () => {
  postgres = await startPostgres()
})
afterAll(() => postgres.stop())

beforeEach(() => {
  postgres.query(
    `set lock_timeout = '5s'; drop schema public cascade; create schema public; grant usage on schema public to public; ${SCHEMA}`,
  )
  cache = createCache({ name: 'shop', ttl: '1m', logger: false })
})
afterEach(async () => {
  await Promise.all(pools.map((pool) => pool.end()))
  pools = []
  await proxy?.stop()
  proxy = undefined
  await cache.close()
})

function open(options: SqlCacheOptions = {}, config: pg.PoolConfig = {}): pg.Pool & CachedPool {
  sql = sqlCache(cache, { tables: 'parse', ...options })
  return connect(config)
}

function connect(config: pg.PoolConfig = {}): pg.Pool & CachedPool {
  const raw = new pg.Pool({ connectionString: postgres.url, max: 4, ...config })
  raw.on('error', () => {}) // a killed idle connection is part of these tests
  pools.push(raw)
  return sql.pg(raw)
}

const N = 'select n from items where id = 1'
const nOf = async (pool: CachedPool) => (await pool.cached(N)).rows[0].n
const changeOutside = (n: number) => postgres.query(`update items set n = ${n} where id = 1`)

/** Whether a query is served although its rows have changed where no adapter sees it. */
async function isServed(pool: CachedPool, text: string, change: string): Promise<boolean> {
  const { rows } = await pool.cached(text)
  await cache.drain()
  postgres.query(change)
  return JSON.stringify((await pool.cached(text)).rows) === JSON.stringify(rows)
}

describe('a statement', () => {
  test.each([
    ['insert into items values (9, 1, 1)', 'is not a SELECT'],
    ['with gone as (delete from items where id = 3 returning id) select * from gone', 'is not a SELECT'],
    ['select * into copied from items', 'is not a SELECT'],
    ['select n from items for update', 'locks rows'],
    ['select n from (select n from items for share) s', 'locks rows'],
    ['select n from items; select 1', 'more than one statement'],
    ['select now()', 'contains now()'],
    ['select n from items where current_timestamp > $1', 'contains current time'],
    ["select 'today'::date", "contains 'today'"],
    ['select random()', 'contains random()'],
    ['select moving()', 'contains moving()'],
    ['select fixed(1)', 'calls fixed(), which may read tables that nobody sees'],
    ['select id from today', 'contains now()'],
    ['select id from dated', 'contains a view with the current time'],
    ['select n from items tablesample system (50)', 'random sample'],
    ['select pid from pg_stat_activity', 'changes by itself'],
    ['select count(*) from pg_class', 'changes without a statement'],
    ['select * from nowhere', 'names "nowhere", which the catalogue does not have'],
    ['select nothing(1)', 'names the function nothing'],
    ['select id from secrets', 'has row-level security'],
    ["select current_setting('a.b', true)", 'contains current_setting()'],
    ['selec 1', 'cannot be parsed'],
    ['explain select n from items', 'is not a SELECT'],
  ])('%s is refused', async (text, why) => {
    const pool = open()
    const explained = await pool.explain(text, text.includes('$1') ? ['2000-01-01'] : [])
    expect(explained).toMatchObject({ cached: false, key: undefined })
    expect(explained.why[0]).toContain(why)
  })

  test('that is refused runs, is not kept, and is said once; or it is an error', async () => {
    const pool = open()
    const notices: string[] = []
    cache.on('notice', ({ code, detail }) => void notices.push(`${code} ${detail}`))
    const [one, other] = [await pool.cached('select random() as r'), await pool.cached('select random() as r')]
    expect(one.rows).not.toEqual(other.rows)
    expect(notices).toEqual([expect.stringMatching(/^SQL_REFUSED .*random\(\)/)])
    const strict = open({ refuse: 'error' })
    await expect(strict.cached('select random()')).rejects.toMatchObject({ code: 'SQL_REFUSED' })
    await expect(pool.cached('select wrong from items')).rejects.toMatchObject({ code: '42703' })
  })

  test('with functions that the caller accepts is kept', async () => {
    const pool = open()
    const text = 'select n, now() from items where id = 1'
    const read = () => pool.cached(text, [], { functions: ['now'] })
    expect((await read()).rows).toBe((await read()).rows)
  })

  test('whose tables are named is kept without a parser, unless a word is suspicious', async () => {
    const pool = open({ tables: 'named' })
    const options = { tables: ['items'] }
    expect((await pool.cached(N, [], options)).rows).toBe((await pool.cached(N, [], options)).rows)
    expect((await pool.explain(N)).why[0]).toContain('reads tables that nobody named')
    expect((await pool.explain('select n from items -- update', [], options)).why[0]).toContain('has the word update')
    await pool.query('update items set n = 11 where id = 1')
    expect((await pool.cached(N, [], options)).rows).toEqual([{ n: 11 }])
    await pool.write('update items set n = 12 where id = 1', [], ['items'])
    expect((await pool.cached(N, [], options)).rows).toEqual([{ n: 12 }])
  })
})

describe('a result', () => {
  test('is of the classes of pg, and the type parsers of each pool make it', async () => {
    const pool = open()
    const text = "select 5::int8 as big, '1 day'::interval as i, '(1,2)'::point as p"
    const types = {
      getTypeParser: (oid: number, format?: 'text') => (oid === 20 ? BigInt : pg.types.getTypeParser(oid, format)),
    }
    const parsing = connect({ types: types as never })
    await pool.cached(text)
    await cache.drain()
    const hit = await parsing.cached(text)
    expect(hit).toEqual(await parsing.query(text))
    expect(hit.rows[0].big).toBe(5n)
    expect(hit.rows[0].i.toPostgres()).toBe('1 days')
    expect((await pool.cached({ text, rowMode: 'array' })).rows).toEqual(
      (await pool.query({ text, rowMode: 'array' })).rows,
    )
    expect(hit.fields[0]?.constructor.name).toBe('Field')
  })

  test('with more rows or bytes than allowed is returned and not kept', async () => {
    for (const options of [{ maxRows: 2 }, { maxBytes: 10 }]) {
      const pool = open(options)
      expect(await isServed(pool, 'select id, n from items order by id', 'update items set n = n + 1')).toBe(false)
    }
  })

  test('is of its own for each caller if asked for', async () => {
    const pool = open({ results: 'own' })
    const [one, other] = [await pool.cached(N), await pool.cached(N)]
    expect(one.rows).toEqual(other.rows)
    expect(one.rows).not.toBe(other.rows)
  })

  test('is read once for many callers', async () => {
    const pool = open()
    const results = await Promise.all(Array.from({ length: 200 }, () => pool.cached(N)))
    expect(new Set(results.map(({ rows }) => rows)).size).toBe(1)
    expect(cache.stats().byPath['shop/sql']?.loads).toBe(2) // the result, and the facts of the catalogue
  })

  test('that was read before a commit is not kept after it', async () => {
    const pool = open()
    const slow = 'select n, (select count(*) from generate_series(1, 8000000)) as c from items where id = 1'
    await pool.cached(N)
    const reading = pool.cached(slow)
    const running = "select 1 from pg_stat_activity where state = 'active' and query like 'select n, (select count%'"
    await waitFor('the query to run', () => postgres.query(running).length > 0)
    await pool.query('update items set n = 99 where id = 1')
    expect((await reading).rows[0].n).toBe(10)
    expect((await pool.cached(slow)).rows[0].n).toBe(99)
  })
})

describe('the session', () => {
  test('separates roles, tenants, search paths and time zones', async () => {
    const alice = open(
      { per: () => 'r' },
      { connectionString: undefined, host: postgres.host, port: postgres.port, user: 'alice', database: 'postgres' },
    )
    const bob = connect({
      connectionString: undefined,
      host: postgres.host,
      port: postgres.port,
      user: 'bob',
      database: 'postgres',
    })
    const text = 'select id from secrets'
    for (let i = 0; i < 2; i++) {
      expect((await alice.cached(text)).rows).toEqual([{ id: 1 }])
      expect((await bob.cached(text)).rows).toEqual([{ id: 2 }, { id: 3 }])
    }
    const zone = (name: string) => connect({ options: `-c TimeZone=${name}` })
    const time = "select '2024-01-01 00:00'::timestamptz::text as t"
    const times = [await zone('UTC').cached(time), await zone('Asia/Tokyo').cached(time)]
    expect(times.map(({ rows }) => rows[0].t)).toEqual(['2024-01-01 00:00:00+00', '2024-01-01 00:00:00+09'])
    const keys = [
      await alice.explain(N, [], { per: 1 }),
      await alice.explain(N, [], { per: '1' }),
      await alice.explain(N, [], { per: null }),
    ]
    expect(new Set(keys.map(({ key }) => key)).size).toBe(3)
  })

  test('of a client with another role or a temporary table keeps nothing', async () => {
    const pool = open({ per: () => 'r' }, { max: 1 })
    await pool.cached(N)
    await pool.query('set role alice')
    expect((await pool.cached('select owner from secrets')).rows).toEqual([{ owner: 'alice' }])
    await pool.query('reset role')
    expect((await pool.cached('select owner from secrets')).rows).toHaveLength(3)
    await pool.query('create temporary table items (id int, n int)')
    expect((await pool.cached(N)).rows).toEqual([])
    await pool.query('drop table pg_temp.items')
    expect(await nOf(pool)).toBe(10)
  })
})

describe('a write', () => {
  test.each([
    ['select n from dearest where id = 2', 'update items set n = 21 where id = 2'],
    ['select name from dearest', "update orgs set name = 'z' where id = 1"],
    ['select count(*) from items', 'delete from orgs where id = 2'],
    ['select org from items order by id', 'update orgs set id = 7 where id = 1'],
    ['select count(*) from parts_2024', "insert into parts values (2, '2024-06-06')"],
    ['select count(*) from parts', "insert into parts_2024 values (2, '2024-06-06')"],
    ['select n from items where id = 2', 'update few set n = 22 where id = 2'],
    [
      'select count(*) from items',
      'with gone as (delete from items where id = 3 returning id) select count(*) from gone',
    ],
    ['select count(*) from items', 'truncate orgs cascade'],
    ['select n from items where id = 2', 'select writing()'],
    ['select n from items where id = 2', 'do $$ begin update items set n = 23 where id = 2; end $$'],
    ['select * from dearest', 'create or replace view dearest as select * from dear where n > 25'],
    ['select id from parts', "alter table parts alter id type text using id || 'x'"],
    ['select id from items where id = 2', 'insert into items values (2, 1, 1) on conflict (id) do update set id = 5'],
  ])('changes what %s returns: %s', async (read, write) => {
    const pool = open()
    const { rows: old } = await pool.cached(read)
    expect((await pool.cached(read)).rows).toBe(old)
    await pool.query(write)
    const { rows } = await pool.cached(read)
    expect(rows).not.toEqual(old)
    expect(rows).toEqual((await pool.query(read)).rows)
  })

  test('leaves what does not depend on it, and reads invalidate nothing', async () => {
    const pool = open()
    const { rows } = await pool.cached('select name from orgs')
    await pool.query('update items set n = 5')
    await pool.query('select upper(name), count(*) from orgs group by 1')
    await pool.query('begin; set local work_mem = 100; commit')
    expect((await pool.cached('select name from orgs')).rows).toBe(rows)
  })

  test('changes tables that are named in affects', async () => {
    const pool = open({ affects: { orgs: ['items'] } })
    await nOf(pool)
    changeOutside(77)
    await pool.query("update orgs set name = 'q'")
    expect(await nOf(pool)).toBe(77)
  })

  test('is seen in each form of pg: with a callback, by a client, by a cursor, in the wrong order', async () => {
    const pool = open()
    await nOf(pool)
    await new Promise<void>((resolve, reject) => {
      pool.query('update items set n = 1 where id = 1', (error) => (error ? reject(error) : resolve()))
    })
    expect(await nOf(pool)).toBe(1)
    const client = await pool.connect()
    await client.query({ text: 'update items set n = $1 where id = 1', values: [2] })
    expect(await nOf(pool)).toBe(2)
    await client.query('begin')
    const cursor = client.query(new Cursor('update items set n = 3 where id = 1 returning n'))
    expect(await cursor.read(10)).toEqual([{ n: 3 }])
    await cursor.close()
    await client.query('commit')
    client.release()
    expect(await nOf(pool)).toBe(3)
  })

  test('that fails leaves the results right', async () => {
    const pool = open()
    await nOf(pool)
    await expect(pool.query('update items set n = 1 / 0')).rejects.toMatchObject({ code: '22012' })
    expect(await nOf(pool)).toBe(10)
  })
})

describe('a transaction', () => {
  const UPDATE = 'update items set n = n + 1 where id = 1'

  test('counts after its commit, and not after its rollback', async () => {
    const pool = open()
    expect(await nOf(pool)).toBe(10)
    const { rows } = await pool.cached(N)
    await expect(
      sql.transaction(pool, async (tx) => {
        await tx.query(UPDATE)
        throw new Error('rolled back')
      }),
    ).rejects.toThrow('rolled back')
    expect((await pool.cached(N)).rows).toBe(rows)
    await sql.transaction(pool, async (tx) => {
      await tx.query(UPDATE)
      expect((await tx.cached(N)).rows, 'reads its own write').toEqual([{ n: 11 }])
      expect(await nOf(pool), 'passes the cache by').toBe(10)
    })
    expect(await nOf(pool)).toBe(11)
  })

  test('forgets what was rolled back to a savepoint, and keeps what is around it', async () => {
    const pool = open()
    const { rows: orgs } = await pool.cached('select name from orgs')
    await nOf(pool)
    await sql.transaction(pool, async (tx) => {
      await tx.query(UPDATE)
      const inner = tx.transaction(async (nested) => {
        await nested.query("update orgs set name = 'x'")
        await nested.transaction((deepest) => deepest.query("update orgs set name = 'y'"))
        throw new Error('inner')
      })
      await expect(inner).rejects.toThrow('inner')
      await tx.transaction((nested) => nested.query(UPDATE))
    })
    expect((await pool.cached('select name from orgs')).rows).toBe(orgs)
    expect(await nOf(pool)).toBe(12)
  })

  test('that the server rolled back at its commit is an error', async () => {
    const pool = open()
    const failing = sql.transaction(pool, async (tx) => {
      await tx.query('select 1 / 0').catch(() => {})
    })
    await expect(failing).rejects.toMatchObject({ code: 'SQL_REFUSED' })
  })

  test('by hand on a client counts in the same way, also over two of its lives', async () => {
    const pool = open({}, { max: 1 })
    const { rows } = await pool.cached(N)
    const client = await pool.connect()
    for (const text of ['begin', UPDATE, 'savepoint a', UPDATE, 'rollback to a', 'rollback']) await client.query(text)
    client.release()
    expect((await pool.cached(N)).rows).toBe(rows)
    const again = await pool.connect()
    await Promise.all(['begin', UPDATE, 'commit; begin', UPDATE, 'end'].map((text) => again.query(text)))
    again.release()
    expect(await nOf(pool)).toBe(12)
  })

  test.each(['before the commit', 'at the commit', 'after the commit'])(
    'whose client is killed %s leaves nothing old',
    async (when) => {
      proxy = await startProxy(postgres.port)
      const pool = open()
      const cut = connect({ connectionString: `postgres://postgres@127.0.0.1:${proxy.port}/postgres`, max: 2 })
      expect(await nOf(pool)).toBe(10)
      const client = await cut.connect()
      client.on('error', () => {})
      await client.query('begin')
      await client.query(UPDATE)
      if (when === 'before the commit') proxy.cut()
      else proxy.hold(when === 'at the commit' ? 'requests' : 'replies')
      const commit = client.query('commit').then(
        () => 'known',
        () => 'unknown',
      )
      if (when === 'after the commit')
        await expect.poll(async () => (await pool.query(N)).rows, { timeout: 5_000 }).toEqual([{ n: 11 }])
      proxy.cut()
      expect(await commit).toBe('unknown')
      client.release(true)
      await expect.poll(() => nOf(pool), { timeout: 5_000 }).toBe(when === 'after the commit' ? 11 : 10)
    },
  )

  test('holds what it wrote, for replicas that lag', async () => {
    const pool = open({ hold: '1m' })
    await nOf(pool)
    await pool.query(UPDATE)
    expect(await nOf(pool)).toBe(11)
    changeOutside(50)
    expect(await nOf(pool), 'nothing is kept within the hold').toBe(50)
  })
})

describe('explain', () => {
  test('names the tables behind views, the tags, the key, and what would invalidate', async () => {
    const pool = open()
    postgres.query('create trigger t after update on items execute function suppress_redundant_updates_trigger()')
    const before = await sql.explain('select n from dearest where id = $1', [2])
    expect(before).toMatchObject({ cached: true, key: expect.stringMatching(/^q:[\w-]{43}$/) })
    expect([...before.tables].sort()).toEqual(['public.dear', 'public.dearest', 'public.items', 'public.orgs'])
    expect(before.tags).toEqual(expect.arrayContaining(['sql', 'sql:postgres', 'sql:postgres:public.items']))
    expect(before.invalidatedBy.join('\n')).toMatch(/write to public\.items[\s\S]*public\.items has triggers/)
    await pool.cached('select n from dearest where id = $1', [2])
    expect((await sql.explain('select n from dearest where id = $1', [2])).entry?.l1?.state).toBe('fresh')
  })
})

describe('rows', () => {
  test('are invalidated by their key, and other results of the table stay', async () => {
    const pool = open({ rowTags: true })
    const [one, two] = ['select id, n from items where id = 1', 'select id, n from items where id = 2']
    await pool.cached(one)
    const { rows } = await pool.cached(two)
    postgres.query('update items set n = n + 1')
    await sql.invalidateRows('items', [1])
    expect((await pool.cached(one)).rows).toEqual([{ id: 1, n: 11 }])
    expect((await pool.cached(two)).rows).toBe(rows)
    postgres.query('insert into items select i, 1, 0 from generate_series(10, 1000) i')
    await sql.invalidateTables(['items'])
    await pool.cached('select id, n from items')
    postgres.query('update items set n = 5 where id = 500')
    await sql.invalidateRows('items', [500])
    const all = await pool.cached('select id, n from items')
    expect(all.rows.find(({ id }) => id === 500)).toEqual({ id: 500, n: 5 })
  })
})
