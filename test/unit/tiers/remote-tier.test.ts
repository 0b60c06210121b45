import { deferred, FakeClock, MemoryServer, memoryTier, settle } from 'tiercache/testing'
import { describe, expect, test } from 'vitest'
import { CacheError } from '../../../src/model/errors.js'
import { resolveTierOptions } from '../../../src/model/options/tier-policy.js'
import { UNAVAILABLE } from '../../../src/tiers/operation.js'
import { RemoteTier } from '../../../src/tiers/remote-tier.js'

const LEASE = Buffer.alloc(16, 1)
const REFUSED = new CacheError('L2_MISCONFIGURED', 'NOPERM')

/** An L2 over the in-memory server, with an open link unless `isDown`, and a record of what it reported. */
async function remote({
  isDown = false,
  ...options
}: {
  isDown?: boolean
  timeout?: number
  connectTimeout?: number
} = {}) {
  const clock = new FakeClock()
  const memory = memoryTier(new MemoryServer())
  const { store } = memory.connect('shop', clock)
  if (isDown) memory.link.cut()
  const told: string[] = []
  const opened = { count: 0 }
  let works: () => Promise<boolean> = async () => true
  const tier = new RemoteTier(store, clock, resolveTierOptions({ timeout: 200, ...options }), () => 1, {
    comeBack: () => works(),
    breakerOpened: () => void opened.count++,
    degraded: (reason) => void told.push(`degraded: ${reason.message}`),
    connected: (tookMs) => void told.push(`connected after ${tookMs}`),
    explained: (cause) => void told.push(`explained ${cause.message}`),
    recovered: (degradedMs) => void told.push(`recovered after ${degradedMs}`),
    failed: (operation) => void told.push(`${operation} failed`),
    answered: () => undefined,
  })
  store.start({
    ready: (server) => tier.storeReady(server),
    unready: (reason) => tier.storeUnready(reason),
    notice: () => undefined,
  })
  await settle()
  told.length = 0
  const { link, server } = memory
  const comeBackWith = (run: typeof works) => {
    works = run
  }
  return { clock, link, server, store, tier, told, opened, comeBackWith }
}

describe('an operation of L2', () => {
  test('without a reply is given up at its deadline, and not before', async () => {
    const { clock, link, tier, told } = await remote()
    link.stall()
    let answer: unknown
    void tier.claim('shop:k', LEASE, 1_000).then((came) => {
      answer = came
    })
    await clock.advance(199)
    expect(answer).toBeUndefined()
    await clock.advance(1)
    expect(answer).toBe(UNAVAILABLE)
    expect(told).toEqual(['claim failed'])
    expect(clock.pendingTimers).toBe(0)
  })

  test('whose reply comes late changes nothing', async () => {
    const { clock, link, tier } = await remote()
    link.replyMs = 300
    const answer = tier.claim('shop:k', LEASE, 1_000)
    await clock.advance(300)
    expect(await answer).toBe(UNAVAILABLE)
  })

  test('may get less time than the deadline, or none', async () => {
    const { clock, link, tier } = await remote()
    link.stall()
    expect(await tier.claim('shop:k', LEASE, 1_000, { withinMs: 0 })).toBe(UNAVAILABLE)
    expect(link.count()).toBe(0)
    const answer = tier.claim('shop:k', LEASE, 1_000, { withinMs: 50 })
    await clock.advance(50)
    expect(await answer).toBe(UNAVAILABLE)
  })

  test('of a store that throws or returns no promise counts as failed', async () => {
    const { store, tier, told } = await remote()
    store.readTokens = () => {
      throw new TypeError('a defect')
    }
    store.claim = () => undefined as never
    expect(await tier.readTokens(['t:x'])).toBe(UNAVAILABLE)
    expect(await tier.claim('shop:k', LEASE, 1_000)).toBe(UNAVAILABLE)
    expect(told).toEqual(['readTokens failed', 'claim failed'])
  })

  test('is not sent while the breaker is open, and costs no time', async () => {
    const { clock, link, tier } = await remote()
    link.stall()
    for (let i = 0; i < 3; i++) {
      const answer = tier.readTokens(['t:x'])
      await clock.advance(200)
      await answer
    }
    expect(tier.state).toBe('open')
    link.resetCounts()
    const startMs = clock.nowMs()
    expect(await tier.read('shop:k')).toBe(UNAVAILABLE)
    expect(await tier.claim('shop:k', LEASE, 1_000)).toBe(UNAVAILABLE)
    expect([clock.nowMs() - startMs, link.count()]).toEqual([0, 0])
  })

  test('is not sent while the link is down', async () => {
    const { link, tier } = await remote()
    link.cut()
    expect(await tier.read('shop:k')).toBe(UNAVAILABLE)
    expect(link.count()).toBe(0)
  })

  test('in flight is given up when the tier is ended, and its timer is removed', async () => {
    const { clock, link, tier, told } = await remote()
    link.stall()
    const answers = [tier.read('shop:k'), tier.claim('shop:k', LEASE, 1_000)]
    await settle()
    tier.end()
    expect(await Promise.all(answers)).toEqual([UNAVAILABLE, UNAVAILABLE])
    expect(clock.pendingTimers).toBe(0)
    expect(told).toEqual([])
  })
})

