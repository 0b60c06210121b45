// The faults of the in-memory L2. Other tests depend on them, so each must do exactly what it says.
import { expect, test } from 'vitest'
import type { BusEvents, RemoteStore, StoreEvents } from '../../../src/model/ports.js'
import { FakeClock } from '../../../src/testing/fake-clock.js'
import { MemoryServer, type MemoryServerOptions } from '../../../src/testing/memory/memory-server.js'
import { type MemoryTier, memoryTier } from '../../../src/testing/memory/memory-tier.js'
import { settle } from '../../../src/testing/settle.js'

const LIFE_MS = 60_000
const entry = (body: string): Buffer =>
  Buffer.concat([Buffer.from([0xc7, 0x1e, 1, 1]), Buffer.alloc(12), Buffer.from(body)])

interface World {
  readonly clock: FakeClock
  readonly server: MemoryServer
  readonly tier: MemoryTier
  readonly store: RemoteStore
  readonly reports: string[]
  put(body: string): Promise<readonly (Error | undefined)[]>
  stored(): Promise<string | undefined>
}

function world(options: MemoryServerOptions = {}): World {
  const clock = new FakeClock()
  const server = new MemoryServer({ clock, ...options })
  const tier = memoryTier(server)
  const { store } = tier.connect('shop', clock)
  const reports: string[] = []
  store.start(reporting(reports))
  return {
    clock,
    server,
    tier,
    store,
    reports,
    put: (body) => store.apply([{ op: 'put', key: 'k', bytes: entry(body), keepMs: LIFE_MS }], undefined),
    // Without the link and its faults.
    stored: async () => {
      const [bytes] = await memoryTier(server).connect('shop', clock).store.read(['k'])
      return bytes && String(Buffer.from(bytes).subarray(16))
    },
  }
}

function reporting(reports: string[]): StoreEvents {
  return {
    ready: (server) => reports.push(`ready ${server}`),
    unready: () => reports.push('unready'),
    notice: (code) => reports.push(`notice ${code}`),
  }
}

/** The present state of a promise. */
async function outcome(promise: Promise<unknown>): Promise<string> {
  let state = 'pending'
  promise.then(
    () => {
      state = 'resolved'
    },
    (error: Error) => {
      state = `rejected: ${error.message}`
    },
  )
  await settle()
  return state
}

test('no command is executed or replied to within the call, even without latency', async () => {
  const { store, put } = world()
  void put('a')
  const read = store.read(['k'])
  await put('b')
  expect(String((await read)[0]).endsWith('a')).toBe(true)
})

test('latency applies to the request and to the reply, to the millisecond', async () => {
  const { clock, tier, put, stored } = world()
  tier.link.requestMs = 30
  tier.link.replyMs = 20
  const written = put('a')
  await clock.advance(29)
  expect(await stored()).toBeUndefined()
  await clock.advance(1)
  expect(await stored()).toBe('a')
  await clock.advance(19)
  expect(await outcome(written)).toBe('pending')
  await clock.advance(1)
  expect(await outcome(written)).toBe('resolved')
})

test('commands of one link are executed in the order of sending, even if the latency changes meanwhile', async () => {
  const { clock, tier, put, stored } = world()
  tier.link.requestMs = 100
  void put('slow, sent first')
  tier.link.requestMs = 0
  void put('fast, sent second')
  await clock.advance(99)
  expect(await stored()).toBeUndefined()
  await clock.advance(1)
  expect(await stored()).toBe('fast, sent second')
})

test('a refused command is rejected with the error and not executed, as many times as given', async () => {
  const { tier, put, stored } = world()
  tier.link.inject({ on: 'apply', times: 2, effect: 'refuse', error: new Error('BUSY') })
  await expect(put('a')).rejects.toThrow('BUSY')
  await expect(put('a')).rejects.toThrow('BUSY')
  expect(await stored()).toBeUndefined()
  await put('a')
  expect(await stored()).toBe('a')
})

