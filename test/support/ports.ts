// Loopback ports below the ephemeral range, so that no client socket takes one while its server is down.
// Each test process has a block of its own, so a server that is stopped finds its port free when it starts again.

import { createServer, type Server } from 'node:net'

const LOWEST = 10_000
const BLOCK_SIZE = 250
const BLOCKS = 40
/** A cluster node also listens on the port this far above its own. Every block has its twin there. */
const CLUSTER_BUS_OFFSET = 10_000

/**
 * A port of this process's block that is free now. With `withBusPort`, the port 10,000 above it is free, too.
 * A program outside the tests may take it first, so start the server again with another port then.
 */
export async function freePort(need: 'port' | 'withBusPort' = 'port'): Promise<number> {
  block ??= takeBlock()
  const first = await block
  for (let attempt = 1; attempt < BLOCK_SIZE; attempt++) {
    handedOut = (handedOut % (BLOCK_SIZE - 1)) + 1
    const port = first + handedOut
    if (!(await isFree(port))) continue
    if (need === 'withBusPort' && !(await isFree(port + CLUSTER_BUS_OFFSET))) continue
    return port
  }
  throw new Error(`none of the ports ${first + 1} to ${first + BLOCK_SIZE - 1} of 127.0.0.1 is free`)
}

let handedOut = 0
let block: Promise<number> | undefined

/** The first port of a block. This process listens on it until it ends, which reserves the block. */
async function takeBlock(): Promise<number> {
  const start = Math.floor(Math.random() * BLOCKS)
  for (let offset = 0; offset < BLOCKS; offset++) {
    const first = LOWEST + ((start + offset) % BLOCKS) * BLOCK_SIZE
    if ((await listenOn(first)) !== undefined) return first
  }
  throw new Error(`every block of ports is taken: more than ${BLOCKS} processes run tests`)
}

async function isFree(port: number): Promise<boolean> {
  const probe = await listenOn(port)
  if (probe === undefined) return false
  await new Promise((resolve) => probe.close(resolve))
  return true
}

/** `undefined` if the port is taken. The listener keeps no process alive. */
function listenOn(port: number): Promise<Server | undefined> {
  return new Promise((resolve) => {
    const listener = createServer()
    listener.unref()
    listener.once('error', () => resolve(undefined))
    listener.listen({ port, host: '127.0.0.1', exclusive: true }, () => resolve(listener))
  })
}
