// One process of write-through-postgres.test.ts: random changes and reads of a table through a source, over one Redis.
import { setTimeout as pause } from 'node:timers/promises'
import pg from 'pg'
import { createCache } from 'tiercache'
import { redisTier } from 'tiercache/redis'
import { onMessage, send, stopListening } from '../../support/channel.js'

/** A request of the test. */
export type Order =
  | { readonly do: 'play'; readonly cycle: number; readonly ids: number }
  | { readonly do: 'read'; readonly ids: number }
  | { readonly do: 'setAndDie'; readonly id: number }
  | { readonly do: 'end' }

/** A reply of the process. `null` stands for no value. */
export type Answer =
  | { readonly did: 'start' }
  | { readonly did: 'play'; readonly changes: number }
  | { readonly did: 'read'; readonly inMemory: Values; readonly got: Values }

type Values = readonly (string | null)[]

const [name = '', redisUrl = '', postgresUrl = ''] = process.argv.slice(2)
const database = new pg.Pool({ connectionString: postgresUrl, max: 8 })
const cache = createCache({ name: 'proof', l2: redisTier(redisUrl), ttl: '1h' })
let diesAfterCommit = false

const rows = cache.source('rows', {
  load: async (id: number) => (await select([id]))[0],
  loadMany: select,
  save: async (id, value: string) => {
    await pause(somewhere())
    await database.query('INSERT INTO rows VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET value = $2', [id, value])
    if (diesAfterCommit) process.kill(process.pid, 'SIGKILL')
    await pause(somewhere())
  },
  remove: async (id) => {
    await pause(somewhere())
    await database.query('DELETE FROM rows WHERE id = $1', [id])
    await pause(somewhere())
  },
})

async function select(ids: readonly number[]): Promise<(string | undefined)[]> {
  await pause(somewhere())
  const { rows: found } = await database.query('SELECT id, value FROM rows WHERE id = ANY($1)', [ids])
  const values = new Map(found.map(({ id, value }) => [id as number, value as string]))
  await pause(somewhere())
  return ids.map((id) => values.get(id))
}

/** Mostly at once, sometimes a little later, so that the steps of several processes mix. */
function somewhere(): number {
  return Math.random() < 0.5 ? 0 : Math.random() * 4
}

async function play(cycle: number, ids: number): Promise<number> {
  let changes = 0
  const playOne = async (id: number) => {
    for (let step = 0; step < 2; step++) {
      await pause(somewhere())
      const what = Math.random()
      if (what < 0.5) {
        changes++
        await rows.save(id, `${name} ${cycle} ${step}`)
      } else if (what < 0.6) {
        changes++
        await rows.remove(id)
      } else if (what < 0.9) await rows.get(id)
      else await rows.getMany([id, (id + 1) % ids])
    }
  }
  await Promise.all(Array.from({ length: ids }, (_, id) => playOne(id)))
  return changes
}

onMessage<Order>(async (order) => {
  switch (order.do) {
    case 'play':
      return send({ did: 'play', changes: await play(order.cycle, order.ids) } satisfies Answer)
    case 'read': {
      const ids = Array.from({ length: order.ids }, (_, id) => id)
      const inMemory = ids.map((id) => rows.peek(id) ?? null)
      const got = (await rows.getMany(ids)).map((value) => value ?? null)
      return send({ did: 'read', inMemory, got } satisfies Answer)
    }
    case 'setAndDie':
      diesAfterCommit = true
      await rows.save(order.id, 'written by the dead')
      return
    case 'end':
      await cache.close()
      await database.end()
      stopListening()
      return
    default:
      order satisfies never
  }
})

// After a first write the tokens are known and the bus is heard.
await rows.get(-1)
send({ did: 'start' } satisfies Answer)
