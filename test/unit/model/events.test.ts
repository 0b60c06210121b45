import { expect, expectTypeOf, test, vi } from 'vitest'
import { Events } from '../../../src/model/events/events.js'

const miss = { scope: 'shop', key: 'a' }

test('a listener receives its event and no other, until it is removed', () => {
  const events = new Events()
  const listener = vi.fn()
  const off = events.on('miss', listener)
  events.emit('miss', miss)
  events.emit('notice', { code: 'x', detail: '' })
  off()
  events.emit('miss', miss)
  expect(listener.mock.calls).toEqual([[miss]])
})

test('listeners run synchronously, in the order in which they were added', () => {
  const events = new Events()
  const heard: string[] = []
  events.on('miss', () => heard.push('first'))
  events.on('miss', () => heard.push('second'))
  events.emit('miss', miss)
  expect(heard).toEqual(['first', 'second'])
})

test('it can be asked whether an event has listeners', () => {
  const events = new Events()
  expect(events.has('hit')).toBe(false)
  const off = events.on('hit', () => {})
  expect(events.has('hit')).toBe(true)
  expect(events.has('miss')).toBe(false)
  off()
  expect(events.has('hit')).toBe(false)
})

test('a function added twice is called twice, and each unsubscribe function removes one of the two', () => {
  const events = new Events()
  const listener = vi.fn()
  const off = events.on('miss', listener)
  events.on('miss', listener)
  events.emit('miss', miss)
  expect(listener).toHaveBeenCalledTimes(2)
  off()
  off()
  events.emit('miss', miss)
  expect(listener).toHaveBeenCalledTimes(3)
})

test('a listener may remove itself or add another one while it is called', () => {
  const events = new Events()
  const late = vi.fn()
  const second = vi.fn()
  const off = events.on('miss', () => {
    off()
    events.on('miss', late)
  })
  events.on('miss', second)
  events.emit('miss', miss)
  expect(second).toHaveBeenCalledOnce()
  expect(late).not.toHaveBeenCalled()
  events.emit('miss', miss)
  expect(late).toHaveBeenCalledOnce()
})

test('a listener that throws affects neither the others nor the cache, and is reported', () => {
  const events = new Events()
  const failed = vi.fn()
  const second = vi.fn()
  const error = new Error('mine')
  events.on('listenerFailed', failed)
  events.on('miss', () => {
    throw error
  })
  events.on('miss', second)
  expect(() => events.emit('miss', miss)).not.toThrow()
  expect(second).toHaveBeenCalledOnce()
  expect(failed.mock.calls).toEqual([[{ event: 'miss', error }]])
})

test('a listener that rejects is reported, whatever kind of promise it returns', async () => {
  const events = new Events()
  const failed = vi.fn()
  const error = new Error('mine')
  events.on('listenerFailed', failed)
  events.on('miss', async () => {
    throw error
  })
  // biome-ignore lint/suspicious/noThenProperty: a promise of another library
  events.on('miss', () => ({ then: (_: unknown, reject: (error: Error) => void) => reject(error) }))
  events.emit('miss', miss)
  await Promise.resolve()
  await Promise.resolve()
  await Promise.resolve()
  expect(failed.mock.calls).toEqual([[{ event: 'miss', error }], [{ event: 'miss', error }]])
})

test('a failing listener of failures is not reported again', async () => {
  const events = new Events()
  const failed = vi.fn(() => {
    throw new Error('again')
  })
  events.on('listenerFailed', failed)
  events.on('listenerFailed', async () => {
    throw new Error('and again')
  })
  events.on('miss', () => {
    throw new Error('mine')
  })
  events.emit('miss', miss)
  await new Promise((resolve) => setImmediate(resolve))
  expect(failed).toHaveBeenCalledOnce()
})

test('an unknown event or a listener that is not a function is refused', () => {
  const events = new Events()
  expect(() => events.on('mis' as 'miss', () => {})).toThrow('there is no event "mis". Did you mean miss?')
  expect(() => events.on('__proto__' as 'miss', () => {})).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }))
  expect(() => events.on('miss', 'log' as unknown as () => void)).toThrow(
    /^the listener must be a function; got "log"$/,
  )
})

test('payloads are typed by their event', () => {
  const events = new Events()
  events.on('hit', (payload) => expectTypeOf(payload.tier).toEqualTypeOf<'l1' | 'l2'>())
  events.on('closed', (payload) => expectTypeOf(payload.lost).toEqualTypeOf<number>())
})
