// Works with a cache and closes it. It must then end by itself, since nothing of the SDK may keep a process alive.
import { createCache } from 'tiercache'
import { redisTier } from 'tiercache/redis'
import { send } from '../../support/channel.js'

const [url = '', trouble = 'none'] = process.argv.slice(2)
const cache = createCache({ name: 'shop', ttl: '1h', closeTimeout: '2s', l2: redisTier(url) })
cache.on('closed', (told) => send({ closed: told }))

await cache.getOrSet('k', () => 'v')
send({ ready: true })

if (trouble !== 'none') {
  await new Promise((resolve) => process.once('message', resolve))
  for (let i = 0; i < 5; i++) {
    await cache.getOrSet(`k${i}`, () => i)
    await cache.delete(`k${i}`)
  }
}
// One load that hangs, and one that returns after close().
void cache.getOrSet('hangs', () => new Promise(() => undefined)).catch((error) => send({ hung: error.code }))
let answer: (value: string) => void = () => undefined
const late = new Promise<string>((resolve) => {
  answer = resolve
})
void cache.getOrSet('late', () => late).catch((error) => send({ late: error.code }))

await cache.close()
answer('too late')
await cache.get('k').catch((error) => send({ after: error.code }))
process.channel?.unref()
