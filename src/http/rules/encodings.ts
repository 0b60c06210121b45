// Content codings (RFC 9110 §8.4, §12.5.3): which one a client gets, what is worth compressing, and whether bytes are what they claim to be.
import { promisify } from 'node:util'
import zlib from 'node:zlib'
import Negotiator from 'negotiator'
import { directivesOf } from './cache-control.js'
import { type Fields, fieldOf } from './fields.js'

/** The codings that the cache makes. */
export type Encoding = 'br' | 'gzip'

/** The coding of `offered` that a client prefers; `undefined`: the body as it is. `offered` is in the order of the cache's own preference. */
export function preferredEncoding(request: Fields, offered: readonly Encoding[]): Encoding | undefined {
  const value = fieldOf(request, 'accept-encoding')
  if (value === undefined || value === '') return undefined
  const negotiator: WithPreference = new Negotiator({ headers: { 'accept-encoding': value } })
  const chosen = negotiator.encoding([...offered, 'identity'], { preferred: [...offered] })
  return offered.find((encoding) => encoding === chosen)
}

/** What the types of negotiator do not say: which of equally wanted encodings is taken. */
interface WithPreference {
  encoding(available: string[], options: { preferred: string[] }): string | undefined
}

const COMPRESSIBLE =
  /^(?:text\/|application\/(?:json|javascript|xml|wasm|graphql|manifest\+json)|[^;]+\+(?:json|xml|text)|image\/svg)/i
/** Smaller bodies gain nothing: they fit into one packet. */
const LEAST_BYTES = 1024

/** Whether a body is worth compressing, and may be: `no-transform` forbids it (RFC 9111 §5.2.2.6). */
export function isCompressible(fields: Fields, bytes: number): boolean {
  if (bytes < LEAST_BYTES || fields['content-encoding'] !== undefined || fields['content-range'] !== undefined)
    return false
  if (directivesOf(fields).has('no-transform')) return false
  return COMPRESSIBLE.test(fieldOf(fields, 'content-type')?.trim() ?? '')
}

const gzip = promisify(zlib.gzip)
const brotli = promisify<Uint8Array, zlib.BrotliOptions, Buffer>(zlib.brotliCompress)
/** Quality 11 is Node's default and takes a hundred times as long as 5, which compresses better than gzip. */
const BROTLI = { params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 5 } }

/** Compresses a body. */
export function encode(body: Uint8Array, encoding: Encoding): Promise<Buffer> {
  return encoding === 'gzip' ? gzip(body) : brotli(body, BROTLI)
}

const DECODERS: Readonly<Record<string, (body: Uint8Array) => Promise<unknown>>> = {
  gzip: promisify<Uint8Array, Buffer>(zlib.gunzip),
  'x-gzip': promisify<Uint8Array, Buffer>(zlib.gunzip),
  deflate: promisify<Uint8Array, Buffer>(zlib.inflate),
  br: promisify<Uint8Array, Buffer>(zlib.brotliDecompress),
}

/** Whether a body is encoded as its `Content-Encoding` says. An encoding that is not known is believed. */
export async function isEncodedAsClaimed(fields: Fields, body: Uint8Array): Promise<boolean> {
  const claimed = fieldOf(fields, 'content-encoding')?.trim().toLowerCase() ?? 'identity'
  if (claimed === 'identity' || claimed === '') return !isHiddenGzip(fields, body)
  const decode = Object.hasOwn(DECODERS, claimed) ? DECODERS[claimed] : undefined
  if (decode === undefined || body.length === 0) return true
  return decode(body).then(
    () => true,
    () => false,
  )
}

/** Text that begins as a gzip file does: something compressed it and the header was lost. */
function isHiddenGzip(fields: Fields, body: Uint8Array): boolean {
  return body[0] === 0x1f && body[1] === 0x8b && COMPRESSIBLE.test(fieldOf(fields, 'content-type')?.trim() ?? '')
}
