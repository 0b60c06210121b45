import { expect, test } from 'vitest'
import { FakeClock } from '../../../src/testing/fake-clock.js'
import { settle } from '../../../src/testing/settle.js'

test('a timer runs exactly at its instant, not a millisecond earlier', async () => {
  const clock = new FakeClock()
  const startMs = clock.nowMs()
  const ranAtMs: number[] = []
  clock.after(100, () => ranAtMs.push(clock.nowMs()))
  await clock.advance(99)
  expect(ranAtMs).toEqual([])
  await clock.advance(1)
  expect(ranAtMs).toEqual([startMs + 100])
})

test('timers run in the order of their instants, and in the order of creation at the same instant', async () => {
  const clock = new FakeClock()
  const ran: string[] = []
  clock.after(20, () => ran.push('late'))
  clock.after(10, () => ran.push('first of two'))
  clock.after(10, () => ran.push('second of two'))
  clock.after(5, () => ran.push('early'))
  await clock.advance(20)
  expect(ran).toEqual(['early', 'first of two', 'second of two', 'late'])
})

test('a timer set by a promise chain during an advance runs at its own instant', async () => {
  const clock = new FakeClock(0)
  const ranAtMs: number[] = []
  const sleep = (ms: number) => new Promise<void>((resolve) => void clock.after(ms, resolve))
  const story = async (): Promise<void> => {
    for (let step = 0; step < 3; step++) {
      await sleep(10)
      await new Promise<void>((resolve) => process.nextTick(resolve))
      ranAtMs.push(clock.nowMs())
    }
  }
  void story()
  await clock.advance(25)
  expect(ranAtMs).toEqual([10, 20])
  await clock.advance(5)
  expect(ranAtMs).toEqual([10, 20, 30])
  expect(clock.nowMs()).toBe(30)
})

test('advanceSync runs due timers within the call', () => {
  const clock = new FakeClock(0)
  const ranAtMs: number[] = []
  clock.after(10, () => {
    ranAtMs.push(clock.nowMs())
    clock.after(10, () => ranAtMs.push(clock.nowMs()))
  })
  clock.advanceSync(20)
  expect(ranAtMs).toEqual([10, 20])
})

test('a cancelled timer does not run, and pendingTimers counts the others', async () => {
  const clock = new FakeClock()
  const ran: string[] = []
  const cancel = clock.after(10, () => ran.push('cancelled'))
  clock.after(10, () => ran.push('kept'))
  clock.after(Number.POSITIVE_INFINITY, () => ran.push('never'))
  expect(clock.pendingTimers).toBe(3)
  cancel()
  cancel()
  expect(clock.pendingTimers).toBe(2)
  expect(clock.msToNextTimer()).toBe(10)
  await clock.advance(1_000_000_000)
  expect(ran).toEqual(['kept'])
  expect(clock.pendingTimers).toBe(1)
})

test('a delay of zero or less runs at the next advance, even of zero milliseconds', async () => {
  const clock = new FakeClock()
  let runs = 0
  clock.after(0, () => runs++)
  clock.after(-5, () => runs++)
  clock.after(Number.NaN, () => runs++)
  expect(runs).toBe(0)
  await clock.advance(0)
  expect(runs).toBe(3)
})

test('a timer that re-arms itself without delay is an error rather than a hang', () => {
  const clock = new FakeClock()
  const again = (): void => void clock.after(0, again)
  again()
  expect(() => clock.advanceSync(1)).toThrow('re-arms itself without delay')
})

test('time cannot be moved back', async () => {
  const clock = new FakeClock()
  await expect(clock.advance(-1)).rejects.toThrow(RangeError)
  expect(() => clock.advanceSync(Number.NaN)).toThrow(RangeError)
})

test('settle lets microtasks, next ticks and immediates run, generation by generation', async () => {
  const ran: string[] = []
  void Promise.resolve().then(() => ran.push('microtask'))
  process.nextTick(() => void Promise.resolve().then(() => process.nextTick(() => ran.push('tick after microtask'))))
  setImmediate(() => setImmediate(() => ran.push('second immediate')))
  await settle()
  expect(ran.sort()).toEqual(['microtask', 'second immediate', 'tick after microtask'])
})
