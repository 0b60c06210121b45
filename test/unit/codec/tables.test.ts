// What the codec remembers between payloads is bounded in bytes, whatever names an attacker chooses.
import { expect, test } from 'vitest'
import { LabelTable } from '../../../src/codec/envelope/label-table.js'
import { FieldWriter } from '../../../src/codec/envelope/wire-fields.js'
import { createMsgpackCodec } from '../../../src/codec/payload/msgpack.js'

test('the names of one payload are not kept for the next', () => {
  const codec = createMsgpackCodec()
  codec.encode(manyNames(0))
  const before = heapBytes()
  for (let payload = 1; payload <= 15; payload++) codec.encode(manyNames(payload))
  expect(heapBytes() - before).toBeLessThan(20_000_000)
})

test('the table of labels is bounded in bytes, not only in number', () => {
  const table = new LabelTable()
  const blocks = Array.from({ length: 600 }, (_, i) => blockOf(`${i}`.padEnd(900, 'x')))
  const first = readWith(table, blocks[0]!)
  expect(readWith(table, blocks[0]!)).toBe(first)
  for (const block of blocks) readWith(table, block)
  expect(readWith(table, blocks[0]!)).not.toBe(first)
  expect(readWith(table, blocks[0]!)).toEqual(first)
})

/** Ten objects of 60 long names each, six megabytes in all. */
function manyNames(payload: number): object[] {
  return Array.from({ length: 10 }, (_, row) =>
    Object.fromEntries(Array.from({ length: 60 }, (_, i) => [`${payload} ${row} ${i}`.padEnd(10_000, 'x'), i])),
  )
}

/** The tests run with --expose-gc. */
function heapBytes(): number {
  globalThis.gc!()
  return process.memoryUsage().heapUsed
}

function blockOf(tag: string): Buffer {
  const bytes = Buffer.alloc(1024)
  const out = new FieldWriter(bytes, 0)
  out.varint(0)
  out.varint(1)
  out.string(tag)
  out.token('0'.repeat(32))
  return bytes.subarray(0, out.at)
}

const readWith = (table: LabelTable, block: Buffer) => table.read(block, 0, block.length, [])
