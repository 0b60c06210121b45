// What an update promises, on the fake clock. Random histories are in test/properties/updates.test.ts.
import type { Cache, CacheError, UpdateContext } from 'tiercache'
import { deferred, type MemoryServer, memoryTier, record, settle } from 'tiercache/testing'
import { describe, expect, test, vi } from 'vitest'
import { leavesNothing } from '../../../support/leaves-nothing.js'
import { SharedTable } from '../../../support/shared-table.js'
import { until } from '../../../support/until.js'

const { l1Only, fleet, open } = leavesNothing()

const increment = (count: number | undefined = 0) => count + 1

/** The state of what stands in L2 under `k`. */
function standing(server: MemoryServer): 'nothing' | 'lease' | 'entry' | 'expired' | 'fence' {
  const key = server.keys().find((name) => name.endsWith(':k'))
  const value = key === undefined ? undefined : server.keyspace.get(key)
  const states = ['lease', 'entry', 'expired', 'fence'] as const
  return value?.type === 'bytes' ? (states[value.bytes[3] as number] ?? 'nothing') : 'nothing'
}

async function refusalOf(call: Promise<unknown>): Promise<CacheError> {
  return call.then(
    () => Promise.reject(new Error('it was accepted')),
    (error: CacheError) => error,
  )
}