describe('at the start of L2', () => {
  test('operations wait for the first connection longer than for a reply', async () => {
    const { clock, link, tier, told } = await remote({ isDown: true, timeout: 200, connectTimeout: 3_000 })
    const early = tier.read('shop:k')
    await clock.advance(2_900)
    link.restore()
    expect(await early).toBeUndefined()
    expect(told).toEqual(['connected after 2900'])
  })

  test('a connection that is not there in time is an outage from then on, and no operation waits', async () => {
    const { clock, link, tier, told } = await remote({ isDown: true, connectTimeout: 2_000 })
    const early = tier.read('shop:k')
    await clock.advance(2_000)
    expect(await early).toBe(UNAVAILABLE)
    expect(told).toEqual(['degraded: expected L2 to be connected within 2000 ms; it is still connecting'])
    expect(tier.mayAnswer()).toBe(false)
    await clock.advance(800)
    link.restore()
    await settle()
    expect(told.slice(1)).toEqual(['recovered after 800', 'connected after 2800'])
    expect(tier.isAvailable()).toBe(true)
  })

  test('a first connection that fails is an outage at once, and no operation waits for the next attempt', async () => {
    const { clock, tier, told } = await remote({ isDown: true })
    const early = tier.read('shop:k')
    tier.storeUnready(new Error('ECONNREFUSED'))
    expect(await early).toBe(UNAVAILABLE)
    expect(told).toEqual(['degraded: ECONNREFUSED'])
    const startMs = clock.nowMs()
    expect(await tier.read('shop:k')).toBe(UNAVAILABLE)
    expect(clock.nowMs()).toBe(startMs)
    tier.end()
    expect(clock.pendingTimers).toBe(0)
  })

  test('the first connection is reported once, however often L2 comes back', async () => {
    const { clock, link, told } = await remote({ isDown: true })
    link.restore()
    await settle()
    link.cut()
    await clock.advance(100)
    link.restore()
    await settle()
    expect(told.filter((line) => line.startsWith('connected'))).toEqual(['connected after 0'])
  })

  test('a cause that becomes known after the outage was reported is reported once, and does not delay the next trial', async () => {
    const { clock, link, tier, told } = await remote({ isDown: true, connectTimeout: 2_000 })
    await clock.advance(2_000)
    const cause = new Error('getaddrinfo ENOTFOUND redis')
    for (let attempt = 0; attempt < 3; attempt++) {
      tier.storeUnready(new Error('still nothing'))
      tier.storeUnready(new CacheError('L2_HOST_UNKNOWN', 'no such host', { cause }))
      await clock.advance(100)
    }
    expect(told).toEqual([expect.stringMatching(/^degraded: .* within 2000 ms/), 'explained no such host'])
    link.restore()
    await settle()
    expect(tier.isAvailable()).toBe(true)
  })
})

