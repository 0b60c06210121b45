// What can be the matter with Redis or the way to it, as pairs of beginning and end: for the fault matrix and for the soak.
import type { TcpProxy } from '../support/proxy.js'
import type { RedisServer } from '../support/redis-server.js'
import { command } from '../support/resp.js'
import { sleep } from '../support/wait.js'

/** Where trouble happens. */
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
  name: 'connections are reset in the middle of a reply, again and again',
  begin: ({ proxy }) => void repeat(10, 100, () => proxy.resetMidReply(3)),
  end: restore,
}

export const REFUSED: Trouble = { name: 'connections are refused', begin: ({ proxy }) => proxy.refuse(), end: restore }

export const KILL_STORM: Trouble = {
  name: 'connections are killed by the server in a storm (CLIENT KILL)',
  begin: ({ server }) => void repeat(20, 50, () => server.command('CLIENT', 'KILL', 'TYPE', 'normal')),
}

export const OUT_OF_MEMORY: Trouble = {
  name: 'Redis is out of memory (noeviction)',
  begin: ({ server }) => server.command('CONFIG', 'SET', 'maxmemory', '1'),
  end: ({ server }) => server.command('CONFIG', 'SET', 'maxmemory', '0'),
}

export const EVICTION: Trouble = {
  name: 'Redis evicts entries, fences and tokens under memory pressure (allkeys-lru)',
  begin: async ({ server }) => {
    const usedBytes = Number((await server.info('memory')).used_memory)
    await server.command('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru')
    await server.command('CONFIG', 'SET', 'maxmemory', String(usedBytes + 300_000))
    void repeat(10, 100, async (i) => {
      for (let j = 0; j < 10; j++) await server.command('SET', `filler:${i}:${j}`, 'x'.repeat(30_000), 'EX', 60)
    })
  },
  end: async ({ server }) => {
    await server.command('CONFIG', 'SET', 'maxmemory', '0')
    await server.command('CONFIG', 'SET', 'maxmemory-policy', 'noeviction')
    const fillers = (await server.command('KEYS', 'filler:*')) as string[]
    if (fillers.length > 0) await server.command('DEL', ...fillers)
  },
}

export const NO_METADATA: Trouble = {
  name: 'tokens, leases and the bus disappear at any moment',
  begin: ({ server }) => void repeat(20, 50, () => removeMetadata(server)),
}

const PASSWORD = 'the password'

export const NOAUTH: Trouble = {
  name: 'Redis asks for a password all of a sudden (NOAUTH)',
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
  name: 'Redis forgets its scripts again and again (SCRIPT FLUSH)',
  begin: ({ server }) => void repeat(100, 10, () => server.command('SCRIPT', 'FLUSH')),
}

export const FLUSHES: Trouble = {
  name: 'everything is flushed again and again (FLUSHALL)',
  begin: ({ server }) => void repeat(10, 100, () => server.command('FLUSHALL')),
}

/** What a soak may do to a fleet at any moment: none of it loses what Redis has confirmed and goes on answering with what was before. */
export const AT_ANY_TIME: readonly Trouble[] = [
  ...[HANG, RESTART_EMPTY, NEAR, FAR, VERY_FAR, JITTER, HALF_OPEN, LATE_REQUESTS, LATE_REPLIES, RESETS, REFUSED],
  ...[KILL_STORM, OUT_OF_MEMORY, EVICTION, NO_METADATA, NOAUTH, NOPERM, NO_SCRIPTS, FLUSHES],
]

async function removeMetadata(server: RedisServer): Promise<void> {
  const names = (await server.command('KEYS', '*')) as string[]
  const doomed = names.filter((name) => name.includes('#') || name.endsWith('1'))
  if (doomed.length > 0) await server.command('DEL', ...doomed)
}

/** Does something `times` times; what fails because the trouble reaches us as well is tried no more. */
async function repeat(times: number, everyMs: number, run: (i: number) => unknown): Promise<void> {
  try {
    for (let i = 0; i < times; i++) {
      await run(i)
      await sleep(everyMs)
    }
  } catch {
    // The server is down, or was stopped by its test.
  }
}