describe('an update', () => {
  test('stores what its function returns, in every tier and for every process', async () => {
    const { a, b, clock, server } = await fleet()
    expect(await a.cache.update('k', increment)).toBe(1)
    expect(a.cache.peek('k')).toBe(1)
    expect(standing(server)).toBe('entry')
    expect(await b.cache.update('k', increment)).toBe(2)
    await clock.advance(1)
    expect(a.cache.peek('k')).toBeUndefined()
    expect(await a.cache.get('k')).toBe(2)
  })

  test('gives its function the value and whether there is one', async () => {
    const { a } = await fleet()
    const given: unknown[] = []
    const see = (value: unknown, { found }: { found: boolean }) => {
      given.push([value, found])
      return value
    }
    await a.cache.update('k', see)
    await a.cache.set('k', undefined)
    await a.cache.update('k', see)
    await a.cache.set('k', 'v')
    await a.cache.update('k', see)
    expect(given).toEqual([
      [undefined, false],
      [undefined, true],
      ['v', true],
    ])
  })

  test('of an entry with an idle life begins from memory, and asks L2 only to swap', async () => {
    const { a } = await fleet({ idleTtl: '1m', ttl: '1h' })
    await a.cache.update('k', increment)
    const before = a.tier.link.count('read')
    expect(await a.cache.update('k', increment)).toBe(2)
    expect(a.tier.link.count('read')).toBe(before)
  })

  test('never ends by what its function made of an outdated value in memory', async () => {
    const { a, b, clock } = await fleet({ idleTtl: '1m', ttl: '1h' })
    await a.cache.set('k', 1)
    await clock.advance(1)
    a.tier.busLink.stall()
    await b.cache.set('k', 5)
    expect(a.cache.peek('k')).toBe(1)
    const only5 = (count: number | undefined) => {
      if (count !== 5) throw new RangeError('not 5')
      return count
    }
    expect(await a.cache.update('k', only5)).toBe(5)
    expect(await a.cache.update<number>('k', (count) => (count === 5 ? undefined : 7))).toBe(5)
    const tags = (count: number) => {
      if (count < 5) throw new RangeError('below 5')
      return []
    }
    await a.cache.set('k', 4)
    await b.cache.set('k', 5)
    expect(await a.cache.update<number>('k', (count) => count, { tags })).toBe(5)
    expect(await a.cache.update<number>('k', (count = 0) => count + 1, { retries: 0 })).toBe(6)
    a.tier.busLink.resume()
  })

  test('lets its function choose the ttl of the value', async () => {
    const { a, b, clock } = await fleet({ ttl: '1h' })
    const short = (_: unknown, { ttl }: UpdateContext) => {
      ttl('1s')
      return 'v'
    }
    for (const key of ['in L2', 'in memory']) {
      await a.cache.update(key, short, { tiers: key === 'in L2' ? 'all' : 'l1' })
    }
    await clock.advance(999)
    expect([await a.cache.get('in L2'), await b.cache.get('in L2'), a.cache.peek('in memory')]).toEqual(['v', 'v', 'v'])
    await clock.advance(1)
    expect([await a.cache.get('in L2'), await b.cache.get('in L2'), a.cache.peek('in memory')]).toEqual([
      undefined,
      undefined,
      undefined,
    ])
  })

  test('with a wrong ttl is refused, and changes nothing', async () => {
    const { a } = await fleet()
    const wrong = (_: unknown, { ttl }: UpdateContext) => {
      ttl(-1)
      return 'v'
    }
    expect(await refusalOf(a.cache.update('k', wrong))).toMatchObject({ code: 'INVALID_OPTION' })
    expect(await a.cache.has('k')).toBe(false)
  })

  test('whose function returns undefined leaves the entry as it is, and returns the present value', async () => {
    const { a, b, server, clock } = await fleet()
    expect(await a.cache.update('k', () => undefined)).toBeUndefined()
    await clock.advance(1)
    expect(standing(server)).toBe('nothing')
    await b.cache.set('k', 'v')
    const events = record(a.cache, ['invalidated', 'stored'])
    expect(await a.cache.update('k', () => undefined)).toBe('v')
    expect(await b.cache.get('k', { tiers: 'l2' })).toBe('v')
    expect(events.names()).toEqual([])
    expect(a.cache.stats().writes).toBe(0)
  })

  test('rejects with what its function throws, and changes nothing', async () => {
    const { a, b, server, clock } = await fleet()
    const error = new TypeError('no')
    await expect(a.cache.update('k', () => Promise.reject(error))).rejects.toBe(error)
    await clock.advance(1)
    expect(standing(server)).toBe('nothing')
    await a.cache.set('k', 'v')
    await expect(
      a.cache.update('k', () => {
        throw error
      }),
    ).rejects.toBe(error)
    expect([a.cache.peek('k'), await b.cache.get('k')]).toEqual(['v', 'v'])
  })

  test('takes the present value from L2, not from the memory of its process', async () => {
    const { a, b } = await fleet()
    await a.cache.set('k', 1)
    a.tier.busLink.stall()
    await b.cache.set('k', 10)
    expect(a.cache.peek('k')).toBe(1)
    expect(await a.cache.update('k', increment)).toBe(11)
    expect(a.cache.peek('k')).toBe(11)
    a.tier.busLink.resume()
  })

  test('gets undefined for a value that was soft-expired or invalidated', async () => {
    const { a, b, clock } = await fleet({ staleIfError: '1h' })
    await b.cache.set('k', 5)
    await b.cache.expire('k')
    expect(await a.cache.update('k', increment, { tags: ['t'] })).toBe(1)
    await b.cache.invalidateTags('t')
    await clock.advance(1)
    expect(await a.cache.update('k', increment)).toBe(1)
  })

  test('takes the options of set for the new value', async () => {
    const { a, b, clock } = await fleet({ ttl: '1h' })
    await a.cache.update('k', increment, { ttl: '1s', tags: ['t'] })
    expect(await b.cache.lookup('k')).toMatchObject({ value: 1, freshForMs: 1_000, tags: ['t'] })
    await clock.advance(1_000)
    expect(await b.cache.get('k')).toBeUndefined()
    await a.cache.set('k', 7)
    expect(await a.cache.update('k', increment, { ttl: 0 })).toBe(8)
    expect(await b.cache.get('k')).toBeUndefined()
  })

  test('works in namespaces, for versions, and for the tiers that its options name', async () => {
    const { a, b } = await fleet()
    const counts = a.cache.namespace('counts')
    expect([await counts.update('k', increment), await counts.update('k', increment, { version: 2 })]).toEqual([1, 1])
    expect(await b.cache.namespace('counts').update('k', increment)).toBe(2)
    expect(await a.cache.update('l2', increment, { tiers: 'l2' })).toBe(1)
    expect([a.cache.peek('l2'), await b.cache.update('l2', increment)]).toEqual([undefined, 2])
    expect(await a.cache.update('l1', increment, { tiers: 'l1' })).toBe(1)
    expect([a.cache.peek('l1'), await b.cache.get('l1')]).toEqual([1, undefined])
  })

  test('rejects before anything is done if the value cannot be kept', async () => {
    const { a, server, clock } = await fleet()
    const refusal = await refusalOf(a.cache.update('k', () => ({ f: () => 1 })))
    expect(refusal.code).toBe('UNSUPPORTED_VALUE')
    await clock.advance(1)
    expect(standing(server)).toBe('nothing')
    expect((await refusalOf(a.cache.update('k', increment, { retries: -1 }))).code).toBe('INVALID_OPTION')
    expect((await refusalOf(a.cache.update('k', 7 as never))).code).toBe('INVALID_OPTION')
  })

  test('is a write and no read', async () => {
    const { a } = await fleet()
    const events = record(a.cache, ['invalidated', 'stored', 'hit', 'miss'])
    await a.cache.update('k', increment)
    expect(events.names()).toEqual(['invalidated', 'stored'])
    expect(events.of('invalidated')).toMatchObject([{ by: 'set', keys: ['k'] }])
    expect(a.cache.stats()).toMatchObject({ writes: 1, stored: 1, reads: { total: 0 } })
  })

  test('costs a read, a swap and an announcement; without an entry a claim more', async () => {
    const { a, clock } = await fleet()
    await a.cache.set('tokens', 'are known now')
    await clock.advance(10)
    a.tier.link.resetCounts()
    await a.cache.update('k', increment)
    expect(a.tier.link.count()).toBe(4)
    expect(a.tier.link.count('claim')).toBe(1)
    a.tier.link.resetCounts()
    await a.cache.update('k', increment)
    expect([a.tier.link.count('read'), a.tier.link.count('swap'), a.tier.link.count('apply')]).toEqual([1, 1, 1])
  })
})