describe('a caller that waits for L2 to be in use', () => {
  test('resolves at once if L2 is in use, and when it comes into use', async () => {
    const { clock, link, tier } = await remote({ isDown: true })
    const waiting = tier.whenInUse(10_000)
    await clock.advance(4_000)
    link.restore()
    await waiting
    await tier.whenInUse(1)
    expect(clock.pendingTimers).toBe(0)
  })

  test('is rejected at the end of its time with the reason', async () => {
    const { clock, tier } = await remote({ isDown: true })
    const cause = new CacheError('L2_MISCONFIGURED', 'WRONGPASS')
    const waiting = tier.whenInUse(1_000).catch((error: unknown) => error)
    tier.storeUnready(cause)
    await clock.advance(1_000)
    expect(await waiting).toMatchObject({
      code: 'L2_MISCONFIGURED',
      cause,
      message: expect.stringContaining('WRONGPASS'),
    })
  })

  test('is rejected when the cache is closed', async () => {
    const { clock, tier } = await remote({ isDown: true })
    const waiting = tier.whenInUse(1_000)
    tier.end()
    await expect(waiting).rejects.toMatchObject({ code: 'CLOSED' })
    expect(clock.pendingTimers).toBe(0)
  })
})

describe('an outage of L2', () => {
  test('is reported once, with its duration, however often the trials fail', async () => {
    const { clock, link, tier, told, opened, comeBackWith } = await remote()
    comeBackWith(() => tier.answers())
    link.stall()
    for (let i = 0; i < 3; i++) {
      const answer = tier.readTokens(['t:x'])
      await clock.advance(200)
      await answer
    }
    await clock.advance(60_000)
    link.resume()
    await clock.advance(15_000)
    const events = told.filter((line) => !line.endsWith('failed'))
    expect(events).toHaveLength(2)
    expect(events[0]).toMatch(/^degraded: expected L2 to reply to readTokens\(\) within 200 ms; it did not/)
    expect(Number(/^recovered after (\d+)$/.exec(events[1] ?? '')?.[1])).toBeGreaterThan(60_000)
    expect(opened.count).toBe(1)
  })

  test('ends only when the recovery has done its work', async () => {
    const { link, tier, comeBackWith } = await remote()
    const work = deferred<boolean>()
    comeBackWith(() => work.promise)
    link.cut()
    link.restore()
    await settle()
    expect(await tier.read('shop:k')).toBe(UNAVAILABLE)
    work.resolve(true)
    await settle()
    expect(await tier.read('shop:k')).toBeUndefined()
  })

  test('begins when another server takes over, so that the recovery comes before other operations', async () => {
    const { server, tier, told, comeBackWith } = await remote()
    const asked: string[] = []
    comeBackWith(async () => {
      asked.push(tier.isAvailable() ? 'while others ask' : 'alone')
      return true
    })
    server.restart('kept')
    await settle()
    expect(asked).toEqual(['alone'])
    expect(told[0]).toMatch(/^degraded/)
    expect(tier.isAvailable()).toBe(true)
  })
})

describe('a refusal of this client', () => {
  test('opens the breaker at once, and the outage lasts until the refused operation works, although trials succeed', async () => {
    const { clock, link, tier, told, opened } = await remote()
    const permit = link.inject({ on: 'claim', effect: 'refuse', error: REFUSED })
    for (let i = 0; i < 20; i++) {
      await tier.claim('shop:k', LEASE, 1_000)
      await clock.advance(15_000)
    }
    permit()
    await tier.readTokens(['t:x'])
    expect(told.filter((line) => !line.endsWith('failed'))).toEqual(['degraded: NOPERM'])
    await tier.claim('shop:k', LEASE, 1_000)
    expect(told.filter((line) => !line.endsWith('failed'))).toEqual(['degraded: NOPERM', 'recovered after 300000'])
    expect(opened.count, 'each opening counts').toBe(20)
  })

  test('that comes and goes is reported once a minute at most', async () => {
    const { clock, link, tier, told } = await remote()
    const startMs = clock.nowMs()
    while (clock.nowMs() < startMs + 110_000) {
      link.inject({ on: 'claim', effect: 'refuse', error: REFUSED, times: 1 })
      await tier.claim('shop:k', LEASE, 1_000)
      await clock.advance(15_000)
      await tier.claim('shop:k', LEASE, 1_000)
    }
    expect(told.filter((line) => line.startsWith('degraded'))).toHaveLength(2)
    expect(told.filter((line) => line.startsWith('recovered'))).toHaveLength(2)
  })
})
