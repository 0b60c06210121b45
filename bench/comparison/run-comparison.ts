// Each experiment with each library, on a server of its own.
import { startRedis } from '../../test/support/redis-server.js'
import { RIVALS } from '../peers/peers.js'
import { tiercache } from '../peers/tiercache.js'
import { EXPERIMENTS } from './experiments.js'

/** By the id of the experiment, then by the library. */
export type Outcomes = Readonly<Record<string, Readonly<Record<string, string>>>>

const PEERS = [tiercache, ...RIVALS]

export async function runComparison(): Promise<Outcomes> {
  // An error of a client that nobody listens to is a part of what happens.
  process.on('uncaughtException', () => undefined)
  process.on('unhandledRejection', () => undefined)
  const outcomes: Record<string, Record<string, string>> = {}
  for (const experiment of EXPERIMENTS) {
    const row: Record<string, string> = {}
    outcomes[experiment.id] = row
    for (const peer of PEERS) {
      const server = await startRedis()
      row[peer.name] = await experiment
        .run({ peer, server, prefix: 'compare' })
        .catch((error: unknown) => `the experiment failed: ${String(error)}`)
      await server.stop()
    }
  }
  return outcomes
}

/** As a table of Markdown. */
export function tableOf(outcomes: Outcomes): string {
  const names = PEERS.map((peer) => peer.name)
  const rows = EXPERIMENTS.map(({ id, title }) => [title, ...names.map((name) => outcomes[id]?.[name] ?? '')])
  return [['', ...names], names.map(() => '---').concat('---'), ...rows]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n')
}
