// Runs the conformance cases on real Redis. Every process of a case has its own client, whose proxies can be cut.
import * as ioredis6 from 'ioredis'
import * as ioredis5 from 'ioredis5'
import * as iovalkey from 'iovalkey'
import { redisTier } from 'tiercache/redis'
import type { ConformanceCase, Peer } from 'tiercache/testing'
import { systemClock } from '../../src/model/time/clock.js'
import type { Argument } from '../../src/redis/client/client.js'
import type { RedisConnection } from '../../src/redis/index.js'
import { startProxy, type TcpProxy } from '../support/proxy.js'
import { sleep } from '../support/wait.js'

export const clients = [
  ['ioredis 6', ioredis6],
  // The constructors are the same, with slightly different types.
  ['ioredis 5', ioredis5 as unknown as typeof ioredis6],
] as const

/** Clients that are also tested, on one server only. */
export const otherClients = [['iovalkey', iovalkey as unknown as typeof ioredis6]] as const

export type ClientLibrary = typeof ioredis6

/** Something on which the cases can run. */
export interface Topology {
  /** The ports to which a process connects. Each gets a proxy. */
  readonly ports: readonly number[]
  /** A client that reaches each of `ports` through the proxy of the same index. */
  connect(library: ClientLibrary, proxies: readonly TcpProxy[]): RedisConnection
  /** Sends a command to the server that has `key`. */
  command(key: string, ...args: string[]): Promise<unknown>
}

let runs = 0

/** Runs one case with a tier that uses this bus. */
export function runOnRedis(
  each: ConformanceCase,
  topology: Topology,
  library: ClientLibrary,
  bus: 'stream' | 'tracking',
): Promise<void> {
  const open: Open = async (proxies) => {
    const client = topology.connect(library, proxies)
    return { client, close: () => client.disconnect() }
  }
  return runThrough(each, topology, open, bus)
}

/** Makes the client of one process, which reaches the server of each port through the proxy of the same index. */
export type Open = (proxies: readonly TcpProxy[]) => Promise<{ client: RedisConnection; close(): unknown }>

export async function runThrough(
  each: ConformanceCase,
  topology: Pick<Topology, 'ports' | 'command'>,
  open: Open,
  bus: 'stream' | 'tracking',
): Promise<void> {
  const cleanups: (() => Promise<unknown> | unknown)[] = []
  const connect = async (name: string): Promise<Peer> => {
    const proxies = await Promise.all(topology.ports.map(startProxy))
    const { client, close } = await open(proxies)
    client.on('error', () => {}) // Cases cut the links, and a client without a listener prints the error.
    cleanups.push(close, ...proxies.map((proxy) => () => proxy.stop()))
    return {
      ...redisTier(client, { bus }).connect(name, systemClock),
      record: (work) => recording(client, work),
      cut: async () => void (await Promise.all(proxies.map((proxy) => proxy.refuse()))),
      restore: async () => void (await Promise.all(proxies.map((proxy) => proxy.restore()))),
    }
  }
  try {
    await each.run({
      prefix: `c${++runs}`,
      clock: systemClock,
      connect,
      sleep,
      plantOtherType: async (key) => void (await topology.command(key, 'LPUSH', key, 'x')),
    })
  } finally {
    for (const clean of cleanups) await clean()
  }
}

/** Records the commands of `work` and returns a function that sends them again in order, like a client that resends or a late packet. */
async function recording(client: RedisConnection, work: () => Promise<unknown>): Promise<() => Promise<void>> {
  const sent: [string, Argument[]][] = []
  const { callBuffer } = client
  client.callBuffer = (command, args) => {
    sent.push([command, args])
    return callBuffer.call(client, command, args)
  }
  await work()
  client.callBuffer = callBuffer
  return async () => {
    for (const [command, args] of sent) await client.callBuffer(command, args)
  }
}

/** The `natMap` with which a client reaches the servers' own addresses through the proxies. */
export function natMapOf(ports: readonly number[], proxies: readonly TcpProxy[]) {
  return Object.fromEntries(
    ports.map((port, i) => [`127.0.0.1:${port}`, { host: '127.0.0.1', port: proxies[i]?.port ?? port }]),
  )
}
