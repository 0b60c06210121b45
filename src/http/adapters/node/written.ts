// The arguments of `writeHead`, `write` and `end`, which may be left out in several ways.
import type { OutgoingHttpHeader, OutgoingHttpHeaders, ServerResponse } from 'node:http'

type Callback = (error?: Error | null) => void

/** What one call of `write` or `end` gives. */
export interface Written {
  readonly bytes: Uint8Array | undefined
  readonly callback: Callback | undefined
}

/** The arguments of `write(chunk?, encoding?, callback?)` and `end`. Throws as Node does for a chunk that is neither text nor bytes. */
export function writtenOf(args: readonly unknown[]): Written {
  const callback = args.find((argument): argument is Callback => typeof argument === 'function')
  const [chunk, encoding] = args
  if (chunk === undefined || chunk === null || typeof chunk === 'function') return { bytes: undefined, callback }
  if (typeof chunk === 'string')
    return { bytes: Buffer.from(chunk, typeof encoding === 'string' ? (encoding as BufferEncoding) : 'utf8'), callback }
  if (chunk instanceof Uint8Array) return { bytes: chunk, callback }
  throw new TypeError(`expected a string, Buffer or Uint8Array as the chunk of a response; got ${typeof chunk}`)
}

type HeadArguments = readonly [
  status: number,
  messageOrHeaders?: string | OutgoingHttpHeaders | OutgoingHttpHeader[],
  headers?: OutgoingHttpHeaders | OutgoingHttpHeader[],
]

/** Applies `writeHead(status, message?, headers?)` to a response, without sending anything. */
export function applyHead(response: ServerResponse, [status, second, third]: HeadArguments): void {
  response.statusCode = status
  if (typeof second === 'string') response.statusMessage = second
  const headers = typeof second === 'string' ? third : (second ?? third)
  if (headers === undefined || headers === null) return
  if (!Array.isArray(headers)) {
    for (const [name, value] of Object.entries(headers)) if (value !== undefined) response.setHeader(name, value)
    return
  }
  const pairs = Array.isArray(headers[0]) ? (headers as unknown as [string, OutgoingHttpHeader][]) : inPairs(headers)
  // A name may come several times: each is a line of its own.
  for (const name of new Set(pairs.map(([one]) => one.toLowerCase()))) {
    const values = pairs.filter(([one]) => one.toLowerCase() === name).map(([, value]) => value)
    response.setHeader(name, values.length === 1 ? (values[0] as OutgoingHttpHeader) : values.map(String))
  }
}

function inPairs(flat: readonly OutgoingHttpHeader[]): [string, OutgoingHttpHeader][] {
  const pairs: [string, OutgoingHttpHeader][] = []
  for (let i = 0; i + 1 < flat.length; i += 2) pairs.push([String(flat[i]), flat[i + 1] as OutgoingHttpHeader])
  return pairs
}
