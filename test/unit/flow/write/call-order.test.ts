// Calls that change one key take effect in the order in which they were made, whatever each has to wait for.
import { settle } from 'tiercache/testing'
import { describe, expect, test } from 'vitest'
import { CallOrder } from '../../../../src/flow/write/call-order.js'
import { leavesNothing } from '../../../support/leaves-nothing.js'

const { fleet } = leavesNothing()

test('of two sets of a key the later stays, although the earlier waits for tokens', async () => {
  const { a, b, clock } = await fleet()
  a.tier.link.replyMs = 10
  const results = Promise.all([a.cache.set('k', 1, { tags: ['cold'] }), a.cache.set('k', 2)])
  await clock.advance(50)
  expect(await results).toEqual(['applied', 'applied'])
  expect(await a.cache.get('k')).toBe(2)
  expect(await b.cache.get('k')).toBe(2)
})

test('a value set after a deletion stays', async () => {
  const { a, b, clock } = await fleet()
  a.tier.link.replyMs = 10
  const results = Promise.all([a.cache.delete('k'), a.cache.set('k', 1, { tags: ['cold'] })])
  await clock.advance(50)
  expect(await results).toEqual(['applied', 'applied'])
  expect(await a.cache.get('k')).toBe(1)
  expect(await b.cache.get('k')).toBe(1)
})

test('a value set while another process’s older write is announced stays', async () => {
  const { a, b, clock } = await fleet()
  a.tier.link.replyMs = 10
  a.tier.busLink.replyMs = 5
  expect(await b.cache.set('k', 'older')).toBe('applied')
  const result = a.cache.set('k', 'newer', { tags: ['cold'] })
  await clock.advance(50)
  expect(await result).toBe('applied')
  expect(await a.cache.get('k')).toBe('newer')
  expect(await b.cache.get('k')).toBe('newer')
})

test('a call that was overtaken returns the result of the call that overtook it', async () => {
  const { a, clock } = await fleet()
  a.tier.link.replyMs = 10
  const set = a.cache.set('k', 1, { tags: ['cold'] })
  await settle()
  const stopRefusing = a.tier.link.inject({ on: 'apply', effect: 'refuse' })
  const deleted = a.cache.delete('k')
  await clock.advance(30)
  expect(await deleted).toBe('queued')
  expect(await set).toBe('queued')
  stopRefusing()
  await clock.advance(10_000)
})

describe('the call order', () => {
  test('lets any later call of the same subject overtake a call', () => {
    const turns = new CallOrder()
    const first = turns.begin('k')
    turns.begin('other')
    expect(turns.isOvertaken('k', first)).toBe(false)
    const second = turns.begin('k')
    expect(turns.isOvertaken('k', first)).toBe(true)
    expect(turns.isOvertaken('k', second)).toBe(false)
    turns.end('k', second, 'applied')
    expect(turns.isOvertaken('k', first), 'also by one that is over').toBe(true)
  })

  test('ignores a later call that changed nothing', async () => {
    const turns = new CallOrder()
    const first = turns.begin('k')
    const second = turns.begin('k')
    const later = turns.resultOfLater('k', first)
    turns.end('k', second)
    expect(await later).toBeUndefined()
    expect(turns.isOvertaken('k', first)).toBe(false)
  })

  test('knows when the calls that have begun until now have ended, whatever comes later', async () => {
    const turns = new CallOrder()
    await turns.earlierEnded('k')
    const [first, second] = [turns.begin('k'), turns.begin('k')]
    let isOver = false
    const ended = turns.earlierEnded('k').then(() => {
      isOver = true
    })
    const third = turns.begin('k')
    turns.end('k', second, 'applied')
    await settle()
    expect([isOver, turns.isBusy('k')]).toEqual([false, true])
    turns.end('k', first)
    await ended
    turns.end('k', third)
    expect(turns.isBusy('k')).toBe(false)
  })

  test('takes the result of the last of several later calls', async () => {
    const turns = new CallOrder()
    const first = turns.begin('k')
    const second = turns.begin('k')
    const third = turns.begin('k')
    const later = turns.resultOfLater('k', first)
    expect(turns.end('k', third, 'queued'), 'no later call is running').toBe(true)
    expect(turns.end('k', second, 'applied')).toBe(true)
    expect(await later).toBe('queued')
    expect(turns.end('k', first)).toBe(true)
  })
})
