// The check of payloads and msgpackr understand the same bytes alike: whatever the one accepts, the other reads to its end.
import assert from 'node:assert'
import { describe, test } from 'vitest'
import { DecodeBudget } from '../../src/codec/payload/decode-budget.js'
import { createMsgpackCodec } from '../../src/codec/payload/msgpack.js'
import { HOLE_TOKEN, Msgpackr } from '../../src/codec/payload/msgpackr.js'
import { checkPayload } from '../../src/codec/payload/payload-check.js'
import { drawsOf, hostilePayload } from './hostile-payload.js'

const codec = createMsgpackCodec()
const msgpackr = new Msgpackr()
/** Remembers the names that it was asked for: those that may be indices. */
class WatchedBudget extends DecodeBudget {
  readonly names = new Set<string>()

  override index(name: string, slots: number): number {
    this.names.add(name)
    return super.index(name, slots)
  }
}

const text = (i: number) => `${i % 3 === 0 ? 'wörter und 日本' : 'words'} number ${i} in a row`
const rows = (count: number) =>
  Array.from({ length: count }, (_, i) => ({
    [i % 2 === 0 ? 'identifier' : '1000']: i,
    title: text(i),
    größe: text(i),
  }))

const SAMPLES: Readonly<Record<string, Buffer>> = {
  'a small object': encoded({ id: 1, name: 'x', list: [1.5, null, -40, 300, -70_000], nested: { a: 'é' } }),
  rows: encoded(rows(10)),
  'one bundle of texts': encoded(rows(30)),
  'bundles of texts': encoded(rows(1_200)),
  'a dictionary in a bundle': encoded(Object.fromEntries(rows(100).map((row, i) => [text(i), row]))),
  'the rich form': encoded({ when: new Date(5), map: new Map([[1, new Set(['x'])]]), bytes: Buffer.from('ab') }),
}

// As many as `FUZZ_INPUTS` says, for each sample.
const INPUTS = Number(process.env.FUZZ_INPUTS ?? 3_000)
const SEED = Number(process.env.FUZZ_SEED ?? Date.now())
const TIMEOUT_MS = 60_000 + INPUTS

describe(`changed bytes, ${INPUTS} of seed ${SEED}`, () => {
  test.each(Object.entries(SAMPLES))(
    'of %s are refused by the check, or read by msgpackr',
    (_, sample) => {
      const draw = drawsOf(SEED)
      let accepted = 0
      for (let i = 0; i < INPUTS; i++) if (isReadIfAccepted(changed(sample, draw))) accepted++
      assert(accepted > INPUTS / 100, `only ${accepted} were accepted`)
    },
    TIMEOUT_MS,
  )

  test('of hostile payloads, too', () => {
    const draw = drawsOf(SEED + 1)
    for (let i = 0; i < INPUTS; i++) isReadIfAccepted(hostilePayload(draw))
  })
})

function encoded(value: unknown): Buffer {
  return Buffer.from(codec.encode(value))
}

/** One to three bytes changed, most often to one that means something, and sometimes one left out or put in. */
function changed(sample: Buffer, draw: (limit: number) => number): Buffer {
  const bytes = Buffer.from(sample)
  for (let changes = 1 + draw(3); changes > 0; changes--) bytes[draw(bytes.length)] = drawByte(draw)
  const at = draw(bytes.length)
  if (draw(4) === 0) return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1)])
  if (draw(4) === 0) return Buffer.concat([bytes.subarray(0, at), Buffer.from([drawByte(draw)]), bytes.subarray(at)])
  return bytes
}

const TOKENS = [0xc1, 0xd4, 0xd6, 0xc8, 0x62, 0x72, 0x40, 0x41, 0x90, 0x91, 0x80, 0x81, 0xa0, 0xa1, 0xcc, 0xd0, 0xd9, 0]

function drawByte(draw: (limit: number) => number): number {
  return draw(2) === 0 ? TOKENS[draw(TOKENS.length)]! : draw(256)
}

function isReadIfAccepted(bytes: Buffer): boolean {
  const isRich = bytes[0] === HOLE_TOKEN
  const budget = new WatchedBudget(8_000_000)
  budget.begin()
  try {
    checkPayload(bytes, isRich ? 'rich' : 'plain', budget)
  } catch (error) {
    assert(error instanceof Error)
    return false
  }
  try {
    for (const name of indicesIn(msgpackr.unpack(bytes, isRich)))
      assert(budget.names.has(name), `no room was taken for ${name}`)
  } catch (error) {
    throw new Error(`accepted, but not read alike (seed ${SEED}): ${bytes.toString('hex').slice(0, 4_000)}`, {
      cause: error,
    })
  }
  return true
}

/** The names in a decoded value that are indices. */
function indicesIn(root: unknown): string[] {
  const found: string[] = []
  const open = [root]
  while (open.length > 0) {
    const value = open.pop()
    if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) continue
    if (!Array.isArray(value)) found.push(...Object.keys(value).filter((name) => /^\d+$/.test(name)))
    open.push(...Object.values(value))
  }
  return found
}
