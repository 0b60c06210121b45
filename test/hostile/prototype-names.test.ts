// Someone who chooses keys, ids, arguments, tags or property names uses names that every object has.
import { createCache } from 'tiercache'
import { FakeClock, MemoryServer, memoryTier, settle } from 'tiercache/testing'
import { afterEach, describe, expect, test } from 'vitest'

const NAMES = [
  ...['__proto__', 'constructor', 'prototype', 'toString', 'valueOf', 'hasOwnProperty', '__defineGetter__', 'then'],
  ...['toJSON', 'length', 'key', 'ttl', 'get', 'set', 'value', 'undefined', 'null', ''],
]

const opened: { close(): Promise<void> }[] = []
const membersOf = () => Reflect.ownKeys(Object.prototype).map(String).sort()
const before = membersOf()

afterEach(async () => {
  await Promise.all([...opened.splice(0).map((cache) => cache.close()), settle(20)])
  expect(membersOf()).toEqual(before)
  expect(({} as Record<string, unknown>).polluted).toBeUndefined()
})

/** Two processes over one L2, or one process without an L2. */
function open(l2: 'with L2' | 'without L2') {
  const server = new MemoryServer()
  const clock = new FakeClock()
  const make = () => {
    const cache = createCache({ logger: false, clock, ...(l2 === 'with L2' && { l2: memoryTier(server) }) })
    opened.push(cache)
    return cache
  }
  const a = make()
  return { a, b: l2 === 'with L2' ? make() : a, clock }
}

describe.each(['with L2', 'without L2'] as const)('names of Object.prototype, %s:', (l2) => {
  test('are ordinary keys', async () => {
    const { a, b } = open(l2)
    expect(await a.getMany(NAMES)).toEqual(NAMES.map(() => undefined))
    await a.setMany(NAMES.map((name, i) => [name, i]))
    expect(await b.getMany(NAMES)).toEqual(NAMES.map((_, i) => i))
    expect(await b.getOrSetMany(NAMES, () => [])).toEqual(NAMES.map((_, i) => i))
    await a.delete('__proto__')
    expect(await a.getOrSet('__proto__', () => 'loaded')).toBe('loaded')
    expect(await a.get('constructor')).toBe(1)
  })

  test('are different ids and arguments, as text and inside objects', async () => {
    const { a } = open(l2)
    const rows = a.source<unknown, unknown>('rows', { loadMany: (ids) => ids.map((id) => ({ id })) })
    const ids = NAMES.flatMap((name): unknown[] => [
      name,
      [name],
      JSON.parse(`{${JSON.stringify(name)}:1}`),
      JSON.parse(`{"id":{${JSON.stringify(name)}:{"polluted":true}}}`),
      new Map([[name, 1]]),
    ])
    expect(new Set(ids.map((id) => rows.keyOf(id))).size).toBe(ids.length)
    expect(await rows.getMany(ids)).toEqual(ids.map((id) => ({ id })))
    const echo = a.wrap(async (...args: unknown[]) => args.length, { name: 'echo' })
    for (const id of ids) expect(await echo(id, id)).toBe(2)
  })

  test('in an id do not make it equal to an id that has the properties of its prototype', async () => {
    const { a } = open(l2)
    const rows = a.source<unknown, string>('rows', { load: () => 'row' })
    const inherits = JSON.parse('{"__proto__":{"tenant":"b"}}')
    expect(rows.keyOf(inherits)).not.toBe(rows.keyOf({ tenant: 'b' }))
    expect(() => rows.keyOf(Object.create({ tenant: 'b' }))).toThrow(expect.objectContaining({ code: 'INVALID_KEY' }))
  })

  test('are ordinary names of tags, namespaces, sources and functions', async () => {
    const { a, b, clock } = open(l2)
    const names = NAMES.filter((name) => name !== '')
    for (const name of names) {
      await a.set(`tagged:${name}`, name, { tags: [name] })
      await a.namespace(name).set('k', name)
      expect(await a.source(`s-${name}`, { load: () => name }).get('x')).toBe(name)
      expect(await a.wrap(async () => name, { name: `f-${name}` })()).toBe(name)
    }
    expect(await Promise.all(names.map((name) => b.namespace(name).get('k')))).toEqual(names)
    await a.invalidateTags('__proto__')
    await a.namespace('constructor').clear()
    await clock.advance(10)
    expect(await b.get('tagged:__proto__')).toBeUndefined()
    expect(await b.get('tagged:constructor')).toBe('constructor')
    expect(await b.namespace('constructor').get('k')).toBeUndefined()
    expect(await b.namespace('__proto__').get('k')).toBe('__proto__')
  })

  test('stay own properties of a value, whose prototype does not change', async () => {
    const { a, b } = open(l2)
    const text = `{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}},"then":1,"toJSON":2}`
    await a.set('k', JSON.parse(text))
    const value = (await b.get('k')) as Record<string, unknown>
    expect(JSON.stringify(value)).toBe(text)
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype)
    expect(value.polluted).toBeUndefined()
  })

  test('are refused in options that were parsed from JSON', async () => {
    const { a } = open(l2)
    const options = JSON.parse('{"__proto__":{"ttl":0},"ttl":"1m"}')
    await expect(a.getOrSet('k', () => 1, options)).rejects.toMatchObject({ code: 'INVALID_OPTION' })
    expect(() => createCache(JSON.parse('{"constructor":1}'))).toThrow(/no option "constructor"/)
  })
})
