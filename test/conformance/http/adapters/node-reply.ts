// Writes the replies of the suite to responses of Node, and runs servers of Node.
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import type { Fields, HttpCache } from 'tiercache/http'
import type { AppRequest, Reply, RunningApp } from '../app.js'

export function appRequestOf(http: HttpCache<never>, request: IncomingMessage & { originalUrl?: string }): AppRequest {
  return {
    method: request.method ?? 'GET',
    url: request.originalUrl ?? request.url ?? '/',
    headers: request.headers,
    body: () => buffer(request),
    tag: (tags) => http.tag(request, tags),
  }
}

/** Sends a reply as handlers do: a text or bytes with `end`, a stream with `pipeline`. */
export async function sendReply(response: ServerResponse, { status = 200, headers = {}, body }: Reply): Promise<void> {
  response.statusCode = status
  setAll(response, headers)
  if (body === undefined || typeof body === 'string' || body instanceof Uint8Array) response.end(body)
  // A body that breaks off destroys the response, and that is all that its handler can do.
  else await pipeline(Readable.from(body, { objectMode: false }), response).catch(() => undefined)
}

export function setAll(response: ServerResponse, headers: Fields): void {
  for (const [name, value] of Object.entries(headers)) if (value !== undefined) response.setHeader(name, value)
}

/** Runs a listener on a free loopback port. */
export async function listen(listener: RequestListener): Promise<RunningApp> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
