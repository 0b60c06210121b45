// Optional authenticated encryption: AES-256-GCM, with key ids so that keys can be rotated. What it authenticates besides the content:
// the whole logical key (and so its version) and the header (ttl, labels, codec). A stamp that `expire` writes has a MAC of its own.

import { createCipheriv, createDecipheriv, createHmac, randomFillSync, timingSafeEqual } from 'node:crypto'
import { checkCount } from '../../model/option-rules.js'
import type { EncryptOptions } from '../../model/options/tier-definition.js'
import type { Bytes } from '../../model/ports.js'
import type { CorruptReason } from './corrupt.js'
import { readKeys } from './encryption-keys.js'
import type { Sealer } from './envelope.js'
import { keyBytes } from './key-bytes.js'
import { STAMP_BYTES, STAMP_CHECK_AT } from './stamp.js'

/** Seals contents and opens sealed ones. */
export interface Encryption extends Sealer {
  /** The content, or why it cannot be had. */
  open(sealed: Bytes, key: string, header: Bytes): Bytes | Extract<CorruptReason, 'unknown-key-id' | 'not-authentic'>
  /** Whether a process that has one of the keys put this stamp on the entry of `key`. */
  isSigned(stamp: Bytes, key: string): boolean
}

const CIPHER = 'aes-256-gcm'
const IV_BYTES = 12
const TAG_BYTES = 16
const LARGEST_PADDING_BYTES = 1_048_576
/** What the key of the stamps is made for: no key serves two purposes. */
const STAMP_PURPOSE = 'tiercache stamp 1'

/** Throws `INVALID_OPTION`, and never shows key material. */
export function createEncryption(options: EncryptOptions): Encryption {
  const { keys, active } = readKeys(options)
  const stampKeys = new Map([...keys].map(([id, secret]) => [id, stampKeyOf(secret)]))
  const paddingBytes = checkCount(options.padding ?? 0, 'encrypt.padding', 0, LARGEST_PADDING_BYTES)
  const activeKey = keys.get(active)!
  const prefix = Buffer.from(`\0${active}`, 'latin1')
  prefix[0] = active.length
  return {
    paddingBytes,
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
    sign(stamp, key) {
      stamp.set(macOf(stamp, key, stampKeys.get(active)!), STAMP_CHECK_AT)
    },
    isSigned(stamp, key) {
      const mac = stamp.subarray(STAMP_CHECK_AT, STAMP_BYTES)
      // The stamp has no room for the id of its key.
      for (const stampKey of stampKeys.values()) if (timingSafeEqual(mac, macOf(stamp, key, stampKey))) return true
      return false
    },
  }
}

function stampKeyOf(secret: Uint8Array): Buffer {
  return createHmac('sha256', secret).update(STAMP_PURPOSE).digest()
}

/** As long as the checksum whose place it takes. The part of the stamp before it has a fixed length. */
function macOf(stamp: Bytes, key: string, stampKey: Buffer): Buffer {
  const mac = createHmac('sha256', stampKey).update(stamp.subarray(0, STAMP_CHECK_AT)).update(keyBytes(key)).digest()
  return mac.subarray(0, STAMP_BYTES - STAMP_CHECK_AT)
}

/** The length comes first: two pairs of key and header never make the same bytes. */
function authenticated(key: string, header: Bytes, keyId: Bytes): Buffer {
  const bytes = keyBytes(key)
  const length = Buffer.allocUnsafe(4)
  length.writeUInt32LE(bytes.length)
  return Buffer.concat([length, bytes, keyId, header])
}
