import { expect, test } from 'vitest'
import { LeaseWait } from '../../../../src/flow/leases/lease-wait.js'

test('a caller waits for a load of another process for half of its hardTimeout', () => {
  const wait = new LeaseWait(1_000, 30_000, 2_000)
  expect(wait.isOver(15_999)).toBe(false)
  expect(wait.isOver(16_000)).toBe(true)
})

test('an infinite hardTimeout does not make the wait infinite', () => {
  const wait = new LeaseWait(0, Number.POSITIVE_INFINITY, 2_000)
  expect(wait.isOver(59_999)).toBe(false)
  expect(wait.isOver(60_000)).toBe(true)
})

test('once in each lifetime of a lease the key is claimed instead of read', () => {
  const wait = new LeaseWait(0, 30_000, 2_000)
  expect([0, 1_999, 2_000, 2_001, 3_999, 4_000, 4_001].map((nowMs) => wait.nextAsk(nowMs))).toEqual([
    'read',
    'read',
    'claim',
    'read',
    'read',
    'claim',
    'read',
  ])
})

test('pauses grow to ten milliseconds', () => {
  const wait = new LeaseWait(0, 30_000, 2_000)
  const pauses = Array.from({ length: 10 }, () => wait.nextPauseMs())
  expect(pauses[0]).toBe(2)
  expect(pauses.slice(1).every((pause, i) => pause >= (pauses[i] as number))).toBe(true)
  expect(pauses.at(-1)).toBe(10)
})
