// One process of a fleet that shares streams: opens them as often as the test wants, and returns what each consumer got.
import { Redis } from 'ioredis'
import { CacheError, createCache, type Duration } from 'tiercache'
import { redisTier } from 'tiercache/redis'
import { onMessage, send } from '../../support/channel.js'
import { PATIENT } from '../../support/patient.js'
import { sleep, waitFor } from '../../support/wait.js'
import type { StreamRequest } from '../stream-request.js'

const [port, leaseTtl = '2s'] = process.argv.slice(2)
const client = new Redis(Number(port))
client.on('error', () => undefined)
const cache = createCache({
  name: 'shop',
  ttl: '1h',
  l2: redisTier(client, { ...PATIENT, leaseTtl: leaseTtl as Duration }),
})
let loads = 0

async function consume({ key, parts, pauseMs }: StreamRequest): Promise<string> {
  async function* load(): AsyncGenerator<unknown> {
    loads++
    send({ loading: key })
    for (let i = 0; i < parts; i++) {
      await sleep(pauseMs)
      yield { i, text: `part ${i}` }
    }
  }
  const got: unknown[] = []
  try {
    for await (const part of await cache.streams.open(key, load)) {
      if (got.push(part) === 1) send({ first: key })
    }
    return JSON.stringify(got)
  } catch (error) {
    return error instanceof CacheError ? error.code : String(error)
  }
}

await waitFor('the bus to be heard', () => cache.stats().bus.trusted)
onMessage<StreamRequest>((request) => {
  const consumers = Array.from({ length: request.consumers }, () => consume(request))
  void Promise.all(consumers).then(async (results) => {
    await cache.drain()
    send({ id: request.id, results: [...new Set(results)], loads })
  })
})
send({ ready: true })
