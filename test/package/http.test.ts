// The packed `tiercache/http` with Express beside it, and nothing else: `npm install tiercache express` is enough.
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { type Consumer, createConsumer } from '../support/consumer.js'

let consumer: Consumer

beforeAll(async () => {
  consumer = await createConsumer([inject('tarball'), 'express@5', '@types/express@5', '@types/node@20'])
})

afterAll(() => consumer?.stop())

const SERVICE = `
const cache = createCache()
const http = express(httpCache(cache, { ttl: '1m' }))
const service = app()
service.get('/items', http.route({ tags: 'items' }), (request, response) => void response.json({ text: 'text '.repeat(500) }))
const server = service.listen(0, '127.0.0.1', async () => {
  const { port } = server.address()
  const said = []
  for (let i = 0; i < 2; i++) {
    const response = await fetch('http://127.0.0.1:' + port + '/items')
    said.push(response.headers.get('cache-status').split(';')[1], response.headers.get('content-encoding'))
    await response.text()
    await cache.drain()
  }
  console.log(JSON.stringify(said))
  server.close()
  server.closeAllConnections()
  await cache.close()
})
`

test.each([
  [
    'service.mjs',
    "import app from 'express'; import { createCache } from 'tiercache'; import { express, httpCache } from 'tiercache/http'",
  ],
  [
    'service.cjs',
    "const app = require('express'); const { createCache } = require('tiercache'); const { express, httpCache } = require('tiercache/http')",
  ],
])('%s caches and compresses', async (name, imports) => {
  expect(JSON.parse(await consumer.runProgram(name, imports + SERVICE))).toEqual(['fwd=uri-miss', null, 'hit', 'gzip'])
})

test('its types fit those of Express', () => {
  const program = `
    import app, { type Request } from 'express'
    import { createCache } from 'tiercache'
    import { express, httpCache } from 'tiercache/http'
    const cache = httpCache<Request>(createCache(), { per: (request) => request.ip, skip: (request) => request.path === '/admin' })
    const http = express(cache)
    const service = app()
    service.use(http)
    service.get('/items/:id', http.route({ ttl: '1m', tags: (request) => ['item:' + request.params.id] }), (request, response) => {
      response.json(request.params)
    })
    service.post('/items', http.invalidates('items', { hold: '1s' }), (_request, response) => {
      response.sendStatus(204)
    })`
  const options = { module: 'node16', moduleResolution: 'node16', esModuleInterop: true }
  expect(consumer.compile(['program.mts'], program, options)).toBe('')
})
