// The handler on a real server of node:http, alone and as a framework mounts it.
import { EventEmitter, once } from 'node:events'
import { type IncomingMessage, request, type ServerResponse } from 'node:http'
import { type Cache, createCache } from 'tiercache'
import { type DevtoolsHandler, devtools, devtoolsOf } from 'tiercache/devtools'
import { deferred } from 'tiercache/testing'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type HttpServer, startHttp } from '../../support/http-server.js'

let cache: Cache
let handler: DevtoolsHandler

beforeEach(() => {
  cache = createCache({ name: 'shop', logger: false })
  handler = devtools(cache, { allowChanges: true })
})

afterEach(() => cache.close())

const PAGE = { 'x-tiercache-devtools': 'test', 'content-type': 'application/json' }

/** The first part of a stream, and the function that ends it from the client's side. */
async function openLive({ origin }: HttpServer) {
  const asked = request(`${origin}/devtools/live`).end()
  const [response] = (await once(asked, 'response')) as [IncomingMessage]
  const [part] = await once(response, 'data')
  return { response, part: String(part), leave: () => asked.destroy() }
}

describe('on node:http', () => {
  test('completes its path with a slash, and serves the page and its files under it', async () => {
    await using server = await startHttp(handler)
    const page = await fetch(`${server.origin}/ops/devtools`)
    expect(page.url).toBe(`${server.origin}/ops/devtools/`)
    expect(await page.text()).toContain('<title>tiercache</title>')
    const script = await fetch(`${server.origin}/ops/devtools/page.js`)
    expect(script.headers.get('content-type')).toBe('text/javascript; charset=utf-8')
    expect((await fetch(`${server.origin}/favicon.ico`)).status).toBe(404)
  })

  test('takes a path that begins with two slashes as a path', async () => {
    await using server = await startHttp(handler)
    const asked = request(server.origin, { path: '//evil.example/about' }).end()
    const [response] = (await once(asked, 'response')) as [IncomingMessage]
    expect(response.statusCode).toBe(200)
    response.destroy()
  })

  test('makes a change, and refuses a body above 64 KB', async () => {
    await cache.set('k', 1)
    await using server = await startHttp(handler)
    const change = (names: readonly string[]) =>
      fetch(`${server.origin}/devtools/change`, {
        ...{ method: 'POST', headers: PAGE },
        body: JSON.stringify({ verb: 'delete', scope: 'shop', names }),
      })
    expect((await change(['x'.repeat(70_000)])).status).toBe(400)
    expect(await (await change(['k'])).json()).toEqual({ result: 'applied' })
    expect(cache.peek('k')).toBeUndefined()
  })

  test('streams snapshots, and a closed cache ends the stream, so that the server can close', async () => {
    const server = await startHttp(handler)
    const { response, part } = await openLive(server)
    expect(part).toMatch(/^event: snapshot\n/)
    response.resume()
    const ended = once(response, 'end')
    await cache.close()
    await ended
    await server.close()
  })

  test('stops watching when the client has left', async () => {
    const left = deferred<void>()
    const view = {
      ...{ path: 'shop', report: async () => undefined, change: async () => undefined },
      watch: () => () => left.resolve(undefined),
      snapshot: () => ({ atMs: 0, events: [] }),
    }
    await using server = await startHttp(devtoolsOf(view))
    const { leave, response } = await openLive(server)
    response.on('error', () => undefined)
    leave()
    await left.promise
  })
})

describe('mounted by a framework', () => {
  /** As Express does it: the mount path is cut off from `url`, and a parser may have read the body. */
  const mounted = (body?: unknown) => (asked: IncomingMessage, response: ServerResponse) => {
    const originalUrl = asked.url ?? ''
    const url = originalUrl.replace('/ops/cache.v2', '') || '/'
    handler(Object.assign(asked, { originalUrl, url, ...(body !== undefined && { body }) }), response)
  }

  test('knows its mount path, whatever its name', async () => {
    await using server = await startHttp(mounted())
    expect((await fetch(`${server.origin}/ops/cache.v2`)).url).toBe(`${server.origin}/ops/cache.v2/`)
    expect((await fetch(`${server.origin}/ops/cache.v2/page.css`)).status).toBe(200)
    expect((await fetch(`${server.origin}/ops/cache.v2/other`)).status).toBe(404)
  })

  test('takes a body that is parsed already', async () => {
    await using server = await startHttp(mounted({ scope: 'shop', key: 'k' }))
    const response = await fetch(`${server.origin}/ops/cache.v2/report`, { method: 'POST', headers: PAGE, body: '{}' })
    expect(await response.json()).toMatchObject({ explanation: { key: 'k', answeredBy: 'loader' } })
  })
})

test('nothing piles up for a client that reads too slowly: it misses snapshots until it has read what was sent', async () => {
  const written: string[] = []
  const response = Object.assign(new EventEmitter(), {
    ...{ writeHead: () => response, end: () => response, destroy: () => response },
    write: (text: string) => {
      written.push(text)
      return false
    },
  })
  const asked = { method: 'GET', url: '/live', headers: { host: 'localhost' }, socket: { remoteAddress: '::1' } }
  const sent = () => new Promise((resolve) => setImmediate(resolve))
  const open = async () => {
    handler(asked as never, { ...response, write: () => true, on: () => undefined } as never)
    for (let i = 0; i < 5; i++) await sent()
  }
  handler(asked as never, response as never)
  for (let i = 0; i < 5; i++) await sent()
  expect(written).toHaveLength(1)
  // Each page that is opened makes a snapshot for all.
  await open()
  expect(written).toHaveLength(1)
  response.emit('drain')
  await open()
  expect(written).toHaveLength(2)
  handler.close()
})
