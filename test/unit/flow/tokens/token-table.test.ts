import { describe, expect, test } from 'vitest'
import { TokenTable } from '../../../../src/flow/tokens/token-table.js'
import type { Entry } from '../../../../src/model/entry.js'
import { entryUntil } from '../../../support/entry.js'

const MAX_STALENESS_MS = 3_000
const OLD = `${'0'.repeat(16)}${'a'.repeat(16)}`
const NEW = `${'1'.repeat(16)}${'a'.repeat(16)}`

/** The table of a process that shares an L2; `heardAtMs` is when its bus was last heard. */
function table({ heardAtMs = 0, isShared = true, maxLabels = 100 } = {}): TokenTable {
  const tokens = new TokenTable({ maxLabels, maxStalenessMs: MAX_STALENESS_MS, isShared })
  if (isShared) tokens.heard(heardAtMs)
  return tokens
}

function learn(tokens: TokenTable, label: string, token: string, atMs: number): void {
  const ticket = tokens.beginRead()
  tokens.learn(label, token, atMs, ticket)
  tokens.endRead()
}

function entry(tokens: TokenTable, label: string, token: string, atMs: number): Entry {
  const labels = { labels: [label], tokens: [token] }
  return entryUntil('v', 1e9, { createdAtMs: atMs, verifiedAtMs: atMs, labels, epoch: tokens.epoch })
}

describe('a token', () => {
  test('may be used to judge entries while the bus is heard', () => {
    const tokens = table()
    learn(tokens, 't', OLD, 0)
    tokens.heard(10_000)
    expect(tokens.current('t', 10_000 + MAX_STALENESS_MS - 1)?.token).toBe(OLD)
    expect(tokens.current('t', 10_000 + MAX_STALENESS_MS)).toBeUndefined()
  })

  test('may be used for maxStaleness after the store confirmed it, although the bus is not heard', () => {
    const tokens = table({ heardAtMs: 0 })
    learn(tokens, 't', OLD, 5_000)
    expect(tokens.current('t', 5_000 + MAX_STALENESS_MS - 1)?.token).toBe(OLD)
    expect(tokens.current('t', 5_000 + MAX_STALENESS_MS)).toBeUndefined()
  })

  test('from before a gap in the announcements may not be used', () => {
    const tokens = table()
    learn(tokens, 't', OLD, 100)
    tokens.lost()
    expect(tokens.current('t', 101)).toBeUndefined()
  })

  test('that was requested before a gap in the announcements may not be used', () => {
    const tokens = table()
    const ticket = tokens.beginRead()
    tokens.lost()
    tokens.learn('t', OLD, 100, ticket)
    tokens.endRead()
    expect(tokens.current('t', 101)).toBeUndefined()
  })

  test('that was requested after the gap may be used', () => {
    const tokens = table()
    tokens.lost()
    learn(tokens, 't', OLD, 100)
    expect(tokens.current('t', 101)?.token).toBe(OLD)
  })

  test('whose label was invalidated during its read is not taken', () => {
    const tokens = table()
    const ticket = tokens.beginRead()
    tokens.forget('t')
    expect(tokens.learn('t', OLD, 100, ticket)).toBe(false)
    expect(tokens.learn('other', OLD, 100, ticket)).toBe(true)
    tokens.endRead()
    expect(tokens.current('t', 101)).toBeUndefined()
  })

  test('is not taken from the earlier of two overlapping reads if the label was invalidated between their beginnings', () => {
    const tokens = table()
    const earlier = tokens.beginRead()
    tokens.forget('t')
    const later = tokens.beginRead()
    expect(tokens.learn('t', NEW, 100, later)).toBe(true)
    tokens.endRead()
    expect(tokens.learn('t', OLD, 50, earlier)).toBe(false)
    tokens.endRead()
    expect(tokens.token('t')).toBe(NEW)
  })

  test('is certain as of the last sign of life of the bus', () => {
    const tokens = table()
    learn(tokens, 't', OLD, 100)
    tokens.heard(2_000)
    expect(tokens.asOf(tokens.current('t', 2_500)!, 2_500)).toBe(2_000)
  })

  test('that this process made up may not be used to judge entries of L2', () => {
    const tokens = table()
    const token = tokens.provisional('t')
    expect(tokens.provisional('t')).toBe(token)
    expect(tokens.current('t', 0)).toBeUndefined()
  })

  test('that was evicted from the table is unknown, so that the store is asked', () => {
    const tokens = table({ maxLabels: 2 })
    learn(tokens, 'a', OLD, 0)
    const cached = entry(tokens, 'a', OLD, 0)
    learn(tokens, 'b', OLD, 0)
    learn(tokens, 'c', OLD, 0)
    expect(tokens.size).toBe(2)
    expect(tokens.verify(cached, 1), 'nothing was invalidated').toBe('current')
    tokens.forget('d')
    expect(tokens.verify(cached, 1), 'it cannot be compared').toBe('invalidated')
  })
})

