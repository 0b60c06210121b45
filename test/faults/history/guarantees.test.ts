// G1, G2 and G3 on a real Redis: processes read, write and invalidate during faults of all kinds; the checker judges every read.
import { describe, expect, test } from 'vitest'
import { check } from './checker.js'
import { BUS_FAULTS } from './nemesis.js'
import type { HistoryRecord, ReadRecord } from './records.js'
import { describe as inWords, runHistory } from './run.js'

const DURATION_MS = Number(process.env.HISTORY_MS ?? 20_000)
const MAX_STALENESS_MS = 1_000
/** A mutation is detected within seconds; a busy machine needs longer. */
const MOST_MS = 40_000

test(
  'no process reads a value after the time that its invalidation allows, whatever breaks',
  async () => {
    const history = await runHistory({
      ...{
        durationMs: DURATION_MS,
        processes: 4,
        writers: 2,
        concurrency: 8,
        keys: 8,
        maxStalenessMs: MAX_STALENESS_MS,
      },
    })
    console.log(inWords(history))
    expect(history.verdict.violations).toEqual([])
    expect(history.operations).toBeGreaterThan(1_000)
    expect(Object.keys(history.faults).length).toBeGreaterThan(5)
  },
  DURATION_MS + 90_000,
)

describe('the checker reports', () => {
  test.each([
    ['processes whose fills ignore the fence', 'a fill stores whatever is under the key', 3],
    ['processes that trust their bus for ever', 'the bus is trusted for ever', 1],
  ])(
    '%s',
    async (_, mutation, writers) => {
      const { verdict } = await runHistory({
        ...{ durationMs: MOST_MS, until: 'a violation', mutation, faults: BUS_FAULTS },
        ...{ processes: 3, writers, concurrency: 8, keys: 3, maxStalenessMs: MAX_STALENESS_MS },
      })
      expect(verdict.violations.length).toBeGreaterThan(0)
    },
    MOST_MS + 90_000,
  )

  const born = { record: 'birth', id: 'v', process: 0, key: 'k', tags: ['t'], atMs: 100, write: undefined } as const
  const instants = { calledMs: 200, completedMs: 210, result: 'applied' } as const
  const deleted = { record: 'write', process: 0, number: 0, kind: 'delete', key: 'k', tags: [], ...instants } as const
  const readBy = (process: number, calledMs: number, kind: ReadRecord['kind'] = 'get'): HistoryRecord => {
    const instants = { turnMs: calledMs, calledMs, completedMs: calledMs + 1 }
    return { record: 'read', process, kind, key: 'k', value: 'v', l2: 'available', ...instants }
  }
  const verdictOf = (...records: HistoryRecord[]) => {
    return check([born, ...records], MAX_STALENESS_MS).violations.map(({ guarantee }) => guarantee)
  }

  test('a read in the process that invalidated the value, from that moment on (G2)', () => {
    expect(verdictOf(deleted, readBy(0, 211))).toEqual(['G2'])
    expect(verdictOf({ ...deleted, result: 'queued' }, readBy(0, 211))).toEqual(['G2'])
    expect(verdictOf(deleted, readBy(0, 209)), 'the read was called before it was over').toEqual([])
  })

  test('a read in another process after the staleness bound (G3), and a read from Redis at once (G1)', () => {
    expect(verdictOf(deleted, readBy(1, 210 + MAX_STALENESS_MS))).toEqual([])
    expect(verdictOf(deleted, readBy(1, 211 + MAX_STALENESS_MS))).toEqual(['G3'])
    expect(verdictOf(deleted, readBy(1, 211, 'fromRedis'))).toEqual(['G1'])
    expect(verdictOf({ ...deleted, result: 'queued' }, readBy(1, 9_999))).toEqual([])
  })

  test('a read in a turn of the event loop that began after the bound, and not one in a turn that began before it', () => {
    const late = { ...readBy(1, 9_999), turnMs: 210 + MAX_STALENESS_MS } as HistoryRecord
    expect(verdictOf(deleted, late)).toEqual([])
    expect(verdictOf(deleted, { ...late, turnMs: 211 + MAX_STALENESS_MS } as HistoryRecord)).toEqual(['G3'])
  })

  test('a shared load after the bound, except while Redis cannot be reached and the load still runs', () => {
    const elsewhere = { ...deleted, process: 1 }
    const late = { ...readBy(0, 9_999, 'load'), l2: 'unavailable' } as HistoryRecord
    const loaded = { record: 'loaded', id: 'v' } as const
    expect(verdictOf(elsewhere, late)).toEqual([])
    expect(verdictOf(elsewhere, { ...loaded, atMs: 10_000 }, late)).toEqual([])
    expect(verdictOf(elsewhere, { ...loaded, atMs: 9_998 }, late)).toEqual(['G3'])
    expect(verdictOf(elsewhere, readBy(0, 9_999, 'load'))).toEqual(['G3'])
    expect(verdictOf(elsewhere, { ...late, kind: 'get' } as HistoryRecord)).toEqual(['G3'])
    expect(verdictOf(elsewhere, { ...late, process: 2 } as HistoryRecord)).toEqual(['G3'])
    expect(verdictOf(deleted, late), 'its own process knows of its own deletion').toEqual(['G2'])
  })

  test('a value outdated by a tag, by clear() or by an overwrite, and not a value loaded after that', () => {
    const late = 211 + MAX_STALENESS_MS
    expect(verdictOf({ ...deleted, kind: 'invalidateTags', key: undefined, tags: ['t'] }, readBy(1, late))).toEqual([
      'G3',
    ])
    expect(verdictOf({ ...deleted, kind: 'invalidateTags', key: undefined, tags: ['u'] }, readBy(1, late))).toEqual([])
    expect(verdictOf({ ...deleted, kind: 'clear', key: undefined }, readBy(1, late))).toEqual(['G3'])
    expect(verdictOf({ ...deleted, kind: 'set' }, readBy(1, late))).toEqual(['G3'])
    expect(verdictOf({ ...deleted, calledMs: 99 }, readBy(1, late)), 'the load began after the call').toEqual([])
  })
})
