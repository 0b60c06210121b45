// The adapter for handlers of the web: a `Request` comes in, a `Response` goes out. What Hono, Deno-style servers and Next.js build on.
import { setImmediate } from '../../model/time/real-timers.js'
import type { HttpCache } from '../exchange/http-cache.js'
import type { Recording } from '../exchange/recording.js'
import type { Fields } from '../rules/fields.js'
import type { HttpRequest, HttpResponse, ResponseHead } from '../storage/messages.js'
import type { RoutePolicy } from '../storage/policy.js'
import { respondInScope } from './common/request-scope.js'

/** A handler of the web. With the audience `'nobody'` it runs in the background: the client has its response already. */
export type WebHandler = (request: Request, audience: 'client' | 'nobody') => Response | Promise<Response>

/** The headers that surrounding middleware had set before the handler ran. */
type Outer = (() => Headers) | undefined

/** What `serveWeb` needs besides the request. */
export interface WebOptions<Req> {
  readonly policy?: RoutePolicy<Req> | undefined
  /** The request that the functions among the options get, such as the context of a framework. Default: the request. */
  readonly raw?: Req | undefined
  /** The headers that surrounding middleware had set before the handler ran. They count, are sent, and are not stored. Default: none. */
  readonly outer?: Outer
  /** Keeps the process of a serverless platform alive until a background run is over, such as `ctx.waitUntil`. */
  readonly waitUntil?: ((work: Promise<unknown>) => void) | undefined
}

/**
 * Serves a request from the cache, or by `given`, a handler whose response is recorded, held back or passed on. It gets the request with the
 * conditions of the cache instead of those of the client. Rejects with what it throws, unless a stale response may be served.
 */
export async function serveWeb<Req extends object = Request>(
  http: HttpCache<Req>,
  request: Request,
  given: WebHandler,
  { policy, raw = request as unknown as Req, outer, waitUntil }: WebOptions<Req> = {},
): Promise<Response> {
  const handler: WebHandler = (asked, audience) => respondInScope(http, asked, () => given(asked, audience))
  const exchange = await http.begin(webRequestOf(request, raw), policy)
  switch (exchange.kind) {
    case 'pass':
      return withHeaders(await handler(request, 'client'), exchange.headers)
    case 'serve':
      return responseOf(exchange.response, outer)
    case 'mutate': {
      const response = await handler(request, 'client')
      await exchange.mutation.settle(headOf(response))
      return withHeaders(response, exchange.headers)
    }
    case 'record': {
      const { recording, conditions, first } = exchange
      const audience = first === undefined ? 'client' : 'nobody'
      const run = record(recording, () => handler(withConditions(request, conditions), audience), outer)
      if (first === undefined) return run
      const inBackground = run.then(drain, () => undefined)
      waitUntil?.(inBackground)
      return responseOf(first, outer)
    }
  }
}

/** A request of the web for the cache. */
export function webRequestOf(request: Request, raw: object = request): HttpRequest {
  const { pathname, search, host } = new URL(request.url)
  return {
    method: request.method,
    target: `${pathname}${search}`,
    headers: { host, ...fieldsOf(request.headers) },
    raw,
  }
}

async function record(recording: Recording, run: () => Response | Promise<Response>, outer: Outer): Promise<Response> {
  let response: Response
  try {
    response = await run()
  } catch (error) {
    const instead = recording.broken()
    if (instead === undefined) throw error
    return responseOf(instead, outer)
  }
  const head = headOf(response, outer?.())
  if (response.body === null) return responseOf(recording.whole(head, new Uint8Array()), outer)
  const reader = response.body.getReader() as ReadableStreamDefaultReader<Uint8Array>
  try {
    const parts = await firstParts(reader)
    if (parts.isWhole) return responseOf(recording.whole(head, parts.bytes), outer)
    return stream(recording, head, reader, parts, outer)
  } catch (error) {
    const instead = recording.broken()
    if (instead === undefined) throw error
    return responseOf(instead, outer)
  }
}

type Read = ReturnType<ReadableStreamDefaultReader<Uint8Array>['read']>

/** The beginning of a body, and the read that goes on with it. */
type FirstParts =
  | { readonly isWhole: true; readonly bytes: Uint8Array }
  | { readonly isWhole: false; readonly bytes: Uint8Array; readonly next: Read }

