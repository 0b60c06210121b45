// A server, or something in between, that replies in shapes that Redis does not use: an outage, reported once, with a clear sentence.
import { createCache } from 'tiercache'
import { redisTier } from 'tiercache/redis'
import { FakeClock, settle } from 'tiercache/testing'
import { expect, test } from 'vitest'
import { FakeClient } from './fake-client.js'

const SHAPES: readonly (readonly [name: string, reply: unknown])[] = [
  ['nothing', null],
  ['a number', 7],
  ['a text', 'OK'],
  ['bytes', Buffer.from('OK')],
  ['an empty list', []],
  ['a list that is too long', [null, null, null]],
  ['a list of numbers', [1]],
  ['a list of lists', [[[]]]],
  ['a map', new Map()],
]

test.each(SHAPES)('with %s as the reply loads go on, and one event says why L2 is not used', async (_, reply) => {
  const client = new FakeClient()
  for (const command of ['mget', 'evalsha', 'eval', 'xadd']) client.answers.set(command, () => reply)
  client.answers.set('ping', () => Buffer.from('PONG'))
  const clock = new FakeClock()
  const cache = createCache({ name: 'shop', clock, logger: false, l2: redisTier(client as never) })
  const degraded: string[] = []
  let others = 0
  cache.on('degraded', ({ error }) => degraded.push(error.message))
  for (const event of ['corrupt', 'notice', 'storeFailed'] as const) cache.on(event, () => others++)
  await settle()
  for (let i = 0; i < 100; i++) {
    expect(await cache.getOrSet(`k${i}`, () => i)).toBe(i)
    expect(await cache.set(`s${i}`, i)).toMatch(/applied|queued/)
  }
  expect(degraded).toHaveLength(1)
  expect(degraded[0]).toMatch(
    /^expected .* as the reply to .*; got .*\. Either something between this process and Redis replies/,
  )
  expect(others).toBeLessThan(10)
  const closing = cache.close()
  await clock.advance(10_000)
  await closing
})
