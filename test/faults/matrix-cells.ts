// The table of the fault matrix. Each row is one trouble: how it begins and ends, and which effects are allowed.
import { type RedisServer, startRedis } from '../support/redis-server.js'
import { sleep } from '../support/wait.js'
import type { Cell } from './matrix-runner.js'
import { KEYS, tagOf, type World } from './matrix-world.js'
import * as trouble from './troubles.js'

const AWAY = { breaker: 'opens', writes: 'queued' } as const
const USABLE = { breaker: 'stays closed', writes: 'applied' } as const
/** The breaker opens now and then, so the result of a write depends on its moment. */
const AT_TIMES = { breaker: 'opens', writes: 'either' } as const
const PERHAPS = { breaker: 'may open', writes: 'either' } as const

/**
 * A process confirms the tokens that it uses every ten seconds. Until then it may use a token that the server evicted, and what it
 * stores is a miss for processes that do not find the token. Twice that time, since the machine may be busy.
 */
const TOKENS_CONFIRMED_MS = 20_000

const masters = new WeakMap<World, RedisServer>()

const server: readonly Cell[] = [
  {
    name: 'Redis is down at the start',
    atStart: ({ server }) => server.kill(),
    end: ({ server }) => server.start(),
    ...AWAY,
  },
  {
    name: 'Redis is killed while commands are in flight, and comes back empty',
    begin: async (world) => {
      const reads = Array.from({ length: 200 }, (_, i) => world.read(`k${5_000 + i}`))
      await sleep(1)
      await Promise.all([world.server.kill(), ...reads])
    },
    end: ({ server }) => server.start(),
    ...AWAY,
  },
  { ...trouble.RESTART_EMPTY, ...AT_TIMES },
  {
    name: 'Redis is restarted with its data',
    begin: async ({ server }) => {
      await server.save()
      await server.kill()
    },
    end: ({ server }) => server.start(),
    ...AWAY,
  },
  {
    name: 'Redis is restarted with data older than the last invalidations',
    begin: async (world) => {
      await world.server.save()
      for (const [i, key] of KEYS.entries()) await world.change(i % 2 === 0 ? 'delete' : 'tag', key)
      await world.server.kill()
    },
    end: ({ server }) => server.start(),
    ...AWAY,
  },
  { ...trouble.HANG, ...AWAY },
  {
    name: 'Redis is loading its data (LOADING)',
    server: { args: ['--key-load-delay', '2000', '--loading-process-events-interval-bytes', '1024'] },
    begin: async ({ server }) => {
      await server.command('DEBUG', 'POPULATE', 1_500, 'filler', 200)
      void server.command('DEBUG', 'RELOAD').catch(() => undefined) // It returns once it has loaded.
      await sleep(100)
    },
    ...AT_TIMES,
  },
  {
    name: 'Redis becomes a read-only replica (READONLY)',
    begin: async (world) => {
      const master = await startRedis()
      masters.set(world, master)
      await world.server.command('REPLICAOF', master.host, master.port)
    },
    end: async (world) => {
      await world.server.command('REPLICAOF', 'NO', 'ONE')
      await masters.get(world)?.stop()
    },
    ...AT_TIMES,
  },
]

const network: readonly Cell[] = [
  { ...trouble.NEAR, ...USABLE },
  { ...trouble.FAR, ...AWAY },
  { ...trouble.VERY_FAR, ...AWAY },
  { ...trouble.JITTER, ...PERHAPS },
  { ...trouble.HALF_OPEN, ...AWAY },
  { ...trouble.LATE_REQUESTS, ...AWAY },
  { ...trouble.LATE_REPLIES, ...AWAY },
  { ...trouble.RESETS, ...AT_TIMES },
  { ...trouble.REFUSED, ...AWAY },
  { ...trouble.KILL_STORM, ...AT_TIMES },
]

const memory: readonly Cell[] = [
  { ...trouble.OUT_OF_MEMORY, ...USABLE },
  { ...trouble.EVICTION, ...PERHAPS, missesForMs: TOKENS_CONFIRMED_MS },
  { ...trouble.NO_METADATA, ...PERHAPS },
]

const refusals: readonly Cell[] = [
  { ...trouble.NOAUTH, ...AWAY },
  {
    name: 'the password is wrong at the start (WRONGPASS)',
    atStart: async (world) => {
      await world.server.command('ACL', 'SETUSER', 'app', 'on', '>right', '~*', '&*', '+@all')
      world.connectAWith(`redis://app:wrong@127.0.0.1:${world.server.port}`)
    },
    end: ({ server }) => server.command('ACL', 'SETUSER', 'app', '>wrong'),
    ...AWAY,
  },
  { ...trouble.NOPERM, ...AT_TIMES },
]

const data: readonly Cell[] = [
  { ...trouble.NO_SCRIPTS, ...USABLE },
  {
    name: 'keys hold another type (WRONGTYPE)',
    begin: async ({ server }) => {
      const entries = KEYS.map((key) => `shop:${key}`)
      const tokens = KEYS.map((key) => `{shop}#t:${tagOf(key)}`)
      for (const name of new Set([...entries, ...tokens, '{shop}#c:shop', '{shop}#bus'])) {
        await server.command('DEL', name)
        await server.command('RPUSH', name, 'not a value of ours')
      }
    },
    ...PERHAPS,
  },
  {
    name: 'keys hold bytes that no cache wrote',
    begin: async ({ server }) => {
      for (const [i, key] of KEYS.entries()) {
        await server.command('SET', `shop:${key}`, GARBAGE[i % GARBAGE.length] as Buffer)
      }
    },
    ...USABLE,
  },
  { ...trouble.FLUSHES, ...PERHAPS },
]

const GARBAGE = [
  Buffer.alloc(0),
  Buffer.from('OK'),
  Buffer.from('{"version":0,"key":"k0"}'),
  Buffer.alloc(15, 0xc7),
  Buffer.concat([Buffer.from([0xc7, 0x1e, 1, 1]), Buffer.alloc(200, 0xff)]),
  Buffer.alloc(100_000, 0x93),
]

const clocks: readonly Cell[] = [
  { name: 'the wall clock jumps an hour ahead', begin: () => jump(3_600_000), end: () => jump(0), ...USABLE },
  { name: 'the wall clock jumps an hour back', begin: () => jump(-3_600_000), end: () => jump(0), ...USABLE },
]

export const CELLS: readonly Cell[] = [...server, ...network, ...memory, ...refusals, ...data, ...clocks]

const wallClock = Date.now

/**
 * Nothing measures time by the wall clock, so the other cells, which run at the same time, are not affected. `bind` makes it look like
 * a native function; otherwise entries would age by it, as by a `Date.now` that a test replaced.
 */
function jump(byMs: number): void {
  const jumped = (): number => wallClock() + byMs
  Date.now = byMs === 0 ? wallClock : jumped.bind(undefined)
}
