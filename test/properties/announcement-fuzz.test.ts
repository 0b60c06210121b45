// The reader of announcements with bytes that none of our processes published: an announcement, or a sentence that says what is wrong.
import assert from 'node:assert'
import { test } from 'vitest'
import { decodeAnnouncement, encodeAnnouncement } from '../../src/codec/announcement.js'
import { SEED } from '../support/seed.js'
import { drawsOf } from './hostile-payload.js'

const INPUTS = Number(process.env.FUZZ_INPUTS ?? 10_000)
const TIMEOUT_MS = 60_000 + INPUTS

type Draw = (limit: number) => number

const ATOMS = [
  '1',
  '2',
  '-0',
  '1e400',
  'null',
  'true',
  '""',
  '"\\ud800"',
  '"a"',
  '["a",5]',
  '"0011223344556677"',
  '"toString"',
  '{"toString":0}',
]
const NAMES = ['v', 's', 'k', 'e', 'l', 'x', 'p', 'hk', 'hl', '__proto__', 'toString', 'then', 'length']

/** JSON, sometimes with a byte that does not belong there. */
function hostileAnnouncement(draw: Draw): Buffer {
  const value = (depth: number): string => {
    const kind = draw(depth < 5 ? 6 : 3)
    if (kind < 3) return ATOMS[draw(ATOMS.length)] as string
    if (kind < 5) return `[${Array.from({ length: draw(4) }, () => value(depth + 1)).join()}]`
    return `{${Array.from({ length: draw(4) }, () => `"${NAMES[draw(NAMES.length)]}":${value(depth + 1)}`).join()}}`
  }
  const fields = NAMES.filter(() => draw(5) === 0).map((name) => `"${name}":${value(1)}`)
  // Mostly right in the parts that are checked first.
  const text = draw(4) === 0 ? value(0) : `{"v":1,"s":"x"${fields.map((field) => `,${field}`).join('')}}`
  const bytes = Buffer.from(draw(50) === 0 ? '['.repeat(draw(70_000)) : text)
  if (draw(10) === 0 && bytes.length > 0) bytes[draw(bytes.length)] = draw(256)
  return bytes
}

test(
  `${INPUTS} hostile announcements of seed ${SEED} are read or refused, and never throw`,
  () => {
    const draw = drawsOf(SEED)
    let read = 0
    for (let i = 0; i < INPUTS; i++) {
      const said = decodeAnnouncement(hostileAnnouncement(draw))
      if (typeof said === 'string') continue
      read++
      const { sender, keys, expiredKeys, labels, expiredLabels, prefixes, heldKeys, heldLabels } = said
      const names = [sender, ...keys, ...expiredKeys, ...labels, ...expiredLabels.flat(), ...prefixes]
      const held = [...heldKeys, ...heldLabels]
      names.push(...held.map(([subject]) => subject))
      assert(held.every(([, holdMs]) => holdMs > 0 && holdMs <= 600_000))
      assert(
        names.every((name) => typeof name === 'string'),
        `input ${i} of seed ${SEED}`,
      )
      // What was read can be encoded again, with the same content.
      assert.deepStrictEqual(decodeAnnouncement(encodeAnnouncement(said)), said)
    }
    assert(read > INPUTS / 20, `only ${read} were announcements`)
    assert.strictEqual(({} as { x?: unknown }).x, undefined)
  },
  TIMEOUT_MS,
)

test('any bytes are read or refused', () => {
  const draw = drawsOf(SEED + 1)
  for (let i = 0; i < INPUTS; i++) {
    const bytes = Buffer.from(Array.from({ length: draw(60) }, () => draw(256)))
    assert.strictEqual(typeof decodeAnnouncement(bytes), 'string')
  }
})
