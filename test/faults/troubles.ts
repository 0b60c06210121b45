// Troubles of Redis and its links, each with a beginning and an end, for the fault matrix and the soak.
import type { TcpProxy } from '../support/proxy.js'
import type { RedisServer } from '../support/redis-server.js'
import { command } from '../support/resp.js'
import { sleep } from '../support/wait.js'

/** Where a trouble happens. */
export interface Place {
  readonly server: RedisServer
  readonly proxy: TcpProxy
}

export interface Trouble {
  readonly name: string
  readonly begin: (place: Place) => unknown
  readonly end?: (place: Place) => unknown
}

const restore = ({ proxy }: Place) => proxy.restore()

export const HANG: Trouble = {
  name: 'Redis hangs (SIGSTOP)',
  begin: ({ server }) => server.pause(),
  end: ({ server }) => server.resume(),
}

export const RESTART_EMPTY: Trouble = {
  name: 'Redis is restarted empty',
  begin: ({ server }) => server.restart('empty'),
}

export const NEAR: Trouble = { name: 'Redis is 50 ms away', begin: ({ proxy }) => proxy.delay(50), end: restore }
export const FAR: Trouble = { name: 'Redis is 500 ms away', begin: ({ proxy }) => proxy.delay(500), end: restore }
export const VERY_FAR: Trouble = { name: 'Redis is 5 s away', begin: ({ proxy }) => proxy.delay(5_000), end: restore }

export const JITTER: Trouble = {
  name: 'Redis is 0 to 400 ms away, each time another distance',
  begin: ({ proxy }) => proxy.delay(0, 400),
  end: restore,
}

export const HALF_OPEN: Trouble = {
  name: 'packets vanish in both directions and links look open (half-open links)',
  begin: ({ proxy }) => proxy.silence(),
  end: restore,
}

export const LATE_REQUESTS: Trouble = {
  name: 'requests are delayed and executed late',
  begin: ({ proxy }) => proxy.hold('requests'),
  end: restore,
}

export const LATE_REPLIES: Trouble = {
  name: 'replies are delayed and arrive late',
  begin: ({ proxy }) => proxy.hold('replies'),
  end: restore,
}

export const RESETS: Trouble = {
  name: 'connections are reset in the middle of a reply, repeatedly',
  begin: (place) => beginStorm(place, 10, 100, () => place.proxy.resetMidReply(3)),
  end: async (place) => {
    await endStorm(place)
    await restore(place)
  },
}

export const REFUSED: Trouble = { name: 'connections are refused', begin: ({ proxy }) => proxy.refuse(), end: restore }

export const KILL_STORM: Trouble = {
  name: 'connections are killed by the server in a storm (CLIENT KILL)',
  begin: (place) => beginStorm(place, 20, 50, () => place.server.command('CLIENT', 'KILL', 'TYPE', 'normal')),
  end: endStorm,
}

export const OUT_OF_MEMORY: Trouble = {
  name: 'Redis is out of memory (noeviction)',
  begin: ({ server }) => server.command('CONFIG', 'SET', 'maxmemory', '1'),
  end: ({ server }) => server.command('CONFIG', 'SET', 'maxmemory', '0'),
}

export const EVICTION: Trouble = {
  name: 'Redis evicts entries, fences and tokens under memory pressure (allkeys-lru)',
  begin: async (place) => {
    const { server } = place
    const usedBytes = Number((await server.info('memory')).used_memory)
    await server.command('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru')
    await server.command('CONFIG', 'SET', 'maxmemory', String(usedBytes + 300_000))
    beginStorm(place, 10, 100, async (i) => {
      for (let j = 0; j < 10; j++) await server.command('SET', `filler:${i}:${j}`, 'x'.repeat(30_000), 'EX', 60)
    })
  },
  end: async (place) => {
    const { server } = place
    await endStorm(place)
    await server.command('CONFIG', 'SET', 'maxmemory', '0')
    await server.command('CONFIG', 'SET', 'maxmemory-policy', 'noeviction')
    const fillers = (await server.command('KEYS', 'filler:*')) as string[]
    if (fillers.length > 0) await server.command('DEL', ...fillers)
  },
}

export const NO_METADATA: Trouble = {
  name: 'tokens, leases and the bus disappear at any moment',
  begin: (place) => beginStorm(place, 20, 50, () => removeMetadata(place.server)),
  end: endStorm,
}

const PASSWORD = 'the password'

export const NOAUTH: Trouble = {
  name: 'Redis suddenly requires a password (NOAUTH)',
  begin: async ({ server }) => {
    await server.command('CONFIG', 'SET', 'requirepass', PASSWORD)
    await command(server.port, ['CLIENT', 'KILL', 'TYPE', 'normal'], { password: PASSWORD })
  },
  end: ({ server }) => command(server.port, ['CONFIG', 'SET', 'requirepass', ''], { password: PASSWORD }),
}

export const NOPERM: Trouble = {
  name: 'Redis refuses a command (NOPERM)',
  begin: ({ server }) => server.command('ACL', 'SETUSER', 'default', '-xadd', '-evalsha', '-set'),
  end: ({ server }) => server.command('ACL', 'SETUSER', 'default', '+@all'),
}

export const NO_SCRIPTS: Trouble = {
  name: 'Redis forgets its scripts repeatedly (SCRIPT FLUSH)',
  begin: (place) => beginStorm(place, 100, 10, () => place.server.command('SCRIPT', 'FLUSH')),
  end: endStorm,
}

export const FLUSHES: Trouble = {
  name: 'everything is flushed repeatedly (FLUSHALL)',
  begin: (place) => beginStorm(place, 10, 100, () => place.server.command('FLUSHALL')),
  end: endStorm,
}

/** Troubles that a soak may begin at any moment: none of them brings back data from before what Redis has confirmed. */
export const AT_ANY_TIME: readonly Trouble[] = [
  ...[HANG, RESTART_EMPTY, NEAR, FAR, VERY_FAR, JITTER, HALF_OPEN, LATE_REQUESTS, LATE_REPLIES, RESETS, REFUSED],
  ...[KILL_STORM, OUT_OF_MEMORY, EVICTION, NO_METADATA, NOAUTH, NOPERM, NO_SCRIPTS, FLUSHES],
]

async function removeMetadata(server: RedisServer): Promise<void> {
  const names = (await server.command('KEYS', '*')) as string[]
  const doomed = names.filter((name) => name.includes('#') || name.endsWith('1'))
  if (doomed.length > 0) await server.command('DEL', ...doomed)
}

interface Storm {
  isOver: boolean
  readonly over: Promise<void>
}

const storms = new WeakMap<RedisServer, Storm>()

/** Does something `times` times. It must be over before the next trouble begins, because it would disturb that one's own commands. */
function beginStorm({ server }: Place, times: number, everyMs: number, run: (i: number) => unknown): void {
  const repeat = async () => {
    try {
      for (let i = 0; i < times && !storm.isOver; i++) {
        await run(i)
        await sleep(everyMs)
      }
    } catch {
      // The trouble affected its own command, or the test stopped the server.
    }
  }
  const storm: Storm = { isOver: false, over: sleep(0).then(repeat) }
  storms.set(server, storm)
}

async function endStorm({ server }: Place): Promise<void> {
  const storm = storms.get(server)
  if (storm === undefined) return
  storm.isOver = true
  await storm.over
}
