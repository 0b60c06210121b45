// How many promises a call makes, those of its client included. A count does not depend on how busy the machine is.
import { createHook } from 'node:async_hooks'
import { type Drill, prepareHits, prepareMisses, type Slice } from './drills.js'
import type { Assignment } from './messages.js'

const CALLS = 4_096
const DONE = Promise.resolve()

export async function promisesPerHit(assignment: Assignment): Promise<Slice> {
  return countPerCall(await prepareHits(assignment))
}

export async function promisesPerMiss(assignment: Assignment): Promise<Slice> {
  return countPerCall(await prepareMisses(assignment))
}

function countPerCall({ bench, call, check }: Drill): Slice {
  const { cache, params } = bench
  return async () => {
    // What the callers of this drill make themselves.
    const own = await count(() => DONE, params.inFlight)
    const all = await count(call, params.inFlight, () => cache.settle?.())
    check()
    return { cost: (all - own) / CALLS }
  }
}

async function count(call: Drill['call'], inFlight: number, settle?: () => unknown): Promise<number> {
  let promises = 0
  const hook = createHook({
    init(_id, type) {
      if (type === 'PROMISE') promises++
    },
  })
  hook.enable()
  let calls = 0
  const caller = async () => {
    while (calls < CALLS) await call(calls++)
  }
  await Promise.all(Array.from({ length: inFlight }, caller))
  await settle?.()
  hook.disable()
  return promises
}
