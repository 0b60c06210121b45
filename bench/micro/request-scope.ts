// What request scopes cost a hit in L1: nothing while none is open (the first two results are equal within noise), and the look-up of
// the async context while one is open elsewhere.
// Run: npx tsx bench/micro/request-scope.ts

import { AsyncResource } from 'node:async_hooks'
import { bench, boxplot, do_not_optimize, run, summary } from 'mitata'
import { createCache } from '../../src/create-cache.js'

const KEYS = Array.from({ length: 1_000 }, (_, i) => `user:${i}`)
const load = () => 'v'

const cache = createCache({ l1: { maxEntries: 10_000 }, ttl: '1h' })
for (const key of KEYS) await cache.getOrSet(key, load)

let i = 0
const hit = () => do_not_optimize(cache.getOrSet(KEYS[i++ % KEYS.length] as string, load))

/** A scope that stays open, and a function that runs work in it. */
function openRequestScope() {
  let end: () => void = () => undefined
  let inside = new AsyncResource('outside')
  void cache.requestScope(() => {
    inside = new AsyncResource('request')
    return new Promise<void>((resolve) => {
      end = resolve
    })
  })
  return { end, inside }
}

boxplot(() => {
  summary(() => {
    bench('hit, no scope was ever opened', hit)
    bench('hit, scopes were opened and are over', function* () {
      openRequestScope().end()
      yield hit
    })
    bench('hit, a scope is open elsewhere', function* () {
      const { end } = openRequestScope()
      yield hit
      end()
    })
    bench('read inside of a scope', function* () {
      const { end, inside } = openRequestScope()
      yield () => inside.runInAsyncScope(hit)
      end()
    })
  })
})

await run()
