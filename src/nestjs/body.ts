// What handlers return as a body: values, and streams that may break.
import { StreamableFile } from '@nestjs/common'

/** Calls `broken` if a body is a stream of Node that fails: before its first part, Nest makes an error response of it. */
export function whenBroken(body: unknown, broken: () => void): void {
  const stream = body instanceof StreamableFile ? body.getStream() : body
  const { once } = (stream ?? {}) as { readonly once?: unknown }
  if (typeof once === 'function') once.call(stream, 'error', broken)
}
