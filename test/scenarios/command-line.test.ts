// Every command of the program `tiercache` on real Redis: what it prints, what it changes, and its exit code.
import { type Cache, createCache } from 'tiercache'
import { redisTier } from 'tiercache/redis'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type CommandOptions, type CommandResult, runCommand } from '../support/command-line.js'
import { waitFor } from '../support/wait.js'
import { Fleet, FORMS } from './fleet-of-caches.js'

describe.each(FORMS)('on %s', (form) => {
  let fleet: Fleet
  let a: Cache
  let b: Cache
  let where: readonly string[]

  beforeAll(async () => {
    fleet = await Fleet.start(form)
    const url = `redis://127.0.0.1:${fleet.nodes[0]?.port}`
    where = ['--url', url, '--name', 'shop', '--timeout', '20s', ...(form === 'one server' ? [] : ['--cluster'])]
  })

  beforeEach(async () => {
    await fleet.closeAll()
    for (const node of fleet.nodes) await node.command('FLUSHALL')
    ;[a, b] = await fleet.openTwo()
  })

  afterAll(() => fleet.stop())

  const run = (command: string, options: CommandOptions = {}): Promise<CommandResult> =>
    runCommand([...command.split(' '), ...where], options)

  /** Puts a value into the memory of both processes. */
  async function warm(key: string, value: unknown, tags: readonly string[] = []): Promise<void> {
    await a.set(key, value, { tags })
    await waitFor(
      'the other process having it',
      async () => (await b.get(key)) !== undefined && b.peek(key) !== undefined,
    )
  }

  test('get prints the value, and with --json what is known of it', async () => {
    await a.set('user:1', { name: 'Ann', born: new Date(0), roles: new Set(['admin']) }, { tags: ['org:7'] })
    expect(await run('get user:1')).toEqual({
      code: 0,
      out: "{ name: 'Ann', born: 1970-01-01T00:00:00.000Z, roles: Set(1) { 'admin' } }\n",
      err: '',
    })
    const { code, out } = await run('get user:1 --json')
    expect(code).toBe(0)
    expect(JSON.parse(out)).toMatchObject({
      ...{ key: 'user:1', scope: 'shop', found: true, tier: 'l2', state: 'fresh', tags: ['org:7'] },
      value: { name: 'Ann', born: { $date: '1970-01-01T00:00:00.000Z' }, roles: { $set: ['admin'] } },
    })
  })

  test('get of a key that is not there has exit code 1 and says how to go on', async () => {
    expect(await run('get user:2')).toEqual({
      code: 1,
      out: '',
      err: 'shop has no value for user:2. Why: tiercache explain user:2\n',
    })
  })

  test('get reads namespaces, versions and the versions of single calls', async () => {
    await a.namespace('catalog', { version: 3 }).namespace('items').set('k', 'inner')
    await a.set('k', 'of version 4', { version: 4 })
    expect((await run('get k --namespace catalog@3/items')).out).toBe("'inner'\n")
    expect((await run('get k --entry-version 4')).out).toBe("'of version 4'\n")
    expect((await run('get k')).code).toBe(1)
  })

  test('get says that a value is no longer fresh', async () => {
    await a.set('k', 'old', { staleIfError: '1h' })
    await a.expire('k')
    const { code, out, err } = await run('get k')
    expect({ code, out }).toEqual({ code: 0, out: "'old'\n" })
    expect(err).toMatch(/no longer fresh: it is served only if loading fails/)
  })

  test('explain says what Redis has, and which announcements concerned it', async () => {
    await a.set('user:1', 'Ann', { tags: ['org:7'] })
    const found = await run('explain user:1')
    expect(found.code).toBe(0)
    expect(found.out).toMatch(/^L2 serves it: it is fresh for another/)
    expect(found.out).not.toMatch(/L1 is off/)
    expect(found.out).toMatch(/^tag +org:7: current$/m)
    expect(found.out).toMatch(/^ {2}\S+Z {2}set or delete shop: user:1 {2}by [\w-]{12}$/m)
    await b.delete('user:1')
    const gone = await run('explain user:1 --json')
    expect(gone.code).toBe(1)
    const said = JSON.parse(gone.out)
    expect(said).toMatchObject({ answeredBy: 'loader', l2: { state: 'absent' } })
    expect(said.announcements).toHaveLength(2)
    expect(said.announcements[0].sender).not.toBe(said.announcements[1].sender)
  })

  test('delete reaches Redis and the memory of every process', async () => {
    await warm('user:1', 'Ann')
    await warm('user:2', 'Bob')
    expect(await run('delete user:1 user:2')).toEqual({ code: 0, out: 'deleted 2 keys of shop\n', err: '' })
    await waitFor('both processes forgetting it', () => [a, b].every((cache) => cache.peek('user:1') === undefined))
    expect(await a.get('user:2')).toBeUndefined()
  })

  test('delete --prefix removes what begins so, and nothing else', async () => {
    await warm('user:1', 'Ann')
    await warm('order:1', 'stays')
    expect(await run('delete --prefix user:')).toMatchObject({
      code: 0,
      out: 'deleted 1 key of shop that began with user:\n',
    })
    await waitFor('both processes forgetting it', () => [a, b].every((cache) => cache.peek('user:1') === undefined))
    expect(await b.get('order:1')).toBe('stays')
  })

  test('expire ends the freshness of keys, expire-tags that of tagged entries', async () => {
    await a.set('k', 1, { staleIfError: '1h' })
    await a.set('tagged', 2, { staleIfError: '1h', tags: ['t'] })
    expect(await run('expire k')).toMatchObject({ code: 0, out: 'expired 1 key of shop\n' })
    expect(await run('expire-tags t')).toMatchObject({ code: 0, out: 'expired 1 tag of shop\n' })
    for (const key of ['k', 'tagged']) {
      await waitFor(`${key} being expired`, async () => (await b.lookup(key)).found)
      expect(await b.lookup(key)).toMatchObject({ state: 'staleIfError' })
    }
  })

  test('invalidate-tags reaches every entry that carries the tag, in every process', async () => {
    await warm('user:1', 'Ann', ['org:7'])
    await warm('user:2', 'Bob', ['org:8'])
    expect(await run('invalidate-tags org:7')).toMatchObject({ code: 0, out: 'invalidated 1 tag of shop\n' })
    await waitFor('the other process hearing it', async () => (await b.get('user:1')) === undefined)
    expect(await b.get('user:2')).toBe('Bob')
    expect(await run('get user:1')).toMatchObject({ code: 1 })
  })

  test('clear needs --yes, and removes the cache or one namespace', async () => {
    const catalog = a.namespace('catalog')
    await warm('k', 1)
    await catalog.set('k', 2)
    expect((await run('clear')).code).toBe(2)
    expect(await run('clear --yes --namespace catalog')).toMatchObject({ code: 0, out: 'cleared shop/catalog\n' })
    expect(await run('get k --namespace catalog')).toMatchObject({ code: 1 })
    expect(await run('get k')).toMatchObject({ code: 0 })
    expect(await run('clear --yes')).toMatchObject({ code: 0, out: 'cleared shop\n' })
    await waitFor('the other process hearing it', async () => (await b.get('k')) === undefined)
  })

  test('stats counts keys by namespace, and reports tokens, the stream and the listening processes', async () => {
    await a.setMany(
      Array.from({ length: 30 }, (_, i) => [`k${i}`, i] as const),
      { tags: ['t'] },
    )
    await a.namespace('catalog', { version: 3 }).set('k', 1)
    const other = createCache({
      name: 'shopping',
      l2: redisTier(`redis://127.0.0.1:${fleet.nodes[0]?.port}`, { bus: false }),
    })
    if (form === 'one server') await other.set('k', 'not ours')
    await other.close()
    const { code, out } = await run('stats')
    expect(code).toBe(0)
    expect(out).toMatch(/^shop +30 +about [\d.]+ KB$/m)
    expect(out).toMatch(/^shop\/catalog@3 +1 +about \d+ B$/m)
    expect(out).toMatch(/^tag tokens +1$/m)
    expect(out).toMatch(/^listening: 2 connections$/m)
    expect(out).not.toMatch(/shopping/)
    const said = JSON.parse((await run('stats --json')).out)
    expect(said).toMatchObject({ scope: 'shop', complete: true, tokens: { tags: 1 }, listeners: 2 })
    expect(said.servers).toHaveLength(fleet.nodes.length)
    expect(said.bus.length).toBeGreaterThan(0)
  })

  test('stats stops at --max-keys and says so', async () => {
    await a.setMany(Array.from({ length: 3_000 }, (_, i) => [`k${i}`, i] as const))
    expect((await run('stats --max-keys 500')).out).toMatch(/^Not all keys were looked at/)
  })

  test('tail prints each announcement as it comes, and its first lines from the past if asked', async () => {
    await a.delete('before')
    let isPast = false
    const tailing = run('tail --since 1h --count 3', {
      onOut: (out) => {
        isPast ||= out.includes('before')
      },
    })
    await waitFor('the past', () => isPast)
    await a.invalidateTags('org:7')
    await b.namespace('users').expire('1')
    const { code, out } = await tailing
    expect(code).toBe(0)
    expect(
      out
        .trim()
        .split('\n')
        .map((line) => line.replace(/^\S+Z {2}/, '').replace(/ {2}by [\w-]{12}$/, '')),
    ).toEqual(['set or delete shop: before', 'invalidateTags shop: org:7', 'expire shop/users: 1'])
  })

  test('tail without --since begins now, prints JSON lines, and ends at Ctrl-C', async () => {
    await a.delete('before')
    const end = new AbortController()
    const lines: { changes: { keys: string[] }[] }[] = []
    const onOut = (out: string) => {
      lines.splice(
        0,
        lines.length,
        ...out
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line)),
      )
    }
    const tailing = run('tail --json', { signal: end.signal, onOut })
    await waitFor('an announcement', async () => {
      await a.delete('after')
      return lines.length > 0
    })
    end.abort()
    expect(await tailing).toMatchObject({ code: 0, err: '' })
    expect(lines.flatMap(({ changes }) => changes.flatMap(({ keys }) => keys))).not.toContain('before')
  })

  test('top counts what was invalidated, and by whom', async () => {
    await a.invalidateTags(['org:7'])
    await a.invalidateTags(['org:7', 'org:8'])
    await b.delete('user:1')
    const { code, out } = await run('top')
    expect(code).toBe(0)
    expect(out).toMatch(/^shop: 3 announcements in the last 10 min/)
    expect(out).toMatch(/^tags +times +newest\norg:7 +2 .*\norg:8 +1 /m)
    expect(out).toMatch(/^shop:user:1 +1 /m)
    const said = JSON.parse((await run('top --json --limit 1')).out)
    expect(said).toMatchObject({
      announcements: 3,
      tags: [{ name: 'org:7', times: 2 }],
      keys: [{ name: 'shop:user:1' }],
    })
    expect(said.senders).toHaveLength(1)
  })

  test('doctor finds a good set-up healthy, and says what every server is like', async () => {
    for (const node of fleet.nodes) {
      await node.command('CONFIG', 'SET', 'maxmemory', '100mb')
      await node.command('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru')
    }
    await a.set('k', 1, { tags: ['t'] })
    const { code, out } = await run('doctor')
    expect(out).not.toMatch(/^wrong/m)
    expect(code).toBe(0)
    expect(out.match(/every command that the cache sends is allowed/g)).toHaveLength(fleet.nodes.length)
    expect(out.match(/allkeys-lru/g)).toHaveLength(fleet.nodes.length)
    expect(out).toMatch(/2 listening connections now/)
    expect(out).toMatch(/each with an expiry/)
    expect(out).toMatch(/\nshop is healthy\.\n$/)
  })

  test('doctor finds keys without an expiry, and exit code 1 says that something is wrong', async () => {
    await (await fleet.nodeOf('shop:stranger')).command('SET', 'shop:stranger', 'x')
    const { code, out } = await run('doctor --json')
    expect(code).toBe(1)
    const { healthy, findings } = JSON.parse(out)
    expect(healthy).toBe(false)
    const wrong = findings.filter(({ level }: { level: string }) => level === 'wrong')
    expect(wrong).toMatchObject([{ about: 'expiry', text: expect.stringContaining('shop:stranger') }])
  })
})
