// A program with nothing open but a cache: no socket, no timer of its own. It awaits the cache, sends the result, and must then end.
import { CacheError, createCache } from 'tiercache'
import { memoryTier } from 'tiercache/testing'
import { send } from '../../support/channel.js'

const tier = memoryTier()
const open = (options = {}) => createCache({ name: 'shop', ttl: '1h', l2: tier, ...options })
const never = () => new Promise<never>(() => undefined)
const codeOf = (error: unknown) => (error instanceof CacheError ? error.code : String(error))

/** Another process that holds the lease of `k` and whose loader hangs. */
async function holdLease() {
  const other = memoryTier(tier.server, { leaseTtl: 300 })
  const holder = createCache({ name: 'shop', l2: other })
  void holder.getOrSet('k', never, { hardTimeout: Infinity }).catch(() => undefined)
  await new Promise<void>((resolve) => setTimeout(resolve, 50))
  return other
}

const cases: Record<string, () => Promise<unknown>> = {
  'the lease of a process that died': async () => {
    const holder = await holdLease()
    holder.cut()
    return open().getOrSet('k', () => 'loaded here')
  },
  'an L2 that does not reply to a read': () => {
    const cache = open()
    tier.link.stall()
    return cache.getOrSet('k', () => 'loaded here')
  },
  'an L2 that does not reply to a look-up': () => {
    const cache = open()
    tier.link.stall()
    return Promise.all([cache.get('k'), cache.getMany(['a', 'b'])])
  },
  'an L2 that does not reply to a write': () => {
    const cache = open()
    tier.link.stall()
    return Promise.all([cache.set('k', 1), cache.invalidateTags(['t']), cache.delete('k')])
  },
  'an L2 that takes a while': () => {
    const cache = open()
    tier.link.replyMs = 50
    return cache.set('k', 1).then(() => cache.get('k', { tiers: 'l2' }))
  },
  'the hard timeout of a loader that hangs': () => {
    return open({ l2: undefined }).getOrSet('k', never, { hardTimeout: '200ms' }).catch(codeOf)
  },
  'the soft timeout of a loader that hangs': async () => {
    const cache = open({ l2: undefined, staleIfError: '1h' })
    await cache.set('k', 'stale')
    await cache.expire('k')
    return cache.getOrSet('k', never, { softTimeout: '200ms' })
  },
  'the window of a batch': () => {
    const users = open().source('users', { loadMany: async (ids: readonly number[]) => ids, batchWindow: '100ms' })
    return users.get(1)
  },
  'room in a full queue of a source': async () => {
    const behind = { maxQueued: 1, maxWait: '200ms' } as const
    const users = open().source('users', { load: (id: number) => id, save: never, write: 'behind', behind })
    await users.save(1, 1)
    return users.save(2, 2).catch(codeOf)
  },
  'background work': async () => {
    const cache = open()
    await cache.getOrSet('k', () => 1)
    tier.link.stall()
    await cache.drain()
    return 'drained'
  },
  'the close of a cache whose work hangs': async () => {
    const cache = open({ closeTimeout: '500ms' })
    void cache.getOrSet('k', never).catch(() => undefined)
    await cache.close()
    return 'closed'
  },
  'nothing: a background refresh waits for the lease of another process': async () => {
    const cache = open({ staleWhileRevalidate: '1h' })
    await cache.set('k', 'old', { ttl: '10ms' })
    await cache.drain()
    await new Promise<void>((resolve) => setTimeout(resolve, 50))
    await holdLease()
    return cache.getOrSet('k', () => 'new')
  },
  'nothing: the load behind a stale value hangs': async () => {
    const cache = open({ staleIfError: '1h' })
    await cache.set('k', 'old')
    await cache.expire('k')
    return cache.getOrSet('k', never, { softTimeout: '1ms', hardTimeout: '1h' })
  },
  'a loader that hangs, without any limit': () => open().getOrSet('k', never, { hardTimeout: Infinity }),
}

const run = cases[process.argv[2] ?? '']
send({ got: await run?.() })
