// A subscriber of a diagnostics channel throws: sends what Node makes of it, and what the caller of the load gets.
import { tracingChannel } from 'node:diagnostics_channel'
import { createCache } from 'tiercache'
import { send } from '../../support/channel.js'

process.on('uncaughtException', (error) => send({ uncaught: error.message }))
tracingChannel('tiercache:load').start.subscribe(() => {
  throw new Error('a bad subscriber')
})
const cache = createCache()
send({ loaded: await cache.getOrSet('k', () => 'v') })
send({ kept: await cache.get('k') })
await cache.close()
