// The in-memory store and its bus pass all conformance cases, on the fake clock.
import {
  busCases,
  type ConformanceCase,
  FakeClock,
  MemoryServer,
  memoryTier,
  settle,
  storeCases,
} from 'tiercache/testing'
import { describe, test } from 'vitest'

const latencies = [0, 7]

describe.each(latencies)('the in-memory store, its link taking %i ms each way', (latencyMs) => {
  for (const each of storeCases()) test(each.name, () => runOnFakeClock(each, latencyMs))
})

describe.each(latencies)('the bus of the in-memory server, its link taking %i ms each way', (latencyMs) => {
  const deviations = { changes: 'the log tells what was announced, and nothing else' }
  for (const each of busCases(deviations)) test(each.name, () => runOnFakeClock(each, latencyMs))
})

/** Runs the case while time passes, a millisecond whenever nothing else is left to do. */
async function runOnFakeClock(each: ConformanceCase, latencyMs: number): Promise<void> {
  const clock = new FakeClock()
  const server = new MemoryServer({ clock })
  let isOver = false
  const run = each.run({
    prefix: 'memory',
    clock,
    sleep: (ms) => new Promise((resolve) => void clock.after(ms, resolve)),
    connect: (name) => {
      const tier = memoryTier(server)
      for (const link of [tier.link, tier.busLink]) {
        link.requestMs = latencyMs
        link.replyMs = latencyMs
      }
      const cut = async (): Promise<void> => tier.cut()
      const restore = async (): Promise<void> => tier.restore()
      const record = (work: () => Promise<unknown>) => tier.link.recordCommands(work)
      return { ...tier.connect(name, clock), cut, restore, record }
    },
    plantOtherType: async (key) => server.plantOtherType(key),
  })
  const ended = run.finally(() => {
    isOver = true
  })
  ended.catch(() => {}) // Reported below.
  while (!isOver) {
    await settle(1)
    clock.advanceSync(1)
  }
  await ended
}