describe('updates of one key at the same time', () => {
  test('run one after the other in one process, without a conflict', async () => {
    const { a, server } = await fleet()
    const fn = vi.fn(async (count: number | undefined = 0) => {
      await settle(1)
      return count + 1
    })
    await Promise.all(Array.from({ length: 50 }, () => a.cache.update('k', fn, { retries: 0 })))
    expect(await a.cache.get('k')).toBe(50)
    expect(fn).toHaveBeenCalledTimes(50)
    expect(standing(server)).toBe('entry')
  })

  test('all count in several processes, whether the key has an entry or not', async () => {
    const { a, b, clock } = await fleet()
    for (const key of ['absent', 'present']) {
      if (key === 'present') await a.cache.set(key, 0)
      const updates = [a, b].flatMap(({ cache }) =>
        Array.from({ length: 20 }, () => cache.update(key, increment, { retries: 100 })),
      )
      const counts = await until(clock, Promise.all(updates))
      expect(new Set(counts).size).toBe(40)
      expect(await a.cache.get(key, { tiers: 'l2' })).toBe(40)
    }
  })

  test('all count if each takes longer than a lease lives', async () => {
    const { a, b, clock } = await fleet({}, { leaseTtl: 50 })
    const slow = async (count: number | undefined = 0) => {
      await new Promise<void>((resolve) => void clock.after(120, resolve))
      return count + 1
    }
    const updates = [a, b].flatMap(({ cache }) => [1, 2, 3].map(() => cache.update('k', slow)))
    await until(clock, Promise.all(updates), 5)
    expect(await a.cache.get('k', { tiers: 'l2' })).toBe(6)
  })

  test('do not go on replacing each other while the key has no entry', async () => {
    const { a, b, clock } = await fleet()
    const slow = vi.fn(async (count: number | undefined = 0) => {
      await new Promise<void>((resolve) => void clock.after(120, resolve))
      return count + 1
    })
    const first = a.cache.update('k', slow)
    await clock.advance(60)
    const second = b.cache.update('k', slow)
    expect(await until(clock, Promise.all([first, second]), 5)).toEqual([2, 1])
    expect(slow).toHaveBeenCalledTimes(3)
  })

  test('call the function again with the value that another process set meanwhile', async () => {
    const { a, b } = await fleet()
    await a.cache.set('k', 1)
    const seen: unknown[] = []
    const updated = await a.cache.update<number>('k', async (count = 0) => {
      seen.push(count)
      if (seen.length === 1) await b.cache.set('k', 100)
      return count + 1
    })
    expect([seen, updated, await b.cache.get('k', { tiers: 'l2' })]).toEqual([[1, 100], 101, 101])
  })

  test('call the function again without a value if the key was deleted meanwhile', async () => {
    const { a, b } = await fleet()
    await a.cache.set('k', 1)
    const seen: unknown[] = []
    const fn = async (count: number | undefined) => {
      seen.push(count)
      if (seen.length === 1) await b.cache.delete('k')
      return 7
    }
    expect(await a.cache.update('k', fn)).toBe(7)
    expect(seen).toEqual([1, undefined])
  })

  test('give up after their retries, and change nothing', async () => {
    const { a, b, clock } = await fleet()
    await a.cache.set('k', 'v')
    let calls = 0
    const fn = async () => {
      await b.cache.set('k', `changed ${++calls}`)
      return 'mine'
    }
    const refusal = await refusalOf(until(clock, a.cache.update('k', fn, { retries: 2 })))
    expect(refusal.code).toBe('UPDATE_CONFLICT')
    expect(refusal.message).toContain('3 attempts')
    expect(await b.cache.get('k', { tiers: 'l2' })).toBe('changed 3')
  })
})

