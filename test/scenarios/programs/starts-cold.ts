// A short program like a cron job or a cloud function: it creates a cache, reads one key, closes the cache and ends.
import { setTimeout as sleep } from 'node:timers/promises'
import { createCache } from 'tiercache'
import { redisTier } from 'tiercache/redis'
import { send } from '../../support/channel.js'
import { PATIENT } from '../../support/patient.js'

const [url = ''] = process.argv.slice(2)
const cache = createCache({ name: 'shop', ttl: '1h', l2: redisTier(url, PATIENT) })
let loads = 0
const value = await cache.getOrSet('k', async () => {
  loads++
  await sleep(100)
  return 'v'
})
await cache.close()
send({ value, loads })
process.channel?.unref()
