// What the codec remembers between payloads is bounded in bytes, whatever names an attacker chooses.
import { describe, expect, test } from 'vitest'
import { LabelTable } from '../../../src/codec/label-table.js'
import { type Shape, ShapeTree } from '../../../src/codec/shapes.js'
import { FieldWriter } from '../../../src/codec/wire-fields.js'

describe('the table of shapes', () => {
  test('keeps at most a quarter of a million characters of names', () => {
    const tree = new ShapeTree()
    for (let i = 0; i < 20_000; i++) {
      tree.extend(tree.root, `${i}`.padEnd(200, 'x'))
      if (i % 500 === 0) expect(charactersOf(tree.root)).toBeLessThanOrEqual(262_144)
    }
  })

  test('keeps no name of more than 256 characters', () => {
    const tree = new ShapeTree()
    const shape = tree.extend(tree.root, 'x'.repeat(257))
    expect(shape.keys()).toEqual(['x'.repeat(257)])
    expect([tree.root.others, tree.root.next, tree.root.nextKey]).toEqual([undefined, undefined, undefined])
  })
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

function charactersOf(shape: Shape): number {
  let characters = 0
  for (const [name, longer] of shape.others ?? []) characters += name.length + charactersOf(longer)
  return characters
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
