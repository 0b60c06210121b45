// The cluster slot of a key, one of 16,384. https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/

export const SLOT_COUNT = 16_384

/** CRC-16/XMODEM of every byte, by polynomial 0x1021. */
const CRC16 = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 8
  for (let bit = 0; bit < 8; bit++) crc = crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1
  return crc
})

/** The slot of the part between the first `{` and the next `}`, if it is not empty; else of the whole key. */
export function slotOf(key: string): number {
  const hashed = hashTagOf(key)
  let crc = 0
  for (let i = 0; i < hashed.length; i++) {
    const code = hashed.charCodeAt(i)
    if (code > 0x7f) return slotOfBytes(Buffer.from(hashed))
    crc = step(crc, code)
  }
  return crc % SLOT_COUNT
}

/** The indexes of `keys`, grouped by slot. The slot is that of `keyPrefix` followed by the key. */
export function indexesBySlot(keys: readonly string[], keyPrefix: string): number[][] {
  const groups = new Map<number, number[]>()
  for (let i = 0; i < keys.length; i++) {
    const slot = slotOf(keyPrefix + (keys[i] as string))
    const group = groups.get(slot)
    if (group === undefined) groups.set(slot, [i])
    else group.push(i)
  }
  return [...groups.values()]
}

function hashTagOf(key: string): string {
  const open = key.indexOf('{')
  if (open === -1) return key
  const close = key.indexOf('}', open + 1)
  return close <= open + 1 ? key : key.slice(open + 1, close)
}

function slotOfBytes(bytes: Buffer): number {
  let crc = 0
  for (const byte of bytes) crc = step(crc, byte)
  return crc % SLOT_COUNT
}

function step(crc: number, byte: number): number {
  return ((crc << 8) & 0xffff) ^ (CRC16[(crc >> 8) ^ byte] as number)
}