test('a fault affects the commands that it names, until it is removed', async () => {
  const { tier, store, put } = world()
  const remove = tier.link.inject({ on: ['read', 'claim'], effect: 'refuse' })
  await put('a')
  await expect(store.read(['k'])).rejects.toMatchObject({ code: 'L2_UNAVAILABLE' })
  await expect(store.claim('k', Buffer.alloc(16), LIFE_MS)).rejects.toThrow()
  remove()
  await store.read(['k'])
})

test('a lost command is not executed; its promise never settles, or is rejected', async () => {
  const { tier, put, stored } = world()
  tier.link.inject({ times: 1, effect: 'loseCommand' })
  expect(await outcome(put('a'))).toBe('pending')
  tier.link.inject({ times: 1, effect: 'loseCommand', promise: 'rejected' })
  expect(await outcome(put('a'))).toContain('rejected')
  expect(await stored()).toBeUndefined()
})

test('a command whose reply is lost has been executed all the same', async () => {
  const { tier, put, stored } = world()
  tier.link.inject({ times: 1, effect: 'loseReply' })
  expect(await outcome(put('a'))).toBe('pending')
  expect(await stored()).toBe('a')
  tier.link.inject({ times: 1, effect: 'loseReply', promise: 'rejected' })
  expect(await outcome(put('b'))).toContain('rejected')
  expect(await stored()).toBe('b')
})

test('a delayed command is executed late, past later ones, even if the link was cut and the store closed meanwhile', async () => {
  const { clock, tier, store, put, stored } = world()
  tier.link.inject({ times: 1, effect: 'delay', byMs: 1_000 })
  const late = store.apply([{ op: 'delete', key: 'k' }], undefined)
  await put('on time')
  tier.cut()
  tier.restore()
  await store.close()
  expect(await outcome(late)).toContain('rejected')
  await clock.advance(999)
  expect(await stored()).toBe('on time')
  await clock.advance(1)
  expect(await stored()).toBeUndefined()
})

test('a repeated command is replied to once and executed twice', async () => {
  const { clock, tier, store, put, stored } = world()
  tier.link.inject({ times: 1, effect: 'repeat', byMs: 500 })
  await store.apply([{ op: 'delete', key: 'k' }], undefined)
  await put('newer')
  expect(await stored()).toBe('newer')
  await clock.advance(500)
  expect(await stored()).toBeUndefined()
})

test('corrupt bytes are in the reply only, or stay in the store', async () => {
  const { tier, server, store, put, stored } = world()
  await put('intact')
  tier.link.inject({ on: 'read', times: 1, effect: 'corrupt', change: (bytes) => bytes.subarray(0, 3) })
  expect((await store.read(['k']))[0]).toHaveLength(3)
  expect(await stored()).toBe('intact')
  server.corrupt('k', (bytes) => Buffer.concat([bytes, Buffer.from('!')]))
  expect(await stored()).toBe('intact!')
})

test('some changes of an apply fail while the others are applied', async () => {
  const { tier, store, stored } = world()
  tier.link.inject({ on: 'apply', times: 1, effect: 'failChanges', matches: (change) => change.op === 'delete' })
  const results = await store.apply(
    [
      { op: 'delete', key: 'other' },
      { op: 'put', key: 'k', bytes: entry('a'), keepMs: LIFE_MS },
    ],
    undefined,
  )
  expect(results).toEqual([expect.objectContaining({ code: 'L2_UNAVAILABLE' }), undefined])
  expect(await stored()).toBe('a')
})

test('a stalled link looks open, and its commands are executed in order when it resumes', async () => {
  const { clock, tier, store, put, stored } = world()
  tier.link.stall()
  const sent = [put('a'), put('b')]
  await clock.advance(3_600_000)
  expect(store.isReady()).toBe(true)
  expect(await outcome(sent[0]!)).toBe('pending')
  expect(await stored()).toBeUndefined()
  tier.link.resume()
  await Promise.all(sent)
  expect(await stored()).toBe('b')
})

