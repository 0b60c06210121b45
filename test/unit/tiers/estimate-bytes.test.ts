import { expect, test } from 'vitest'
import { estimateBytes } from '../../../src/tiers/estimate-bytes.js'

const user = (id: number) => ({
  id,
  name: `user number ${id}`,
  tags: ['a', 'b'],
  born: new Date(0),
  address: { city: 'x'.repeat(40) },
})

test('primitives are small, and strings and bytes count with their length', () => {
  for (const value of [undefined, null, true, 1, 1n, Symbol('s'), () => {}])
    expect(estimateBytes(value)).toBeLessThan(64)
  expect(estimateBytes('x'.repeat(10_000))).toBeGreaterThanOrEqual(10_000)
  expect(estimateBytes('x'.repeat(10_000))).toBeLessThan(20_100)
  for (const bytes of [Buffer.alloc(5_000), new Uint8Array(5_000), new ArrayBuffer(5_000), new Float64Array(625)]) {
    expect(estimateBytes(bytes)).toBeGreaterThanOrEqual(5_000)
    expect(estimateBytes(bytes)).toBeLessThan(5_200)
  }
})

test('collections of a uniform shape are about the sum of their parts', () => {
  const one = estimateBytes(user(1))
  const users = Array.from({ length: 10_000 }, (_, i) => user(i))
  const collections = [
    users,
    new Map(users.map((each) => [each.id, each])),
    new Set(users),
    Object.fromEntries(users.map((each) => [each.id, each])),
  ]
  for (const collection of collections) {
    expect(estimateBytes(collection)).toBeGreaterThan(10_000 * one * 0.8)
    expect(estimateBytes(collection)).toBeLessThan(10_000 * one * 1.8)
  }
})

test('an estimate is within a factor of three of the memory that V8 takes', () => {
  const gc = globalThis.gc
  expect(gc).toBeDefined()
  gc?.()
  const before = process.memoryUsage().heapUsed
  const held = Array.from({ length: 20_000 }, (_, i) => user(i))
  gc?.()
  const perUser = (process.memoryUsage().heapUsed - before) / held.length
  expect(estimateBytes(user(1))).toBeGreaterThan(perUser / 3)
  expect(estimateBytes(user(1))).toBeLessThan(perUser * 3)
})

test('an estimate is a whole number above 0, also for empty values', () => {
  for (const value of ['', [], {}, new Map(), new Set(), Object.create(null), Buffer.alloc(0), new Array(5)]) {
    expect(Number.isInteger(estimateBytes(value))).toBe(true)
    expect(estimateBytes(value)).toBeGreaterThan(0)
  }
})

test('cycles and deep values have an estimate', () => {
  const cyclic: Record<string, unknown> = { list: [] as unknown[], map: new Map() }
  cyclic.self = cyclic
  ;(cyclic.list as unknown[]).push(cyclic, cyclic)
  ;(cyclic.map as Map<unknown, unknown>).set(cyclic, cyclic)
  expect(estimateBytes(cyclic)).toBeLessThan(1e6)
  let deep: unknown = 0
  for (let i = 0; i < 100_000; i++) deep = [deep]
  expect(estimateBytes(deep)).toBeGreaterThan(0)
})

test('of a huge value a bounded number of objects is visited', () => {
  let looked = 0
  const ownKeys = (target: object) => {
    looked++
    return Reflect.ownKeys(target)
  }
  const counted = () => new Proxy({ a: 1 }, { ownKeys })
  const grid = Array.from({ length: 300 }, () => Array.from({ length: 300 }, counted))
  estimateBytes({ grid, again: [grid, grid, grid] })
  expect(looked).toBeGreaterThan(0)
  expect(looked).toBeLessThanOrEqual(1_000)
})

test('a value that throws when it is read gets a guess', () => {
  const hostile = {
    get a(): never {
      throw new Error('mine')
    },
  }
  expect(estimateBytes(hostile)).toBe(64)
})

test('a value with an extension is estimated by its encoded form', () => {
  class Text {
    #text = 'x'.repeat(10_000)
    toString() {
      return this.#text
    }
  }
  const text = { name: 'text', is: (value: object) => value instanceof Text, encode: String, decode: () => new Text() }
  expect(estimateBytes({ a: new Text() })).toBeLessThan(200)
  expect(estimateBytes({ a: new Text() }, [text])).toBeGreaterThan(10_000)
})

test('large parts are found wherever they are in a value', () => {
  const large = 'x'.repeat(1_000_000)
  const few = Array.from({ length: 256 }, (_, i) => ({ i, part: { i } }))
  expect(estimateBytes({ few, last: { large } })).toBeGreaterThan(1_000_000)
  expect(estimateBytes({ few, last: { bytes: Buffer.alloc(1_000_000) } })).toBeGreaterThan(1_000_000)
  let deep: object = { large }
  for (let i = 0; i < 100; i++) deep = { deep }
  expect(estimateBytes(deep)).toBeGreaterThan(1_000_000)
})

test('which members of a large collection are visited is unpredictable', () => {
  const size = 3_200
  const measured = new Set<number>()
  const array = new Proxy(new Array<unknown>(size).fill(1), {
    get: (target, name, receiver) => {
      if (typeof name === 'string' && /^\d+$/.test(name)) measured.add(Number(name))
      return Reflect.get(target, name, receiver)
    },
  })
  for (let i = 0; i < 200; i++) estimateBytes(array)
  // A fixed choice would visit 32 members; 6,400 draws of 3,200 leave about 14 % unseen.
  expect(measured.size).toBeGreaterThan(2_000)
  for (const first of [new Map<unknown, unknown>(), new Set<unknown>()]) {
    for (let i = 0; i < 64; i++) add(first, i)
    for (let i = 0; i < 64; i++) add(first, `${i}${'x'.repeat(10_000)}`)
    expect(estimateBytes(first)).toBeGreaterThan(400_000)
  }
})

function add(collection: Map<unknown, unknown> | Set<unknown>, member: unknown): void {
  if (collection instanceof Map) collection.set(member, 1)
  else collection.add(member)
}
