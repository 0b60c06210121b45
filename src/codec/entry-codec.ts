// Entries to bytes and back: codec, compression and encryption around the envelope. The one file of this folder that others need.
import { CacheError, show } from '../model/errors.js'
import type { Label } from '../model/labels.js'
import { DEFAULT_MAX_VALUE_BYTES, MAX_ETAG_CHARACTERS, MAX_TAGS } from '../model/limits.js'
import { checkCount, checkNames } from '../model/option-rules.js'
import { hideKeys } from '../model/options/hidden-keys.js'
import type { CompressOptions, EncryptOptions } from '../model/options/tier-definition.js'
import { ownOptions } from '../model/own-options.js'
import type { Bytes, Codec, Compressor } from '../model/ports.js'
import type { Extension } from '../model/values/extension.js'
import { compressIfWorthwhile, DEFAULT_THRESHOLD_BYTES, deflate } from './compression.js'
import type { Corrupt, CorruptReason } from './envelope/corrupt.js'
import { createEncryption, type Encryption } from './envelope/encryption.js'
import {
  type EnvelopeFields,
  encodeEnvelope,
  isEntry,
  openEnvelope,
  type PayloadReader,
  StoredEntry,
} from './envelope/envelope.js'
import type { FullKey } from './envelope/key-bytes.js'
import { LabelTable } from './envelope/label-table.js'
import { hasItsStamp, readContent, type SealedContent } from './envelope/sealed-content.js'
import { newExpiredStamp, renewedStamp } from './envelope/stamp.js'
import { createMsgpackCodec, type MsgpackCodec } from './payload/msgpack.js'
import { tagExtended, UnknownExtension, untagExtended } from './payload/tagged-extensions.js'

export { keptKeyOf, type StoredEntry } from './envelope/envelope.js'

export interface EntryCodecOptions {
  /** Default: msgpack with everything that structured data can hold. What msgpack wrote stays readable under another codec. */
  readonly codec?: Codec | undefined
  /** Default: payloads of 1 KB and more, but none where they are encrypted. */
  readonly compress?: false | Compressor | CompressOptions | undefined
  readonly encrypt?: EncryptOptions | undefined
  /** Larger values, encoded and before compression, are neither written nor read. Default 8 MB. */
  readonly maxValueBytes?: number | undefined
}

/** An entry to be encoded. */
export interface EntryFields extends EnvelopeFields {
  readonly value: unknown
}

/** Thrown by `StoredEntry.value()`: the payload cannot be had, so the entry is a miss. */
export class CorruptPayload extends Error {
  constructor(
    readonly reason: CorruptReason,
    options?: { cause?: unknown },
  ) {
    super(`the payload is ${reason}`, options)
  }

  override get name(): string {
    return 'CorruptPayload'
  }
}

export interface EntryCodec {
  /** The bytes of an entry, stamp included. Throws `UNSUPPORTED_VALUE`, and what a custom codec throws in its `cause`. */
  encode(fields: EntryFields): Buffer
  /** Never throws. `scopeLabels` follow from the key; pass the same array for the same scope, so that labels can be shared. */
  open(bytes: Bytes, key: string | FullKey, scopeLabels: readonly Label[]): StoredEntry | Corrupt
  /** The stamp of a soft expiry of `key` at `storeMs` of the store's clock. Where entries are encrypted, nobody without a key can make it. */
  expiredStamp(key: string, storeMs: number): Buffer
  /** Another stamp of the same soft expiry. */
  renewedStamp(key: string, expired: Bytes): Buffer
}

export function createEntryCodec(options: EntryCodecOptions = {}, extensions: readonly Extension[] = []): EntryCodec {
  return new EnvelopeCodec(ownOptions(options), extensions)
}

/** More than the key, the tags and the etag of an entry take. */
const MAX_HEADER_BYTES = 8 * 1024 * 1024

class EnvelopeCodec implements EntryCodec, PayloadReader {
  private readonly msgpack: MsgpackCodec
  private readonly codec: Codec
  private readonly codecs = new Map<number, Codec>()
  private readonly compressor: Compressor | undefined
  private readonly compressors = new Map<number, Compressor>([[deflate.id, deflate]])
  private readonly thresholdBytes: number
  private readonly encryption: Encryption | undefined
  private readonly maxValueBytes: number
  private readonly largestBytes: number
  private readonly labelTable = new LabelTable()

