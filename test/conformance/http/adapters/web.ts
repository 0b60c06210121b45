// Handlers of the web (`Request` → `Response`), behind a server of Node that translates.
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { type Fields, type HttpCache, serveWeb, webRequestOf } from 'tiercache/http'
import { type App, type AppAdapter, type AppRoute, type Reply, routeOf } from '../app.js'
import { listen, setAll } from './node-reply.js'

export const webAdapter: AppAdapter = {
  name: 'Request and Response',
  start: (app) =>
    listen(async (incoming, outgoing) => {
      setAll(outgoing, app.outerHeaders ?? {})
      const response = await respond(app, await requestOf(incoming)).catch(
        () => new Response('failed', { status: 500 }),
      )
      await send(response, outgoing).catch(() => undefined)
    }),
}

async function respond(app: App, request: Request): Promise<Response> {
  const http = app.http as unknown as HttpCache<Request>
  const { pathname } = new URL(request.url)
  const route = routeOf(app.routes, request.method, pathname)
  const handler = (asked: Request) =>
    route === undefined ? new Response('not found', { status: 404 }) : handle(app, route, request, asked)
  return app.everywhere ? serveWeb(http, request, handler, rawOf(request)) : handler(request)
}

const rawRequests = new WeakMap<Request, object>()

/** The functions among the options of the suite look at `headers` as those of Node, and at the target as `url`. */
function rawOf(request: Request): { readonly raw: never } {
  const { headers, target: url } = webRequestOf(request)
  const raw = rawRequests.get(request) ?? { headers, url }
  rawRequests.set(request, raw)
  return { raw: raw as never }
}

/** A route with options of its own, and the reply of its handler. `asked` has the conditions of the cache. */
async function handle(
  app: App,
  { route, invalidates, handle: run }: AppRoute,
  request: Request,
  asked: Request,
): Promise<Response> {
  const http = app.http as unknown as HttpCache<Request>
  const { raw } = rawOf(request)
  const reply = async (inner: Request) => {
    const { method, target: url, headers } = webRequestOf(inner)
    const body = async () => Buffer.from(await inner.clone().arrayBuffer())
    return toResponse(await run({ method, url, headers, body, tag: (tags) => http.tag(raw, tags) }))
  }
  if (invalidates !== undefined) {
    const { mutation, isNew } = http.mutation(webRequestOf(request, raw))
    mutation.add(invalidates)
    const response = await reply(asked)
    if (isNew) await mutation.settle({ status: response.status, headers: Object.fromEntries(response.headers) })
    return response
  }
  return route === undefined ? reply(asked) : serveWeb(http, asked, reply, { raw, policy: http.route(route as never) })
}

async function requestOf(incoming: IncomingMessage): Promise<Request> {
  const { method = 'GET', url = '/', headers } = incoming
  const hasBody = method !== 'GET' && method !== 'HEAD'
  const body = hasBody ? await buffer(incoming) : undefined
  const fields = Object.entries(headers as Fields).map(([name, value]): [string, string] => [name, String(value)])
  return new Request(`http://${headers.host}${url}`, {
    method,
    headers: fields,
    ...(hasBody && { body: body as never }),
  })
}

export function toResponse({ status = 200, headers = {}, body }: Reply): Response {
  const fields = new Headers()
  for (const [name, value] of Object.entries(headers)) {
    for (const line of Array.isArray(value) ? value : [value]) fields.append(name, line)
  }
  const isParts = body !== undefined && typeof body !== 'string' && !(body instanceof Uint8Array)
  const stream = isParts ? Readable.toWeb(Readable.from(body, { objectMode: false })) : body
  const hasNone = status === 204 || status === 304
  return new Response((hasNone ? null : stream) as never, { status, headers: fields })
}

async function send(response: Response, outgoing: ServerResponse): Promise<void> {
  outgoing.statusCode = response.status
  response.headers.forEach((value, name) => {
    outgoing.setHeader(name, name === 'set-cookie' ? response.headers.getSetCookie() : value)
  })
  if (response.body === null) outgoing.end()
  else await pipeline(Readable.fromWeb(response.body as never), outgoing)
}