describe('an update and what stands under the key:', () => {
  test('a load that is running loses its right to store', async () => {
    const { a, b, server } = await fleet()
    const gate = deferred<number>()
    const loading = b.cache.getOrSet('k', () => gate.promise)
    await settle()
    expect(standing(server)).toBe('lease')
    expect(await a.cache.update('k', increment)).toBe(1)
    gate.resolve(100)
    expect(await loading).toBe(100)
    await b.cache.drain()
    expect([await a.cache.get('k', { tiers: 'l2' }), await b.cache.get('k')]).toEqual([1, 1])
  })

  test('a load of the same process is detached', async () => {
    const { a } = await fleet()
    const gate = deferred<number>()
    const loading = a.cache.getOrSet('k', () => gate.promise)
    await settle()
    expect(await a.cache.update('k', increment)).toBe(1)
    expect(await a.cache.getOrSet('k', () => 2)).toBe(1)
    gate.resolve(100)
    expect(await loading).toBe(100)
    await a.cache.drain()
    expect([a.cache.peek('k'), await a.cache.get('k', { tiers: 'l2' })]).toEqual([1, 1])
  })

  test('a getOrSet that comes while the function runs waits for its value', async () => {
    const { a, b, clock } = await fleet()
    const gate = deferred<number>()
    const updating = a.cache.update('k', () => gate.promise)
    await settle()
    const load = vi.fn(() => 100)
    const reading = b.cache.getOrSet('k', load)
    await clock.advance(100)
    gate.resolve(1)
    expect(await until(clock, updating)).toBe(1)
    expect(await until(clock, reading)).toBe(1)
    expect(load).not.toHaveBeenCalled()
  })

  test('a write fence is waited for', async () => {
    const { a, b, clock } = await fleet()
    const table = new SharedTable()
    const rows = table.sourceOf(a.cache)
    const change = table.holdChange()
    const saving = rows.save(1, 'saved')
    await clock.advance(1)
    const updating = b.cache.namespace('rows').update<string>('1', (text) => `${text}, then updated`)
    await clock.advance(100)
    change.commit()
    change.answer()
    await saving
    expect(await until(clock, updating)).toBe('saved, then updated')
  })

  test('a write fence that stays is a conflict', async () => {
    const { a, b, clock } = await fleet({ hardTimeout: '1s' })
    const table = new SharedTable()
    const change = table.holdChange()
    const saving = table.sourceOf(a.cache).save(1, 'saved')
    await clock.advance(1)
    const refusal = await refusalOf(
      until(
        clock,
        b.cache.namespace('rows').update('1', () => 'updated'),
        10,
      ),
    )
    expect(refusal.code).toBe('UPDATE_CONFLICT')
    change.commit()
    change.answer()
    await saving
  })

  test('damaged bytes are replaced', async () => {
    const { a, server } = await fleet()
    await a.cache.set('k', 5)
    for (const damage of [(bytes: Buffer) => bytes.fill(0, 40), () => Buffer.from('short')]) {
      const key = server.keys().find((name) => name.endsWith(':k')) as string
      server.corrupt(key, damage)
      expect(await a.cache.update('k', increment)).toBe(1)
    }
  })

  test('what a later release wrote is neither read nor replaced', async () => {
    const { a, server } = await fleet()
    await a.cache.set('k', 5)
    const key = server.keys().find((name) => name.endsWith(':k')) as string
    server.corrupt(key, (bytes) => bytes.fill(99, 2, 3))
    const refusal = await refusalOf(a.cache.update('k', increment))
    expect(refusal.code).toBe('UPDATE_CONFLICT')
    expect(refusal.message).toContain('later release')
    const left = server.keyspace.get(key)
    expect(left?.type === 'bytes' && left.bytes[2]).toBe(99)
  })
})

