// Bytes as the Buffer that they nearly always are, for what only a Buffer can do.
import type { Bytes } from './ports.js'

export function asBuffer(bytes: Bytes): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
