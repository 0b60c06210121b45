// What a store of sessions promises, in two processes over one server on the fake clock.
import type { CacheError } from 'tiercache'
import { type SessionOptions, sessionStore } from 'tiercache/sessions'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { leavesNothing } from '../../support/leaves-nothing.js'

interface Message {
  readonly id?: string
  readonly role: string
  readonly content: unknown
}

const { fleet, l1Only } = leavesNothing()
const say = (content: string, id?: string): Message => ({ role: 'user', content, ...(id && { id }) })
const contents = (items: readonly Message[]) => items.map(({ content }) => content)
const codeOf = (call: Promise<unknown>) =>
  call.then(
    () => 'none',
    (error: CacheError) => error.code,
  )

/** The wall clock, which counts the age of sessions, moves with the clock of the caches. */
beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'] }))
afterEach(() => void vi.useRealTimers())

async function twoProcesses(options: Partial<SessionOptions<Message>> = {}) {
  const { a, b, clock, ...rest } = await fleet()
  const open = (cache: typeof a.cache) => sessionStore<Message>(cache, { name: 'chats', ...options })
  const advance = async (ms: number) => {
    vi.setSystemTime(Date.now() + ms)
    await clock.advance(ms)
  }
  return { ...rest, a, b, clock, advance, chats: open(a.cache), others: open(b.cache) }
}

describe('append', () => {
  test('adds items behind those of every process, and says what it made of the session', async () => {
    const { chats, others } = await twoProcesses()
    expect(await chats.append('c', say('1'))).toEqual({ version: 1, count: 1, isNew: true })
    expect(await others.append('c', [say('2'), say('3')])).toEqual({ version: 2, count: 3, isNew: false })
    expect(contents(await chats.items('c'))).toEqual(['1', '2', '3'])
    expect(contents(await others.items('c', { last: 2 }))).toEqual(['2', '3'])
    expect(await chats.items('another')).toEqual([])
  })

  test('adds an item with an id once, however often and where it is repeated', async () => {
    const { chats, others } = await twoProcesses()
    await chats.append('c', [say('1', 'm1'), say('1 again', 'm1')])
    expect(await others.append('c', say('1 once more', 'm1'))).toEqual({ version: 1, count: 1, isNew: false })
    await Promise.all([chats.append('c', say('2', 'm2')), others.append('c', say('2', 'm2'))])
    expect(contents(await chats.items('c'))).toEqual(['1', '2'])
  })

  test('does not bring back what was trimmed or removed', async () => {
    const { chats } = await twoProcesses({ maxItems: 2 })
    await chats.append('c', [say('1', 'm1'), say('2', 'm2')])
    await chats.append('c', say('3', 'm3'))
    await chats.append('c', say('1', 'm1'))
    await chats.update('c', (items) => items.slice(1))
    await chats.append('c', [say('2', 'm2'), say('4', 'm4')])
    expect(contents(await chats.items('c'))).toEqual(['3', '4'])
  })

  test('calls of one moment keep their order, and one that does not fit holds up no other', async () => {
    const { chats, others } = await twoProcesses({ maxBytes: 200 })
    const outcomes = await Promise.all([
      ...['1', '2'].map((text) => codeOf(chats.append('c', say(text)))),
      codeOf(chats.append('c', say('x'.repeat(300)))),
      codeOf(chats.append('c', say('3'))),
    ])
    expect(outcomes).toEqual(['none', 'none', 'SESSION_FULL', 'none'])
    expect(contents(await others.items('c'))).toEqual(['1', '2', '3'])
  })

  test('after the first one needs no read of L2: memory knows the session', async () => {
    const { a, chats } = await twoProcesses()
    await chats.append('c', say('1'))
    const before = a.tier.link.count('read')
    await chats.append('c', say('2'))
    expect(a.tier.link.count('read')).toBe(before)
  })

  test('rejects while L2 is away, and appends nothing in this process alone', async () => {
    const { a, chats, others, advance } = await twoProcesses()
    await chats.append('c', say('1', 'm1'))
    a.tier.link.cut()
    expect(await codeOf(chats.append('c', say('2', 'm2')))).toBe('L2_UNAVAILABLE')
    expect(contents(await others.items('c'))).toEqual(['1'])
    a.tier.link.restore()
    await advance(5_000)
    await chats.append('c', say('2', 'm2'))
    expect(contents(await others.items('c'))).toEqual(['1', '2'])
  })

  test('works in memory alone', async () => {
    const { cache } = l1Only()
    const chats = sessionStore<Message>(cache, { name: 'chats' })
    await Promise.all([1, 2, 3].map((n) => chats.append('c', say(String(n)))))
    expect(contents(await chats.items('c'))).toEqual(['1', '2', '3'])
    expect(await chats.info('c')).toMatchObject({ count: 3 })
  })
})

