// The parts of a stream as bytes: each a length, the time since the beginning, and the encoded part.
import type { Bytes, Milliseconds } from '../../model/ports.js'

/** One part of a recording. It is encoded, so that no consumer can change what another one gets. */
export interface Frame {
  /** `undefined` for a part that cannot be encoded: it is passed on as it is, and its stream is not stored. */
  readonly bytes: Bytes | undefined
  readonly part: unknown
  /** When it came, counted from the beginning of the stream. */
  readonly atMs: Milliseconds
}

const HEAD_BYTES = 8
const LONGEST_MS = 2 ** 32 - 1

/** How many bytes a frame takes when it is packed. */
export function sizeOf({ bytes }: Frame): number {
  return HEAD_BYTES + (bytes?.length ?? 0)
}

/** The bytes of frames that are all encoded. */
export function packFrames(frames: readonly Frame[]): Buffer {
  const packed = Buffer.allocUnsafe(frames.reduce((sum, frame) => sum + sizeOf(frame), 0))
  let at = 0
  for (const frame of frames) {
    const { atMs, bytes = new Uint8Array() } = frame
    packed.writeUInt32LE(bytes.length, at)
    packed.writeUInt32LE(Math.min(LONGEST_MS, Math.max(0, Math.round(atMs))), at + 4)
    packed.set(bytes, at + HEAD_BYTES)
    at += sizeOf(frame)
  }
  return packed
}

/** The frames in these bytes; `undefined` if the bytes are no frames. */
export function unpackFrames(packed: Bytes): readonly Frame[] | undefined {
  const view = new DataView(packed.buffer, packed.byteOffset, packed.byteLength)
  const frames: Frame[] = []
  for (let at = 0; at < packed.length; ) {
    if (at + HEAD_BYTES > packed.length) return undefined
    const end = at + HEAD_BYTES + view.getUint32(at, true)
    if (end > packed.length) return undefined
    frames.push({ bytes: packed.subarray(at + HEAD_BYTES, end), part: undefined, atMs: view.getUint32(at + 4, true) })
    at = end
  }
  return frames
}
