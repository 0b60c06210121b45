// deleteByPrefix on real Redis: it visits every master, every process forgets the keys, and nothing else is affected.
import type { Cache } from 'tiercache'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { monitor } from '../support/monitor.js'
import { waitFor } from '../support/wait.js'
import { Fleet, FORMS } from './fleet-of-caches.js'

describe.each(FORMS)('on %s', (form) => {
  let fleet: Fleet
  let a: Cache
  let b: Cache

  beforeAll(async () => {
    fleet = await Fleet.start(form)
    ;[a, b] = await fleet.openTwo()
  })

  afterAll(() => fleet.stop())

  test('keys that begin with the prefix are gone from every master and from the memory of the other process', async () => {
    const users = Array.from({ length: 1_200 }, (_, i) => `user:${i}`)
    await a.setMany(users.map((key) => [key, key]))
    await a.set('order:1', 'stays')
    const few = users.slice(0, 50)
    expect(await b.getMany(few)).toEqual(few)
    expect(await a.deleteByPrefix('user:')).toBe(users.length)
    await waitFor('the other process to hear of it', () => b.peek('user:0') === undefined)
    expect(few.map((key) => b.peek(key))).toEqual(few.map(() => undefined))
    expect((await b.getMany(users)).every((value) => value === undefined)).toBe(true)
    expect(await b.get('order:1')).toBe('stays')
  })

  test('it deletes in batches of bounded size', async () => {
    const sizes = { scan: [] as number[], unlink: [] as number[] }
    const note = ([command = '', ...args]: readonly string[]) => {
      if (/^scan$/i.test(command)) sizes.scan.push(Number(args[args.length - 1]))
      if (/^unlink$/i.test(command)) sizes.unlink.push(args.length)
    }
    const stops = await Promise.all(fleet.nodes.map((node) => monitor(node.port, note)))
    const keys = Array.from({ length: 3_000 }, (_, i) => `batch:${i}`)
    await a.setMany(keys.map((key) => [key, 1]))
    expect(await a.deleteByPrefix('batch:')).toBe(keys.length)
    await waitFor('the last command', () => sizes.unlink.reduce((sum, size) => sum + size, 0) >= keys.length)
    for (const stop of stops) stop()
    // A step may find a few more keys than it asked for.
    expect(Math.max(...sizes.unlink)).toBeLessThan(1_000)
    expect(Math.max(...sizes.scan)).toBe(500)
  })

  test('long keys, whose names in Redis are hashes, are deleted if they begin with the prefix, and kept if they do not', async () => {
    const tags = Array.from({ length: 20 }, (_, i) => `tag ${i}`)
    const long = (beginning: string) => [600, 1_025, 5_000].map((length) => beginning + 'x'.repeat(length))
    const [meant, others] = [long('long:user:'), long('long:order:')]
    for (const key of [...meant, ...others]) await a.set(key, key.length, { tags })
    expect(await b.getMany(meant)).toEqual(meant.map(({ length }) => length))
    expect(await a.deleteByPrefix('long:user:')).toBe(meant.length)
    await waitFor('the other process to hear of it', () => meant.every((key) => b.peek(key) === undefined))
    for (const cache of [a, b]) {
      expect(await cache.getMany(meant)).toEqual(meant.map(() => undefined))
      expect(await cache.getMany(others)).toEqual(others.map(({ length }) => length))
    }
  })

  test('a signal ends it while Redis hangs, and it can be called again', async () => {
    await a.setMany([
      ['hung:1', 1],
      ['hung:2', 2],
    ])
    for (const node of fleet.nodes) node.pause()
    const reason = new Error('waited long enough')
    const controller = new AbortController()
    const removing = a.deleteByPrefix('hung:', { signal: controller.signal })
    setTimeout(() => controller.abort(reason), 50)
    try {
      await expect(removing).rejects.toBe(reason)
    } finally {
      for (const node of fleet.nodes) node.resume()
    }
    await waitFor('L2', () => a.stats().l2.available)
    expect(await a.deleteByPrefix('hung:')).toBeGreaterThanOrEqual(0)
    expect(await b.getMany(['hung:1', 'hung:2'])).toEqual([undefined, undefined])
  })

  test('it uses neither KEYS nor FLUSHALL', async () => {
    for (const node of fleet.nodes) await node.command('CONFIG', 'RESETSTAT')
    await a.deleteByPrefix('nothing')
    for (const node of fleet.nodes) {
      const commands = Object.keys(await node.info('commandstats'))
      expect(commands).toContain('cmdstat_scan')
      expect(commands).not.toContain('cmdstat_keys')
      expect(commands).not.toContain('cmdstat_flushall')
    }
  })
})