describe('an update while L2 is in trouble', () => {
  test('rejects, does not call its function, and changes nothing', async () => {
    const { a, b, clock } = await fleet()
    await a.cache.set('k', 1)
    a.tier.cut()
    const fn = vi.fn(increment)
    expect((await refusalOf(until(clock, a.cache.update('k', fn)))).code).toBe('L2_UNAVAILABLE')
    expect(fn).not.toHaveBeenCalled()
    expect([a.cache.peek('k'), await b.cache.get('k')]).toEqual([1, 1])
    a.tier.restore()
    await clock.advance(2_000)
    expect(a.cache.stats().l2.waiting).toBe(0)
  })

  test('rejects while a change of the key by this process waits in the journal', async () => {
    const { a, clock } = await fleet()
    a.tier.link.inject({ on: 'apply', effect: 'refuse', times: 1 })
    expect(await until(clock, a.cache.set('k', 5))).toBe('queued')
    expect((await refusalOf(a.cache.update('k', increment))).code).toBe('L2_UNAVAILABLE')
    await clock.advance(10_000)
    expect(await a.cache.update('k', increment)).toBe(6)
  })

  test('whose swap got no reply asks once more, and resolves if the value was stored', async () => {
    const { a, b, clock } = await fleet()
    await b.cache.set('k', 1)
    a.tier.link.inject({ on: 'swap', effect: 'loseReply', times: 1 })
    const fn = vi.fn(increment)
    expect(await until(clock, a.cache.update('k', fn))).toBe(2)
    expect(fn).toHaveBeenCalledTimes(1)
    await clock.advance(1)
    expect([b.cache.peek('k'), await b.cache.get('k')]).toEqual([undefined, 2])
  })

  test('whose swap was lost sends it once more', async () => {
    const { a, b, clock } = await fleet()
    await b.cache.set('k', 1)
    a.tier.link.inject({ on: 'swap', effect: 'loseCommand', times: 1 })
    expect(await until(clock, a.cache.update('k', increment))).toBe(2)
    expect(await b.cache.get('k', { tiers: 'l2' })).toBe(2)
  })

  test('whose swap comes late is announced after it, so no process keeps the value of before', async () => {
    const { a, b, clock } = await fleet({ ttl: '1h' })
    await b.cache.set('k', 1)
    a.tier.link.inject({ on: 'swap', effect: 'delay', byMs: 3_000, times: 2 })
    const refusal = await refusalOf(until(clock, a.cache.update('k', increment)))
    expect(refusal.code).toBe('L2_UNAVAILABLE')
    expect(refusal.message).toContain('may have been made')
    await clock.advance(10_000)
    expect(await b.cache.get('k', { tiers: 'l2' })).toBe(2)
    expect([await a.cache.get('k'), await b.cache.get('k')]).toEqual([2, 2])
    expect(a.cache.stats().l2.waiting).toBe(0)
  })

  test('whose swap a client sends twice, so that the reply says that it was refused, is made once', async () => {
    const { a, clock, server } = await fleet()
    await a.cache.set('k', 1)
    const tier = memoryTier(server)
    const connect: typeof tier.connect = (...args) => {
      const connected = tier.connect(...args)
      const swap = connected.store.swap.bind(connected.store)
      connected.store.swap = async (...swapped) => {
        await swap(...swapped)
        return swap(...swapped)
      }
      return connected
    }
    const cache = open(clock, { l2: { ...tier, connect } })
    await clock.advance(1)
    expect(await until(clock, cache.update('k', increment))).toBe(2)
    await clock.advance(1)
    expect([a.cache.peek('k'), await a.cache.get('k')]).toEqual([undefined, 2])
  })

  test('that was cut off after its swap is announced as soon as L2 can be reached', async () => {
    const { a, b, clock } = await fleet({ ttl: '1h' })
    await b.cache.set('k', 1)
    a.tier.link.inject({ on: 'apply', effect: 'refuse', times: 1 })
    const events = record(a.cache, ['queued', 'replayed'])
    expect(await until(clock, a.cache.update('k', increment))).toBe(2)
    expect(b.cache.peek('k')).toBe(1)
    await clock.advance(10_000)
    expect(events.names()).toEqual(['queued', 'replayed'])
    expect([b.cache.peek('k'), await b.cache.get('k')]).toEqual([undefined, 2])
  })

  test('that a failover has lost before it was announced leaves a miss, too', async () => {
    const { a, b, clock, server } = await fleet({ ttl: '1h' })
    await b.cache.set('k', 1)
    await clock.advance(20_000)
    // So that its set is not among the last changes before the failover, which are asserted again.
    await b.cache.get('other')
    const snapshot = server.snapshot()
    a.tier.link.inject({ on: 'apply', effect: 'refuse', times: 1 })
    expect(await until(clock, a.cache.update('k', increment))).toBe(2)
    expect(a.cache.stats().l2.waiting).toBe(1)
    server.failover(snapshot)
    await clock.advance(10_000)
    expect([await a.cache.get('k'), await b.cache.get('k')]).toEqual([undefined, undefined])
  })

  test('that a failover has lost leaves a miss, not the value of before', async () => {
    const { a, b, clock, server } = await fleet({ ttl: '1h' })
    await a.cache.set('k', 1)
    await clock.advance(20_000)
    const snapshot = server.snapshot()
    await a.cache.update('k', increment)
    server.failover(snapshot)
    await clock.advance(10_000)
    expect([await a.cache.get('k'), await b.cache.get('k')]).toEqual([undefined, undefined])
  })
})

