// What a cache logs by itself, to a logger or as warnings of Node.

import { type CacheOptions, createCache, type Logger } from 'tiercache'
import { FakeClock, memoryTier, settle } from 'tiercache/testing'
import { beforeEach, expect, test, vi } from 'vitest'
import { logEvents } from '../../../../src/flow/events/log.js'
import { CacheError } from '../../../../src/model/errors.js'
import { Events } from '../../../../src/model/events/events.js'
import { RefusedValue } from '../../../../src/model/values/refused-value.js'
import { leavesNothing } from '../../../support/leaves-nothing.js'

const { fleet, l1Only } = leavesNothing()
const refused = new CacheError('L2_UNAVAILABLE', 'Redis could not be reached: connect ECONNREFUSED')
const entry = { scope: 'shop', key: 'secret-key' }

const emitWarning = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
beforeEach(() => emitWarning.mockClear())

interface Written {
  readonly level: string
  readonly fields: { readonly code: string; readonly event: string; readonly err?: Error }
  readonly message: string
}

function logged(): { readonly logger: Logger; readonly lines: Written[]; codes(): string[] } {
  const lines: Written[] = []
  const to = (level: string) => (fields: object, message: string) => {
    lines.push({ level, fields: fields as Written['fields'], message })
  }
  const logger = { info: to('info'), warn: to('warn'), error: to('error') }
  return { logger, lines, codes: () => lines.map(({ fields }) => fields.code) }
}

test('without a logger an outage is a warning of Node with its code, once per kind and process', () => {
  const warned = new Set<string>()
  for (const name of ['shop', 'blog']) {
    const events = new Events()
    logEvents(events, name, undefined, warned)
    for (let outage = 0; outage < 3; outage++) {
      events.emit('degraded', { error: refused })
      events.emit('recovered', { degradedMs: 10 })
    }
  }
  expect(emitWarning.mock.calls).toEqual([
    [`shop: L2 is not used: ${refused.message}`, { type: 'TiercacheWarning', code: 'L2_UNAVAILABLE' }],
  ])
})

test('the caches of a process share its warnings, also those of several copies of the module', async () => {
  const holder = globalThis as { [name: symbol]: unknown }
  const shared = Symbol.for('tiercache.warned')
  const before = holder[shared]
  holder[shared] = new Set(['L2_UNAVAILABLE '])
  const events = new Events()
  logEvents(events, 'shop', undefined)
  events.emit('degraded', { error: refused })
  events.emit('degraded', { error: new CacheError('L2_TIMEOUT', 'late') })
  holder[shared] = before
  expect(emitWarning.mock.calls.map(([, options]) => (options as { code: string }).code)).toEqual(['L2_TIMEOUT'])
})

test('trouble that ends by itself is not a warning of the process', () => {
  const events = new Events()
  logEvents(events, 'shop', undefined, new Set())
  events.emit('recovered', { degradedMs: 10 })
  events.emit('busLost', { reason: 'cut' })
  events.emit('busRecovered', { lostMs: 10 })
  events.emit('loadFailed', { ...entry, reason: 'refresh', durationMs: 1, error: new Error('down') })
  events.emit('notice', { code: 'SCRIPT_MISSING', detail: 'sent again' })
  events.emit('notice', { code: 'CODE_OF_A_FOREIGN_STORE', detail: 'hello' })
  events.emit('closed', { lost: 0, unsaved: 0 })
  expect(emitWarning).not.toHaveBeenCalled()
})

const refusal = (name: string) =>
  new RefusedValue({ path: 'value', what: `an instance of ${name}`, cure: 'Leave it out' })

test.each<[string, (events: Events) => void]>([
  ['VALUE_NOT_KEPT', (e) => e.emit('notice', { code: 'VALUE_NOT_KEPT', detail: 'no', error: refusal('Cart') })],
  ['STORE_FAILED', (e) => e.emit('storeFailed', { ...entry, error: new TypeError('tags threw') })],
  ['ENTRY_CORRUPT', (e) => e.emit('corrupt', { ...entry, error: new CacheError('ENTRY_CORRUPT', 'damaged') })],
  ['OUT_OF_MEMORY', (e) => e.emit('notice', { code: 'OUT_OF_MEMORY', detail: 'full' })],
  ['LISTENER_FAILED', (e) => e.emit('listenerFailed', { event: 'hit', error: new Error('mine') })],
  ['CHANGES_LOST', (e) => e.emit('closed', { lost: 2, unsaved: 0 })],
])('what makes the cache useless is a warning without any listener: %s', (code, emit) => {
  const events = new Events()
  logEvents(events, 'shop', undefined, new Set())
  emit(events)
  emit(events)
  expect(emitWarning.mock.calls).toEqual([[expect.any(String), { type: 'TiercacheWarning', code }]])
  expect(emitWarning.mock.calls[0]?.[0], 'no key, which may be private').not.toContain('secret-key')
})

