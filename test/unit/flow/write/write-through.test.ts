// What write-through guarantees, step by step. Every order of the steps of two writers and a reader is tested in
// test/properties/write-through-interleavings.test.ts.
import { type MemoryServer, memoryTier, record, settle } from 'tiercache/testing'
import { describe, expect, test, vi } from 'vitest'
import { type Fleet, leavesNothing } from '../../../support/leaves-nothing.js'
import { SharedTable } from '../../../support/shared-table.js'

const { l1Only, fleet, open } = leavesNothing()

/** What L2 has under the only key, by the state of its stamp. */
function standing({ server }: { server: MemoryServer }): 'nothing' | 'lease' | 'entry' | 'fence' {
  const key = server.keys().find((name) => name.endsWith('/rows:1'))
  const states = ['lease', 'entry', 'entry', 'fence'] as const
  const state = key === undefined ? undefined : server.keyspace.get(key)
  return state?.type === 'bytes' ? (states[state.bytes[3] as number] ?? 'nothing') : 'nothing'
}

async function twoProcesses(
  options: Parameters<typeof fleet>[0] = {},
  sourceOptions: Parameters<SharedTable['sourceOf']>[1] = {},
) {
  const made = await fleet({ ttl: '1h', ...options })
  const table = new SharedTable()
  const [a, b] = [table.sourceOf(made.a.cache, sourceOptions), table.sourceOf(made.b.cache, sourceOptions)]
  return { ...made, fleet: made as Fleet, table, a, b, processA: made.a, processB: made.b }
}

describe('save', () => {
  test('saves, and then every tier and every process has the new value', async () => {
    const { a, b, table, clock, fleet } = await twoProcesses()
    expect(await b.get(1)).toBe('first')
    await clock.advance(10)
    expect(await a.save(1, 'new')).toBe('applied')
    expect(table.rows.get(1)).toBe('new')
    expect(a.peek(1)).toBe('new')
    expect(standing(fleet)).toBe('entry')
    await clock.advance(1)
    expect(b.peek(1)).toBeUndefined()
    table.loads = 0
    expect(await b.get(1)).toBe('new')
    expect(table.loads).toBe(0)
  })

  test('costs one command before the save and one after it', async () => {
    const { a, processA, table, clock } = await twoProcesses()
    await a.save(1, 'tokens are known now')
    await clock.advance(10)
    processA.tier.link.resetCounts()
    const change = table.holdChange()
    const setting = a.save(1, 'new')
    await clock.advance(1)
    expect(processA.tier.link.count()).toBe(1)
    change.commit()
    change.answer()
    await setting
    expect(processA.tier.link.count()).toBe(2)
  })

  test('makes every process forget the key before it saves, so that a crash leaves a miss', async () => {
    const { a, b, table, clock, fleet } = await twoProcesses()
    expect(await b.get(1)).toBe('first')
    await clock.advance(10)
    const change = table.holdChange()
    const setting = a.save(1, 'new')
    await clock.advance(1)
    expect(change.hasBegun()).toBe(true)
    expect(standing(fleet)).toBe('fence')
    expect(b.peek(1)).toBeUndefined()
    change.commit()
    change.answer()
    await setting
  })

  test('refuses what cannot be kept before it saves anything', async () => {
    const { a, table, clock } = await twoProcesses()
    await a.get(1)
    await clock.advance(1)
    await expect(a.save(1, (() => undefined) as never)).rejects.toMatchObject({ code: 'UNSUPPORTED_VALUE' })
    expect(table.changes).toBe(0)
    expect(a.peek(1)).toBe('first')
  })

  test('carries the tags of the new value', async () => {
    const { a, b, clock } = await twoProcesses({}, { tags: (value) => [`is:${value}`] })
    await a.save(1, 'new')
    await clock.advance(1)
    expect(await b.get(1)).toBe('new')
    expect(await b.explain(1)).toMatchObject({ l2: { entry: { tags: [{ tag: 'is:new', currency: 'current' }] } } })
  })

  test('is reported to listeners as a write', async () => {
    const { a, processA } = await twoProcesses()
    const events = record(processA.cache, ['invalidated'])
    await a.save(1, 'new')
    expect(events.of('invalidated')).toMatchObject([{ by: 'set', keys: ['1'] }])
    expect(processA.cache.stats().writes).toBe(1)
  })
})

