import assert from 'node:assert'
import { Unpackr, unpack as unpackPlain } from 'msgpackr'
import { describe, expect, test } from 'vitest'
import { createMsgpackCodec } from '../../../src/codec/payload/msgpack.js'
import { CacheError } from '../../../src/model/errors.js'
import { waitFor } from '../../support/wait.js'
import { KEPT, REFUSED, TOO_MUCH } from './samples.js'

const codec = createMsgpackCodec()
const roundTrip = (value: unknown) => codec.decode(codec.encode(value))

describe('a value comes back deeply and strictly equal:', () => {
  test.each(Object.entries(KEPT))('%s', (_, make) => {
    const value = make()
    expectEqual(roundTrip(value), make())
    // Nor is the value changed by being encoded.
    expectEqual(value, make())
  })

  test('an invalid Date', () => {
    const date = roundTrip(new Date(Number.NaN)) as Date
    expect(date).toBeInstanceOf(Date)
    expect(date.getTime()).toBeNaN()
  })

  test('bytes are copied in both directions, so neither side can change the other', () => {
    const bytes = Buffer.from('abc')
    const encoded = codec.encode({ bytes })
    const back = codec.decode(encoded) as { bytes: Buffer }
    Buffer.from(encoded.buffer, encoded.byteOffset, encoded.length).fill(0)
    bytes.fill(0)
    expect(back.bytes.toString()).toBe('abc')
  })

  test('a decoded value does not change when the next one is decoded', () => {
    const value = { bytes: Buffer.from('abc'), view: new Uint8Array([1, 2]), date: new Date(1), text: 'x\ud800' }
    const back = codec.decode(codec.encode(value))
    codec.decode(codec.encode({ bytes: Buffer.alloc(1_000, 0xff), date: new Date(2) }))
    expect(back).toEqual(value)
  })

  test('an encoded value does not change when the next one is encoded', () => {
    const first = codec.encode({ a: 'first' })
    codec.encode({ a: 'other' })
    expect(codec.decode(first)).toEqual({ a: 'first' })
  })

  test('errors keep their class, stack, cause and hidden properties hidden', () => {
    const error = Object.assign(new TypeError('wrong', { cause: 5 }), { code: 'E' })
    const back = roundTrip(error) as TypeError & { code: string }
    expect(back).toBeInstanceOf(TypeError)
    expect(back.stack).toBe(error.stack)
    expect(back.cause).toBe(5)
    expect(Object.keys(back)).toEqual(['code'])
  })

  test('an error without a stack gets none', () => {
    const error = new Error('x')
    delete error.stack
    expect(Object.hasOwn(roundTrip(error) as Error, 'stack')).toBe(false)
  })
})

describe('identity', () => {
  test('a cycle comes back as that cycle', () => {
    const value: Record<string, unknown> = { list: [] }
    value.self = value
    ;(value.list as unknown[]).push(value, value.list)
    const back = roundTrip(value) as { self: unknown; list: unknown[] }
    expect(back.self).toBe(back)
    expect(back.list[0]).toBe(back)
    expect(back.list[1]).toBe(back.list)
  })

  test('parts that a cycle shares are shared again', () => {
    const shared = { n: 1 }
    const value: Record<string, unknown> = { a: shared, b: [shared], c: new Map([['k', shared]]) }
    value.self = value
    const back = roundTrip(value) as { a: object; b: object[]; c: Map<string, object> }
    expect(back.b[0]).toBe(back.a)
    expect(back.c.get('k')).toBe(back.a)
  })

  test('a structure of many shared objects stays small instead of being unfolded', () => {
    let fan: unknown = ['leaf']
    for (let i = 0; i < 50; i++) fan = [fan, fan]
    const encoded = codec.encode(fan)
    expect(encoded.length).toBeLessThan(1000)
    const [left, right] = codec.decode(encoded) as [unknown, unknown]
    expect(left).toBe(right)
  })

  test('depth has no limit', () => {
    let list: { next: unknown } = { next: undefined }
    for (let i = 0; i < 100_000; i++) list = { next: list }
    let back = roundTrip(list) as { next: unknown } | undefined
    let depth = 0
    for (; back !== undefined; back = back.next as { next: unknown } | undefined) depth++
    expect(depth).toBe(100_001)
  })
})

