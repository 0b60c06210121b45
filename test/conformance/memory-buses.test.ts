// The buses that need no server pass all conformance cases, in real time.

import { busCases, type ConformanceContext } from 'tiercache/testing'
import { describe, test } from 'vitest'
import { broadcastBus } from '../../src/bus/broadcast-bus.js'
import { inProcessBus } from '../../src/bus/in-process-bus.js'
import type { Bus } from '../../src/model/ports.js'
import { systemClock } from '../../src/model/time/clock.js'

const deviations = {
  log: 'announcements are handed over and kept nowhere',
  changes: 'nothing but announcements is known here',
  outage: 'within one process there is no link that could break',
}

describe('the bus between caches of one process', () => {
  for (const each of busCases(deviations)) {
    test.concurrent(each.name, () => {
      const hub = inProcessBus()
      return each.run(realTime(() => hub.connect()))
    })
  }
})

describe('the bus between worker threads', () => {
  for (const each of busCases(deviations)) {
    test.concurrent(each.name, () => each.run(realTime(() => broadcastBus({ beat: '100ms' }))))
  }
})

function realTime(makeBus: () => Bus): ConformanceContext {
  return {
    prefix: `buses-${crypto.randomUUID()}`,
    clock: systemClock,
    sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    connect: () => ({ bus: makeBus() }),
  }
}
