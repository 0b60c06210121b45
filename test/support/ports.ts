// Free loopback ports below the ephemeral range, so that no client socket of another test can sit on them.

import { createServer } from 'node:net'

const LOWEST = 10_000
const CLUSTER_BUS_OFFSET = 10_000
const HIGHEST = 32_000 - CLUSTER_BUS_OFFSET

/**
 * A port that was free a moment ago; `withBusPort` also asks for the one 10,000 above it, which a cluster node listens on.
 * Somebody else may take it before its user does: who starts a server tries again with another port.
 */
export async function freePort(need: 'port' | 'withBusPort' = 'port'): Promise<number> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const port = LOWEST + Math.floor(Math.random() * (HIGHEST - LOWEST))
    if (!(await isFree(port))) continue
    if (need === 'withBusPort' && !(await isFree(port + CLUSTER_BUS_OFFSET))) continue
    return port
  }
  throw new Error('no free port found on 127.0.0.1 in 200 attempts')
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', () => resolve(false))
    probe.listen({ port, host: '127.0.0.1', exclusive: true }, () => probe.close(() => resolve(true)))
  })
}