/** A body that was made of a text or of bytes has one part and ends in the same turn. Then its length is known when its head is due. */
async function firstParts(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<FirstParts> {
  const first = await reader.read()
  if (first.done) return { isWhole: true, bytes: new Uint8Array() }
  const next = reader.read()
  // A failure is met where the part is used.
  next.catch(() => undefined)
  const second = await Promise.race([next, new Promise<undefined>((resolve) => setImmediate(() => resolve(undefined)))])
  return second?.done === true ? { isWhole: true, bytes: first.value } : { isWhole: false, bytes: first.value, next }
}

/** Sends a body on while it is recorded. It is read as fast as the client takes it; when that has left, for the recording alone. */
function stream(
  recording: Recording,
  head: ResponseHead,
  reader: ReadableStreamDefaultReader<Uint8Array>,
  { bytes, next }: FirstParts & { isWhole: false },
  outer: Outer,
): Response {
  const begun = recording.begin(head)
  recording.chunk(bytes)
  const source = new Source(recording, reader, next)
  if (begun.kind === 'instead') {
    void source.readToEnd()
    return responseOf(begun.response, outer)
  }
  let isFirst = true
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const part = isFirst ? bytes : await source.read()
        isFirst = false
        if (part === undefined) controller.close()
        else controller.enqueue(part)
      },
      cancel: (reason) => (recording.isRecording ? source.readToEnd() : reader.cancel(reason)),
    },
    { highWaterMark: 0 },
  )
  return new Response(body as never, { status: head.status, headers: headersOf(begun.headers) })
}

/** The rest of a body, which is recorded as it is read. */
class Source {
  readonly #recording: Recording
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>
  #next: Read | undefined

  constructor(recording: Recording, reader: ReadableStreamDefaultReader<Uint8Array>, next: Read) {
    this.#recording = recording
    this.#reader = reader
    this.#next = next
  }

  /** The next part; `undefined` at the end. Rejects if the body breaks off. */
  async read(): Promise<Uint8Array | undefined> {
    const reading = this.#next ?? this.#reader.read()
    this.#next = undefined
    try {
      const { done, value } = await reading
      if (done) this.#recording.end()
      else this.#recording.chunk(value)
      return value
    } catch (error) {
      this.#recording.broken()
      throw error
    }
  }

  /** Reads for the recording, as long as the response may still be stored. */
  async readToEnd(): Promise<void> {
    try {
      while ((await this.read()) !== undefined) if (!this.#recording.isRecording) return await this.#reader.cancel()
    } catch {
      // The recording knows.
    }
  }
}

async function drain(response: Response): Promise<void> {
  await response.arrayBuffer().catch(() => undefined)
}

export function headOf({ status, headers }: Response, outer: Headers = new Headers()): ResponseHead {
  const unchanged = [...outer].filter(([name, value]) => headers.get(name) === value)
  return { status, headers: fieldsOf(headers), outer: new Set(unchanged.map(([name]) => name)) }
}

/** Every field by lower-case name. `Set-Cookie` alone may have several lines. */
function fieldsOf(headers: Headers): Fields {
  const fields: Record<string, string | string[]> = {}
  headers.forEach((value, name) => {
    fields[name] = value
  })
  const cookies = headers.getSetCookie()
  if (cookies.length > 0) fields['set-cookie'] = cookies
  return fields
}

function headersOf(fields: Fields, outer: Outer = undefined): Headers {
  const headers = new Headers(outer?.())
  for (const [name, value] of Object.entries(fields)) {
    if (typeof value === 'string') headers.set(name, value)
    else {
      headers.delete(name)
      for (const line of value ?? []) headers.append(name, line)
    }
  }
  return headers
}

function responseOf({ status, headers, body }: HttpResponse, outer: Outer): Response {
  return new Response(body as never, { status, headers: headersOf(headers, outer) })
}

/** The same response with more headers. Those of a response that was fetched cannot be changed. */
function withHeaders(response: Response, more: Fields): Response {
  const headers = new Headers(response.headers)
  headersOf(more).forEach((value, name) => {
    headers.set(name, value)
  })
  return new Response(response.body as never, { status: response.status, statusText: response.statusText, headers })
}

function withConditions(request: Request, conditions: Fields): Request {
  const headers = new Headers(request.headers)
  for (const [name, value] of Object.entries(conditions)) {
    if (value === undefined) headers.delete(name)
    else headers.set(name, String(value))
  }
  return new Request(request, { headers })
}
