// The clock of the server that has the stream of announcements: ids of its entries are its times.
import type { Client } from '../connection/client.js'

/** The server's time in milliseconds since 1970. On a cluster it is that of one of the nodes, whose clocks should agree. */
export async function serverTimeMs(client: Client): Promise<number> {
  const [seconds, microseconds] = (await client.call('TIME')) as [string, string]
  return Number(seconds) * 1_000 + Math.floor(Number(microseconds) / 1_000)
}