  constructor(
    options: EntryCodecOptions,
    private readonly extensions: readonly Extension[],
  ) {
    this.maxValueBytes = checkCount(options.maxValueBytes ?? DEFAULT_MAX_VALUE_BYTES, 'maxValueBytes', 0, Infinity)
    this.largestBytes = this.maxValueBytes + MAX_HEADER_BYTES
    const msgpack = createMsgpackCodec(this.maxValueBytes)
    this.msgpack = msgpack
    this.codec = options.codec === undefined ? msgpack : checkId(options.codec, 'codec', 255)
    this.codecs.set(msgpack.id, msgpack).set(this.codec.id, this.codec)
    const { compressor, threshold } = readCompress(compressOf(options))
    this.compressor = compressor
    this.thresholdBytes = threshold
    if (compressor !== undefined) this.compressors.set(compressor.id, compressor)
    const encrypt = hideKeys(options.encrypt)
    this.encryption = encrypt === undefined ? undefined : createEncryption(encrypt)
  }

  encode(fields: EntryFields): Buffer {
    checkHeader(fields)
    const tagged = tagExtended(fields.value, this.extensions)
    const raw = this.encodeValue(tagged === undefined ? fields.value : tagged.value)
    const { compressor } = this
    const compressed = compressor && compressIfWorthwhile(compressor, raw, this.thresholdBytes)
    const payloadFields = {
      codecId: this.codec.id,
      compressorId: compressed === undefined ? 0 : compressor!.id,
      rawBytes: raw.length,
      isTagged: tagged !== undefined,
    }
    return encodeEnvelope(fields, payloadFields, compressed ?? raw, this.encryption)
  }

  open(bytes: Bytes, key: string | FullKey, scopeLabels: readonly Label[]): StoredEntry | Corrupt {
    // Before the checksum is made: it takes as long as the bytes are many.
    if (bytes.length > this.largestBytes && isEntry(bytes)) return { corrupt: 'too-large' }
    const entry = openEnvelope(bytes, key, scopeLabels, this.labelTable, this)
    if (!(entry instanceof StoredEntry)) return entry
    const problem = this.problemOf(entry)
    return problem === undefined ? entry : { corrupt: problem }
  }

  expiredStamp(key: string, storeMs: number): Buffer {
    return this.signed(newExpiredStamp(storeMs), key)
  }

  renewedStamp(key: string, expired: Bytes): Buffer {
    return this.signed(renewedStamp(expired), key)
  }

  read(entry: StoredEntry): unknown {
    const content = this.contentOf(entry)
    const raw = this.decompress(entry, content)
    if (raw.length !== content.rawBytes) throw new CorruptPayload('bad-compression')
    entry.etag = content.etag
    entry.rawBytes = content.rawBytes
    try {
      const codec = this.codecs.get(entry.codecId)!
      const decoded = codec.decode(raw)
      entry.weightBytes = codec === this.msgpack ? this.msgpack.weightOf(raw.length) : raw.length
      return entry.isTagged ? untagExtended(decoded, this.extensions) : decoded
    } catch (cause) {
      if (cause instanceof UnknownExtension) throw new CorruptPayload('unknown-extension', { cause })
      throw new CorruptPayload('undecodable', { cause })
    }
  }

  /** What was encrypted of the entry, or what stands in plain. Throws `CorruptPayload`. */
  private contentOf(entry: StoredEntry): SealedContent {
    if (this.encryption === undefined) return entry
    const opened = this.encryption.open(entry.payload, entry.key, entry.authenticated)
    if (typeof opened === 'string') throw new CorruptPayload(opened)
    if (entry.state === 'live' && !hasItsStamp(opened, entry.stampBytes)) throw new CorruptPayload('not-authentic')
    const content = readAuthentic(opened)
    if (content.rawBytes > this.maxValueBytes) throw new CorruptPayload('too-large')
    return content
  }

  private signed(stamp: Buffer, key: string): Buffer {
    this.encryption?.sign(stamp, key)
    return stamp
  }

