import { expect, test } from 'vitest'
import { inProcessBus } from '../../../src/bus/in-process-bus.js'
import type { BusEvents } from '../../../src/model/ports.js'
import { FakeClock } from '../../../src/testing/fake-clock.js'
import { settle } from '../../../src/testing/settle.js'

const listener = (message: (bytes: Uint8Array) => void, told: string[] = []): BusEvents => ({
  message,
  changed: () => told.push('changed'),
  heard: (sentAtMs) => told.push(`heard ${sentAtMs}`),
  lost: (reason) => told.push(`lost: ${reason}`),
})

test('an announcement is delivered before publish returns', async () => {
  const hub = inProcessBus()
  const [sender, other] = [hub.connect(), hub.connect()]
  const messages: string[] = []
  sender.start(
    'shop',
    listener(() => {}),
    new FakeClock(),
  )
  other.start(
    'shop',
    listener((bytes) => messages.push(String(Buffer.from(bytes)))),
    new FakeClock(),
  )
  const published = sender.publish(Buffer.from('now'))
  expect(messages).toEqual(['now'])
  await published
})

test('the bus counts as heard for ever from its start, without a timer', async () => {
  const clock = new FakeClock()
  const told: string[] = []
  inProcessBus()
    .connect()
    .start(
      'shop',
      listener(() => {}, told),
      clock,
    )
  expect(told).toEqual([]) // Not within start().
  await settle()
  expect(told).toEqual(['heard Infinity'])
  expect(clock.pendingTimers).toBe(0)
})

test('a listener that throws on a message is informed of a loss, and the others receive the message', async () => {
  const hub = inProcessBus()
  const [sender, broken, healthy] = [hub.connect(), hub.connect(), hub.connect()]
  const told: string[] = []
  const messages: string[] = []
  const fail = (): void => {
    throw new Error('not understood')
  }
  sender.start(
    'shop',
    listener(() => {}),
    new FakeClock(),
  )
  broken.start('shop', listener(fail, told), new FakeClock())
  healthy.start(
    'shop',
    listener((bytes) => messages.push(String(Buffer.from(bytes)))),
    new FakeClock(),
  )
  await sender.publish(Buffer.from('x'))
  expect(told).toContain('lost: a message could not be processed: not understood')
  expect(messages).toEqual(['x'])
})

test('publish rejects before start and after close', async () => {
  const bus = inProcessBus().connect()
  await expect(bus.publish(Buffer.from('x'))).rejects.toThrow('between start() and close()')
  bus.start(
    'shop',
    listener(() => {}),
    new FakeClock(),
  )
  await bus.close()
  await expect(bus.publish(Buffer.from('x'))).rejects.toThrow('between start() and close()')
})
