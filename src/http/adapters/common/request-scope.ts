// Runs handlers in the request scope of their request, and ends it when the response is over.
import type { ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import type { HttpCache } from '../../exchange/http-cache.js'

/** A scope as `HttpCache.openScope` returns it. */
export type Scope = NonNullable<ReturnType<HttpCache['openScope']>>

/**
 * Runs `work` in a request scope that ends with `response`, if the cache has scopes. A recorded response is over when its recording is: until
 * then it does not tell that its client has left.
 */
export function runInScope<T>(http: HttpCache<never>, response: ServerResponse, work: () => T): T {
  const scope = http.openScope()
  if (scope === undefined) return work()
  whenOver(response, () => scope.end())
  return scope.run(work)
}

/** Calls `end`, perhaps twice, when a response is sent or its client has left. */
export function whenOver(response: ServerResponse, end: () => void): void {
  if (response.writableEnded || response.destroyed) end()
  else for (const event of ['finish', 'close']) response.once(event, end)
}

/** Lets a body that the framework reads after the handler be made in the scope of its request. */
export function readInScope(scope: Scope, body: unknown): void {
  if (!(body instanceof Readable)) return
  const { _read: read } = body
  body._read = (size) => scope.run(() => read.call(body, size))
}

/** Calls `end` once a body is read to its end, or given up. */
export function whenRead(body: unknown, end: () => void): void {
  if (body instanceof Readable && !body.closed) body.once('close', end)
  else end()
}

/** Runs a handler of the web in a request scope that ends with the body of its response, which is made in the scope, too. */
export async function respondInScope(
  http: HttpCache<never>,
  { method }: Request,
  handler: () => Response | Promise<Response>,
): Promise<Response> {
  const scope = http.openScope()
  if (scope === undefined) return handler()
  try {
    const response = await scope.run(handler)
    // Nobody reads the body of a response to HEAD.
    if (response.body !== null && method !== 'HEAD') return withBody(response, bodyInScope(scope, response.body))
    scope.end()
    return response
  } catch (error) {
    scope.end()
    throw error
  }
}

function withBody({ status, statusText, headers }: Response, body: ReadableStream<Uint8Array>): Response {
  return new Response(body as never, { status, statusText, headers })
}

function bodyInScope(scope: Scope, body: ReadableStream): ReadableStream<Uint8Array> {
  const reader = body.getReader() as ReadableStreamDefaultReader<Uint8Array>
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { done, value } = await scope.run(() => reader.read())
          if (!done) return controller.enqueue(value)
          scope.end()
          controller.close()
        } catch (error) {
          scope.end()
          throw error
        }
      },
      cancel(reason) {
        scope.end()
        return reader.cancel(reason)
      },
    },
    { highWaterMark: 0 },
  )
}
