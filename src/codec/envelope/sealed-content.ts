// What is encrypted of an entry: all that is not needed to judge it, and what binds it to its stamp.
import type { Bytes } from '../../model/ports.js'
import { GENERATION_AT, STAMP_CHECK_AT } from './stamp.js'
import { FieldReader, FieldWriter } from './wire-fields.js'

export interface SealedContent {
  /** Of the payload, before compression. */
  readonly rawBytes: number
  readonly etag: string | undefined
  readonly payload: Bytes
}

const GENERATION_BYTES = STAMP_CHECK_AT - GENERATION_AT
const USUAL_FIELD_BYTES = 64

/** `stamp`: the one that the entry is written with. The bytes are zeros up to a multiple of `paddingBytes`. */
export function writeContent({ rawBytes, etag, payload }: SealedContent, stamp: Bytes, paddingBytes: number): Buffer {
  const out = new FieldWriter(Buffer.allocUnsafe(USUAL_FIELD_BYTES), GENERATION_BYTES)
  out.varint(rawBytes)
  out.byte(etag === undefined ? 0 : 1)
  if (etag !== undefined) out.string(etag)
  out.varint(payload.length)
  const fields = out.written()
  fields.set(stamp.subarray(GENERATION_AT, STAMP_CHECK_AT))
  const bytes = fields.length + payload.length
  const content = Buffer.alloc(paddingBytes <= 1 ? bytes : Math.ceil(bytes / paddingBytes) * paddingBytes)
  content.set(fields)
  content.set(payload, fields.length)
  return content
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
