// Lets everything that is ready to run do so, without letting time pass.
import { setImmediate } from '../model/time/real-timers.js'

/**
 * Resolves once microtasks, `process.nextTick` callbacks and `setImmediate` callbacks have run, and those that they scheduled
 * themselves, up to `turns` generations. It does not wait for timers, sockets or threads.
 *
 * Use it after a call that is not awaited. The reads of one tick are collected in a `process.nextTick`, so with
 * `const read = cache.get('a'); await settle()` the command reaches the store.
 */
export async function settle(turns = 3): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await new Promise<void>((resolve) => setImmediate(resolve))
}
