// The store and the bus on ioredis-mock pass all conformance cases. Fake timers move its time.
import RedisMock from 'ioredis-mock'
import { redisTier } from 'tiercache/redis'
import { busCases, type ConformanceCase, storeCases } from 'tiercache/testing'
import { afterEach, beforeEach, describe, test, vi } from 'vitest'
import { clockOf } from '../../src/model/time/clock.js'

const outage = 'a mock has no link that could be cut: all of them share one map'
const again = 'without a link no command is sent, and none is executed a second time'
const changes = 'the log tells what was announced, and nothing else'

beforeEach(() => {
  vi.useFakeTimers()
})

afterEach(() => {
  vi.useRealTimers()
})

describe.each(['', 'app:'])('the store on ioredis-mock with the prefix "%s"', (keyPrefix) => {
  for (const each of storeCases({ outage, again })) test(each.name, () => runOnMock(each, keyPrefix))
})

describe('the bus on ioredis-mock', () => {
  for (const each of busCases({ outage, changes })) test(each.name, () => runOnMock(each, ''))
})

/** Runs the case while time passes, a millisecond whenever nothing else is left to do. */
async function runOnMock(each: ConformanceCase, keyPrefix: string): Promise<void> {
  const clock = clockOf({ nowMs: () => Date.now(), setTimeout, clearTimeout })
  // A server for each case: mocks with the same host and port share their data.
  const host = `mock-${crypto.randomUUID()}`
  await each.run({
    prefix: 'mock',
    clock,
    sleep: async (ms) => void (await vi.advanceTimersByTimeAsync(ms)),
    connect: (name) => redisTier(new RedisMock({ host, keyPrefix })).connect(name, clock),
    plantOtherType: async (key) => void (await new RedisMock({ host, keyPrefix }).lpush(key, 'x')),
  })
}
