// Whatever the default codec accepts comes back deeply and strictly equal, with every header field.
import assert from 'node:assert'
import fc from 'fast-check'
import { test } from 'vitest'
import { createEntryCodec } from '../../src/codec/entry-codec.js'
import { createMsgpackCodec } from '../../src/codec/payload/msgpack.js'
import { testKey } from '../support/keys.js'

const codec = createMsgpackCodec()

/** Any UTF-16 string, lone surrogates included. */
const anyText = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary' }),
  fc.array(fc.integer({ min: 0, max: 0xffff })).map((units) => String.fromCharCode(...units)),
  fc.constantFrom('__proto__', 'constructor', 'toJSON', '__keys__', '1', '-1', '01', 'é'.repeat(50), 'x'.repeat(300)),
)

const anyKey = fc.oneof(fc.constantFrom('id', 'name', 'rows', '__proto__', '7', '\ud800'), anyText)

const anyPrimitive = fc.oneof(
  fc.constantFrom(undefined, null, true, false, Number.NaN, -0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY),
  fc.integer(),
  fc.maxSafeInteger(),
  fc.double(),
  fc.bigInt(),
  fc.bigInt({ min: -(2n ** 300n), max: 2n ** 300n }),
  anyText,
)

const anyBytes = fc.uint8Array().chain((bytes) =>
  fc.constantFrom<() => unknown>(
    () => bytes,
    () => Buffer.from(bytes),
    () => Uint8Array.from(bytes).buffer,
    () => new DataView(Uint8Array.from(bytes).buffer),
    () => new Uint16Array(bytes),
    () => new Float64Array(bytes),
    () => BigInt64Array.from(bytes, BigInt),
  ),
)

const anyLeaf = fc.oneof(
  { weight: 8, arbitrary: anyPrimitive },
  { weight: 2, arbitrary: fc.date({ noInvalidDate: true }) },
  { weight: 1, arbitrary: anyBytes.map((make) => make()) },
  { weight: 1, arbitrary: fc.constantFrom(/a(b)/gu, new URL('https://a.example/b?c#d')) },
)

const { tree: anyValue } = fc.letrec((tie) => ({
  tree: fc.oneof({ depthSize: 'small', withCrossShrink: true }, anyLeaf, tie('branch')),
  branch: fc.oneof(
    fc.array(tie('tree')),
    fc.sparseArray(tie('tree'), { maxLength: 20 }),
    fc.array(fc.tuple(anyKey, tie('tree'))).map((entries) => objectOf({}, entries)),
    fc.array(fc.tuple(anyKey, tie('tree'))).map((entries) => objectOf(Object.create(null), entries)),
    fc.array(fc.tuple(tie('tree'), tie('tree'))).map((entries) => new Map(entries)),
    fc.array(tie('tree')).map((items) => new Set(items)),
    fc
      .tuple(anyText, tie('tree'))
      .map(([message, cause]) => Object.assign(new RangeError(message, { cause }), { cause })),
    // Rows are objects of one shape, written as records.
    fc
      .tuple(fc.uniqueArray(anyKey, { minLength: 1, maxLength: 5 }), fc.array(fc.array(tie('tree')), { maxLength: 8 }))
      .map(([keys, rows]) =>
        rows.map((row) =>
          objectOf(
            {},
            keys.map((key, i) => [key, row[i]]),
          ),
        ),
      ),
  ),
}))

function objectOf(target: object, entries: readonly (readonly [string, unknown])[]): object {
  for (const [key, value] of entries) {
    Object.defineProperty(target, key, { value, enumerable: true, writable: true, configurable: true })
  }
  return target
}

test('any value comes back deeply and strictly equal', () => {
  fc.assert(
    fc.property(anyValue, (value) => {
      assert.deepStrictEqual(codec.decode(codec.encode(value)), value)
    }),
    { numRuns: 3000 },
  )
})

test('JSON-like values come back equal, whatever was encoded before with the same codec', () => {
  fc.assert(
    fc.property(fc.array(fc.jsonValue(), { maxLength: 5 }), (values) => {
      const encoded = values.map((value) => codec.encode(value))
      assert.deepStrictEqual(
        encoded.map((bytes) => codec.decode(bytes)),
        values,
      )
    }),
    { numRuns: 2000 },
  )
})

/** A graph of objects, arrays, maps and sets that refer to each other at random, with cycles, shared parts and self references. */
const anyGraph = fc
  .tuple(
    fc.array(fc.constantFrom('object', 'array', 'map', 'set', 'bare'), { minLength: 1, maxLength: 8 }),
    fc.array(fc.tuple(fc.nat(), fc.nat(), fc.constantFrom('a', 'b', 'c', '__proto__')), { maxLength: 9 }),
  )
  .map(([kinds, edges]) => {
    const nodes = kinds.map((kind, i) => makeNode(kind, i))
    for (const [from, to, key] of edges) link(nodes[from % nodes.length]!, nodes[to % nodes.length], key)
    return nodes[0]
  })

