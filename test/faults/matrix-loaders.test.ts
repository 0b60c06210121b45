// The loaders of the fault matrix: callers get the errors of loaders unchanged, or a stale value where that is allowed.
import { createCache, type LoadContext } from 'tiercache'
import { redisTier } from 'tiercache/redis'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type RedisServer, startRedis } from '../support/redis-server.js'
import { sleep, waitFor } from '../support/wait.js'

let server: RedisServer
let names = 0

beforeAll(async () => {
  server = await startRedis()
})

afterAll(() => server.stop())

/** Long enough for a load on a busy machine. */
const HARD_TIMEOUT_MS = 1_500
const FAILURE = new TypeError('the database says no')

/** One way in which a loader misbehaves, and what its callers get. */
interface LoaderCell {
  readonly name: string
  readonly load: (context: LoadContext) => unknown
  readonly rejection: unknown
}

const timedOut = expect.objectContaining({ code: 'LOAD_TIMEOUT' })

const CELLS: readonly LoaderCell[] = [
  {
    name: 'throws at once',
    load: () => {
      throw FAILURE
    },
    rejection: FAILURE,
  },
  { name: 'rejects', load: () => Promise.reject(FAILURE), rejection: FAILURE },
  {
    name: 'rejects later',
    load: async () => {
      await sleep(50)
      throw FAILURE
    },
    rejection: FAILURE,
  },
  { name: 'rejects with undefined', load: () => Promise.reject(undefined), rejection: undefined },
  { name: 'rejects with a string', load: () => Promise.reject('no'), rejection: 'no' },
  { name: 'hangs', load: () => new Promise(() => undefined), rejection: timedOut },
  {
    name: 'rejects after its timeout',
    load: async () => {
      await sleep(HARD_TIMEOUT_MS + 100)
      throw FAILURE
    },
    rejection: timedOut,
  },
  {
    name: 'returns after its timeout',
    load: () => sleep(HARD_TIMEOUT_MS + 100).then(() => 'too late'),
    rejection: timedOut,
  },
  {
    name: 'returns a promise that throws when it is read',
    load: () => {
      const evil = {}
      Object.defineProperty(evil, 'then', {
        get() {
          throw FAILURE
        },
      })
      return evil
    },
    rejection: FAILURE,
  },
]

/** Two processes over one Redis. Every test has its own cache name. */
function processes(options = {}) {
  const name = `loaders-${++names}`
  const open = () =>
    createCache({
      name,
      ttl: '1h',
      hardTimeout: HARD_TIMEOUT_MS,
      ...options,
      // A lease that is not given back outlives every test.
      l2: redisTier(server.url, { timeout: '2s', leaseTtl: '5m' }),
    })
  return { a: open(), b: open() }
}

describe.concurrent('a loader that', () => {
  test.each(CELLS.map((cell) => [cell.name, cell] as const))(
    '%s: every caller gets the error, and no tier keeps anything',
    async (_, cell) => {
      const { a, b } = processes()
      await Promise.all([a.set('warm', 1), b.set('warm', 1)])
      let loads = 0
      const load = (context: LoadContext) => {
        loads++
        return cell.load(context)
      }
      const results = await Promise.allSettled([1, 2, 3].map(() => a.getOrSet('k', load)))
      expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected'])
      for (const result of results as PromiseRejectedResult[]) expect(result.reason).toEqual(cell.rejection)
      expect(loads).toBe(1)
      await sleep(200) // By now everything that comes after the timeout has come.
      expect(await b.lookup('k')).toEqual({ found: false })
      expect(await a.lookup('k')).toEqual({ found: false })
      // The key is free, here and in the other process: there is no lease, and no caller waits for the failed load.
      await waitFor('the lease being given back', async () => (await b.explain('k')).l2.state === 'absent')
      expect(await b.getOrSet('k', () => 'fine')).toBe('fine')
      await Promise.all([a.close(), b.close()])
    },
  )

  test.each(CELLS.map((cell) => [cell.name, cell] as const))(
    '%s: a stale value is served where staleIfError allows it',
    async (_, cell) => {
      const { a, b } = processes({ staleIfError: '1h' })
      // The first connection is not part of the test.
      await Promise.all([a.ready({ timeout: '20s' }), b.ready({ timeout: '20s' })])
      await a.getOrSet('k', () => 'stale')
      // The change would refuse a fill that is still running, and so remove the value from memory.
      await a.drain()
      await a.expire('k')
      expect(await a.getOrSet('k', cell.load)).toBe('stale')
      await Promise.all([a.close(), b.close()])
    },
  )

  test('returns after close(): nothing changes and nothing fails', async () => {
    const { a, b } = processes({ closeTimeout: 50 })
    await a.set('warm', 1)
    let answer: (value: string) => void = () => undefined
    const late = new Promise<string>((resolve) => {
      answer = resolve
    })
    const waiting = a.getOrSet('k', () => late)
    const outcome = expect(waiting).rejects.toMatchObject({ code: 'CLOSED' })
    await a.close()
    await outcome
    answer('too late')
    await sleep(50)
    expect(await b.lookup('k')).toEqual({ found: false })
    expect(await b.getOrSet('k', () => 'fine')).toBe('fine')
    await b.close()
  })
})
