// Node's own timers and ticks, as they were when this file was loaded. Fake timers of a test (`jest.useFakeTimers()` and the like)
// replace the globals: a batch that waits for a faked tick is never sent, and the test hangs. So nothing here uses the globals.
import process from 'node:process'
import * as timers from 'node:timers'

export const { clearImmediate, clearTimeout, setImmediate, setInterval, setTimeout } = timers

/** Runs when the present call is over, before any other kind of work. */
export const queueMicrotask: (run: () => void) => void = isFaked(globalThis.queueMicrotask)
  ? (run) => void Promise.resolve().then(run)
  : globalThis.queueMicrotask

/**
 * Runs when no microtask is left. Jest hands out the faked one as `process` itself if timers were faked before this file was loaded
 * (`fakeTimers: { enableGlobally: true }`), and nothing else runs then: the end of the turn is late, but it comes.
 */
export const nextTick: (run: () => void) => void = isFaked(process.nextTick)
  ? (run) => void setImmediate(run)
  : process.nextTick

/** Vitest, Jest and Sinon all fake with `@sinonjs/fake-timers`, which marks what it puts in place. */
function isFaked(value: object): boolean {
  return 'clock' in value
}
