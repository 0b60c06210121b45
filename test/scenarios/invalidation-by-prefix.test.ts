// An operator's deleteByPrefix on real Redis: every master is visited, every process forgets, nothing else is touched.
import type { Cache } from 'tiercache'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
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

  test('what begins with the prefix is gone from every master and from the memory of the other process', async () => {
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

  test('neither KEYS nor FLUSHALL is used', async () => {
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