describe('an entry of L1', () => {
  test('costs one comparison until any label changes, and its tokens are compared once then', () => {
    const tokens = table()
    learn(tokens, 't', OLD, 0)
    const cached = entry(tokens, 't', OLD, 0)
    expect(cached.epoch).toBe(tokens.epoch)
    tokens.forget('another')
    expect(cached.epoch).toBeLessThan(tokens.epoch)
    expect(tokens.verify(cached, 1)).toBe('current')
    expect(cached.epoch).toBe(tokens.epoch)
  })

  test('is proven by the bus while nothing was missed, and else by its own verification, for maxStaleness', () => {
    const tokens = table()
    learn(tokens, 't', OLD, 0)
    const cached = entry(tokens, 't', OLD, 0)
    const provenAt = (nowMs: number) => tokens.isProven(cached, nowMs)
    expect([provenAt(MAX_STALENESS_MS - 1), provenAt(MAX_STALENESS_MS)], 'the bus is not heard').toEqual([true, false])
    tokens.lost()
    learn(tokens, 't', OLD, 1)
    expect(provenAt(1), 'its labels have to be compared').toBe(false)
    expect(tokens.verify(cached, 1)).toBe('current')
    tokens.heard(10)
    tokens.heard(100_000)
    learn(tokens, 't', OLD, 20)
    expect(tokens.verify(cached, 20)).toBe('current')
    expect(
      [provenAt(MAX_STALENESS_MS - 1), provenAt(MAX_STALENESS_MS)],
      'the bus is heard, but an announcement of its key may have been missed before',
    ).toEqual([true, false])
    const later = entry(tokens, 't', OLD, 20)
    expect(tokens.isProven(later, 100_000)).toBe(true)
    tokens.distrust()
    expect([tokens.isProven(later, 20), provenAt(20)], 'the cache is closed').toEqual([false, false])
  })

  test.each([
    ['is invalidated with its label', (tokens: TokenTable) => tokens.forget('t'), 'invalidated'],
    ['is expired with its label', (tokens: TokenTable) => tokens.expire('t', 0), 'expired'],
    ['is invalidated when the label has another token', (t: TokenTable) => learn(t, 't', NEW, 1), 'invalidated'],
    ['stays current when its token is confirmed', (tokens: TokenTable) => learn(tokens, 't', OLD, 1), 'current'],
  ])('%s', (_, happens, expected) => {
    const tokens = table()
    learn(tokens, 't', OLD, 0)
    const cached = entry(tokens, 't', OLD, 0)
    happens(tokens)
    expect(tokens.verify(cached, 2)).toBe(expected)
  })

  test('from before a gap in the announcements is served for maxStaleness after it was certain, then verified', () => {
    const tokens = table()
    learn(tokens, 't', OLD, 0)
    const cached = entry(tokens, 't', OLD, 1_000)
    tokens.heard(2_000)
    tokens.lost()
    expect(tokens.verify(cached, 1_000 + MAX_STALENESS_MS - 1)).toBe('current')
    expect(tokens.verify(cached, 1_000 + MAX_STALENESS_MS)).toBe('invalidated')
  })

  test('from before the first sign of life of the bus is verified, since earlier announcements never arrive', () => {
    const tokens = new TokenTable({ maxLabels: 10, maxStalenessMs: MAX_STALENESS_MS, isShared: true })
    const cached = entry(tokens, 't', OLD, 0)
    tokens.heard(1)
    tokens.heard(MAX_STALENESS_MS)
    expect(tokens.verify(cached, MAX_STALENESS_MS)).toBe('invalidated')
  })

  test('of a process without an L2 needs no bus', () => {
    const tokens = table({ isShared: false })
    const cached = entry(tokens, 't', tokens.provisional('t'), 0)
    expect(tokens.verify(cached, 1e8)).toBe('current')
    tokens.forget('t')
    expect(tokens.verify(cached, 1e8)).toBe('invalidated')
  })
})

describe('the trust in the bus', () => {
  test('counts from when the sign of life was requested, and never goes back', () => {
    const tokens = table({ heardAtMs: 5_000 })
    tokens.heard(4_000)
    expect(tokens.trustedUntilMs).toBe(5_000 + MAX_STALENESS_MS)
  })

  test('never ends for a bus that delivers before publish returns', () => {
    const tokens = table({ heardAtMs: Number.POSITIVE_INFINITY })
    expect(tokens.isTrusted(1e15)).toBe(true)
  })
})
