// Store cases: entries are stored, read and removed.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import {
  assertApplied,
  assertBeginsWith,
  assertBytes,
  conformanceCase,
  LONG_LIFE_MS,
  newEntry,
  newStamp,
  PAST_SHORT_LIFE_MS,
  SHORT_LIFE_MS,
} from '../bench.js'

const keepMs = LONG_LIFE_MS

export const entryCases = [
  conformanceCase('bytes that one process puts are read unchanged by another', [], async (bench) => {
    const writer = await bench.openStore()
    const reader = await bench.openStore()
    const bodies = [
      Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)),
      Buffer.alloc(0),
      randomBytes(1_000_000),
    ]
    const entries = bodies.map((body, index) => ({ key: bench.key(index), bytes: newEntry(body) }))
    const puts = entries.map(({ key, bytes }) => ({ op: 'put', key, bytes, keepMs }) as const)
    assertApplied(await writer.store.apply(puts, undefined), entries.length)
    const read = await reader.store.read(entries.map(({ key }) => key))
    for (const [index, { bytes }] of entries.entries()) assertBytes(read[index], bytes)
  }),

  conformanceCase(
    'a missing key is read as undefined, refuses swap and extend, and is no error for any change',
    [],
    async (bench) => {
      const { store } = await bench.openStore()
      const key = bench.key('absent')
      assert.deepEqual(await store.read([key]), [undefined])
      assert.deepEqual(await store.readTokens([bench.label('absent')]), [undefined])
      assert.equal(await store.swap(key, newStamp('lease'), newEntry(), keepMs), 'refused')
      assert.equal(await store.swap(key, newStamp('lease'), undefined, keepMs), 'refused')
      assert.equal(await store.extend(key, newStamp('lease'), keepMs), 'refused')
      const changes = [
        { op: 'delete', key },
        { op: 'expire', key, stamp: newStamp('softlyExpired') },
        { op: 'invalidateLabel', label: bench.label('absent') },
        { op: 'expireLabel', label: bench.label('absent'), soft: randomBytes(8).toString('hex') },
      ] as const
      assertApplied(await store.apply(changes, undefined), changes.length)
      assert.deepEqual(await store.read([key]), [undefined])
      assert.deepEqual(await store.readTokens([bench.label('absent')]), [undefined])
    },
  ),

  conformanceCase('a call without keys, labels or changes returns an empty result', [], async (bench) => {
    const { store } = await bench.openStore()
    assert.deepEqual(await store.read([]), [])
    assert.deepEqual(await store.readTokens([]), [])
    assert.deepEqual(await store.apply([], undefined), [])
    assert.deepEqual((await store.ensureTokens([], [], keepMs, undefined)).tokens, [])
  }),

  conformanceCase(
    'reads return values in the order of the keys, repeated and absent ones included',
    [],
    async (bench) => {
      const { store } = await bench.openStore()
      const entries = new Map(Array.from({ length: 150 }, (_, index) => [bench.key(index), newEntry(`body ${index}`)]))
      const puts = [...entries].map(([key, bytes]) => ({ op: 'put', key, bytes, keepMs }) as const)
      assertApplied(await store.apply(puts, undefined), entries.size)
      const keys = [...entries.keys()]
        .reverse()
        .flatMap((key, index) => (index % 10 === 0 ? [key, bench.key('no'), key] : [key]))
      const read = await store.read(keys)
      assert.equal(read.length, keys.length)
      for (const [index, key] of keys.entries()) assertBytes(read[index], entries.get(key))
    },
  ),

  conformanceCase('any two different keys have separate values, whatever their text', [], async (bench) => {
    const { store } = await bench.openStore()
    const texts = [
      '',
      ' ',
      'a',
      'a ',
      'A',
      'a\n',
      'a\0',
      '*',
      '?',
      '[a]',
      '"',
      "'",
      '\\',
      '%7B',
      'é',
      'e\u0301',
      '😀',
      '__proto__',
    ]
    const entries = [...texts, 'x'.repeat(500)].map((text) => ({ key: bench.key(text), bytes: newEntry(text) }))
    const puts = entries.map(({ key, bytes }) => ({ op: 'put', key, bytes, keepMs }) as const)
    assertApplied(await store.apply(puts, undefined), entries.length)
    const read = await store.read(entries.map(({ key }) => key))
    for (const [index, { key, bytes }] of entries.entries()) assertBytes(read[index], bytes, JSON.stringify(key))
  }),

  conformanceCase('no value outlives the time for which it was stored', [], async (bench) => {
    const { store } = await bench.openStore()
    const [put, claimed, swapped, extended] = [
      bench.key('put'),
      bench.key('claim'),
      bench.key('swap'),
      bench.key('extend'),
    ]
    await store.apply([{ op: 'put', key: put, bytes: newEntry(), keepMs: SHORT_LIFE_MS }], undefined)
    await store.claim(claimed, newStamp('lease'), SHORT_LIFE_MS)
    const lease = await store.claim(swapped, newStamp('lease'), LONG_LIFE_MS)
    assert.equal(await store.swap(swapped, lease, newEntry(), SHORT_LIFE_MS), undefined)
    const renewed = await store.claim(extended, newStamp('lease'), LONG_LIFE_MS)
    assert.equal(await store.extend(extended, renewed, SHORT_LIFE_MS), undefined)
    await bench.sleep(PAST_SHORT_LIFE_MS)
    assert.deepEqual(await store.read([put, claimed, swapped, extended]), [undefined, undefined, undefined, undefined])
    const again = newStamp('lease')
    assertBeginsWith(await store.claim(put, again, LONG_LIFE_MS), again)
  }),

  conformanceCase(
    'a key of another type is read as undefined, and the entries read with it are returned',
    ['otherType'],
    async (bench) => {
      const { store } = await bench.openStore()
      const bytes = newEntry()
      await bench.context.plantOtherType?.(bench.key('other'))
      await store.apply([{ op: 'put', key: bench.key(), bytes, keepMs }], undefined)
      const [other, entry] = await store.read([bench.key('other'), bench.key()])
      assertBytes(other, undefined)
      assertBytes(entry, bytes)
    },
  ),

  conformanceCase(
    'swap and extend refuse a key of another type, since it has no stamp',
    ['otherType'],
    async (bench) => {
      const { store } = await bench.openStore()
      await bench.context.plantOtherType?.(bench.key())
      assert.equal(await store.swap(bench.key(), newStamp('lease'), newEntry(), keepMs), 'refused')
      assert.equal(await store.extend(bench.key(), newStamp('lease'), keepMs), 'refused')
    },
  ),

  conformanceCase(
    'a claim of a key of another type replaces it, and other claims made at the same time are not affected',
    ['otherType'],
    async (bench) => {
      const { store } = await bench.openStore()
      const keys = Array.from({ length: 20 }, (_, i) => bench.key(`many-${i}`))
      const entry = newEntry()
      await bench.context.plantOtherType?.(keys[10]!)
      await store.apply([{ op: 'put', key: keys[15]!, bytes: entry, keepMs }], undefined)
      const leases = keys.map(() => newStamp('lease'))
      const standing = await Promise.all(keys.map((key, i) => store.claim(key, leases[i]!, keepMs)))
      for (let i = 0; i < keys.length; i++) assertBeginsWith(standing[i]!, i === 15 ? entry : leases[i]!)
      const read = await store.read(keys)
      for (let i = 0; i < keys.length; i++) assertBytes(read[i], standing[i])
    },
  ),

  conformanceCase('put replaces a key of any type; delete and expire remove one', ['otherType'], async (bench) => {
    const { store } = await bench.openStore()
    const bytes = newEntry()
    const keys = [bench.key('put'), bench.key('delete'), bench.key('expire')] as const
    for (const key of keys) await bench.context.plantOtherType?.(key)
    const changes = [
      { op: 'put', key: keys[0], bytes, keepMs },
      { op: 'delete', key: keys[1] },
      { op: 'expire', key: keys[2], stamp: newStamp('softlyExpired') },
    ] as const
    assertApplied(await store.apply(changes, undefined), changes.length)
    assertBytes((await store.read([keys[0]]))[0], bytes)
    // It is gone, not merely unreadable: a lease can be planted there.
    for (const key of [keys[1], keys[2]]) {
      const lease = newStamp('lease')
      assertBeginsWith(await store.claim(key, lease, keepMs), lease)
    }
  }),
]
