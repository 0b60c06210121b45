// Store cases: `apply` makes every change except those of loads.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { newSoftHalf, newToken } from '../../../model/labels.js'
import type { Change } from '../../../model/ports.js'
import {
  assertApplied,
  assertBytes,
  conformanceCase,
  LONG_LIFE_MS,
  newEntry,
  newStamp,
  PAST_SHORT_LIFE_MS,
  SHORT_LIFE_MS,
  type StampState,
} from '../bench.js'

const keepMs = LONG_LIFE_MS

export const changeCases = [
  conformanceCase('changes are applied in the order in which they are given', [], async (bench) => {
    const { store } = await bench.openStore()
    const [first, second] = [newEntry('first'), newEntry('second')]
    const changes: Change[] = [
      { op: 'put', key: bench.key('a'), bytes: first, keepMs },
      { op: 'put', key: bench.key('a'), bytes: second, keepMs },
      { op: 'put', key: bench.key('b'), bytes: first, keepMs },
      { op: 'delete', key: bench.key('b') },
      { op: 'delete', key: bench.key('c') },
      { op: 'put', key: bench.key('c'), bytes: second, keepMs },
    ]
    assertApplied(await store.apply(changes, undefined), changes.length)
    const read = await store.read([bench.key('a'), bench.key('b'), bench.key('c')])
    assertBytes(read[0], second)
    assertBytes(read[1], undefined)
    assertBytes(read[2], second)
  }),

  conformanceCase('one call applies hundreds of changes of hundreds of keys', [], async (bench) => {
    const { store } = await bench.openStore()
    const keys = Array.from({ length: 600 }, (_, index) => bench.key(index))
    const puts = keys.map((key) => ({ op: 'put', key, bytes: newEntry(key), keepMs }) as const)
    assertApplied(await store.apply(puts, undefined), puts.length)
    const read = await store.read(keys)
    for (const [index, { bytes }] of puts.entries()) assertBytes(read[index], bytes)
    const deletes = keys.map((key) => ({ op: 'delete', key }) as const)
    assertApplied(await store.apply(deletes, undefined), deletes.length)
    assert.ok((await store.read(keys)).every((bytes) => bytes === undefined))
  }),

  conformanceCase('changes applied twice have the same effect as changes applied once', [], async (bench) => {
    const { store } = await bench.openStore()
    const [label, softLabel] = [bench.label(), bench.label('soft')]
    const [token, softToken] = (
      await store.ensureTokens([label, softLabel], [newToken(), newToken()], keepMs, undefined)
    ).tokens
    const live = newEntry()
    const stamps = [newStamp('softlyExpired'), newStamp('softlyExpired')]
    await store.apply([{ op: 'put', key: bench.key('live'), bytes: live, keepMs }], undefined)
    for (const stamp of stamps) {
      const changes: Change[] = [
        { op: 'put', key: bench.key('put'), bytes: live, keepMs },
        { op: 'delete', key: bench.key('deleted') },
        { op: 'expire', key: bench.key('live'), stamp },
        { op: 'invalidateLabel', label },
        { op: 'expireLabel', label: softLabel, soft: newSoftHalf() },
      ]
      assertApplied(await store.apply(changes, undefined), changes.length)
    }
    const read = await store.read([bench.key('put'), bench.key('deleted'), bench.key('live')])
    assertBytes(read[0], live)
    assertBytes(read[1], undefined)
    assertBytes(read[2], Buffer.concat([stamps[1]!, live.subarray(16)]))
    assert.ok(token !== undefined && softToken !== undefined)
    const [gone, expired] = await store.readTokens([label, softLabel])
    assert.equal(gone, undefined)
    assert.equal(expired?.slice(0, 16), softToken.slice(0, 16))
    assert.notEqual(expired, softToken)
  }),

  conformanceCase(
    'put replaces whatever the key has, and the value lives for the time given to put',
    [],
    async (bench) => {
      const { store } = await bench.openStore()
      const entry = newEntry()
      await store.claim(bench.key('leased'), newStamp('lease'), SHORT_LIFE_MS)
      await store.apply(
        [{ op: 'put', key: bench.key('stored'), bytes: newEntry('old'), keepMs: SHORT_LIFE_MS }],
        undefined,
      )
      const puts = [bench.key('leased'), bench.key('stored')].map(
        (key) => ({ op: 'put', key, bytes: entry, keepMs }) as const,
      )
      assertApplied(await store.apply(puts, undefined), puts.length)
      await bench.sleep(PAST_SHORT_LIFE_MS)
      for (const bytes of await store.read([bench.key('leased'), bench.key('stored')])) assertBytes(bytes, entry)
    },
  ),

  conformanceCase(
    'replace stores where it finds the expected stamp, and the value lives for the time given to replace',
    [],
    async (bench) => {
      const { store } = await bench.openStore()
      const [fence, bytes] = [newStamp('fence'), newEntry('written')]
      await store.apply([{ op: 'put', key: bench.key(), bytes: fence, keepMs: SHORT_LIFE_MS }], undefined)
      const change = { op: 'replace', key: bench.key(), expected: fence, bytes, keepMs } as const
      // Sent twice, it has the same effect as sent once.
      for (let time = 0; time < 2; time++) assertApplied(await store.apply([change], undefined), 1)
      await bench.sleep(PAST_SHORT_LIFE_MS)
      assertBytes((await store.read([bench.key()]))[0], bytes)
    },
  ),

  conformanceCase(
    'replace removes anything but the expected stamp: an entry, a lease, another fence',
    [],
    async (bench) => {
      const { store } = await bench.openStore()
      const values = [newEntry('other'), newStamp('lease'), newStamp('fence'), Buffer.from('short')]
      const keys = values.map((_, index) => bench.key(index))
      const puts = values.map((bytes, index) => ({ op: 'put', key: keys[index]!, bytes, keepMs }) as const)
      await store.apply(puts, undefined)
      const replaces = [...keys, bench.key('absent')].map((key) => {
        return { op: 'replace', key, expected: newStamp('fence'), bytes: newEntry('late'), keepMs } as const
      })
      assertApplied(await store.apply(replaces, undefined), replaces.length)
      assert.ok((await store.read(replaces.map(({ key }) => key))).every((bytes) => bytes === undefined))
    },
  ),

  conformanceCase('delete removes an entry, a lease and a fence', [], async (bench) => {
    const { store } = await bench.openStore()
    const states: StampState[] = ['live', 'softlyExpired', 'lease', 'fence']
    const puts = states.map((state) => ({ op: 'put', key: bench.key(state), bytes: newStamp(state), keepMs }) as const)
    await store.apply(puts, undefined)
    const deletes = states.map((state) => ({ op: 'delete', key: bench.key(state) }) as const)
    assertApplied(await store.apply(deletes, undefined), deletes.length)
    assert.ok((await store.read(states.map((state) => bench.key(state)))).every((bytes) => bytes === undefined))
  }),

  conformanceCase(
    'expire replaces the stamp of a live or already expired entry and keeps the rest',
    [],
    async (bench) => {
      const { store } = await bench.openStore()
      const entry = newEntry(randomBytes(5_000))
      await store.apply([{ op: 'put', key: bench.key(), bytes: entry, keepMs }], undefined)
      for (const stamp of [newStamp('softlyExpired'), newStamp('softlyExpired')]) {
        assertApplied(await store.apply([{ op: 'expire', key: bench.key(), stamp }], undefined), 1)
        assertBytes((await store.read([bench.key()]))[0], Buffer.concat([stamp, entry.subarray(16)]))
      }
      // A load that began earlier is refused, since it expects the earlier stamp.
      assert.equal(await store.swap(bench.key(), entry.subarray(0, 16), newEntry('late'), keepMs), 'refused')
    },
  ),

  conformanceCase('expire does not change the remaining life of the entry', [], async (bench) => {
    const { store } = await bench.openStore()
    await store.apply([{ op: 'put', key: bench.key(), bytes: newEntry(), keepMs: SHORT_LIFE_MS }], undefined)
    await store.apply([{ op: 'expire', key: bench.key(), stamp: newStamp('softlyExpired') }], undefined)
    await bench.sleep(PAST_SHORT_LIFE_MS)
    assert.deepEqual(await store.read([bench.key()]), [undefined])
  }),

  conformanceCase('expire removes what is not a live entry: a lease, a fence, foreign bytes', [], async (bench) => {
    const { store } = await bench.openStore()
    const laterFormat = newEntry()
    laterFormat[2] = 2
    const values = [
      newStamp('lease'),
      newStamp('fence'),
      Buffer.from('{"json":"of somebody else"}'),
      laterFormat,
      Buffer.from([0xc7, 0x1e, 1, 1]),
    ]
    const keys = values.map((_, index) => bench.key(index))
    const puts = values.map((bytes, index) => ({ op: 'put', key: keys[index]!, bytes, keepMs }) as const)
    await store.apply(puts, undefined)
    const expires = keys.map((key) => ({ op: 'expire', key, stamp: newStamp('softlyExpired') }) as const)
    assertApplied(await store.apply(expires, undefined), expires.length)
    assert.deepEqual(
      await store.read(keys),
      values.map(() => undefined),
    )
  }),
]
