// A short history of sessions on real Redis, and the judge of it. `npm run sessions` plays a long one.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type RedisCluster, startRedisCluster } from '../../support/redis-cluster.js'
import { type RedisServer, startRedis } from '../../support/redis-server.js'
import { playHistory } from './history.js'
import { faultsOf } from './judge.js'
import type { Said } from './work.js'

describe('on real Redis', () => {
  let server: RedisServer
  let cluster: RedisCluster

  beforeAll(async () => {
    ;[server, cluster] = await Promise.all([startRedis(), startRedisCluster()])
  })

  afterAll(() => Promise.all([server.stop(), cluster.stop()]))

  test.each(['one server', 'a cluster'])('%s keeps every acknowledged append, whatever is killed', async (form) => {
    const ports = form === 'one server' ? [server.port] : cluster.nodes.map(({ port }) => port)
    const result = await playHistory({ ports, operations: 3_200, seed: 20_261_201 })
    expect(result.faults).toEqual([])
    expect(result.kills).toBe(2)
    expect(result.acknowledged + result.refused).toBe(3_200)
    expect(result.refused).toBeGreaterThan(0)
  })
})

describe('the judge', () => {
  const said = (id: string, calledAtMs: number, endedAtMs: number, more: Partial<Said> = {}): Said => ({
    ...{ what: 'acknowledged', id, session: 's', calledAtMs, endedAtMs, count: 1, ...more },
  })
  const judge = (ids: readonly string[], all: readonly Said[], endedAtMs?: number) =>
    faultsOf({
      ...{ session: 's', items: ids.map((id) => ({ id, text: '' })), said: all },
      ...{ maxItems: 3, endedAtMs, isTrimmed: false },
    })

  test('accepts any order of calls that overlap', () => {
    const all = [said('a', 1, 4), said('b', 2, 3), said('c', 5, 6)]
    expect(judge(['a', 'b', 'c'], all)).toEqual([])
    expect(judge(['b', 'a', 'c'], all)).toEqual([])
  })

  test.each([
    ['a lost append', ['a'], [said('a', 1, 2), said('b', 3, 4)], undefined],
    ['an append that was made twice', ['a', 'a'], [said('a', 1, 2)], undefined],
    ['a wrong order', ['b', 'a'], [said('a', 1, 2), said('b', 3, 4)], undefined],
    ['a bound that was exceeded', ['a', 'b', 'c', 'd'], [], undefined],
    ['a bound that was exceeded for a moment', ['a'], [said('a', 1, 2, { count: 4 })], undefined],
    ['an append that was refused before any end', [], [said('a', 1, 2, { what: 'refused' })], undefined],
    ['an append after the end', [], [said('a', 3, 4)], 2],
    ['items after the end', ['a'], [said('a', 1, 2)], 2],
  ] as const)('finds %s', (_, ids, all, endedAtMs) => {
    expect(judge(ids, all, endedAtMs)).toHaveLength(1)
  })
})
