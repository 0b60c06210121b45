// The option `logger` takes pino and console as they are.
import pino from 'pino'
import { createCache, type Logger } from 'tiercache'
import { FakeClock, memoryTier } from 'tiercache/testing'
import { expect, test, vi } from 'vitest'

/** An outage of L2 from its beginning to its end, logged to `logger`. */
async function outage(logger: Logger): Promise<void> {
  const clock = new FakeClock()
  const l2 = memoryTier()
  await using cache = createCache({ name: 'shop', clock, l2, logger })
  await clock.advance(1)
  l2.link.cut()
  await clock.advance(1)
  expect(await cache.set('secret-key', 1)).toBe('queued')
  l2.link.restore()
  await clock.advance(10_000)
}

test('pino writes a line of JSON for each, with the fields of the cache and the error', async () => {
  const lines: Record<string, unknown>[] = []
  const log = pino({ base: { service: 'web' } }, { write: (line) => void lines.push(JSON.parse(line)) })
  await outage(log)
  const [degraded, ...others] = lines
  expect(degraded).toMatchObject({
    level: pino.levels.values.warn,
    service: 'web',
    cache: 'shop',
    event: 'degraded',
    code: 'L2_UNAVAILABLE',
    err: { type: 'CacheError', code: 'L2_UNAVAILABLE', message: expect.any(String), stack: expect.any(String) },
    msg: expect.stringMatching(/^tiercache shop: L2 is not used: /),
  })
  expect(others).toContainEqual(
    expect.objectContaining({ level: pino.levels.values.info, event: 'recovered', code: 'RECOVERED' }),
  )
  expect(JSON.stringify(lines)).not.toContain('secret-key')
})

test('a child of pino adds its own fields, and a level above warn leaves only errors', async () => {
  const lines: string[] = []
  const log = pino({ level: 'error' }, { write: (line) => void lines.push(line) })
  await outage(log.child({ part: 'cache' }))
  expect(lines).toEqual([])
  await outage(log.child({ part: 'cache' }, { level: 'info' }))
  expect(lines.length).toBeGreaterThan(1)
  for (const line of lines) expect(JSON.parse(line)).toMatchObject({ part: 'cache', cache: 'shop' })
})

test('console prints the fields and the message', async () => {
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined)
  const info = vi.spyOn(console, 'info').mockImplementation(() => undefined)
  try {
    await outage(console)
    const fields = { cache: 'shop', event: 'degraded', code: 'L2_UNAVAILABLE', err: expect.any(Error) }
    expect(warn.mock.calls[0]).toEqual([fields, expect.stringMatching(/^tiercache shop: L2 is not used: /)])
    expect(info.mock.calls.map(([, message]) => message)).toContainEqual(expect.stringMatching(/L2 is used again/))
  } finally {
    warn.mockRestore()
    info.mockRestore()
  }
})