test('a link whose replies are stalled executes commands and does not reply', async () => {
  const { tier, put, stored } = world()
  tier.link.stall('replies')
  const written = put('a')
  expect(await outcome(written)).toBe('pending')
  expect(await stored()).toBe('a')
  tier.link.resume()
  expect(await outcome(written)).toBe('resolved')
})

test('a paused server executes the commands that arrived when it resumes, however late', async () => {
  const { clock, server, store, put } = world()
  server.pause()
  const written = put('a')
  await clock.advance(10_000)
  expect(await outcome(written)).toBe('pending')
  expect(store.isReady()).toBe(true)
  server.resume()
  await written
})

test('a cut rejects commands in flight or leaves them pending, and is reported; nothing is sent until restore()', async () => {
  const { tier, store, reports, put, stored } = world()
  await settle()
  tier.link.requestMs = 10
  const [rejected] = [put('a')]
  tier.link.cut()
  expect(await outcome(rejected)).toContain('rejected')
  tier.link.restore()
  const unsettled = put('a')
  tier.link.cut('never')
  expect(await outcome(unsettled)).toBe('pending')
  expect(store.isReady()).toBe(false)
  tier.link.resetCounts()
  await expect(put('a')).rejects.toMatchObject({ code: 'L2_UNAVAILABLE' })
  expect(tier.link.count()).toBe(0)
  tier.link.restore()
  expect(reports).toEqual(['ready same', 'unready', 'ready same', 'unready', 'ready same'])
  expect(await stored()).toBeUndefined()
})

test('a restarted server is another server, with its data or without', async () => {
  const { server, store, reports, put, stored } = world()
  await put('a')
  const runId = server.runId
  server.restart('kept')
  expect(server.runId).not.toBe(runId)
  expect(await stored()).toBe('a')
  server.restart('lost')
  expect(await stored()).toBeUndefined()
  expect(reports).toEqual(['ready same', 'unready', 'ready other', 'unready', 'ready other'])
  expect(store.isReady()).toBe(true)
})

test('a failover brings back the data of a snapshot', async () => {
  const { server, put, stored } = world()
  await put('replicated')
  const snapshot = server.snapshot()
  await put('lost')
  server.failover(snapshot)
  expect(await stored()).toBe('replicated')
})

test.each([
  ['readOnly', 'L2_UNAVAILABLE', 'works'],
  ['loading', 'L2_UNAVAILABLE', 'rejects'],
  ['unauthorized', 'L2_MISCONFIGURED', 'rejects'],
] as const)('a server that is %s refuses writes with %s, and a read %s', async (condition, code, read) => {
  const { server, store, put } = world()
  await put('a')
  server.condition = condition
  await expect(store.claim('new', Buffer.alloc(16), LIFE_MS)).rejects.toMatchObject({ code })
  if (read === 'works') {
    expect(await put('b')).toEqual([expect.objectContaining({ code })])
    await store.read(['k'])
  } else {
    await expect(put('b')).rejects.toMatchObject({ code })
    await expect(store.read(['k'])).rejects.toMatchObject({ code })
  }
  server.condition = 'healthy'
  await put('c')
})