describe('what cannot be kept is refused, with its place:', () => {
  test.each(Object.entries({ ...REFUSED, ...TOO_MUCH }))('%s', (_, [make, path]) => {
    const error = refusalOf(make())
    expect(error.code).toBe('UNSUPPORTED_VALUE')
    expect(error.message).toContain(`; ${path}`)
  })

  test('the first refused part in reading order is named', () => {
    expect(refusalOf({ a: { b: () => 1 }, c: () => 2 }).message).toContain('; value.a.b is a function')
  })

  test('the message says what was found and what to do', () => {
    class Invoice {}
    expect(refusalOf({ order: { invoice: new Invoice() } }).message).toMatch(
      /value\.order\.invoice is an instance of Invoice.*convert it/,
    )
  })

  test('an error thrown by a getter is the cause', () => {
    const boom = new Error('boom')
    const value = {
      get a() {
        throw boom
      },
    }
    expect(refusalOf(value).cause).toBe(boom)
  })

  test('a very long path is shortened', () => {
    let value: unknown = () => 1
    for (let i = 0; i < 5000; i++) value = { next: value }
    expect(refusalOf(value).message.length).toBeLessThan(500)
  })

  test('a refusal does not affect the next value', () => {
    for (const [make] of Object.values(REFUSED)) refusalOf(make())
    for (const make of Object.values(KEPT).slice(0, 12)) expectEqual(roundTrip(make()), make())
  })

  test('an object that its own getter changes is refused instead of being written wrongly', () => {
    const value = {
      get a() {
        delete (this as { b?: number }).b
        return 1
      },
      b: 2,
    }
    expect(refusalOf(value).code).toBe('UNSUPPORTED_VALUE')
  })
})

describe('getters and proxies', () => {
  test('are read once, and what they return is kept', () => {
    let reads = 0
    const value = {
      get count() {
        return ++reads
      },
    }
    expect(roundTrip(value)).toEqual({ count: 1 })
    expect(roundTrip(new Proxy({ a: 1 }, {}))).toEqual({ a: 1 })
  })

  test('a getter may encode another value itself', () => {
    const value = {
      before: 'x',
      get inner() {
        return codec.decode(codec.encode({ deep: ['y'] }))
      },
    }
    expect(roundTrip(value)).toEqual({ before: 'x', inner: { deep: ['y'] } })
  })
})

describe('an application that extends Object.prototype', () => {
  test('neither breaks values nor has its additions written into them', () => {
    const extended = Object.prototype as unknown as Record<string, unknown>
    extended.extra = { nested: true }
    try {
      const back = roundTrip({ a: 1, when: new Date(5), rows: [{ b: 1 }, { b: 2 }, { b: 3 }] }) as object
      expect(Object.keys(back)).toEqual(['a', 'when', 'rows'])
      expect(Object.hasOwn(back, 'extra')).toBe(false)
    } finally {
      delete extended.extra
    }
  })
})

describe('size', () => {
  test('repeated keys are written once', () => {
    const rows = Array.from({ length: 100 }, (_, i) => ({ identifier: i, description: 'd', quantity: 1 }))
    expect(codec.encode(rows).length).toBeLessThan(JSON.stringify(rows).length / 5)
  })

  test('keys of the values of a dictionary are written once, too', () => {
    const dictionary = Object.fromEntries(
      Array.from({ length: 100 }, (_, i) => [`k${i}`, { identifier: i, quantity: 1 }]),
    )
    expect(codec.encode(dictionary).length).toBeLessThan(JSON.stringify(dictionary).length / 3)
  })

  test('a small object takes less than its JSON', () => {
    const user = { id: 48_213, name: 'Ada', active: true, address: null, roles: ['admin'] }
    expect(codec.encode(user).length).toBeLessThan(JSON.stringify(user).length * 0.8)
  })

  test('a huge value does not make the codec keep its memory', async () => {
    const before = heldBytes()
    codec.encode('x'.repeat(20_000_000))
    codec.encode(null)
    // V8 frees the memory of buffers some time after the collection.
    await waitFor('its memory to be free', () => heldBytes() - before < 5_000_000)
  })
})

describe('plain data is msgpack as other libraries read it', () => {
  const plain = {
    id: 70,
    negative: [-1, -32, -33, -70_000],
    large: [255, 65_535, 4_294_967_295, 2 ** 40, 0.5],
    text: ['', 'é'.repeat(40), 'x'.repeat(300)],
    flags: [true, false, null],
    big: 5n,
  }

  test('values without rows are plain msgpack', () => {
    assert.deepStrictEqual(unpackPlain(codec.encode(plain)), plain)
  })

  test("rows are records in msgpackr's extension", () => {
    const rows = Array.from({ length: 20 }, (_, i) => ({ ...plain, id: i, nested: { i } }))
    const unpackr = new Unpackr({ useRecords: true, mapsAsObjects: true })
    assert.deepStrictEqual(unpackr.unpack(codec.encode(rows)), rows)
  })
})

/** Memory of buffers that is still in use. The tests run with --expose-gc. */
function heldBytes(): number {
  globalThis.gc!()
  return process.memoryUsage().arrayBuffers
}

function refusalOf(value: unknown): CacheError {
  try {
    codec.encode(value)
  } catch (error) {
    assert(error instanceof CacheError)
    return error
  }
  throw new Error('it was accepted')
}

function expectEqual(value: unknown, expected: unknown): void {
  // Objects of another realm have another Object.prototype; they come back with ours.
  if (isOfThisRealm(expected)) assert.deepStrictEqual(value, expected)
  else assert.deepEqual(value, expected)
}

function isOfThisRealm(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return true
  const prototype = Object.getPrototypeOf(value)
  return prototype === null || value instanceof Object
}
