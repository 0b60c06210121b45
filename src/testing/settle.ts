// Lets everything that is ready to run do so, without time passing.
import { setImmediate } from '../model/time/real-timers.js'

/**
 * Resolves once microtasks, `process.nextTick` callbacks and `setImmediate` callbacks have run, and those that they scheduled in
 * turn, `turns` generations deep. What waits for a timer, a socket or a thread is not waited for.
 *
 * Needed after a call that is not awaited itself: reads of one tick are coalesced in a `process.nextTick`, so
 * `const read = cache.get('a'); await settle()` is what lets the command reach the store.
 */
export async function settle(turns = 3): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await new Promise<void>((resolve) => setImmediate(resolve))
}