describe('a reader during a save', () => {
  test('loads while a fence is there, and its value is stored in no tier', async () => {
    const { a, b, table, clock, fleet } = await twoProcesses()
    const change = table.holdChange()
    const setting = a.save(1, 'new')
    await clock.advance(1)
    expect(await b.get(1)).toBe('first')
    expect(await a.get(1)).toBe('first')
    expect([a.peek(1), b.peek(1), standing(fleet)]).toEqual([undefined, undefined, 'fence'])
    change.commit()
    expect(await b.get(1)).toBe('new')
    expect(b.peek(1)).toBeUndefined()
    change.answer()
    await setting
    expect([a.peek(1), standing(fleet)]).toEqual(['new', 'entry'])
  })

  test('shares its load within the process', async () => {
    const { a, b, table, clock } = await twoProcesses()
    const change = table.holdChange()
    const setting = a.save(1, 'new')
    await clock.advance(1)
    await Promise.all([b.get(1), b.get(1), b.get(1)])
    expect(table.loads).toBe(1)
    change.commit()
    change.answer()
    await setting
  })

  test.each(['same process', 'other process'] as const)(
    'in the %s whose load began before the fence stores nothing',
    async (where) => {
      const { a, b, table, clock, fleet } = await twoProcesses()
      const reader = where === 'same process' ? a : b
      const load = table.holdLoad()
      const reading = reader.get(1)
      await clock.advance(1)
      expect(load.hasBegun()).toBe(true)
      expect(await a.save(1, 'new')).toBe('applied')
      load.answer()
      expect(await reading).toBe('first')
      await clock.advance(1)
      expect(standing(fleet)).toBe('entry')
      expect([await a.get(1), await b.get(1)]).toEqual(['new', 'new'])
    },
  )

  test.each(['same process', 'other process'] as const)(
    'in the %s whose load ends after the save stores nothing',
    async (where) => {
      const { a, b, table, clock } = await twoProcesses()
      const reader = where === 'same process' ? a : b
      const change = table.holdChange()
      const setting = a.save(1, 'new')
      await clock.advance(1)
      const load = table.holdLoad()
      const reading = reader.get(1)
      await clock.advance(1)
      change.commit()
      change.answer()
      await setting
      load.answer()
      expect(await reading).toBe('first')
      await clock.advance(1)
      expect([await a.get(1), await b.get(1)]).toEqual(['new', 'new'])
    },
  )

  test("with singleFlight: 'process' does not replace the fence", async () => {
    const { a, b, table, clock, fleet } = await twoProcesses({}, { singleFlight: 'process' })
    const change = table.holdChange()
    const setting = a.save(1, 'new')
    await clock.advance(1)
    expect(await b.get(1)).toBe('first')
    await clock.advance(1)
    expect(standing(fleet)).toBe('fence')
    change.commit()
    change.answer()
    expect(await setting).toBe('applied')
  })

  test('may be called inside save', async () => {
    const { processA, table } = await twoProcesses()
    const seen: unknown[] = []
    const source = processA.cache.source('self', {
      load: (id: number) => table.rows.get(id),
      save: async (id, value: string) => {
        seen.push(await source.get(id))
        table.rows.set(id, value)
      },
    })
    await source.save(1, 'new')
    expect(seen).toEqual(['first'])
    expect(source.peek(1)).toBe('new')
  })
})

describe('a save that fails', () => {
  test.each(['before its commit', 'after its commit'] as const)(
    '%s rejects the caller with the same error, and the cache agrees with the table',
    async (when) => {
      const { a, b, table, clock, fleet } = await twoProcesses()
      await a.get(1)
      await b.get(1)
      await clock.advance(1)
      const error = new TypeError('connection lost')
      const change = table.holdChange()
      const setting = a.save(1, 'new')
      const outcome = expect(setting).rejects.toBe(error)
      await clock.advance(1)
      const committed = vi.spyOn(table.rows, 'set')
      if (when === 'before its commit') committed.mockImplementationOnce(() => table.rows)
      change.commit()
      change.answer(error)
      await outcome
      await clock.advance(1)
      expect(standing(fleet)).toBe('nothing')
      const truth = when === 'before its commit' ? 'first' : 'new'
      expect([await a.get(1), await b.get(1)]).toEqual([truth, truth])
    },
  )

  test('by throwing at once rejects in the same way', async () => {
    const { cache } = l1Only()
    const error = new Error('sync')
    const source = cache.source('s', {
      load: (id: number) => `v${id}`,
      save: () => {
        throw error
      },
    })
    await expect(source.save(1, 'new')).rejects.toBe(error)
    expect(await source.get(1)).toBe('v1')
  })
})

