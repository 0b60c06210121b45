// Replies as a broken server or an attacker on the way would send them: nearly right, or of any other shape.

type Draw = (limit: number) => number

const MOMENT = '1760000000000000'
const TOKEN = '00112233445566778899aabbccddeeff'
const TEXTS = [
  '',
  '0',
  '1',
  'm',
  'p',
  'OK',
  'QUEUED',
  '5-0',
  '5-1',
  'x-y',
  MOMENT,
  TOKEN,
  TOKEN.toUpperCase(),
  '-1',
  'NaN',
]

/** Anything that a client can return. `length` is the most common length of its lists. */
export function hostileReply(draw: Draw, length: number, depth = 0): unknown {
  switch (draw(depth < 4 ? 14 : 8)) {
    case 0:
      return null
    case 1:
      return [0, 1, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53][draw(7)]
    case 2:
      return TEXTS[draw(TEXTS.length)]
    case 3:
      return Buffer.alloc(draw(40), draw(256))
    case 4:
      return draw(2) === 0
    case 5:
    case 6:
      return Buffer.from(TEXTS[draw(TEXTS.length)] as string)
    case 7:
      return undefined
    case 8:
      return new Map([[hostileReply(draw, length, depth + 1), hostileReply(draw, length, depth + 1)]])
    case 9:
      return { stream: hostileReply(draw, length, depth + 1) }
    default: {
      const own = draw(3) === 0 ? draw(5) : length + (depth === 0 ? 0 : draw(3) - 1)
      return Array.from({ length: Math.max(0, own) }, () => hostileReply(draw, length, depth + 1))
    }
  }
}

/** Entries of a stream, mostly with the right parts. */
export function hostileEntries(draw: Draw): unknown {
  const or = <T>(right: T) => (draw(12) === 0 ? hostileReply(draw, 2, 2) : right)
  const entry = () => or([or(Buffer.from(`5-${draw(9)}`)), or([or(Buffer.from('m')), or(Buffer.from('{}'))])])
  return or(Array.from({ length: draw(4) }, entry))
}
