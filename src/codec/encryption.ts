// Optional authenticated encryption of payloads: AES-256-GCM, with key ids so that keys can be rotated.
// What it authenticates besides the payload: the whole logical key (and so its version) and the header (ttl, labels, codec).

import { createCipheriv, createDecipheriv, randomFillSync } from 'node:crypto'
import { types } from 'node:util'
import { CacheError, show } from '../model/errors.js'
import { checkNames } from '../model/option-rules.js'
import type { Bytes } from '../model/ports.js'
import type { EncryptOptions } from '../model/tier-definition.js'
import type { CorruptReason, Sealer } from './envelope.js'
import { keyBytes } from './key-bytes.js'

/** Seals payloads and opens sealed ones. */
export interface Encryption extends Sealer {
  /** The payload, or why it cannot be had. */
  open(sealed: Bytes, key: string, header: Bytes): Bytes | Extract<CorruptReason, 'unknown-key-id' | 'not-authentic'>
}

const CIPHER = 'aes-256-gcm'
const KEY_BYTES = 32
const IV_BYTES = 12
const TAG_BYTES = 16
const KEY_ID = /^[A-Za-z0-9_.-]{1,32}$/

/** Checks the options: throws `INVALID_OPTION`, and never shows key material. */
export function createEncryption(options: EncryptOptions): Encryption {
  const keys = readKeys(options)
  checkNames(options, ['keys', 'active'], 'encrypt')
  const { active } = options
  const activeKey = keys.get(active)
  if (activeKey === undefined) {
    throw invalid(
      `encrypt.active must be the id of one of encrypt.keys (${[...keys.keys()].join(', ')}); got ${typeof active === 'string' ? `one of ${active.length} characters` : show(active)}`,
    )
  }
  const prefix = Buffer.from(`\0${active}`, 'latin1')
  prefix[0] = active.length
  const overheadBytes = prefix.length + IV_BYTES + TAG_BYTES
  return {
    sealedBytes: (plainBytes) => plainBytes + overheadBytes,
    seal(plain, key, header) {
      const iv = randomFillSync(Buffer.allocUnsafe(IV_BYTES))
      const cipher = createCipheriv(CIPHER, activeKey, iv, { authTagLength: TAG_BYTES })
      cipher.setAAD(authenticated(key, header, prefix))
      return Buffer.concat([prefix, iv, cipher.update(plain), cipher.final(), cipher.getAuthTag()])
    },
    open(sealed, key, header) {
      const ivAt = 1 + (sealed[0] ?? 0)
      const id = Buffer.from(sealed.subarray(1, ivAt)).toString('latin1')
      const secret = keys.get(id)
      if (secret === undefined) return 'unknown-key-id'
      if (sealed.length < ivAt + IV_BYTES + TAG_BYTES) return 'not-authentic'
      const textAt = ivAt + IV_BYTES
      const tagAt = sealed.length - TAG_BYTES
      const decipher = createDecipheriv(CIPHER, secret, sealed.subarray(ivAt, textAt), { authTagLength: TAG_BYTES })
      decipher.setAAD(authenticated(key, header, sealed.subarray(0, ivAt)))
      decipher.setAuthTag(sealed.subarray(tagAt))
      const plain = decipher.update(sealed.subarray(textAt, tagAt))
      try {
        decipher.final()
      } catch {
        // Node says no more than that the tag does not fit.
        return 'not-authentic'
      }
      return plain
    },
  }
}

/** The length comes first: two pairs of key and header never make the same bytes. */
function authenticated(key: string, header: Bytes, keyId: Bytes): Buffer {
  const bytes = keyBytes(key)
  const length = Buffer.allocUnsafe(4)
  length.writeUInt32LE(bytes.length)
  return Buffer.concat([length, bytes, keyId, header])
}

function readKeys(options: EncryptOptions): Map<string, Uint8Array> {
  const keys: unknown = options?.keys
  if (typeof keys !== 'object' || keys === null || Object.keys(keys).length === 0) {
    throw invalid(
      `encrypt.keys must be an object of at least one key by its id, such as { k1: <32 bytes> }; got ${typeof keys === 'string' ? 'a string' : show(keys)}`,
    )
  }
  return new Map(Object.entries(keys).map(([id, secret]) => [checkId(id), readKey(id, secret)]))
}

function checkId(id: string): string {
  if (KEY_ID.test(id)) return id
  throw invalid(
    `an id in encrypt.keys must be 1 to 32 of A-Z a-z 0-9 _ . - because it is stored with each entry; got one of ${id.length} characters`,
  )
}

function readKey(id: string, secret: unknown): Uint8Array {
  const bytes = typeof secret === 'string' ? decodeKey(secret) : secret
  if (!types.isUint8Array(bytes)) {
    throw invalid(`encrypt.keys.${id} must be 32 bytes, in base64 or hex if a string; got ${kindOfSecret(secret)}`)
  }
  if (bytes.length !== KEY_BYTES) {
    throw invalid(`encrypt.keys.${id} must be 32 bytes; got ${bytes.length}. Make one with: openssl rand -base64 32`)
  }
  // A copy: the caller may wipe or reuse theirs.
  return Uint8Array.from(bytes)
}

function decodeKey(text: string): Uint8Array | undefined {
  if (/^[0-9a-f]{64}$/i.test(text)) return Buffer.from(text, 'hex')
  return /^[A-Za-z0-9+/_-]+={0,2}$/.test(text) ? Buffer.from(text, 'base64') : undefined
}

function kindOfSecret(secret: unknown): string {
  return typeof secret === 'string' ? 'a string that is neither' : show(secret)
}

function invalid(message: string): CacheError {
  return new CacheError('INVALID_OPTION', message)
}
