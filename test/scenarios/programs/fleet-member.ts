// One process of a fleet: carries out the requests of the test with its cache, and returns each result.
import { Cluster, Redis } from 'ioredis'
import { createCache } from 'tiercache'
import { redisTier } from 'tiercache/redis'
import { onMessage, send } from '../../support/channel.js'
import { PATIENT } from '../../support/patient.js'
import { sleep, waitFor } from '../../support/wait.js'
import type { MemberRequest, MemberSettings } from '../fleet-member.js'

const { ports, leaseTtl } = JSON.parse(process.argv[2] ?? '{}') as MemberSettings
const first = ports[0] as number
const client = ports.length === 1 ? new Redis(first) : new Cluster(ports.map((port) => ({ host: '127.0.0.1', port })))
client.on('error', () => undefined)
const cache = createCache({ name: 'shop', ttl: '1h', l2: redisTier(client, { ...PATIENT, leaseTtl }) })

/** How often this process loaded each key. */
const loads = new Map<string, number>()

async function answer(request: MemberRequest): Promise<unknown> {
  const { key = '', tags = [] } = request
  switch (request.do) {
    case 'load': {
      const { callers = 1, loadMs = 0, value } = request
      const load = async (): Promise<unknown> => {
        loads.set(key, (loads.get(key) ?? 0) + 1)
        send({ loading: key })
        await sleep(loadMs)
        return value
      }
      const values = await Promise.all(Array.from({ length: callers }, () => cache.getOrSet(key, load, { tags })))
      return { values: [...new Set(values)], loads: loads.get(key) ?? 0 }
    }
    case 'set':
      return cache.set(key, request.value, { tags, ttl: request.ttl })
    case 'get':
      return (await cache.get(key)) ?? null
    case 'lookup':
      return cache.lookup(key)
    case 'delete':
      return cache.delete(key)
    case 'invalidateTags':
      return cache.invalidateTags(tags)
    case 'clear':
      return cache.clear()
    case 'wallClock':
      return { nowMs: Date.now(), written: new Date().toISOString() }
    default:
      return request.do satisfies never
  }
}

await waitFor('the bus to be heard', () => cache.stats().bus.trusted)
onMessage<MemberRequest>((request) => {
  void answer(request).then((result) => send({ id: request.id, result }))
})
send({ ready: true })
