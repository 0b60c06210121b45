import { Readable } from 'node:stream'
import createServer, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { fastify, type HttpCache } from 'tiercache/http'
import type { AppAdapter, AppRoute, Reply } from '../app.js'

export const fastifyAdapter: AppAdapter = {
  name: 'Fastify',
  async start(app) {
    const server = createServer({ forceCloseConnections: true })
    const http = app.http as unknown as HttpCache<FastifyRequest>
    // Node knows more methods than Fastify accepts by itself.
    server.addHttpMethod('M-SEARCH')
    server.removeAllContentTypeParsers()
    server.addContentTypeParser('*', { parseAs: 'buffer' }, async (_request: unknown, body: unknown) => body)
    server.addHook('onRequest', async (_request, reply) => {
      for (const [name, value] of Object.entries(app.outerHeaders ?? {})) reply.header(name, value)
    })
    server.setErrorHandler((_error, _request, reply) => reply.code(500).send('failed'))
    await server.register(fastify(http), { routes: app.everywhere ? 'all' : 'configured' })
    for (const route of app.routes) add(server, http, route)
    const url = await server.listen({ port: 0, host: '127.0.0.1' })
    return { url, close: () => server.close() }
  },
}

function add(
  server: FastifyInstance,
  http: HttpCache<FastifyRequest>,
  { method, path, route, invalidates, handle }: AppRoute,
): void {
  const cache = invalidates === undefined ? route : { invalidates }
  const methods = method === '*' ? server.supportedMethods.filter((one) => one !== 'HEAD') : method
  server.route({
    method: methods as 'GET',
    url: path,
    config: cache === undefined ? {} : { cache },
    handler: async (request, reply) => {
      const { method: asked, originalUrl: url, headers } = request
      const body = async () => (request.body as Buffer | undefined) ?? Buffer.alloc(0)
      const tag = (tags: string | readonly string[]) => http.tag(request, tags)
      return send(reply, await handle({ method: asked, url, headers, body, tag }))
    },
  })
}

function send(reply: FastifyReply, { status = 200, headers = {}, body }: Reply): unknown {
  const isParts = body !== undefined && typeof body !== 'string' && !(body instanceof Uint8Array)
  reply.code(status)
  for (const [name, value] of Object.entries(headers)) reply.header(name, value)
  return reply.send(isParts ? Readable.from(body, { objectMode: false }) : body)
}
