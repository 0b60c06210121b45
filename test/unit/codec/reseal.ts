// Makes the checksum of changed bytes fit again, as only an attacker or a collision could.
import { crc32 } from 'node:zlib'

/** `bytes`, changed in place, with the checksum of an envelope of `key`. */
export function reseal(bytes: Buffer, key: string): Buffer {
  const crc = crc32(bytes.subarray(20), crc32(Buffer.from(key, 'utf8')))
  if (bytes.length >= 20) bytes.writeUInt32LE(crc, 16)
  return bytes
}
