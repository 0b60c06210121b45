// The simulation of a fleet, where its results can be worked out by hand.
import { describe, expect, test } from 'vitest'
import { EventQueue } from '../../../bench/fleet/event-queue.js'
import { fitTwo } from '../../../bench/fleet/fit.js'
import { holds, simulate, simulateUpTo } from '../../../bench/fleet/simulate.js'
import { mulberry32 } from '../../support/random.js'

const costs = { appendUs: 10, roundUs: 8, deliveryUs: 0.5, deliveryBytes: 100, turnUs: 10, hearUs: 10, linkUs: 100 }
const simulated = (processes: number, perSecond: number, seconds = 2) =>
  simulate({ processes, perSecond, seconds, costs })

describe('a simulated fleet', () => {
  test('a small quiet one is told of each message alone, after the way there and back', () => {
    const { perReply, lagP50Ms, redisShare } = simulated(2, 50)
    expect(perReply).toBeCloseTo(1, 1)
    // Two ways of 100 µs, and about 10 + 8 + 0.5 + 20 µs of work.
    expect(lagP50Ms).toBeGreaterThan(0.23)
    expect(lagP50Ms).toBeLessThan(0.3)
    // 50 times 10 µs, and 100 rounds of 8.5 µs.
    expect(redisShare).toBeCloseTo(0.00135, 3)
  })

  test('a busy one tells each process of many messages at once, so Redis keeps up', () => {
    const busy = simulated(500, 1_000)
    expect(busy.redisShare).toBeGreaterThan(0.9)
    expect(busy.perReply).toBeGreaterThan(3)
    expect(busy.leastShare).toBeCloseTo((1_000 * (10 + 500 * 0.5)) / 1e6)
    expect(busy.lagP99Ms).toBeLessThan(200)
    expect(holds(busy)).toBe(true)
  })

  test('one whose deliveries alone need more than Redis has falls further and further behind', () => {
    const [short, long] = [simulated(1_000, 4_000, 1), simulated(1_000, 4_000, 2)]
    expect(short.leastShare).toBeGreaterThan(1)
    expect(long.lagP99Ms).toBeGreaterThan(short.lagP99Ms * 1.5)
    expect(holds(short)).toBe(false)
  })

  test('all sizes up to the one asked for are simulated, at one rate or at several', () => {
    expect(simulateUpTo(60, costs, 100).map(({ processes }) => processes)).toEqual([10, 50, 60])
    expect(new Set(simulateUpTo(10, costs).map(({ perSecond }) => perSecond)).size).toBeGreaterThan(1)
  })
})

describe('what the simulation is made of', () => {
  test('requests leave the queue in the order of their time', () => {
    const random = mulberry32(3)
    const queue = new EventQueue()
    const times = Array.from({ length: 500 }, () => random())
    for (const [process, atUs] of times.entries()) queue.add(atUs, process)
    expect(times.map(() => queue.take().atUs)).toEqual([...times].sort((a, b) => a - b))
    expect(queue.peek()).toBeUndefined()
  })

  test('two costs are found again in what they add up to, and none is below nothing', () => {
    const rows = [
      [1, 4],
      [2, 3],
      [5, 1],
    ] as const
    const [a, b] = fitTwo(
      rows,
      rows.map(([x, z]) => 7 * x + 3 * z),
    )
    expect(a).toBeCloseTo(7)
    expect(b).toBeCloseTo(3)
    expect(
      fitTwo(
        rows,
        rows.map(([x, z]) => x - z),
      )[1],
    ).toBe(0)
  })
})