describe('a fence', () => {
  test('outlives a save that takes long', async () => {
    const { a, b, table, clock, fleet } = await twoProcesses()
    const change = table.holdChange()
    const setting = a.save(1, 'new')
    await clock.advance(120_000)
    expect(standing(fleet)).toBe('fence')
    expect(await b.get(1)).toBe('first')
    expect(b.peek(1)).toBeUndefined()
    change.commit()
    change.answer()
    await setting
    expect(standing(fleet)).toBe('entry')
    expect(b.peek(1)).toBeUndefined()
  })

  test.each(['before', 'after'] as const)(
    'of a process that died %s its commit expires, and leaves a miss',
    async (when) => {
      const { a, b, processA, table, clock, fleet } = await twoProcesses()
      await b.get(1)
      await clock.advance(1)
      const change = table.holdChange()
      const setting = a.save(1, 'new')
      await clock.advance(1)
      processA.tier.cut()
      // A load that finds the fence must not extend its life.
      await b.get(1)
      if (when === 'after') change.commit()
      await clock.advance(10_000)
      expect(standing(fleet)).toBe('nothing')
      expect(await b.get(1)).toBe(when === 'after' ? 'new' : 'first')
      await clock.advance(1)
      expect(standing(fleet)).toBe('entry')
      processA.tier.restore()
      change.commit()
      change.answer()
      await setting
      await clock.advance(5_000)
      expect(await b.get(1)).toBe('new')
    },
  )

  test('that was evicted leaves a miss instead of a value', async () => {
    const { a, table, clock, server, fleet } = await twoProcesses()
    const change = table.holdChange()
    const setting = a.save(1, 'new')
    await clock.advance(1)
    server.evict(server.keys().find((key) => key.endsWith('/rows:1')) as string)
    change.commit()
    change.answer()
    await setting
    expect(standing(fleet)).toBe('nothing')
  })

  test('that was evicted while a reader filled in what it read before the commit leaves a miss', async () => {
    const { a, b, table, clock, server, fleet } = await twoProcesses()
    const change = table.holdChange()
    const setting = a.save(1, 'new')
    await clock.advance(1)
    server.evict(server.keys().find((key) => key.endsWith('/rows:1')) as string)
    expect(await b.get(1)).toBe('first')
    await clock.advance(1)
    expect(standing(fleet)).toBe('entry')
    change.commit()
    change.answer()
    await setting
    await clock.advance(1)
    expect([standing(fleet), b.peek(1)]).toEqual(['nothing', undefined])
  })

  test('that a full server cannot store keeps the value out of L2 and has no other effect', async () => {
    const { a, b, table, clock, server, fleet } = await twoProcesses()
    await a.get(1)
    await clock.advance(1)
    server.condition = 'outOfMemory'
    await a.save(1, 'new')
    await clock.advance(1)
    expect(table.rows.get(1)).toBe('new')
    expect(standing(fleet)).toBe('nothing')
    expect([await a.get(1), await b.get(1)]).toEqual(['new', 'new'])
    server.condition = 'healthy'
  })
})

describe('two writers', () => {
  test.each(['ab', 'ba'])(
    'in two processes, committed in the order %s, leave no value that differs from the table',
    async (order) => {
      const { a, b, table, clock } = await twoProcesses()
      const changeA = table.holdChange()
      const settingA = a.save(1, 'from a')
      await clock.advance(1)
      const changeB = table.holdChange()
      const settingB = b.save(1, 'from b')
      await clock.advance(1)
      for (const who of order) {
        const change = who === 'a' ? changeA : changeB
        change.commit()
        await clock.advance(1)
      }
      changeA.answer()
      await settingA
      changeB.answer()
      await settingB
      await clock.advance(1)
      const truth = order === 'ab' ? 'from b' : 'from a'
      expect(table.rows.get(1)).toBe(truth)
      expect([await a.get(1), await b.get(1)]).toEqual([truth, truth])
    },
  )

  test.each(['l1 alone', 'both tiers'] as const)(
    'in one process (%s), committed against the order of their calls, leave a miss',
    async (tiers) => {
      const { a: process, clock } = await fleet()
      const cache = tiers === 'both tiers' ? process.cache : l1Only().cache
      const table = new SharedTable()
      const source = table.sourceOf(cache)
      const [first, second] = [table.holdChange(), table.holdChange()]
      const settings = [source.save(1, 'called first'), source.save(1, 'called second')]
      await clock.advance(1)
      second.commit()
      second.answer()
      await settings[1]
      first.commit()
      first.answer()
      await settings[0]
      expect(source.peek(1)).toBeUndefined()
      expect(await source.get(1)).toBe('called first')
    },
  )

  test('one after the other both leave their value', async () => {
    const { a, b, clock, fleet } = await twoProcesses()
    await a.save(1, 'from a')
    await clock.advance(1)
    await b.save(1, 'from b')
    await clock.advance(1)
    expect([standing(fleet), b.peek(1), await a.get(1)]).toEqual(['entry', 'from b', 'from b'])
  })
})

