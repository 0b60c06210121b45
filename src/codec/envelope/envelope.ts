// The envelope of an entry in L2: a stamp, a header that can be judged without its payload, and the payload.
// docs/wire-format.md has the table of bytes. Envelopes of every released version stay in test/wire.
import { type Label, type LabelSet, NO_LABELS } from '../../model/labels.js'
import { MAX_ETAG_CHARACTERS } from '../../model/limits.js'
import type { Bytes, Milliseconds } from '../../model/ports.js'
import type { Corrupt, CorruptReason } from './corrupt.js'
import { crc32 } from './crc32.js'
import { crc32OfKey, type FullKey } from './key-bytes.js'
import { skipLabels, writeLabels } from './label-block.js'
import type { LabelTable } from './label-table.js'
import { writeContent } from './sealed-content.js'
import { hasChecksum, readUint32, STAMP_BYTES, stampOf, stampProblem, stateOf, writeStamp } from './stamp.js'
import { FieldReader, FieldWriter, LARGEST_VARINT } from './wire-fields.js'

/** What a header says besides its payload. Durations count from `createdAtMs`, an instant of the store's clock. */
export interface EnvelopeFields {
  /** The whole logical key, never hashed. */
  readonly key: string
  /** Default `'live'`. */
  readonly state?: 'live' | 'expired' | undefined
  readonly createdAtMs: number
  readonly freshForMs: Milliseconds
  readonly staleForMs: Milliseconds
  readonly usableForMs: Milliseconds
  readonly loadMs: Milliseconds
  /** How long it lives without a read. Default Infinity: without a limit. */
  readonly idleForMs?: Milliseconds | undefined
  /** Scopes first. */
  readonly labels: LabelSet
  /** How many of the labels are scopes; their names are not written. */
  readonly scopeCount: number
  readonly etag?: string | undefined
  /** Whether the whole key is written too: where the store's key is only a hash. */
  readonly keepKey?: boolean | undefined
}

/** How the payload was made. */
export interface PayloadFields {
  readonly codecId: number
  /** 0 when it is not compressed. */
  readonly compressorId: number
  /** Its length before compression and encryption. */
  readonly rawBytes: number
  /** Whether values of extensions stand in it in their tagged form. */
  readonly isTagged: boolean
}

/** Encrypts a content, bound to a key and a header. */
export interface Sealer {
  /** Contents are padded to a multiple of it. */
  readonly paddingBytes: number
  seal(plain: Bytes, key: string, header: Bytes): Bytes
  /** Puts a MAC in the place of the checksum of a stamp. */
  sign(stamp: Bytes, key: string): void
}

const CRC_AT = STAMP_BYTES
const BODY_AT = CRC_AT + 4
/** What the header of most entries takes at most, without key and labels; others make the bytes grow. */
const USUAL_HEADER_BYTES = 64
const USUAL_LABEL_BYTES = 32

const FLAG_ENCRYPTED = 1
const FLAG_KEY = 2
const FLAG_ETAG = 4
const FLAG_TAGGED = 8
const COMPRESSOR_SHIFT = 4

/** How an entry without an idle life is written: in one byte, since most have none. */
const NO_IDLE_LIFE = 0