describe('an update and other calls of its process', () => {
  test('comes after the writes that were called before it', async () => {
    const { a } = await fleet()
    void a.cache.set('k', 5, { tags: ['not known yet'] })
    expect(await a.cache.update('k', increment)).toBe(6)
    void a.cache.delete('k')
    expect(await a.cache.update('k', increment)).toBe(1)
  })

  test('leaves the value of a set that was called meanwhile to be read, here and then everywhere', async () => {
    const { a, b, clock } = await fleet()
    await a.cache.set('k', 1)
    a.tier.link.replyMs = 5
    const updating = a.cache.update('k', increment)
    await clock.advance(7)
    const setting = a.cache.set('k', 100)
    expect(a.cache.peek('k')).toBe(100)
    for (let ms = 0; ms < 30; ms++) {
      await clock.advance(1)
      expect([100, undefined]).toContain(a.cache.peek('k'))
    }
    await Promise.all([updating, setting])
    a.tier.link.replyMs = 0
    expect([await a.cache.get('k'), await b.cache.get('k')]).toEqual([100, 100])
  })

  function waitingSchema() {
    const gate = deferred()
    const validate = (value: unknown) => gate.promise.then(() => ({ value }))
    return { gate, schema: { '~standard': { version: 1, vendor: 'test', validate } } as const }
  }

  test('sees the value of a set that was called before it and waits for its schema', async () => {
    const { gate, schema } = waitingSchema()
    const { a } = await fleet()
    void a.cache.namespace('n', { schema }).set('k', 5)
    const updating = a.cache.namespace('n').update('k', increment)
    await settle()
    gate.resolve()
    expect(await updating).toBe(6)
  })

  test('does not swallow a set that waits for its schema', async () => {
    const { gate, schema } = waitingSchema()
    const { a } = await fleet()
    await a.cache.set('k', 1)
    const slow = a.cache.namespace('n', { schema })
    const fast = a.cache.namespace('n')
    const begun = deferred()
    const held = deferred()
    const updating = fast.update('k', async (count: number | undefined = 0) => {
      begun.resolve()
      await held.promise
      return count + 1
    })
    await begun.promise
    const setting = slow.set('k', 100)
    held.resolve()
    await settle()
    gate.resolve()
    await Promise.all([updating, setting])
    expect(await fast.get('k')).toBe(100)
  })

  test('refuses to wait for itself, directly and through a loader', async () => {
    const { a } = await fleet()
    const direct = a.cache.update('k', () => a.cache.update('k', increment))
    expect((await refusalOf(direct)).code).toBe('REENTRANT_LOAD')
    const indirect = a.cache.update('k', () => a.cache.getOrSet('other', () => a.cache.update('k', increment)))
    expect((await refusalOf(indirect)).code).toBe('REENTRANT_LOAD')
    const crossed = a.cache.update('k', () => a.cache.update('l', () => a.cache.update('k', increment)))
    expect((await refusalOf(crossed)).code).toBe('REENTRANT_LOAD')
    expect(await a.cache.update('k', increment)).toBe(1)
  })

  test('ends at its signal: while it waits for its turn, and while its function runs', async () => {
    const { a, clock, server } = await fleet()
    const first = new AbortController()
    const second = new AbortController()
    const running = a.cache.update('k', () => new Promise<number>(() => undefined), { signal: first.signal })
    const waiting = a.cache.update('k', () => 2, { signal: second.signal })
    const last = a.cache.update('k', increment)
    await settle()
    second.abort(new Error('second'))
    await expect(waiting).rejects.toThrow('second')
    first.abort(new Error('first'))
    await expect(running).rejects.toThrow('first')
    expect(await until(clock, last)).toBe(1)
    expect(standing(server)).toBe('entry')
    await expect(a.cache.update('k', increment, { signal: first.signal })).rejects.toThrow('first')
  })
})