describe('remove', () => {
  test('deletes from the table, then from every tier and process', async () => {
    const { a, b, table, clock, fleet } = await twoProcesses()
    await b.get(1)
    await clock.advance(1)
    expect(await a.remove(1)).toBe('applied')
    await clock.advance(1)
    expect([table.rows.has(1), b.peek(1), standing(fleet)]).toEqual([false, undefined, 'nothing'])
    expect(await b.get(1)).toBeUndefined()
  })

  test('that races with a save leaves no value that differs from the table', async () => {
    const { a, b, table, clock } = await twoProcesses()
    const removal = table.holdChange()
    const deleting = b.remove(1)
    await clock.advance(1)
    const saving = table.holdChange()
    const setting = a.save(1, 'new')
    await clock.advance(1)
    saving.commit()
    saving.answer()
    await setting
    removal.commit()
    removal.answer()
    await deleting
    await clock.advance(1)
    expect([await a.get(1), await b.get(1)]).toEqual([undefined, undefined])
  })

  test('and save are refused if the source does not define them', async () => {
    const { cache } = l1Only()
    const source = cache.source('read-only', { load: (id: number) => id })
    await expect(source.save(1, 2)).rejects.toMatchObject({ code: 'NOT_WRITABLE' })
    await expect(source.saveMany([[1, 2]])).rejects.toMatchObject({ code: 'NOT_WRITABLE' })
    await expect(source.remove(1)).rejects.toMatchObject({ code: 'NOT_WRITABLE' })
    expect(await source.invalidate(1)).toBe('applied')
  })
})

describe("write: 'invalidate'", () => {
  test('saves, and then no tier holds any value', async () => {
    const { a, b, table, clock, fleet } = await twoProcesses({}, { write: 'invalidate' })
    await b.get(1)
    await clock.advance(1)
    expect(await a.save(1, 'new')).toBe('applied')
    await clock.advance(1)
    expect([a.peek(1), b.peek(1), standing(fleet)]).toEqual([undefined, undefined, 'nothing'])
    expect(await b.get(1)).toBe('new')
    expect(table.changes).toBe(1)
  })
})

describe('an invalidation while a save runs', () => {
  test('of the id keeps the saved value out of the cache', async () => {
    const { a, b, table, clock, fleet } = await twoProcesses()
    const change = table.holdChange()
    const setting = a.save(1, 'new')
    await clock.advance(1)
    await b.invalidate(1)
    await clock.advance(1)
    change.commit()
    change.answer()
    await setting
    expect([a.peek(1), standing(fleet)]).toEqual([undefined, 'nothing'])
  })

  test.each(['invalidateTags', 'clear'] as const)('by %s prevents the saved value from being served', async (by) => {
    const { a, b, table, clock, processB } = await twoProcesses({}, { tags: ['rows'] })
    await a.save(1, 'tokens are known now')
    await clock.advance(1)
    const change = table.holdChange()
    const setting = a.save(1, 'new')
    await clock.advance(1)
    if (by === 'clear') await processB.cache.clear()
    else await processB.cache.invalidateTags(['rows'])
    await clock.advance(1)
    change.commit()
    change.answer()
    await setting
    table.loads = 0
    expect([await a.get(1), await b.get(1)]).toEqual(['new', 'new'])
    expect(table.loads).toBe(1)
  })
})