function makeNode(kind: string, id: number): object {
  if (kind === 'array') return [id]
  if (kind === 'map') return new Map<unknown, unknown>([['id', id]])
  if (kind === 'set') return new Set<unknown>([id])
  return objectOf(kind === 'bare' ? Object.create(null) : {}, [['id', id]])
}

function link(from: object, to: unknown, key: string): void {
  if (Array.isArray(from)) from.push(to)
  else if (from instanceof Map) from.set(key, to)
  else if (from instanceof Set) from.add(to)
  else objectOf(from, [[key, to]])
}

test('any graph, cycles included, comes back with the same shape', () => {
  fc.assert(
    fc.property(anyGraph, (graph) => {
      const back = codec.decode(codec.encode(graph))
      assert.deepStrictEqual(describeGraph(back), describeGraph(graph))
    }),
    { numRuns: 2000 },
  )
})

/**
 * The graph as seen from its root, down to a depth at which any two different graphs differ. Node's own comparison of cyclic
 * sets and maps is exponential.
 */
function describeGraph(root: unknown): string {
  const describe = (value: unknown, depth: number): string => {
    if (typeof value !== 'object' || value === null) return String(value)
    if (depth === 0) return '...'
    const inner = (items: Iterable<unknown>) => [...items].map((item) => describe(item, depth - 1)).join()
    if (value instanceof Map) return `map(${inner([...value].flat())})`
    if (value instanceof Set) return `set(${inner(value)})`
    if (Array.isArray(value)) return `[${inner(value)}]`
    return `${Object.getPrototypeOf(value) === null ? 'bare' : ''}{${Object.keys(value)}|${inner(Object.values(value))}}`
  }
  return describe(root, 4)
}

const anyDuration = fc.oneof(fc.nat(), fc.maxSafeInteger().map(Math.abs), fc.constant(Number.POSITIVE_INFINITY))
const anyToken = fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => Buffer.from(bytes).toString('hex'))

const anyEntry = fc.record({
  key: anyText,
  keepKey: fc.boolean(),
  value: anyPrimitive,
  state: fc.constantFrom('live' as const, 'expired' as const),
  createdAtMs: fc.nat({ max: 2 ** 52 }),
  freshForMs: anyDuration,
  staleForMs: anyDuration,
  usableForMs: anyDuration,
  loadMs: fc.nat(),
  idleForMs: fc.oneof(fc.integer({ min: 1 }), fc.constant(Number.POSITIVE_INFINITY)),
  scopes: fc.array(fc.tuple(anyText, anyToken), { maxLength: 4 }),
  tags: fc.array(fc.tuple(anyText, anyToken), { maxLength: 12 }),
  etag: fc.option(fc.string(), { nil: undefined }),
})

const encrypt = { keys: { k: testKey('1') }, active: 'k' }
const entryCodecs = [
  createEntryCodec(),
  createEntryCodec({ compress: { threshold: 0 } }),
  createEntryCodec({ encrypt }),
]

test('any entry comes back with every field of its header, under any key', () => {
  fc.assert(
    fc.property(anyEntry, fc.constantFrom(...entryCodecs), (entry, entryCodec) => {
      const { scopes, tags, ...fields } = entry
      const scopeLabels = scopes.map(([name]) => `c:${name}`)
      const labels = {
        labels: [...scopeLabels, ...tags.map(([name]) => `t:${name}`)],
        tokens: [...scopes, ...tags].map(([, token]) => token),
      }
      const opened = entryCodec.open(
        entryCodec.encode({ ...fields, labels, scopeCount: scopes.length }),
        entry.key,
        scopeLabels,
      )
      assert(!('corrupt' in opened), `it is ${'corrupt' in opened ? opened.corrupt : ''}`)
      assert.deepStrictEqual(
        {
          key: entry.key,
          keepKey: entry.keepKey,
          value: opened.value(),
          state: opened.state,
          createdAtMs: opened.createdAtMs,
          freshForMs: opened.freshForMs,
          staleForMs: opened.staleForMs,
          usableForMs: opened.usableForMs,
          loadMs: opened.loadMs,
          idleForMs: opened.idleForMs,
          labels: opened.labels,
          etag: opened.etag,
        },
        {
          ...fields,
          freshForMs: lasting(fields.freshForMs),
          staleForMs: lasting(fields.staleForMs),
          usableForMs: lasting(fields.usableForMs),
          labels,
        },
      )
    }),
    { numRuns: 3000 },
  )
})

/** In the format, the largest number means "without end". */
const lasting = (ms: number) => (ms >= Number.MAX_SAFE_INTEGER ? Number.POSITIVE_INFINITY : ms)

test('an entry of one key is never one of another', () => {
  fc.assert(
    fc.property(anyText, anyText, (one, other) => {
      fc.pre(one !== other)
      const [entryCodec] = entryCodecs
      const bytes = entryCodec!.encode({
        key: one,
        keepKey: true,
        value: 1,
        createdAtMs: 0,
        freshForMs: 1,
        staleForMs: 1,
        usableForMs: 1,
        loadMs: 0,
        labels: { labels: [], tokens: [] },
        scopeCount: 0,
      })
      assert('corrupt' in entryCodec!.open(bytes, other, []))
    }),
    { numRuns: 3000 },
  )
})
