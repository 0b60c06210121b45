// The conformance cases must fail for a broken implementation.
import {
  busCases,
  type ConformanceContext,
  FakeClock,
  MemoryServer,
  memoryTier,
  settle,
  storeCases,
} from 'tiercache/testing'
import { describe, expect, test } from 'vitest'

describe('declared deviations', () => {
  test('drop their case, or all cases that need a capability', () => {
    const all = busCases()
    const name = all[0]!.name
    expect(busCases({ [name]: 'for a reason' }).map((each) => each.name)).not.toContain(name)
    const left = busCases({ outage: 'no link', changes: 'announcements only' })
    expect(left.length).toBeLessThan(all.length)
    expect(left.flatMap(({ needs }) => needs)).not.toContain('outage')
  })

  test('are an error if no case has that name, or without a reason', () => {
    expect(() => storeCases({ loog: 'a slip of the pen' })).toThrow('no case is named or needs "loog"')
    expect(() => storeCases({ log: ' ' })).toThrow('a deviation needs a reason')
  })

  test('have unambiguous names: no two cases share one', () => {
    const names = [...storeCases(), ...busCases()].map(({ name }) => name)
    expect(new Set(names).size).toBe(names.length)
  })
})

describe('the conformance cases detect', () => {
  test('a bus that delivers announcements out of order', async () => {
    const reorder = breaking((tier) => tier.busLink.reorder(100))
    await expect(
      run('announcements of one sender arrive in the order in which they were sent', reorder),
    ).rejects.toThrow()
  })

  test('a store that swaps whatever is there', async () => {
    const swapAnything = breaking((_, store) => {
      store.swap = async (key, _expected, bytes, keepMs) => {
        await store.apply([bytes ? { op: 'put', key, bytes, keepMs } : { op: 'delete', key }], undefined)
        return undefined
      }
    })
    await expect(run('a refused swap or extend does not change the value', swapAnything)).rejects.toThrow()
    await expect(run('of simultaneous swaps by several processes one succeeds', swapAnything)).rejects.toThrow()
  })

  test('a store that executes a change again when it is sent again', async () => {
    const forgetful = breaking(({ server }) => {
      server.changedAt = () => 0
    })
    for (const change of [
      'a put executed again after a deletion stores nothing',
      'an expiry executed again after a newer value leaves it fresh, and an earlier refresh may not store',
    ])
      await expect(run(change, forgetful)).rejects.toThrow()
  })

  test('a store that announces before it changes', async () => {
    const hasty = breaking((_, store) => {
      const apply = store.apply.bind(store)
      store.apply = async (changes, announcement) => {
        await apply([], announcement)
        await settle()
        return apply(changes, undefined)
      }
    })
    const name = 'changes come before their announcement: a process that sees the announcement also sees the changes'
    await expect(run(name, hasty)).rejects.toThrow()
  })
})

type Peers = Pick<ConformanceContext, 'clock' | 'connect' | 'sleep'>
type Tier = ReturnType<typeof memoryTier>
type Store = ReturnType<Tier['connect']>['store']

/** An in-memory implementation with one defect. */
function breaking(damage: (tier: Tier, store: Store) => void): Peers {
  const clock = new FakeClock()
  const server = new MemoryServer({ clock })
  return {
    clock,
    sleep: (ms) => clock.advance(ms),
    connect: (name) => {
      const tier = memoryTier(server)
      const peer = tier.connect(name, clock)
      damage(tier, peer.store)
      return { ...peer, record: (work) => tier.link.recordCommands(work) }
    },
  }
}

async function run(name: string, peers: Peers): Promise<void> {
  const found = [...storeCases(), ...busCases()].find((each) => each.name === name)
  if (found === undefined) return // no rejection: the test fails
  await found.run({ prefix: 'broken', ...peers })
  await settle()
}