describe('without an L2', () => {
  test("during an outage a save returns 'queued', and this process reads the new value", async () => {
    const { a, b, processA, table, clock } = await twoProcesses()
    await a.get(1)
    await b.get(1)
    await clock.advance(1)
    processA.tier.cut()
    const setting = a.save(1, 'new')
    await clock.advance(1_000)
    expect(await setting).toBe('queued')
    expect(table.rows.get(1)).toBe('new')
    expect(await a.get(1)).toBe('new')
    processA.tier.restore()
    await clock.advance(10_000)
    expect([await a.get(1), await b.get(1)]).toEqual(['new', 'new'])
  })

  test('if the outage begins during a save, a removal of the key is queued', async () => {
    const { a, b, processA, table, clock, fleet } = await twoProcesses()
    const change = table.holdChange()
    const setting = a.save(1, 'new')
    await clock.advance(1)
    processA.tier.cut()
    change.commit()
    change.answer()
    await clock.advance(1_000)
    expect(await setting).toBe('queued')
    expect(await a.get(1)).toBe('new')
    expect(await b.get(1)).toBe('new')
    processA.tier.restore()
    await clock.advance(5_000)
    expect(standing(fleet)).not.toBe('fence')
    expect([await a.get(1), await b.get(1)]).toEqual(['new', 'new'])
  })

  test('in the cache, a save stores the value in L1', async () => {
    const { cache } = l1Only()
    const table = new SharedTable()
    const source = table.sourceOf(cache)
    expect(await source.save(1, 'new')).toBe('applied')
    expect(source.peek(1)).toBe('new')
    expect(await source.remove(1)).toBe('applied')
    expect(await source.get(1)).toBeUndefined()
  })
})

describe('the tiers of a source', () => {
  test("'l2' keeps the saved value out of memory", async () => {
    const { a, fleet } = await twoProcesses({}, { tiers: 'l2' })
    await a.save(1, 'new')
    expect([a.peek(1), standing(fleet)]).toEqual([undefined, 'entry'])
  })

  test("'l1' keeps it out of L2, and the other processes forget the old value", async () => {
    const { a, b, clock, fleet } = await twoProcesses({}, { tiers: 'l1' })
    await b.get(1)
    await a.save(1, 'new')
    await clock.advance(1)
    expect([a.peek(1), b.peek(1), standing(fleet)]).toEqual(['new', undefined, 'nothing'])
  })

  test('with a ttl of 0 store nothing', async () => {
    const { a, fleet } = await twoProcesses({}, { ttl: 0 })
    await a.save(1, 'new')
    expect([a.peek(1), standing(fleet)]).toEqual([undefined, 'nothing'])
  })
})

describe('saveMany', () => {
  test('saves all, and plants all fences in one command', async () => {
    const { a, b, processA, table, clock } = await twoProcesses()
    await a.save(1, 'tokens are known now')
    await clock.advance(1)
    processA.tier.link.resetCounts()
    const entries = Array.from({ length: 10 }, (_, i) => [i, `v${i}`] as const)
    expect(await a.saveMany(entries)).toBe('applied')
    expect(processA.tier.link.count()).toBe(2)
    expect([...table.rows.values()]).toEqual(expect.arrayContaining(['v0', 'v9']))
    await clock.advance(1)
    expect(await b.getMany([0, 5, 9])).toEqual(['v0', 'v5', 'v9'])
  })

  test('saves the last value of an id that comes twice', async () => {
    const { a, table } = await twoProcesses()
    const same: (readonly [number, string])[] = [
      [1, 'one'],
      [1, 'two'],
    ]
    await a.saveMany(same)
    expect([table.changes, a.peek(1)]).toEqual([1, 'two'])
  })

  test('rejects with the first error after all were tried', async () => {
    const { cache } = l1Only()
    const source = cache.source('s', {
      load: (id: number) => id,
      save: (id) => {
        if (id > 1) throw new Error(`no ${id}`)
      },
    })
    const entries = [3, 2, 1].map((id) => [id, id * 10] as const)
    await expect(source.saveMany(entries)).rejects.toThrow('no 3')
    expect(source.peek(1)).toBe(10)
  })
})

test('close() waits for a save that runs', async () => {
  const clockOwner = await fleet()
  const tier = memoryTier(clockOwner.server)
  const cache = open(clockOwner.clock, { l2: tier })
  const table = new SharedTable()
  const source = table.sourceOf(cache)
  const change = table.holdChange()
  const setting = source.save(1, 'new')
  await clockOwner.clock.advance(1)
  let isClosed = false
  const closing = cache.close().then(() => {
    isClosed = true
  })
  await settle()
  expect(isClosed).toBe(false)
  change.commit()
  change.answer()
  await settle(10)
  expect(isClosed).toBe(true)
  expect(await setting).toBe('applied')
  await closing
  await expect(source.save(1, 'late')).rejects.toMatchObject({ code: 'CLOSED' })
})
