// The keys of `encrypt`, checked: no message shows anything of one but its type and length.
import { types } from 'node:util'
import { CacheError, show } from '../../model/errors.js'
import type { EncryptOptions } from '../../model/options/tier-definition.js'

const KEY_BYTES = 32
const KEY_ID = /^[A-Za-z0-9_.-]{1,32}$/
const HOW_TO_MAKE_ONE = 'Make one with: openssl rand -base64 32'
/** Of 32 random bytes fewer are different once in 10^20 times. */
const LEAST_DIFFERENT_BYTES = 12

/** The secrets by id, and which is active. Throws `INVALID_OPTION`. */
export function readKeys(options: EncryptOptions): {
  readonly keys: ReadonlyMap<string, Uint8Array>
  readonly active: string
} {
  if (typeof options !== 'object' || options === null) {
    throw invalid(
      `encrypt must be an object such as { keys: { k1: <32 bytes> }, active: 'k1' }; got ${kindOf(options)}`,
    )
  }
  const given: unknown = options.keys
  if (typeof given !== 'object' || given === null || Object.keys(given).length === 0) {
    throw invalid(
      `encrypt.keys must be an object of at least one key by its id, such as { k1: <32 bytes> }; got ${kindOf(given)}`,
    )
  }
  const keys = new Map(Object.entries(given).map(([id, secret]) => [checkId(id), readKey(id, secret)]))
  const { active } = options
  if (!keys.has(active)) {
    throw invalid(
      `encrypt.active must be the id of one of encrypt.keys (${[...keys.keys()].join(', ')}); got ${kindOf(active)}`,
    )
  }
  return { keys, active }
}

function checkId(id: string): string {
  if (KEY_ID.test(id)) return id
  throw invalid(
    `an id in encrypt.keys must be 1 to 32 of A-Z a-z 0-9 _ . - because it is stored with each entry; got one of ${id.length} characters`,
  )
}

function readKey(id: string, secret: unknown): Uint8Array {
  const bytes = typeof secret === 'string' ? decodeKey(secret) : secret
  if (!types.isUint8Array(bytes) || bytes.length !== KEY_BYTES) {
    const got = types.isUint8Array(secret) ? `${secret.length} bytes` : kindOf(secret)
    throw invalid(`encrypt.keys.${id} must be 32 bytes, in hex or base64 if a string; got ${got}. ${HOW_TO_MAKE_ONE}`)
  }
  const weakness = weaknessOf(bytes)
  if (weakness !== undefined) {
    throw invalid(`encrypt.keys.${id} must be 32 random bytes; got ${weakness}. ${HOW_TO_MAKE_ONE}`)
  }
  // A copy: the caller may wipe or reuse theirs.
  return Uint8Array.from(bytes)
}

const HEX = /^[0-9a-f]{64}$/i
/** 43 characters are 32 bytes, and with its last bits not all zero another text would be the same key. */
const BASE64 = /^[A-Za-z0-9+/_-]{42}[AEIMQUYcgkosw048]=?$/

function decodeKey(text: string): Uint8Array | undefined {
  if (HEX.test(text)) return Buffer.from(text, 'hex')
  return BASE64.test(text) ? Buffer.from(text, 'base64') : undefined
}

/** What was not drawn at random: zeros, a pattern, a passphrase, hex digits that were not decoded. */
function weaknessOf(bytes: Uint8Array): string | undefined {
  if (bytes.every((byte) => byte >= 0x20 && byte < 0x7f)) return 'text, such as a passphrase'
  const isSequence = bytes.every(
    (byte, i) => i === 0 || ((byte - bytes[i - 1]!) & 0xff) === ((bytes[1]! - bytes[0]!) & 0xff),
  )
  return isSequence || new Set(bytes).size < LEAST_DIFFERENT_BYTES ? 'a pattern' : undefined
}

function kindOf(value: unknown): string {
  return typeof value === 'string' ? `a string of ${value.length} characters` : show(value)
}

function invalid(message: string): CacheError {
  return new CacheError('INVALID_OPTION', message)
}
