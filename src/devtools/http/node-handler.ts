// The site as a handler of node:http, which Express and its like take as well.
import type { IncomingMessage, ServerResponse } from 'node:http'
import { type Asked, asFields, type Fields, MAX_BODY_BYTES, parseFields, type Stream } from './exchange.js'
import type { Site } from './site.js'

/** What frameworks add to a request. */
interface Framed {
  /** The path before the mount path was cut off. */
  readonly originalUrl?: string
  /** What a body parser made of the body. */
  readonly body?: unknown
}

type NodeRequest = IncomingMessage & Framed

export async function replyInNode(site: Site, request: NodeRequest, response: ServerResponse): Promise<void> {
  const { status, headers, body } = await site.reply(askedOf(request))
  response.writeHead(status, headers)
  if (typeof body === 'string') response.end(body)
  else pump(body, response)
}

function askedOf(request: NodeRequest): Asked {
  const { method = 'GET', url = '/', originalUrl, headers, socket } = request
  const full = urlOf(originalUrl ?? url)
  return {
    method,
    url: full,
    isMountPath: originalUrl === undefined ? mayBeMountPath(full) : urlOf(url).pathname === '/',
    clientAddress: socket.remoteAddress,
    header: (name) => {
      const value = headers[name]
      return Array.isArray(value) ? value.join(', ') : value
    },
    fields: () => fieldsOf(request),
  }
}

/** A path that begins with two slashes is a path here, and never a host. */
function urlOf(path: string): URL {
  return new URL(`http://localhost${path.startsWith('/') ? path : '/'}`)
}

/** The last part of a mount path is a word. Browsers also ask for files, such as favicon.ico. */
export function mayBeMountPath({ pathname }: URL): boolean {
  return /\/[\w-]+$/.test(pathname)
}

async function fieldsOf(request: NodeRequest): Promise<Fields | undefined> {
  if (request.body !== undefined) return asFields(request.body)
  const parts: Buffer[] = []
  let bytes = 0
  for await (const part of request) {
    bytes += (part as Buffer).length
    if (bytes > MAX_BODY_BYTES) return undefined
    parts.push(part as Buffer)
  }
  return parseFields(Buffer.concat(parts).toString('utf8'), request.headers['content-type'])
}

/** A client that reads too slowly misses parts: each is whole, and the next one replaces it. So nothing piles up. */
function pump(stream: Stream, response: ServerResponse): void {
  let isFull = false
  response.on('drain', () => {
    isFull = false
  })
  const leave = stream(
    (text) => {
      if (!isFull) isFull = !response.write(text)
    },
    () => response.end(),
  )
  // The client may have left before there was anything to send.
  if (response.destroyed) leave()
  else response.on('close', leave)
}
