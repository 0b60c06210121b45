// The identity of a server, its successor for a slot, and its clock.
import { describe, expect, test } from 'vitest'
import { SlotOwners } from '../../../src/redis/connection/slot-owners.js'
import { parseInfo } from '../../../src/redis/server/server-check.js'
import { StoreClock } from '../../../src/redis/server/store-clock.js'
import { escapeGlob } from '../../../src/redis/store/delete-by-prefix.js'
import { FakeClock } from '../../../src/testing/index.js'

describe('INFO of a server', () => {
  const info = (fields: Record<string, string>) =>
    `# Server\r\n${Object.entries(fields)
      .map(([name, value]) => `${name}:${value}\r\n`)
      .join('')}`

  test('another process is another server, and so is the same one after a promotion', () => {
    const one = parseInfo(info({ run_id: 'a', role: 'master', master_replid: 'x' }))
    expect(parseInfo(info({ run_id: 'a', role: 'master', master_replid: 'x' }))).toEqual(one)
    expect(parseInfo(info({ run_id: 'b', role: 'master', master_replid: 'x' })).id).not.toBe(one.id)
    expect(parseInfo(info({ run_id: 'a', role: 'master', master_replid: 'y' })).id).not.toBe(one.id)
  })

  test('a replica is recognized as one, unless it takes writes', () => {
    expect(parseInfo(info({ role: 'slave', slave_read_only: '1' })).role).toBe('readOnlyReplica')
    expect(parseInfo(info({ role: 'slave' })).role).toBe('readOnlyReplica')
    expect(parseInfo(info({ role: 'slave', slave_read_only: '0' })).role).toBe('master')
  })

  test('a server without a run id never counts as the same server', () => {
    expect(parseInfo('').id).not.toBe(parseInfo('').id)
    expect(parseInfo('').role).toBe('master')
  })
})

describe('owners of slots', () => {
  const slots = (...keys: string[]) => keys.map((key) => [key])

  test('the first owner of a slot is not a successor', () => {
    const owners = new SlotOwners()
    expect(owners.took('id-a', 'a', slots('a', 'a', 'b'))).toBe(false)
    expect(owners.took('id-b', 'b', slots('a', 'a', 'b'))).toBe(false)
  })

  test('an unknown server with the slots of another one is its successor, also at the same address', () => {
    const owners = new SlotOwners()
    owners.took('id-a', 'a', slots('a', 'a'))
    expect(owners.took('id-a', 'a', slots('a', 'a'))).toBe(false)
    expect(owners.took('id-a2', 'a', slots('a', 'a'))).toBe(true)
    expect(owners.took('id-c', 'c', slots('c', 'a'))).toBe(true)
  })

  test('a known server that takes over a slot is no successor, since the keys moved with the slot', () => {
    const owners = new SlotOwners()
    owners.took('id-a', 'a', slots('a', 'b'))
    owners.took('id-b', 'b', slots('a', 'b'))
    expect(owners.took('id-b', 'b', slots('b', 'b'))).toBe(false)
  })
})

describe("the store's clock", () => {
  test('is the clock of the server at the middle of the round trip', () => {
    const clock = new FakeClock(1_000)
    const storeClock = new StoreClock(clock)
    storeClock.learn({ serverMs: 5_000_000, sentAtMs: 900, receivedAtMs: 1_000 })
    expect(storeClock.nowMs()).toBe(5_000_050)
    clock.advanceSync(10)
    expect(storeClock.nowMs()).toBe(5_000_060)
  })

  test('a slow round trip does not change a better estimate', () => {
    const storeClock = new StoreClock(new FakeClock(1_000))
    storeClock.learn({ serverMs: 1_000, sentAtMs: 0, receivedAtMs: 1_000 })
    expect(storeClock.nowMs()).toBe(1_500)
    storeClock.learn({ serverMs: 9_000, sentAtMs: 0, receivedAtMs: 1_000 })
    expect(storeClock.nowMs()).toBe(1_500)
  })

  test('is far in the past before the first round trip', () => {
    expect(new StoreClock(new FakeClock(1_000)).nowMs()).toBeLessThan(Date.now() / 2)
  })
})

test('a prefix is escaped so that a glob pattern matches it literally', () => {
  expect(escapeGlob('a*b?c[d]e\\f^g-h')).toBe('a\\*b\\?c\\[d\\]e\\\\f\\^g\\-h')
})