describe('the life of a session', () => {
  test('ends after the idle ttl, and a read from memory renews it', async () => {
    const { a, chats, others, advance } = await twoProcesses({ idleTtl: '10m' })
    await chats.append('c', say('1'))
    for (let i = 0; i < 5; i++) {
      await advance(9 * 60_000)
      const before = a.tier.link.count('read')
      expect(await chats.items('c')).toHaveLength(1)
      expect(a.tier.link.count('read')).toBe(before)
    }
    expect(await others.items('c')).toHaveLength(1)
    await advance(10 * 60_000)
    expect(await chats.items('c')).toEqual([])
    expect(await chats.append('c', say('2'))).toEqual({ version: 1, count: 1, isNew: true })
  })

  test('ends at its maxAge, however often it is changed', async () => {
    const { chats, others, advance } = await twoProcesses({ idleTtl: '10m', maxAge: '1h' })
    for (let minutes = 0; minutes < 60; minutes += 9) {
      await chats.append('c', say(String(minutes)))
      await advance(9 * 60_000)
    }
    expect(await chats.items('c')).toEqual([])
    expect(await others.items('c')).toEqual([])
  })

  test('that ended does not begin anew by a late append, of any process, within its maxAge', async () => {
    const { chats, others, advance } = await twoProcesses({ idleTtl: '10m', maxAge: '1h' })
    await chats.append('c', say('1'))
    await others.items('c')
    const [outcome] = await Promise.all([codeOf(others.append('c', say('2'))), chats.end('c')])
    expect(['none', 'SESSION_ENDED']).toContain(outcome)
    await advance(59 * 60_000)
    expect(await codeOf(others.append('c', say('3')))).toBe('SESSION_ENDED')
    expect(await codeOf(chats.update('c', () => [say('4')]))).toBe('SESSION_ENDED')
    expect([await chats.items('c'), await others.info('c')]).toEqual([[], undefined])
    await advance(60_000)
    expect(await codeOf(others.append('c', say('5')))).toBe('none')
  })

  test('ends with its tags', async () => {
    const { a, chats, others, advance } = await twoProcesses({ tags: (id) => [`user:${id.split('/')[0]}`] })
    await chats.append('7/c', say('1'))
    await chats.append('8/c', say('1'))
    await a.cache.invalidateTags(['user:7'])
    await advance(1)
    expect([await others.items('7/c'), await others.items('8/c')]).toMatchObject([[], [{ content: '1' }]])
  })
})

describe('update', () => {
  test('replaces the items, and loses none that is appended meanwhile', async () => {
    const { chats, others } = await twoProcesses()
    await chats.append('c', [say('1'), say('2')])
    let calls = 0
    const summary = await chats.update('c', async (items) => {
      if (calls++ === 0) await others.append('c', say('3'))
      return [say(contents(items).join('+'))]
    })
    expect(summary).toEqual({ version: 3, count: 1, isNew: false })
    expect(contents(await others.items('c'))).toEqual(['1+2+3'])
  })

  test('with nothing leaves the session as it is, and with a wrong result changes nothing', async () => {
    const { chats } = await twoProcesses()
    await chats.append('c', say('1'))
    expect(await chats.update('c', () => undefined)).toBeUndefined()
    expect(await codeOf(chats.update('c', () => 'text' as never))).toBe('INVALID_OPTION')
    expect(await chats.info('c')).toMatchObject({ version: 1, count: 1, startedAtMs: Date.now() })
  })
})

test.each([
  [{ name: 'chats', maxItems: 0 }],
  [{ name: 'chats', maxBytes: -1 }],
  [{ name: 'chats', maxAge: 0 }],
  [{ name: 'chats', idOf: 'id' }],
  [{ name: 'chats', max: 7 }],
  [{ name: 'chats', l3: { load: () => [] } }],
])('refuses wrong options: %j', (options) => {
  const { cache } = l1Only()
  expect(() => sessionStore(cache, options as never)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }))
})
