import { beforeEach, expect, test } from 'vitest'
import { WaitingCallers } from '../../../../src/flow/runtime/waiting-callers.js'
import { FakeClock } from '../../../../src/testing/index.js'

let keptAlive: number
let clock: FakeClock
let callers: WaitingCallers

beforeEach(() => {
  keptAlive = 0
  clock = new FakeClock()
  const keepAlive = () => {
    keptAlive++
    return () => void keptAlive--
  }
  callers = new WaitingCallers(Object.assign(clock, { keepAlive }))
})

test('the process is kept alive only while a caller waits and a timer is pending', () => {
  callers.beginWait()
  expect(keptAlive).toBe(0)
  const cancel = callers.after(100, () => {})
  expect(keptAlive).toBe(1)
  callers.endWait()
  expect(keptAlive).toBe(0)
  callers.beginWait()
  expect(keptAlive).toBe(1)
  cancel()
  cancel()
  expect(keptAlive).toBe(0)
})

test('it is kept alive once, until the last timer has run or the last caller has left', () => {
  callers.beginWait()
  callers.beginWait()
  const ran: number[] = []
  callers.after(100, () => ran.push(keptAlive))
  callers.after(200, () => ran.push(keptAlive))
  clock.advanceSync(100)
  callers.endWait()
  expect(keptAlive).toBe(1)
  clock.advanceSync(100)
  // The second timer has run before its callback is called, so it no longer counts there.
  expect(ran).toEqual([1, 0])
  callers.after(100, () => {})
  callers.endWait()
  expect(keptAlive).toBe(0)
})

test('a caller no longer counts when its promise has settled, also by a rejection', async () => {
  callers.after(100, () => {})
  await callers.await(Promise.resolve())
  await callers.await(Promise.reject(new Error('no'))).catch(() => undefined)
  expect(keptAlive).toBe(0)
  void callers.await(new Promise(() => {}))
  expect(keptAlive).toBe(1)
})

test('a clock without keepAlive keeps nothing alive', () => {
  const byHand = new WaitingCallers(new FakeClock())
  byHand.beginWait()
  byHand.after(100, () => {})()
  byHand.endWait()
})