test('unsupported values of two classes are two kinds of warning, and each notice names its class', () => {
  const events = new Events()
  logEvents(events, 'shop', undefined, new Set())
  for (const name of ['Cart', 'Order', 'Cart']) {
    events.emit('storeFailed', { ...entry, error: refusal(name) })
    events.emit('notice', { code: 'VALUE_NOT_KEPT', detail: 'no', error: refusal(name) })
  }
  expect(emitWarning).toHaveBeenCalledTimes(2)
})

test('two sources whose values cannot be stored are two kinds of warning', () => {
  const events = new Events()
  logEvents(events, 'shop', undefined, new Set())
  const error = new TypeError('no')
  for (const scope of ['shop/a', 'shop/b', 'shop/a']) events.emit('storeFailed', { scope, key: 'k', error })
  expect(emitWarning).toHaveBeenCalledTimes(2)
})

test('with a logger each kind is logged once until it is over, and Node does not warn', () => {
  const { logger, lines, codes } = logged()
  const events = new Events()
  logEvents(events, 'shop', logger, new Set())
  for (let outage = 0; outage < 2; outage++) {
    events.emit('degraded', { error: refused })
    events.emit('degraded', { error: refused })
    events.emit('recovered', { degradedMs: 1_234.5 })
  }
  events.emit('notice', { code: 'OUT_OF_MEMORY', detail: 'full' })
  events.emit('notice', { code: 'OUT_OF_MEMORY', detail: 'full' })
  expect(codes()).toEqual(['L2_UNAVAILABLE', 'RECOVERED', 'L2_UNAVAILABLE', 'RECOVERED', 'OUT_OF_MEMORY'])
  expect(lines[0]).toEqual({
    level: 'warn',
    fields: { cache: 'shop', event: 'degraded', code: 'L2_UNAVAILABLE', err: refused },
    message: `tiercache shop: L2 is not used: ${refused.message}`,
  })
  expect(lines[1]?.level).toBe('info')
  expect(emitWarning).not.toHaveBeenCalled()
})

test('a logger is called as a method, and needs no info', () => {
  class Sparse {
    readonly lines: string[] = []
    warn(_fields: object, message: string) {
      this.lines.push(message)
    }
    error() {}
  }
  const logger = new Sparse()
  const events = new Events()
  logEvents(events, 'shop', logger)
  events.emit('recovered', { degradedMs: 1 })
  events.emit('degraded', { error: refused })
  expect(logger.lines).toHaveLength(1)
})

test('a logger that throws affects nothing', async () => {
  const throws = () => {
    throw new Error('disk full')
  }
  const { clock, a } = await fleet({ logger: { warn: throws, error: throws, info: throws } })
  a.tier.cut()
  await settle()
  expect(await a.cache.getOrSet('k', () => 1)).toBe(1)
  await clock.advance(1_000)
})

test('false silences everything', () => {
  const events = new Events()
  logEvents(events, 'shop', false)
  events.emit('degraded', { error: refused })
  expect(events.has('degraded')).toBe(false)
  expect(emitWarning).not.toHaveBeenCalled()
})

test('a cache with a logger logs its outage and its recovery', async () => {
  const { logger, codes } = logged()
  const { clock, a } = await fleet({ logger })
  a.tier.cut()
  await settle()
  a.tier.restore()
  await clock.advance(1_000)
  expect(codes().filter((code) => !code.startsWith('BUS_'))).toEqual(['L2_UNAVAILABLE', 'RECOVERED'])
})

test('a logger does not add a listener for hits', () => {
  const events = new Events()
  logEvents(events, 'shop', logged().logger)
  expect(events.hitsAreHeard).toBe(false)
  for (const event of ['hit', 'miss', 'loaded', 'servedStale', 'stored', 'invalidated', 'evicted'] as const) {
    expect(events.has(event)).toBe(false)
  }
})

test.each([
  ['console'],
  [true],
  [{}],
  [{ warn: () => {} }],
  [{ warn: () => {}, error: () => {}, info: 'yes' }],
  [null],
])('the logger %o is refused, and the message says what a logger needs', (logger) => {
  const options = { logger, l2: { ...memoryTier(), connect: vi.fn() }, clock: new FakeClock() }
  expect(() => createCache(options as unknown as CacheOptions)).toThrow(
    expect.objectContaining({ code: 'INVALID_OPTION', message: expect.stringMatching(/logger must be .*console/) }),
  )
})

test('a thrown value that is not an Error is wrapped in events, and callers get it as it is', async () => {
  const { cache } = l1Only()
  const heard: Error[] = []
  cache.on('loadFailed', ({ error }) => heard.push(error))
  const thrown = { status: 404 }
  await expect(cache.getOrSet('k', () => Promise.reject(thrown))).rejects.toBe(thrown)
  expect(heard).toEqual([expect.any(Error)])
  expect(heard[0]?.cause).toBe(thrown)
})
