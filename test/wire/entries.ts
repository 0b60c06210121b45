// The entries whose envelopes are stored in v1/. Add entries, but never change one.
import type { EntryCodecOptions, EntryFields } from '../../src/codec/entry-codec.js'
import type { Extension } from '../../src/model/values/extension.js'
import { testKey } from '../support/keys.js'

export interface StoredEntry {
  readonly name: string
  readonly options: EntryCodecOptions
  readonly extensions?: readonly Extension[]
  readonly fields: EntryFields
  /** The scope labels that follow from the key. */
  readonly scopes: readonly string[]
}

const SHOP = '000102030405060708090a0b0c0d0e0f'
const CATALOG = 'f0e0d0c0b0a09080706050403020100f'
const ORG = 'deadbeefdeadbeefcafebabecafebabe'

const base = {
  key: 'shop:user:1',
  value: { id: 1, name: 'Ada', score: 97.25, roles: ['admin'], manager: null, active: true },
  createdAtMs: 1_760_000_000_123,
  freshForMs: 300_000,
  staleForMs: 330_000,
  usableForMs: 3_930_000,
  loadMs: 42,
  labels: { labels: ['c:shop'], tokens: [SHOP] },
  scopeCount: 1,
} satisfies EntryFields

const raw: EntryCodecOptions = { compress: false }
const scopes = ['c:shop']
const encrypt = { keys: { 'test-1': testKey('wire') }, active: 'test-1' }

const tagged = {
  labels: {
    labels: ['c:shop', 'c:shop/catalog@3', 't:org:7', 't:büro 日本', 't:'],
    tokens: [SHOP, CATALOG, ORG, SHOP, CATALOG],
  },
  scopeCount: 2,
}

const cycle: Record<string, unknown> = { name: 'cycle', list: [] }
cycle.self = cycle
;(cycle.list as unknown[]).push(cycle)

class Money {
  constructor(
    readonly cents: bigint,
    readonly currency: string,
  ) {}
}

const money: Extension<Money> = {
  name: 'money',
  is: (value) => value instanceof Money,
  encode: ({ cents, currency }) => [cents, currency],
  decode: (data) => new Money(...(data as [bigint, string])),
}

/** Holds a value of another extension. */
class Price {
  constructor(readonly net: Money) {}
}

const price: Extension<Price> = {
  name: 'price.2',
  is: (value) => value instanceof Price,
  encode: ({ net }) => ({ net }),
  decode: (data) => new Price((data as { net: Money }).net),
}

export const ENTRIES: readonly StoredEntry[] = [
  { name: 'plain', options: raw, fields: base, scopes },
  { name: 'undefined', options: raw, fields: { ...base, value: undefined }, scopes },
  { name: 'expired', options: raw, fields: { ...base, state: 'expired' }, scopes },
  {
    name: 'tags',
    options: raw,
    fields: { ...base, ...tagged, key: 'shop/catalog@3:item:1', etag: 'W/"abc"' },
    scopes: ['c:shop', 'c:shop/catalog@3'],
  },
  {
    name: 'no-labels-no-end',
    options: raw,
    fields: {
      ...base,
      labels: { labels: [], tokens: [] },
      scopeCount: 0,
      freshForMs: Number.POSITIVE_INFINITY,
      staleForMs: Number.POSITIVE_INFINITY,
      usableForMs: Number.POSITIVE_INFINITY,
      loadMs: 0,
    },
    scopes: [],
  },
  {
    name: 'long-key',
    options: raw,
    fields: { ...base, key: `shop:${'long-key/'.repeat(80)}`, keepKey: true },
    scopes,
  },
  { name: 'idle', options: raw, fields: { ...base, idleForMs: 1_800_000 }, scopes },
  { name: 'ill-formed-key', options: raw, fields: { ...base, key: 'shop:x\ud800', keepKey: true }, scopes },
  {
    name: 'rows',
    options: raw,
    fields: {
      ...base,
      value: Array.from({ length: 5 }, (_, id) => ({ id, title: `Title ${id}`, vendor: { id: 1, name: 'é' } })),
    },
    scopes,
  },
  {
    name: 'numbers-and-strings',
    options: raw,
    fields: {
      ...base,
      value: {
        integers: [
          0,
          63,
          64,
          127,
          128,
          255,
          256,
          65_535,
          65_536,
          4_294_967_295,
          2 ** 40,
          -1,
          -32,
          -33,
          -70_000,
          -(2 ** 40),
        ],
        floats: [0.5, -0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN],
        bigints: [1n, -1n, 2n ** 63n, -(2n ** 100n)],
        strings: ['', 'a', 'é日😀', 'x'.repeat(40), 'y'.repeat(300), '\ud800'],
        nothing: [null, undefined],
      },
    },
    scopes,
  },
  {
    name: 'special-values',
    options: raw,
    fields: {
      ...base,
      value: {
        date: new Date(1_700_000_000_123),
        map: new Map<unknown, unknown>([['k', new Set([1, 'x'])]]),
        regexp: /a\/b/gi,
        error: Object.assign(withoutStack(new TypeError('t', { cause: withoutStack(new Error('c')) })), { code: 'E' }),
        sparse: Object.assign(new Array(7), { 2: 'two' }),
        bare: Object.assign(Object.create(null), { a: 1 }),
        proto: JSON.parse('{"__proto__":{"x":1}}'),
        url: new URL('https://example.com/a?b#c'),
        bytes: [
          Buffer.from('buffer'),
          Uint8Array.of(1, 2),
          Uint8Array.of(3).buffer,
          new DataView(Uint8Array.of(4, 5).buffer),
        ],
        views: [
          Int8Array.of(-1),
          Uint8ClampedArray.of(300),
          Int16Array.of(-2),
          Uint16Array.of(2),
          Int32Array.of(-3),
          Uint32Array.of(3),
        ],
        moreViews: [Float32Array.of(0.5), Float64Array.of(0.1), BigInt64Array.of(-5n), BigUint64Array.of(5n)],
      },
    },
    scopes,
  },
  { name: 'cycle', options: raw, fields: { ...base, value: cycle }, scopes },
  {
    name: 'extensions',
    options: raw,
    extensions: [money, price],
    fields: {
      ...base,
      value: {
        price: new Price(new Money(995n, 'EUR')),
        list: new Map([['a', [new Money(-1n, 'USD')]]]),
        mine: { $tiercache: 'no tag', data: 1 },
      },
    },
    scopes,
  },
  { name: 'compressed', options: {}, fields: { ...base, value: { text: 'tiercache '.repeat(300) } }, scopes },
  {
    name: 'encrypted',
    options: { encrypt },
    fields: { ...base, ...tagged, key: 'shop/catalog@3:secret' },
    scopes: ['c:shop', 'c:shop/catalog@3'],
  },
  {
    name: 'compressed-and-encrypted',
    options: { encrypt, compress: { threshold: 1024 } },
    fields: { ...base, value: 'tiercache '.repeat(300) },
    scopes,
  },
  {
    name: 'encrypted-padded',
    options: { encrypt: { ...encrypt, padding: 256 } },
    fields: { ...base, etag: 'W/"abc"' },
    scopes,
  },
  { name: 'encrypted-expired', options: { encrypt }, fields: { ...base, state: 'expired' }, scopes },
]

/** A stack would hold the paths of the machine that recorded the envelope. */
function withoutStack<E extends Error>(error: E): E {
  delete error.stack
  return error
}