test('a server out of memory stores no value and no token, but leases, removals and changes in place work', async () => {
  const { server, store, reports, put, stored } = world()
  await put('a')
  const [token] = (await store.ensureTokens(['t:x'], ['0'.repeat(32)], LIFE_MS, undefined)).tokens
  server.condition = 'outOfMemory'
  const lease = Buffer.alloc(16, 7)
  const planted = await store.claim('new', lease, LIFE_MS)
  expect(planted.subarray(0, 16)).toEqual(lease)
  expect(await store.swap('new', planted, entry('b'), LIFE_MS)).toBeUndefined()
  const changes = [
    { op: 'put', key: 'k', bytes: entry('b'), keepMs: LIFE_MS },
    { op: 'expireLabel', label: 't:x', soft: '1'.repeat(16) },
  ] as const
  expect(await store.apply(changes, Buffer.from('announced'))).toEqual([undefined, undefined])
  expect(await store.read(['new'])).toEqual([undefined])
  expect(await stored()).toBeUndefined()
  const { tokens } = await store.ensureTokens(['t:x', 't:y'], ['2'.repeat(32), '3'.repeat(32)], LIFE_MS, undefined)
  expect(tokens).toEqual([expect.stringMatching(`^${token?.slice(0, 16)}`), '3'.repeat(32)])
  expect(tokens[0]).not.toBe(token)
  expect(await store.readTokens(['t:y'])).toEqual([undefined])
  expect(reports.filter((report) => report === 'notice OUT_OF_MEMORY')).toHaveLength(3)
})

test('a key of another type is removed when it is claimed', async () => {
  const { server, store, reports } = world()
  server.plantOtherType('k')
  const planted = await store.claim('k', Buffer.alloc(16, 7), LIFE_MS)
  expect(planted.subarray(0, 16)).toEqual(Buffer.alloc(16, 7))
  expect(await store.read(['k'])).toEqual([planted])
  expect(reports).toContain('notice WRONG_TYPE')
})

test('a claim that was executed twice finds its own lease and has it', async () => {
  const { store } = world()
  const planted = await store.claim('k', Buffer.alloc(16, 7), LIFE_MS)
  expect(await store.claim('k', Buffer.alloc(16, 7), LIFE_MS)).toEqual(planted)
  expect(await store.claim('k', Buffer.alloc(16, 8), LIFE_MS)).toEqual(planted)
})

test('a bus whose log is gone reports the loss and listens to the next log', async () => {
  const { clock, server, tier, store } = world()
  const { bus } = tier.connect('shop', clock)
  const told: string[] = []
  bus?.start('shop', busEvents(told), clock)
  await settle()
  server.evictLog('shop')
  await clock.advance(2_000)
  await store.apply([], Buffer.from('later'))
  await settle()
  expect(told.filter((each) => each !== 'heard')).toEqual(['lost', 'message later'])
  await bus?.close()
})

test.each(['loading', 'unauthorized', 'readOnly'] as const)(
  'a bus that finds the server %s is heard once it is healthy',
  async (condition) => {
    const { clock, server, tier } = world()
    server.condition = condition
    const { bus } = tier.connect('shop', clock)
    const told: string[] = []
    bus?.start('shop', busEvents(told), clock)
    await clock.advance(5_000)
    expect(told).toEqual([])
    server.condition = 'healthy'
    await clock.advance(1_000)
    expect(told).toContain('heard')
    await bus?.close()
    expect(clock.pendingTimers).toBe(0)
  },
)

test('beyond maxKeys the least recently used key goes, a token like an entry', async () => {
  const { store, server } = world({ maxKeys: 2 })
  await store.ensureTokens(['t:x'], ['0'.repeat(32)], LIFE_MS, undefined)
  await store.claim('a', Buffer.alloc(16, 1), LIFE_MS)
  await store.readTokens(['t:x']) // used again
  await store.claim('b', Buffer.alloc(16, 2), LIFE_MS)
  expect(server.keys()).toEqual(['{shop}#t:x', 'b'])
})

test('a key, a token or all data can be evicted by hand', async () => {
  const { store, server, put, stored } = world()
  await put('a')
  const { tokens } = await store.ensureTokens(['t:x', 't:y'], ['0'.repeat(32), '1'.repeat(32)], LIFE_MS, undefined)
  expect(server.evict('k')).toBe(true)
  expect(server.evict('k')).toBe(false)
  expect(await stored()).toBeUndefined()
  server.evictToken('shop', 't:x')
  expect(await store.readTokens(['t:x', 't:y'])).toEqual([undefined, tokens[1]])
  server.wipe()
  expect(server.keys()).toEqual([])
})

