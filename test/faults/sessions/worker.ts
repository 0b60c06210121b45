// One process of the history of sessions: its writers append until it is killed, and say what was acknowledged.
import { Cluster, Redis } from 'ioredis'
import { CacheError, createCache } from 'tiercache'
import { redisTier } from 'tiercache/redis'
import { sessionStore } from 'tiercache/sessions'
import { onMessage, send } from '../../support/channel.js'
import { PATIENT } from '../../support/patient.js'
import { sleep } from '../../support/wait.js'
import { type Item, type Said, type Share, STORE, sessionOf, type Work, type WorkerSettings } from './work.js'

const { ports } = JSON.parse(process.argv[2] ?? '{}') as WorkerSettings
const client =
  ports.length === 1 ? new Redis(ports[0] as number) : new Cluster(ports.map((port) => ({ host: '127.0.0.1', port })))
client.on('error', () => undefined)
const cache = createCache({ name: 'chats', l2: redisTier(client, PATIENT), logger: false })
const chats = sessionStore<Item>(cache, STORE)

/** Repeats a call whose outcome is not known, as a service would: the id of the item makes that harmless. */
async function append(session: string, item: Item, calledAtMs: number): Promise<Said> {
  const said = (what: Said['what'], count: number): Said => ({
    ...{ what, id: item.id, session, calledAtMs, endedAtMs: Date.now(), count },
  })
  for (;;) {
    try {
      return said('acknowledged', (await chats.append(session, item)).count)
    } catch (error) {
      if (!(error instanceof CacheError)) throw error
      if (error.code === 'SESSION_ENDED') return said('refused', 0)
      if (error.code !== 'L2_UNAVAILABLE') throw error
      await sleep(5)
    }
  }
}

async function write({ writer, from, to, mayRepeat }: Share, sessions: readonly string[]): Promise<void> {
  for (let n = from; n < to; n++) {
    const item = { id: `${writer}:${n}`, text: 'x'.repeat(n % 40) }
    const calledAtMs = mayRepeat && n === from ? 0 : Date.now()
    send(await append(sessionOf(sessions, writer, n), item, calledAtMs))
  }
}

onMessage<Work>(async ({ round, sessions, shares }) => {
  await Promise.all(shares.map((share) => write(share, sessions)))
  send({ done: round })
})
await cache.ready()
send({ ready: true })
