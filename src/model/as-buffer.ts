// Bytes as a Buffer, for what only a Buffer can do.
import type { Bytes } from './ports.js'

/** Returns `bytes` itself if it is a Buffer, as it nearly always is; else a Buffer over the same memory. */
export function asBuffer(bytes: Bytes): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
