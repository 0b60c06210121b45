// Which headers of a response are stored (RFC 9111 §3.1), and how a 304 updates them (§3.2).
import { type Fields, fieldOf, tokensOf } from './fields.js'

/** Headers of one connection (RFC 9110 §7.6.1), of one hop's proxy, and what the cache itself writes anew. */
const NOT_STORED: ReadonlySet<string> = new Set([
  ...['connection', 'keep-alive', 'proxy-connection', 'te', 'transfer-encoding', 'upgrade', 'trailer'],
  ...['proxy-authenticate', 'proxy-authentication-info', 'proxy-authorization'],
  ...['age', 'cache-status', 'x-cache-status'],
])

/** The headers that are stored: all but those of the connection, and those that `Connection` lists. */
export function storedFields(fields: Fields): Fields {
  const listed = tokensOf(fieldOf(fields, 'connection'))
  return Object.fromEntries(
    Object.entries(fields).filter(
      ([name, value]) => value !== undefined && !NOT_STORED.has(name) && !listed.includes(name),
    ),
  )
}

/** What describes the bytes of the stored body, and so is not changed by a 304 (RFC 9111 §3.2). */
const OF_THE_BODY: ReadonlySet<string> = new Set([
  ...['content-encoding', 'content-length', 'content-range', 'content-md5', 'etag'],
])

/** The stored headers after a 304 has confirmed them. */
export function updatedFields(stored: Fields, of304: Fields): Fields {
  const updates = Object.entries(storedFields(of304)).filter(([name]) => !OF_THE_BODY.has(name))
  return { ...stored, ...Object.fromEntries(updates) }
}
