// The faults of a history. They come at random, one after the other and sometimes several at once.
import type { Child } from '../../support/child.js'
import type { TcpProxy } from '../../support/proxy.js'
import type { RedisServer } from '../../support/redis-server.js'
import { sleep, waitFor } from '../../support/wait.js'
import { CACHE_NAME } from './records.js'

/** One process with its two links to the server. */
export interface Target {
  readonly child: Child
  readonly data: TcpProxy
  readonly bus: TcpProxy
}

interface World {
  readonly server: RedisServer
  readonly targets: readonly Target[]
}

type Fault = (world: World, target: Target) => Promise<void>

const both = ({ data, bus }: Target): TcpProxy[] => [data, bus]

/** Often longer than a timeout, a lease or the trust in L1, and often shorter. */
function aWhile(): Promise<void> {
  return sleep(100 + Math.random() * 2_000)
}

async function restored(proxies: readonly TcpProxy[], cut: 'cut' | 'keep'): Promise<void> {
  for (const proxy of proxies) {
    if (cut === 'cut') proxy.cut()
    await proxy.restore()
  }
}

const FAULTS = {
  'connections killed by the server': async ({ server }) =>
    void (await server.command('CLIENT', 'KILL', 'TYPE', 'normal')),
  'data link cut': async (_, { data }) => data.cut(),
  'bus link cut': async (_, { bus }) => bus.cut(),
  'bus refused for a while': async (_, { bus }) => {
    await bus.refuse()
    await aWhile()
    await restored([bus], 'keep')
  },
  'data refused for a while': async (_, { data }) => {
    await data.refuse()
    await aWhile()
    await restored([data], 'keep')
  },
  'bus half-open for a while': async (_, { bus }) => {
    bus.silence()
    await aWhile()
    await restored([bus], 'cut')
  },
  'both links half-open for a while': async (_, target) => {
    for (const proxy of both(target)) proxy.silence()
    await aWhile()
    await restored(both(target), 'cut')
  },
  'bus held back, then delivered late': async (_, { bus }) => {
    bus.hold('both')
    await aWhile()
    await restored([bus], 'keep')
  },
  'data held back, then delivered late': async (_, { data }) => {
    data.hold(Math.random() < 0.5 ? 'requests' : 'replies')
    await aWhile()
    await restored([data], 'keep')
  },
  'slow links for a while': async (_, target) => {
    for (const proxy of both(target)) proxy.delay(15, 30, 'both')
    await aWhile()
    await restored(both(target), 'keep')
  },
  'process paused': async (_, { child }) => {
    process.kill(child.pid, 'SIGSTOP')
    await aWhile()
    process.kill(child.pid, 'SIGCONT')
  },
  'Redis paused': async ({ server }) => {
    server.pause()
    await sleep(100 + Math.random() * 700)
    server.resume()
  },
  'Redis restarted, its data kept': async ({ server }) => {
    // SHUTDOWN saves and then executes nothing, so everything that was confirmed is there again.
    await server.command('SHUTDOWN', 'SAVE').catch(() => undefined)
    await waitFor('the server to end', () => isGone(server.pid), { everyMs: 5 })
    await server.kill()
    await server.start()
  },
  'Redis restarted empty': async ({ server }) => server.restart('empty'),
  'scripts forgotten': async ({ server }) => void (await server.command('SCRIPT', 'FLUSH')),
  'an entry or token evicted': async ({ server }) => {
    const key = await server.command('RANDOMKEY')
    if (typeof key === 'string') await server.command('UNLINK', key)
  },
  'the stream evicted': async ({ server }) => void (await server.command('UNLINK', `{${CACHE_NAME}}#bus`)),
} as const satisfies Readonly<Record<string, Fault>>

export type FaultName = keyof typeof FAULTS

/** Faults that cut the bus and not the data. */
export const BUS_FAULTS: readonly FaultName[] = [
  'bus link cut',
  'bus refused for a while',
  'bus half-open for a while',
  'bus held back, then delivered late',
]

/** Faults of the bus come twice as often: if the data link is cut as well, few changes are applied that a process could miss. */
const ALL_FAULTS: readonly FaultName[] = [...(Object.keys(FAULTS) as FaultName[]), ...BUS_FAULTS]

/** Faults of the server affect all processes, and do not overlap. */
const SERVER_FAULTS: ReadonlySet<FaultName> = new Set<FaultName>([
  'Redis paused',
  'Redis restarted, its data kept',
  'Redis restarted empty',
])

/** Causes faults until `isOver`, then ends all of them. Returns how often there was each. */
export async function breakThings(
  world: World,
  isOver: () => boolean,
  names: readonly FaultName[] = ALL_FAULTS,
): Promise<Readonly<Record<string, number>>> {
  const counts: Record<string, number> = {}
  const busy = new Set<Target | RedisServer>()
  const underWay = new Set<Promise<void>>()
  while (!isOver()) {
    await sleep(50 + Math.random() * 250)
    const name = names[Math.floor(Math.random() * names.length)] as FaultName
    const target = world.targets[Math.floor(Math.random() * world.targets.length)] as Target
    const subject = SERVER_FAULTS.has(name) ? world.server : target
    if (busy.has(subject)) continue
    busy.add(subject)
    counts[name] = (counts[name] ?? 0) + 1
    // A server that is being restarted may refuse the command.
    const fault: Promise<void> = FAULTS[name](world, target)
      .catch(() => undefined)
      .then(() => {
        busy.delete(subject)
        underWay.delete(fault)
      })
    underWay.add(fault)
  }
  await Promise.all(underWay)
  await Promise.all(world.targets.map((target) => restored(both(target), 'cut')))
  return counts
}

function isGone(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return false
  } catch {
    return true
  }
}
