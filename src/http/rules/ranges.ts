// Range requests (RFC 9110 §14): one range of bytes, cut from a whole body.

/** The bytes from `first` to `last`, both included. */
export interface ByteRange {
  readonly first: number
  readonly last: number
}

/**
 * The range that `Range` asks for, of a body of `length` bytes. `'unsatisfiable'` leads to 416. `undefined`: the header is not understood or
 * names several ranges, and is ignored (RFC 9110 §14.2).
 */
export function rangeOf(header: string, length: number): ByteRange | 'unsatisfiable' | undefined {
  const match = /^bytes=\s*(\d*)-(\d*)\s*$/i.exec(header)
  if (match === null) return undefined
  const [, from = '', to = ''] = match
  if (from === '') {
    if (to === '') return undefined
    const suffix = Number(to)
    return suffix === 0 || length === 0 ? 'unsatisfiable' : { first: Math.max(0, length - suffix), last: length - 1 }
  }
  const first = Number(from)
  if (to !== '' && Number(to) < first) return undefined
  return first >= length ? 'unsatisfiable' : { first, last: Math.min(to === '' ? Infinity : Number(to), length - 1) }
}

/** `Content-Range` of a part, or of a 416 (RFC 9110 §14.4). */
export function contentRange(range: ByteRange | 'unsatisfiable', length: number): string {
  return range === 'unsatisfiable' ? `bytes */${length}` : `bytes ${range.first}-${range.last}/${length}`
}
