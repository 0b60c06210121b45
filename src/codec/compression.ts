// The default compressor, and when to compress at all.
import { deflateRawSync, inflateRawSync } from 'node:zlib'
import type { Bytes, Compressor } from '../model/ports.js'

export const DEFLATE_ID = 1

/** Below this there is little to save, and a call costs about as much as a round trip to Redis on the same host. */
export const DEFAULT_THRESHOLD_BYTES = 1024

/** Not worth the reader's time if it saves less than a tenth. */
const WORTHWHILE_RATIO = 0.9

/** The fastest level: the next ones save a few percent more and take up to four times as long. */
const LEVEL = 1
const LEAST_CHUNK_BYTES = 64
const LARGEST_CHUNK_BYTES = 262_144

/** Raw deflate through node:zlib: no package, no checksum of its own (the envelope has one). */
export const deflate: Compressor = {
  id: DEFLATE_ID,
  name: 'deflate',
  compress: (bytes) => deflateRawSync(bytes, { level: LEVEL, chunkSize: chunkBytes(bytes.length) }),
  decompress: (bytes, maxBytes) =>
    inflateRawSync(bytes, { maxOutputLength: Math.max(1, maxBytes), chunkSize: chunkBytes(maxBytes) }),
}

/** The compressed bytes, or `undefined` where that is not worth it. */
export function compressIfWorthwhile(compressor: Compressor, bytes: Bytes, thresholdBytes: number): Bytes | undefined {
  if (bytes.length < thresholdBytes) return undefined
  const compressed = compressor.compress(bytes)
  return compressed.length <= bytes.length * WORTHWHILE_RATIO ? compressed : undefined
}

/** One chunk for the usual sizes, and never more than a header's claim could make worthwhile. */
function chunkBytes(expected: number): number {
  return Math.min(Math.max(expected, LEAST_CHUNK_BYTES), LARGEST_CHUNK_BYTES)
}
