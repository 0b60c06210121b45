// What is encrypted of an entry: all that is not needed to judge it, and what binds it to its stamp.
import type { Bytes } from '../model/ports.js'
import { GENERATION_AT, STAMP_CHECK_AT } from './stamp.js'
import { FieldReader, FieldWriter, stringBytes, varintBytes } from './wire-fields.js'

export interface SealedContent {
  /** Of the payload, before compression. */
  readonly rawBytes: number
  readonly etag: string | undefined
  readonly payload: Bytes
}

const GENERATION_BYTES = STAMP_CHECK_AT - GENERATION_AT

/** How many bytes `writeContent` makes: rounded up to a multiple of `paddingBytes`. */
export function contentBytes({ rawBytes, etag, payload }: SealedContent, paddingBytes: number): number {
  const bytes =
    GENERATION_BYTES +
    varintBytes(rawBytes) +
    1 +
    (etag === undefined ? 0 : stringBytes(etag)) +
    varintBytes(payload.length) +
    payload.length
  return paddingBytes <= 1 ? bytes : Math.ceil(bytes / paddingBytes) * paddingBytes
}

/** `stamp`: the one that the entry is written with. */
export function writeContent(content: SealedContent, stamp: Bytes, bytes: number): Buffer {
  const { rawBytes, etag, payload } = content
  const target = Buffer.alloc(bytes)
  target.set(stamp.subarray(GENERATION_AT, STAMP_CHECK_AT))
  const out = new FieldWriter(target, GENERATION_BYTES)
  out.varint(rawBytes)
  out.byte(etag === undefined ? 0 : 1)
  if (etag !== undefined) out.string(etag)
  out.varint(payload.length)
  target.set(payload, out.at)
  return target
}

/** Throws where it is not laid out so. */
export function readContent(bytes: Bytes): SealedContent {
  const fields = new FieldReader(bytes, GENERATION_BYTES)
  const rawBytes = fields.varint()
  const etag = fields.byte() === 0 ? undefined : fields.string()
  const length = fields.varint()
  const end = fields.skip(length)
  return { rawBytes, etag, payload: bytes.subarray(end - length, end) }
}

/** Whether the entry still has the stamp that it was written with: only so is it live. */
export function hasItsStamp(content: Bytes, stamp: Bytes): boolean {
  for (let i = 0; i < GENERATION_BYTES; i++) if (content[i] !== stamp[GENERATION_AT + i]) return false
  return true
}