  private encodeValue(value: unknown): Bytes {
    const raw = this.runCodec(value)
    if (raw.length <= this.maxValueBytes) return raw
    throw new CacheError(
      'UNSUPPORTED_VALUE',
      `a value must take at most ${this.maxValueBytes} bytes encoded (maxValueBytes) to be kept in L2; got ${raw.length}`,
    )
  }

  private runCodec(value: unknown): Bytes {
    try {
      return this.codec.encode(value)
    } catch (cause) {
      if (cause instanceof CacheError) throw cause
      throw new CacheError('UNSUPPORTED_VALUE', `the codec ${show(this.codec.name)} refused the value; see cause`, {
        cause,
      })
    }
  }

  /** Why the payload need not even be tried. */
  private problemOf(entry: StoredEntry): CorruptReason | undefined {
    if (!this.codecs.has(entry.codecId)) return 'unknown-codec'
    if (entry.compressorId !== 0 && !this.compressors.has(entry.compressorId)) return 'unknown-compressor'
    // Plain text where encryption is expected would let anybody who can write to Redis do without the key.
    if (entry.isEncrypted !== (this.encryption !== undefined)) return 'encryption-mismatch'
    if (entry.state === 'expired' && this.encryption?.isSigned(entry.stampBytes, entry.key) === false)
      return 'not-authentic'
    return entry.rawBytes > this.maxValueBytes ? 'too-large' : undefined
  }

  private decompress(entry: StoredEntry, { payload, rawBytes }: SealedContent): Bytes {
    if (entry.compressorId === 0) return payload
    try {
      return this.compressors.get(entry.compressorId)!.decompress(payload, rawBytes)
    } catch (cause) {
      throw new CorruptPayload('bad-compression', { cause })
    }
  }
}

/** What no reader takes. Both are refused where they are given; this is so that nothing is written in vain. */
function checkHeader({ labels, scopeCount, etag }: EntryFields): void {
  const tags = labels.labels.length - scopeCount
  if (tags > MAX_TAGS) {
    throw new CacheError(
      'UNSUPPORTED_VALUE',
      `an entry must have at most ${MAX_TAGS} tags to be kept in L2; got ${tags}`,
    )
  }
  if (etag === undefined || etag.length <= MAX_ETAG_CHARACTERS) return
  const message = `an etag must have at most ${MAX_ETAG_CHARACTERS} characters to be kept in L2; got ${etag.length}`
  throw new CacheError('UNSUPPORTED_VALUE', message)
}

function readAuthentic(content: Bytes): SealedContent {
  try {
    return readContent(content)
  } catch (cause) {
    // Only who has the key gets here.
    throw new CorruptPayload('malformed', { cause })
  }
}

/** The length of what was compressed says how much of it repeats: where others choose a part of a value, they could guess the rest. */
function compressOf({ compress, encrypt }: EntryCodecOptions): EntryCodecOptions['compress'] {
  return compress === undefined && encrypt !== undefined ? false : compress
}

function readCompress(compress: EntryCodecOptions['compress']): {
  compressor: Compressor | undefined
  threshold: number
} {
  if (compress === false) return { compressor: undefined, threshold: 0 }
  if (compress !== undefined && (typeof compress !== 'object' || compress === null)) {
    throw new CacheError(
      'INVALID_OPTION',
      `compress must be false, a compressor or an object such as { threshold: 1024 }; got ${show(compress)}`,
    )
  }
  const isWhole = isCompressor(compress)
  const options: CompressOptions = isWhole ? {} : checkNames(compress ?? {}, ['compressor', 'threshold'], 'compress')
  const { compressor = isWhole ? compress : deflate, threshold = DEFAULT_THRESHOLD_BYTES } = ownOptions(options)
  return {
    compressor: checkId(compressor, 'compressor', 15),
    threshold: checkCount(threshold, 'compress.threshold', 0, Infinity),
  }
}

function isCompressor(compress: object | undefined): compress is Compressor {
  return compress !== undefined && 'compress' in ownOptions(compress)
}

function checkId<T extends Codec | Compressor>(part: T, what: string, largest: number): T {
  if (Number.isInteger(part.id) && part.id >= 1 && part.id <= largest) return part
  throw new CacheError(
    'INVALID_OPTION',
    `the id of a ${what} must be a whole number from 1 to ${largest}; got ${show(part.id)}`,
  )
}
