// What the benchmarks of the codec encode: values of usual sizes and shapes, and entries with them.
import type { EntryFields } from '../../src/codec/entry-codec.js'
import { newToken } from '../../src/model/labels.js'

export const user = {
  id: 48_213,
  name: 'Ada Lovelace',
  email: 'ada.lovelace@example.com',
  org: 'org:7',
  active: true,
  score: 97.25,
  roles: ['admin', 'editor'],
  createdAt: '2024-03-01T12:30:00.000Z',
  address: null,
  visits: 1204,
}

const product = (i: number) => ({
  id: i * 7919,
  sku: `SKU-${(i * 48_271) % 99_991}`,
  title: `Product number ${i} with a longer title`,
  price: ((i * 37) % 10_000) / 100,
  stock: i % 17,
  tags: [`a${i % 5}`, 'sale'],
  vendor: { id: i % 50, name: `Vendor ${i % 50}`, rating: 4.5 },
  ok: i % 3 === 0,
})

const page = (items: number) => ({ page: 1, total: items, items: Array.from({ length: items }, (_, i) => product(i)) })

const datedRows = Array.from({ length: 100 }, (_, id) => ({
  id,
  name: `Name ${id}`,
  createdAt: new Date(1e12 + id),
  note: null,
}))

export const CODEC_VALUES = {
  'object of 200 B': user,
  'page of 4 KB': page(20),
  'page of 50 KB': page(270),
  '100 rows with a Date': datedRows,
  '5,000 integers': Array.from({ length: 5000 }, (_, i) => i * 3),
}

export const KEY = 'shop:user:48213'
export const SCOPES: readonly string[] = ['c:shop']

/** An entry of a usual life under `KEY`. */
export const entryOf = (value: unknown, tags: readonly string[] = []): EntryFields => ({
  key: KEY,
  value,
  createdAtMs: 1_760_000_000_000,
  freshForMs: 300_000,
  staleForMs: 330_000,
  usableForMs: 3_930_000,
  loadMs: 42,
  labels: { labels: [...SCOPES, ...tags], tokens: [...SCOPES, ...tags].map(() => newToken()) },
  scopeCount: 1,
})
