// The site as a function from a `Request` to a `Response`, for servers that speak the Fetch API.
import { type Asked, type Fields, MAX_BODY_BYTES, parseFields, type Stream } from './exchange.js'
import { mayBeMountPath } from './node-handler.js'
import type { Site } from './site.js'

export async function replyToFetch(site: Site, request: Request): Promise<Response> {
  const { status, headers, body } = await site.reply(askedOf(request))
  return new Response(typeof body === 'string' ? body : readable(body), { status, headers })
}

/** A `Request` does not say where it comes from, so without a token it is refused. */
function askedOf(request: Request): Asked {
  const url = new URL(request.url)
  return {
    method: request.method,
    url,
    isMountPath: mayBeMountPath(url),
    clientAddress: undefined,
    header: (name) => request.headers.get(name) ?? (name === 'host' ? url.host : undefined),
    fields: () => fieldsOf(request),
  }
}

async function fieldsOf(request: Request): Promise<Fields | undefined> {
  if (Number(request.headers.get('content-length') ?? 0) > MAX_BODY_BYTES) return undefined
  const text = await request.text()
  return text.length > MAX_BODY_BYTES ? undefined : parseFields(text, request.headers.get('content-type') ?? undefined)
}

/** A client that reads too slowly misses parts: each is whole, and the next one replaces it. So nothing piles up. */
function readable(stream: Stream): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder()
  let leave = () => {}
  return new ReadableStream({
    start: (controller) => {
      leave = stream(
        (text) => {
          if ((controller.desiredSize ?? 0) > 0) controller.enqueue(encoder.encode(text))
        },
        () => controller.close(),
      )
    },
    cancel: () => leave(),
  })
}
