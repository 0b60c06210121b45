// Node's own timers and ticks, as they were when this file was loaded. Fake timers of a test (such as `jest.useFakeTimers()`) replace the
// globals, and a batch that waits for a faked tick is never sent, so the test hangs. Therefore nothing here depends on the globals.
import process from 'node:process'
import * as timers from 'node:timers'

export const { clearImmediate, clearTimeout, setImmediate, setInterval, setTimeout } = timers

/** Calls `run` as a microtask: after the current synchronous code, before anything else. */
export const queueMicrotask: (run: () => void) => void = isFaked(globalThis.queueMicrotask)
  ? (run) => void Promise.resolve().then(run)
  : globalThis.queueMicrotask

/**
 * Calls `run` when no microtask is left. With `fakeTimers: { enableGlobally: true }` Jest fakes `process.nextTick` before this file is loaded,
 * and nothing else runs at that moment: then `setImmediate` runs it, later in the turn of the event loop.
 */
export const nextTick: (run: () => void) => void = isFaked(process.nextTick)
  ? (run) => void setImmediate(run)
  : process.nextTick

/** Vitest, Jest and Sinon all use `@sinonjs/fake-timers`, which marks its replacements with `clock`. */
function isFaked(value: object): boolean {
  return 'clock' in value
}