describe('the tags of an update', () => {
  const invalidating =
    (cache: Cache, tag: string) =>
    async (text: string | undefined): Promise<string> => {
      await cache.invalidateTags(tag)
      return `${text} and more`
    }

  test.each<[string, readonly string[], readonly string[] | ((value: string) => readonly string[])]>([
    ['listed, and those of the old value', ['t'], ['t']],
    ['listed, for the new value alone', [], ['t']],
    ['derived from the value, and those of the old value', ['t'], () => ['t']],
    ['derived from the new value alone', [], () => ['t']],
  ])('%s: an invalidation while the function runs wins', async (_, oldTags, tags) => {
    const { a, b, clock } = await fleet()
    await b.cache.set('k', 'old', { tags: oldTags })
    await clock.advance(1)
    a.tier.busLink.stall()
    await until(
      clock,
      a.cache.update('k', invalidating(b.cache, 't'), { tags, retries: 1 }).catch(() => undefined),
    )
    a.tier.busLink.resume()
    await clock.advance(1)
    expect([await a.cache.get('k'), await b.cache.get('k')]).not.toContain('old and more')
  })

  test('derived from the value are stored with it', async () => {
    const { a, b, clock } = await fleet()
    await clock.advance(1)
    expect(
      await until(
        clock,
        a.cache.update('k', () => 'v', { tags: (value) => [`is:${value}`] }),
      ),
    ).toBe('v')
    expect(await b.cache.get('k')).toBe('v')
    await b.cache.invalidateTags('is:v')
    await clock.advance(1)
    expect(await a.cache.get('k')).toBeUndefined()
  })
})

describe('without an L2, an update', () => {
  test('works on the memory of the process', async () => {
    const { cache } = l1Only()
    await Promise.all(
      Array.from({ length: 20 }, () => cache.update('k', async (count: number | undefined = 0) => count + 1)),
    )
    expect(cache.peek('k')).toBe(20)
    const error = new TypeError('no')
    await expect(cache.update('k', () => Promise.reject(error))).rejects.toBe(error)
    expect(await cache.update('k', () => undefined)).toBe(20)
  })

  test.each<[string, (cache: Cache) => Promise<unknown>, unknown]>([
    ['a set', (cache) => cache.set('k', 'set'), 'set'],
    ['a delete', (cache) => cache.delete('k'), undefined],
    ['an invalidation of its tag', (cache) => cache.invalidateTags('t'), undefined],
    ['a clear', (cache) => cache.clear(), undefined],
  ])('calls its function again after %s while it ran', async (_, change, seenThen) => {
    const { cache } = l1Only()
    await cache.set('k', 'old', { tags: ['t'] })
    const seen: unknown[] = []
    await cache.update<string>('k', async (value) => {
      seen.push(value)
      if (seen.length === 1) await change(cache)
      return 'new'
    })
    expect([seen, cache.peek('k')]).toEqual([['old', seenThen], 'new'])
  })

  test('gives up after its retries', async () => {
    const { cache } = l1Only()
    const fn = async () => {
      await cache.set('k', 'other')
      return 'mine'
    }
    expect((await refusalOf(cache.update('k', fn, { retries: 1 }))).code).toBe('UPDATE_CONFLICT')
    expect(cache.peek('k')).toBe('other')
  })

  test('keeps nothing in a cache without tiers, and calls its function all the same', async () => {
    const { clock } = l1Only()
    const cache = open(clock, { l1: false })
    expect([await cache.update('k', increment), await cache.update('k', increment)]).toEqual([1, 1])
  })
})