/** The bytes of an envelope. With a sealer, etag and raw length are part of what is sealed. */
export function encodeEnvelope(
  fields: EnvelopeFields,
  payloadFields: PayloadFields,
  payload: Bytes,
  sealer: Sealer | undefined,
): Buffer {
  const { key, state = 'live', etag, keepKey = false } = fields
  const { idleForMs = NO_IDLE_LIFE } = fields
  const { rawBytes } = payloadFields
  const headerBytes = USUAL_HEADER_BYTES + USUAL_LABEL_BYTES * fields.labels.labels.length + (keepKey ? key.length : 0)
  const out = new FieldWriter(Buffer.allocUnsafe(headerBytes + payload.length), BODY_AT)
  out.byte(payloadFields.codecId)
  out.byte(
    (sealer === undefined ? 0 : FLAG_ENCRYPTED) |
      (keepKey ? FLAG_KEY : 0) |
      (sealer !== undefined || etag === undefined ? 0 : FLAG_ETAG) |
      (payloadFields.isTagged ? FLAG_TAGGED : 0) |
      (payloadFields.compressorId << COMPRESSOR_SHIFT),
  )
  out.varint(wholeMs(fields.createdAtMs))
  out.varint(wholeMs(fields.freshForMs))
  out.varint(wholeMs(fields.staleForMs))
  out.varint(wholeMs(fields.usableForMs))
  out.varint(wholeMs(fields.loadMs))
  out.varint(idleForMs === Number.POSITIVE_INFINITY ? NO_IDLE_LIFE : wholeMs(idleForMs))
  writeLabels(out, fields.labels, fields.scopeCount)
  if (keepKey) out.string(key)
  if (sealer === undefined) {
    if (etag !== undefined) out.string(etag)
    out.varint(rawBytes)
  }
  if (sealer === undefined) {
    out.append(payload)
    writeStamp(out.bytes, state)
  } else {
    const head = out.written()
    writeStamp(head, state)
    const content = writeContent({ rawBytes, etag, payload }, head, sealer.paddingBytes)
    out.append(sealer.seal(content, key, head.subarray(BODY_AT)))
    if (state === 'expired') sealer.sign(out.bytes, key)
  }
  const bytes = out.written()
  bytes.writeUInt32LE(crc32(bytes, crc32OfKey(key), BODY_AT), CRC_AT)
  return bytes
}

/**
 * The key that is kept in an envelope, judged by its beginning alone; `undefined` where none is, or where it lies further behind. Never
 * throws. Nothing proves it: whoever goes by it may do no more than remove the entry.
 */
export function keptKeyOf(head: Bytes): string | undefined {
  if (!isEntry(head)) return undefined
  try {
    const fields = new FieldReader(head, BODY_AT)
    fields.byte()
    if ((fields.byte() & FLAG_KEY) === 0) return undefined
    for (let numbers = 6; numbers > 0; numbers--) fields.varint()
    return skipLabels(fields, undefined) === undefined ? fields.string() : undefined
  } catch {
    return undefined
  }
}

/** Whether the stamp is one of an entry, of which nothing else is checked yet. */
export function isEntry(bytes: Bytes): boolean {
  const state = stateOf(bytes)
  return state === 'live' || state === 'expired'
}

/** Gets the value out of what a header says is there, and sets the fields of `entry` that are only known then. Throws only `CorruptPayload`. */
export interface PayloadReader {
  read(entry: StoredEntry): unknown
}

/** An intact envelope of the key asked for: its header decoded, its payload still as it was stored. */
export class StoredEntry {
  /** `'expired'`: expired softly, usable only while it is replaced. */
  readonly state: 'live' | 'expired'
  codecId = 0
  compressorId = 0
  isEncrypted = false
  isTagged = false
  /** An instant of the store's clock; the durations count from it. */
  createdAtMs = 0
  freshForMs: Milliseconds = 0
  staleForMs: Milliseconds = 0
  usableForMs: Milliseconds = 0
  loadMs: Milliseconds = 0
  idleForMs: Milliseconds = Number.POSITIVE_INFINITY
  /** Scopes first. Entries with equal labels share it. */
  labels: LabelSet = NO_LABELS
  /** Of an encrypted entry only when `value` returned. */
  etag: string | undefined = undefined
  /** The size of the encoded value before compression. Of an encrypted entry only when `value` returned. */
  rawBytes = 0
  /** What it weighs in L1: its encoded size, or more if it takes many times as much memory. Known when `value` returned. */
  weightBytes = 0
  payloadAt = 0
  readonly #bytes: Bytes
  readonly #key: string | FullKey
  readonly #reader: PayloadReader

  constructor(bytes: Bytes, state: 'live' | 'expired', key: string | FullKey, reader: PayloadReader) {
    this.#bytes = bytes
    this.state = state
    this.#key = key
    this.#reader = reader
  }

  /** Decodes the payload, anew with each call. Throws only `CorruptPayload`. */
  value(): unknown {
    return this.#reader.read(this)
  }

  get key(): string {
    return typeof this.#key === 'string' ? this.#key : this.#key.text
  }

