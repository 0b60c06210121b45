// Whoever reads logs: what prints options, tiers, codecs or a cache prints neither a password nor a key.
import { inspect } from 'node:util'
import { createCache } from 'tiercache'
import { redisTier } from 'tiercache/redis'
import { MemoryServer, memoryTier } from 'tiercache/testing'
import { describe, expect, test } from 'vitest'
import { createEntryCodec } from '../../src/codec/entry-codec.js'
import { testKey } from '../support/keys.js'

const PASSWORD = 'hunter2-hunter2'
const secret = testKey('printed')
const text = secret.toString('base64')
const encrypts = {
  'keys as text': { keys: { k1: text }, active: 'k1' },
  'keys in hex': { keys: { k1: secret.toString('hex') }, active: 'k1' },
  'keys as bytes': { keys: { k1: secret }, active: 'k1' },
}

const HOLDERS: Record<string, () => unknown> = {
  ...Object.fromEntries(
    Object.entries(encrypts).flatMap(([name, encrypt]): [string, () => unknown][] => [
      [`redisTier with ${name}`, () => redisTier(`redis://user:${PASSWORD}@127.0.0.1:1`, { encrypt })],
      [`a copy of redisTier with ${name}`, () => ({ ...redisTier({ host: 'h', password: PASSWORD }, { encrypt }) })],
      [`memoryTier with ${name}`, () => memoryTier(new MemoryServer(), { encrypt })],
      [`a codec with ${name}`, () => createEntryCodec({ encrypt })],
    ]),
  ),
  'redisTier with options': () => redisTier({ host: 'h', username: 'u', password: PASSWORD }),
  'redisTier with sentinels': () =>
    redisTier({ sentinels: [{ host: 'h' }], name: 'm', password: PASSWORD, sentinelPassword: PASSWORD }),
}

describe.each(Object.entries(HOLDERS))('%s', (_, make) => {
  test('shows no secret when it is printed or serialized', () => {
    expectNoSecret(make())
  })
})

test('a cache and its options show no secret', async () => {
  const l2 = memoryTier(new MemoryServer(), { encrypt: encrypts['keys as text'] })
  const options = { name: 'shop', l2, logger: false } as const
  expectNoSecret(options)
  await using cache = createCache(options)
  await cache.set('k', 'v')
  expectNoSecret(cache)
})

test('a cache that opened its own connection shows no password', async () => {
  const l2 = redisTier(`redis://user:${PASSWORD}@127.0.0.1:1`, { encrypt: encrypts['keys as bytes'] })
  await using cache = createCache({ name: 'shop', l2, logger: false })
  expectNoSecret(cache)
})

function expectNoSecret(holder: unknown): void {
  const printed = [
    inspect(holder),
    inspect(holder, { depth: Number.POSITIVE_INFINITY, showHidden: true, maxArrayLength: null, maxStringLength: null }),
    inspect(holder, { customInspect: false, depth: Number.POSITIVE_INFINITY }),
    serialized(holder),
  ]
  const hex = secret.toString('hex')
  const shown = [
    hex.slice(0, 8),
    hex.slice(-8),
    text.slice(0, 8),
    hex.match(/../g)!.slice(0, 4).join(' '),
    [...secret.subarray(0, 4)].join(', '),
  ]
  for (const output of printed) for (const part of [PASSWORD, ...shown]) expect(output.includes(part), part).toBe(false)
}

/** What has cycles is printed by no JSON.stringify. */
function serialized(holder: unknown): string {
  try {
    return JSON.stringify(holder)
  } catch {
    return ''
  }
}