test('caches of different names share entries by key and nothing else', async () => {
  const { clock, server, store } = world()
  await store.ensureTokens(['t:x'], ['0'.repeat(32)], LIFE_MS, undefined)
  const other = memoryTier(server).connect('other', clock).store
  expect(await other.readTokens(['t:x'])).toEqual([undefined])
})

test("expiry follows the server's clock to the millisecond", async () => {
  const { clock, put, stored } = world()
  await put('a')
  await clock.advance(LIFE_MS - 1)
  expect(await stored()).toBe('a')
  await clock.advance(1)
  expect(await stored()).toBeUndefined()
})

test('bytes passed in or returned are copies', async () => {
  const { store, stored } = world()
  const given = entry('a')
  await store.apply([{ op: 'put', key: 'k', bytes: given, keepMs: LIFE_MS }], undefined)
  given.fill(0)
  ;(await store.read(['k']))[0]?.fill(0)
  expect(await stored()).toBe('a')
})

test('commands are counted by method, one per call', async () => {
  const { tier, store, put } = world()
  await put('a')
  await store.read(['k', 'l', 'm'])
  await store.read(['k'])
  expect(tier.link.count('read')).toBe(2)
  expect(tier.link.count()).toBe(3)
  tier.link.resetCounts()
  expect(tier.link.count()).toBe(0)
})

test('a server without a clock takes that of the first cache, and its time does not jump', async () => {
  const server = new MemoryServer()
  const beforeMs = server.nowMs()
  const clock = new FakeClock(5)
  memoryTier(server).connect('shop', clock)
  memoryTier(server).connect('shop', new FakeClock(9_000_000))
  expect(Math.abs(server.nowMs() - beforeMs)).toBeLessThan(10_000)
  const adoptedMs = server.nowMs()
  await clock.advance(123)
  expect(server.nowMs() - adoptedMs).toBe(123)
})

test('a lost announcement is reported in its place', async () => {
  const { clock, tier, store } = world()
  const { bus } = tier.connect('shop', clock)
  const told: string[] = []
  bus?.start('shop', busEvents(told), clock)
  await settle()
  tier.busLink.lose(1)
  await store.apply([], Buffer.from('one'))
  await settle()
  await store.apply([], Buffer.from('two'))
  await settle()
  expect(told.filter((each) => each !== 'heard')).toEqual(['lost', 'message two'])
  await bus?.close()
})

test('announcements of a stalled bus arrive late, and in reverse order if that is asked for', async () => {
  const { clock, tier, store } = world()
  const { bus } = tier.connect('shop', clock)
  const told: string[] = []
  bus?.start('shop', busEvents(told), clock)
  await settle()
  await store.apply([], Buffer.from('zero'))
  tier.busLink.stall()
  told.length = 0
  for (const text of ['one', 'two', 'three']) await store.apply([], Buffer.from(text))
  await clock.advance(60_000)
  expect(told).toEqual([])
  tier.busLink.reorder()
  tier.busLink.resume()
  await clock.advance(1_000)
  expect(told.filter((each) => each.startsWith('message')).sort()).toEqual([
    'message one',
    'message three',
    'message two',
  ])
  expect(told.indexOf('message three')).toBeLessThan(told.indexOf('message two'))
  await bus?.close()
})

test('nothing is left behind when store and bus are closed', async () => {
  const { clock, tier, store } = world()
  const { bus } = tier.connect('shop', clock)
  bus?.start('shop', busEvents([]), clock)
  await clock.advance(5_000)
  expect(clock.pendingTimers).toBeGreaterThan(0)
  await bus?.close()
  await store.close()
  expect(clock.pendingTimers).toBe(0)
})

function busEvents(told: string[]): BusEvents {
  return {
    message: (bytes) => told.push(`message ${Buffer.from(bytes)}`),
    changed: () => told.push('changed'),
    heard: () => told.push('heard'),
    lost: () => told.push('lost'),
  }
}