  /** Its first 16 bytes, copied: what a compare-and-set that replaces it expects. */
  get stamp(): Buffer {
    return stampOf(this.#bytes)
  }

  get payload(): Bytes {
    return this.#bytes.subarray(this.payloadAt)
  }

  /** The first 16 bytes, not copied. */
  get stampBytes(): Bytes {
    return this.#bytes.subarray(0, STAMP_BYTES)
  }

  /** What encryption authenticates besides the content: the header from the codec id on. */
  get authenticated(): Bytes {
    return this.#bytes.subarray(BODY_AT, this.payloadAt)
  }
}

/**
 * The entry in the envelope of `key`, or why there is none. Never throws. `scopeLabels` follow from the key; pass the same
 * array for the same scope.
 */
export function openEnvelope(
  bytes: Bytes,
  key: string | FullKey,
  scopeLabels: readonly Label[],
  labelTable: LabelTable,
  reader: PayloadReader,
): StoredEntry | Corrupt {
  const state = stateOf(bytes)
  if (state === undefined) return { corrupt: stampProblem(bytes) }
  if (state === 'lease' || state === 'fence') return { corrupt: 'not-an-entry' }
  // The checksum begins with the key, so that the bytes of another key never fit.
  const keyCrc = typeof key === 'string' ? crc32OfKey(key) : key.crc
  if (bytes.length < BODY_AT || readUint32(bytes, CRC_AT) !== crc32(bytes, keyCrc, BODY_AT))
    return { corrupt: 'checksum' }
  try {
    const entry = new StoredEntry(bytes, state, key, reader)
    const problem = readHeader(bytes, entry, scopeLabels, labelTable)
    return problem === undefined ? entry : { corrupt: problem }
  } catch {
    // Only bytes whose checksum was forged get here.
    return { corrupt: 'malformed' }
  }
}

/** Fills `entry`; returns what is wrong. Throws where the header ends early. */
function readHeader(
  bytes: Bytes,
  entry: StoredEntry,
  scopeLabels: readonly Label[],
  labelTable: LabelTable,
): CorruptReason | undefined {
  const fields = new FieldReader(bytes, BODY_AT)
  entry.codecId = fields.byte()
  const flags = fields.byte()
  entry.compressorId = flags >> COMPRESSOR_SHIFT
  entry.isEncrypted = (flags & FLAG_ENCRYPTED) !== 0
  entry.isTagged = (flags & FLAG_TAGGED) !== 0
  entry.createdAtMs = fields.varint()
  entry.freshForMs = readDuration(fields)
  entry.staleForMs = readDuration(fields)
  entry.usableForMs = readDuration(fields)
  entry.loadMs = readDuration(fields)
  entry.idleForMs = fields.varint() || Number.POSITIVE_INFINITY
  const labels = labelTable.again(fields, scopeLabels) ?? readNewLabels(bytes, fields, scopeLabels, labelTable)
  if (typeof labels === 'string') return labels
  entry.labels = labels
  if ((flags & FLAG_KEY) !== 0 && fields.string() !== entry.key) return 'other-key'
  if (entry.state === 'expired' && !entry.isEncrypted && !hasChecksum(bytes)) return 'damaged-stamp'
  if ((flags & FLAG_ETAG) !== 0) entry.etag = fields.string()
  if (entry.etag !== undefined && entry.etag.length > MAX_ETAG_CHARACTERS) return 'too-large'
  if (!entry.isEncrypted) entry.rawBytes = fields.varint()
  entry.payloadAt = fields.at
  return undefined
}

/** Passes over a label block; returns the labels, or what is wrong. */
function readNewLabels(
  bytes: Bytes,
  fields: FieldReader,
  scopeLabels: readonly Label[],
  labelTable: LabelTable,
): LabelSet | 'malformed' | 'too-large' {
  const from = fields.at
  return skipLabels(fields, scopeLabels.length) ?? labelTable.read(bytes, from, fields.at, scopeLabels)
}

function readDuration(fields: FieldReader): Milliseconds {
  const value = fields.varint()
  return value === LARGEST_VARINT ? Number.POSITIVE_INFINITY : value
}

/** Whole, at least 0, and what has no end as the largest number. */
function wholeMs(value: number): number {
  return value > 0 ? Math.min(Math.round(value), LARGEST_VARINT) : 0
}
