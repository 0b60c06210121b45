// From a stored response to the one that a client gets: 304, a range, HEAD, or all of it.
import { isNotModified, notModifiedFields, rangeApplies } from '../rules/conditions.js'
import { type Fields, fieldOf, tokensOf } from '../rules/fields.js'
import { contentRange, rangeOf } from '../rules/ranges.js'
import { hasNoBody } from '../rules/status.js'
import type { HttpRequest, HttpResponse } from './messages.js'

/** A body with the headers that describe it. */
export interface Representation {
  readonly status: number
  readonly headers: Fields
  readonly body: Uint8Array
}

/** What a GET or HEAD gets of a whole representation. */
export function present(whole: Representation, request: HttpRequest, nowMs: number): HttpResponse {
  const { status, headers, body } = whole
  if (status === 200 && isNotModified(request.headers, headers, nowMs))
    return { status: 304, headers: notModifiedFields(headers), body: undefined }
  if (hasNoBody(status)) return { status, headers, body: undefined }
  const range = status === 200 && request.method === 'GET' ? fieldOf(request.headers, 'range') : undefined
  const part = range === undefined || !rangeApplies(request.headers, headers) ? undefined : rangeOf(range, body.length)
  if (part === 'unsatisfiable') {
    const own = {
      ...notModifiedFields(headers),
      'content-range': contentRange(part, body.length),
      'content-length': '0',
    }
    return { status: 416, headers: own, body: new Uint8Array() }
  }
  if (part !== undefined) {
    const bytes = body.subarray(part.first, part.last + 1)
    const own = { ...headers, 'content-range': contentRange(part, body.length), 'content-length': String(bytes.length) }
    return { status: 206, headers: own, body: bytes }
  }
  const whole200 = { ...headers, 'content-length': String(body.length) }
  return { status, headers: whole200, body: request.method === 'HEAD' ? undefined : body }
}

/** The same representation in another coding. Its ETag becomes a weak one: its bytes are not those of the other. */
export function encoded(whole: Representation, coding: string, body: Uint8Array): Representation {
  const etag = fieldOf(whole.headers, 'etag')
  const weak = etag === undefined || etag.startsWith('W/') ? {} : { etag: `W/${etag}` }
  return { ...whole, headers: { ...whole.headers, ...weak, 'content-encoding': coding }, body }
}

/** `Vary` with `Accept-Encoding` in it. */
export function varyByEncoding(headers: Fields): Fields {
  const vary = fieldOf(headers, 'vary')
  if (tokensOf(vary).some((name) => name === 'accept-encoding' || name === '*')) return headers
  return { ...headers, vary: vary === undefined || vary.trim() === '' ? 'Accept-Encoding' : `${vary}, Accept-Encoding` }
}
