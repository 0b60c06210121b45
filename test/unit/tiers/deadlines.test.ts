import { FakeClock } from 'tiercache/testing'
import { beforeEach, describe, expect, test } from 'vitest'
import { InFlightSet } from '../../../src/model/in-flight-set.js'
import { Deadlines, type Timed } from '../../../src/tiers/deadlines.js'

describe('deadlines', () => {
  let clock: FakeClock
  let deadlines: Deadlines<Timed>
  let ended: [name: string, atMs: number][]

  beforeEach(() => {
    clock = new FakeClock()
    deadlines = new Deadlines(clock)
    ended = []
  })

  function begin(name: string, inMs: number, then?: () => void): Timed {
    const startMs = clock.nowMs()
    const onDue = () => {
      ended.push([name, clock.nowMs() - startMs])
      then?.()
    }
    const timed = { place: -1, dueAtMs: startMs + inMs, onDue }
    deadlines.add(timed)
    return timed
  }

  test('run when they are due, in whatever order they were set', async () => {
    begin('b', 200)
    begin('a', 100)
    begin('c', 300)
    expect(clock.pendingTimers).toBe(1)
    await clock.advance(99)
    expect(ended).toEqual([])
    await clock.advance(201)
    expect(ended).toEqual([
      ['a', 100],
      ['b', 200],
      ['c', 300],
    ])
    expect(clock.pendingTimers).toBe(0)
  })

  test('do not run once they are removed, and others stay as they are', async () => {
    const early = begin('early', 100)
    begin('late', 250)
    deadlines.remove(early)
    await clock.advance(250)
    expect(ended).toEqual([['late', 250]])
  })

  test('may be set while a deadline runs', async () => {
    begin('first', 100, () => begin('second', 50))
    await clock.advance(150)
    expect(ended).toEqual([
      ['first', 100],
      ['second', 50],
    ])
  })

  test('are all removed at the end, together with the timer', async () => {
    const both = [begin('a', 100), begin('b', 200)]
    expect(deadlines.takeAll()).toEqual(both)
    expect(clock.pendingTimers).toBe(0)
    await clock.advance(500)
    expect(ended).toEqual([])
  })
})

describe('an in-flight set', () => {
  test('holds what was added and not deleted, each once, whatever the order', () => {
    const underWay = new InFlightSet<{ place: number; name: string }>()
    const things = ['a', 'b', 'c', 'd', 'e'].map((name) => ({ place: -1, name }))
    for (const thing of things) underWay.add(thing)
    underWay.delete(things[1]!)
    underWay.delete(things[4]!)
    underWay.delete(things[1]!)
    expect([...underWay].map(({ name }) => name).sort()).toEqual(['a', 'c', 'd'])
    expect(underWay.takeAll()).toHaveLength(3)
    underWay.delete(things[0]!)
    expect(underWay.size).toBe(0)
  })
})
