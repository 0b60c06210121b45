// Store cases: leases and compare-and-set. They ensure that a late load stores nothing.
import assert from 'node:assert/strict'
import {
  assertBeginsWith,
  assertBytes,
  beginsWith,
  conformanceCase,
  LONG_LIFE_MS,
  newEntry,
  newStamp,
  PAST_SHORT_LIFE_MS,
  SHORT_LIFE_MS,
} from '../bench.js'

const keepMs = LONG_LIFE_MS
const LONGEST_LEASE_MS = 10 * 60_000

export const fenceCases = [
  conformanceCase('claim plants a lease under a free key', [], async (bench) => {
    const { store } = await bench.openStore()
    const lease = newStamp('lease')
    const planted = await store.claim(bench.key(), lease, keepMs)
    assertBeginsWith(planted, lease)
    assertBytes((await store.read([bench.key()]))[0], planted)
  }),

  conformanceCase('claim of a key that has a value returns the value and does not change it', [], async (bench) => {
    const { store } = await bench.openStore()
    const lease = newStamp('lease')
    const entry = newEntry()
    const planted = await store.claim(bench.key('leased'), lease, keepMs)
    await store.apply([{ op: 'put', key: bench.key('stored'), bytes: entry, keepMs }], undefined)
    assertBytes(await store.claim(bench.key('leased'), newStamp('lease'), keepMs), planted)
    assertBytes(await store.claim(bench.key('stored'), newStamp('lease'), keepMs), entry)
    const read = await store.read([bench.key('leased'), bench.key('stored')])
    assertBytes(read[0], planted)
    assertBytes(read[1], entry)
  }),

  conformanceCase(
    'claim replaces a lease or a fence whose remaining life is longer than any cache gives it',
    [],
    async (bench) => {
      const { store } = await bench.openStore()
      for (const state of ['lease', 'fence'] as const) {
        for (const [standingMs, isReplaced] of [
          [LONGEST_LEASE_MS - 1_000, false],
          [LONGEST_LEASE_MS + 60_000, true],
          [Number.POSITIVE_INFINITY, true],
        ] as const) {
          const key = bench.key(`${state} ${standingMs}`)
          const standing = newStamp(state)
          await store.apply([{ op: 'put', key, bytes: standing, keepMs: standingMs }], undefined)
          const lease = newStamp('lease')
          const answer = await store.claim(key, lease, keepMs)
          if (isReplaced) assertBeginsWith(answer, lease)
          else assertBytes(answer, standing)
          assertBytes((await store.read([key]))[0], answer)
        }
      }
    },
  ),

  conformanceCase('claim returns an entry, however long its remaining life is', [], async (bench) => {
    const { store } = await bench.openStore()
    const entry = newEntry()
    await store.apply([{ op: 'put', key: bench.key(), bytes: entry, keepMs: Number.POSITIVE_INFINITY }], undefined)
    assertBytes(await store.claim(bench.key(), newStamp('lease'), keepMs), entry)
  }),

  conformanceCase('claim does not change the remaining life of what it finds', [], async (bench) => {
    const { store } = await bench.openStore()
    await store.claim(bench.key(), newStamp('lease'), SHORT_LIFE_MS)
    await store.claim(bench.key(), newStamp('lease'), LONG_LIFE_MS)
    await bench.sleep(PAST_SHORT_LIFE_MS)
    assert.deepEqual(await store.read([bench.key()]), [undefined])
  }),

  conformanceCase(
    'of simultaneous claims by several processes one succeeds, and the others get its lease',
    [],
    async (bench) => {
      const stores = [await bench.openStore(), await bench.openStore()]
      const leases = Array.from({ length: 20 }, () => newStamp('lease'))
      const answers = await Promise.all(
        leases.map((lease, index) => stores[index % stores.length]!.store.claim(bench.key(), lease, keepMs)),
      )
      const winners = answers.filter((answer, index) => beginsWith(answer, leases[index]!))
      assert.equal(winners.length, 1)
      for (const answer of answers) assertBytes(answer, winners[0])
    },
  ),

  conformanceCase(
    'swap replaces a value that begins with the expected bytes, whatever the length of either value',
    [],
    async (bench) => {
      const { store } = await bench.openStore()
      const first = newEntry('a long body at first')
      const second = newEntry('short')
      const lease = await store.claim(bench.key(), newStamp('lease'), keepMs)
      assert.equal(await store.swap(bench.key(), lease, first, keepMs), undefined)
      assertBytes((await store.read([bench.key()]))[0], first)
      // The bodies differ: only 16 bytes are compared.
      assert.equal(await store.swap(bench.key(), first.subarray(0, 16), second, keepMs), undefined)
      assertBytes((await store.read([bench.key()]))[0], second)
    },
  ),

  conformanceCase('a value stored by swap lives for the time given to swap', [], async (bench) => {
    const { store } = await bench.openStore()
    const entry = newEntry()
    const lease = await store.claim(bench.key(), newStamp('lease'), SHORT_LIFE_MS)
    assert.equal(await store.swap(bench.key(), lease, entry, LONG_LIFE_MS), undefined)
    await bench.sleep(PAST_SHORT_LIFE_MS)
    assertBytes((await store.read([bench.key()]))[0], entry)
  }),

  conformanceCase('swap without a next value removes the key', [], async (bench) => {
    const { store } = await bench.openStore()
    const lease = await store.claim(bench.key(), newStamp('lease'), keepMs)
    assert.equal(await store.swap(bench.key(), lease, undefined, keepMs), undefined)
    assert.deepEqual(await store.read([bench.key()]), [undefined])
  }),

  conformanceCase('a refused swap or extend does not change the value', [], async (bench) => {
    const { store } = await bench.openStore()
    const entry = newEntry()
    const short = Buffer.from('short')
    const puts = [
      { op: 'put', key: bench.key('entry'), bytes: entry, keepMs },
      { op: 'put', key: bench.key('short'), bytes: short, keepMs },
    ] as const
    await store.apply(puts, undefined)
    for (const key of [bench.key('entry'), bench.key('short')]) {
      const almost = Buffer.from(entry.subarray(0, 16))
      almost[15] = almost[15]! ^ 1
      assert.equal(await store.swap(key, almost, newEntry(), keepMs), 'refused')
      assert.equal(await store.swap(key, almost, undefined, keepMs), 'refused')
      assert.equal(await store.extend(key, almost, keepMs), 'refused')
    }
    const read = await store.read([bench.key('entry'), bench.key('short')])
    assertBytes(read[0], entry)
    assertBytes(read[1], short)
  }),

  conformanceCase('a refused swap or extend does not change the remaining life', [], async (bench) => {
    const { store } = await bench.openStore()
    await store.claim(bench.key('swap'), newStamp('lease'), SHORT_LIFE_MS)
    await store.claim(bench.key('extend'), newStamp('lease'), SHORT_LIFE_MS)
    assert.equal(await store.swap(bench.key('swap'), newStamp('lease'), newEntry(), LONG_LIFE_MS), 'refused')
    assert.equal(await store.extend(bench.key('extend'), newStamp('lease'), LONG_LIFE_MS), 'refused')
    await bench.sleep(PAST_SHORT_LIFE_MS)
    assert.deepEqual(await store.read([bench.key('swap'), bench.key('extend')]), [undefined, undefined])
  }),

  conformanceCase('of simultaneous swaps by several processes one succeeds', [], async (bench) => {
    const stores = [await bench.openStore(), await bench.openStore()]
    const entries = Array.from({ length: 20 }, (_, index) => newEntry(`of ${index}`))
    const lease = await stores[0]!.store.claim(bench.key(), newStamp('lease'), keepMs)
    const answers = await Promise.all(
      entries.map((entry, index) => stores[index % stores.length]!.store.swap(bench.key(), lease, entry, keepMs)),
    )
    const winners = entries.filter((_, index) => answers[index] === undefined)
    assert.equal(winners.length, 1)
    assert.equal(answers.filter((answer) => answer === 'refused').length, entries.length - 1)
    assertBytes((await stores[1]!.store.read([bench.key()]))[0], winners[0])
  }),

  conformanceCase(
    'simultaneous claims and swaps of many keys each return the result for their own key',
    [],
    async (bench) => {
      const { store } = await bench.openStore()
      const keys = Array.from({ length: 300 }, (_, i) => bench.key(`many-${i}`))
      // Every third key has a value. The values are too large to travel together.
      const taken = keys.map((key, i) => (i % 3 === 0 ? newEntry(key.padEnd(2_000, '.')) : undefined))
      const puts = keys.flatMap((key, i) => {
        const bytes = taken[i]
        return bytes === undefined ? [] : [{ op: 'put', key, bytes, keepMs } as const]
      })
      await store.apply(puts, undefined)
      const leases = keys.map(() => newStamp('lease'))
      const standing = await Promise.all(keys.map((key, i) => store.claim(key, leases[i]!, keepMs)))
      for (let i = 0; i < keys.length; i++) {
        if (taken[i] === undefined) assertBeginsWith(standing[i]!, leases[i]!)
        else assertBytes(standing[i], taken[i])
      }
      const values = keys.map((key) => newEntry(`of ${key}`.padEnd(2_000, '.')))
      const swapped = await Promise.all(
        keys.map((key, i) => store.swap(key, taken[i] === undefined ? standing[i]! : leases[i]!, values[i]!, keepMs)),
      )
      assert.deepEqual(
        swapped,
        taken.map((bytes) => (bytes === undefined ? undefined : 'refused')),
      )
      const read = await store.read(keys)
      for (let i = 0; i < keys.length; i++) assertBytes(read[i], taken[i] ?? values[i])
    },
  ),

  conformanceCase(
    'extend gives an entry the life that it says and no more, also if it is repeated',
    [],
    async (bench) => {
      const { store } = await bench.openStore()
      const entry = newEntry()
      const stamp = entry.subarray(0, 16)
      await store.apply([{ op: 'put', key: bench.key(), bytes: entry, keepMs: LONG_LIFE_MS }], undefined)
      const extend = () => store.extend(bench.key(), stamp, SHORT_LIFE_MS)
      assert.deepEqual(await Promise.all([extend(), extend(), extend(), extend()]), Array(4).fill(undefined))
      assertBytes((await store.read([bench.key()]))[0], entry)
      await bench.sleep(PAST_SHORT_LIFE_MS)
      assert.deepEqual(await store.read([bench.key()]), [undefined])
    },
  ),

  conformanceCase(
    'extend is refused for an entry that is gone, was replaced or was softly expired, and changes nothing',
    [],
    async (bench) => {
      const { store } = await bench.openStore()
      const keys = ['gone', 'deleted', 'replaced', 'expired'].map((what) => bench.key(what)) as [string, ...string[]]
      const [gone, deleted, replaced, expired] = keys as [string, string, string, string]
      const entries = keys.map(() => newEntry())
      const puts = keys.map((key, i) => ({ op: 'put', key, bytes: entries[i]!, keepMs: SHORT_LIFE_MS }) as const)
      await store.apply(puts, undefined)
      const newer = newEntry('newer')
      await store.apply(
        [
          { op: 'delete', key: deleted },
          { op: 'put', key: replaced, bytes: newer, keepMs: SHORT_LIFE_MS },
          { op: 'expire', key: expired, stamp: newStamp('softlyExpired') },
        ],
        undefined,
      )
      const extend = (key: string) => store.extend(key, entries[keys.indexOf(key)]!.subarray(0, 16), LONG_LIFE_MS)
      const changed = [deleted, replaced, expired]
      assert.deepEqual(await Promise.all(changed.map(extend)), Array(3).fill('refused'))
      assertBytes((await store.read([replaced]))[0], newer)
      await bench.sleep(PAST_SHORT_LIFE_MS)
      assert.equal(await extend(gone), 'refused')
      assert.deepEqual(await store.read(keys), Array(4).fill(undefined))
    },
  ),

  conformanceCase('extends of many entries made at once are each answered for their own key', [], async (bench) => {
    const { store } = await bench.openStore()
    const keys = Array.from({ length: 300 }, (_, i) => bench.key(`touched-${i}`))
    const entries = keys.map((key) => newEntry(key))
    const puts = keys.map((key, i) => ({ op: 'put', key, bytes: entries[i]!, keepMs }) as const)
    await store.apply(puts, undefined)
    // Every third one ends soon, and every fifth stamp is that of another entry.
    const lifeOf = (i: number) => (i % 3 === 0 ? SHORT_LIFE_MS : LONG_LIFE_MS)
    const isOther = (i: number) => i % 5 === 0
    const extended = await Promise.all(
      keys.map((key, i) => store.extend(key, isOther(i) ? newStamp('live') : entries[i]!.subarray(0, 16), lifeOf(i))),
    )
    assert.deepEqual(
      extended,
      keys.map((_, i) => (isOther(i) ? 'refused' : undefined)),
    )
    await bench.sleep(PAST_SHORT_LIFE_MS)
    const read = await store.read(keys)
    for (let i = 0; i < keys.length; i++) assertBytes(read[i], i % 3 === 0 && !isOther(i) ? undefined : entries[i])
  }),

  conformanceCase('extend renews the life of a lease or an entry and does not change the value', [], async (bench) => {
    const { store } = await bench.openStore()
    const entry = newEntry()
    const lease = await store.claim(bench.key('lease'), newStamp('lease'), SHORT_LIFE_MS)
    assert.equal(await store.extend(bench.key('lease'), lease, LONG_LIFE_MS), undefined)
    await store.apply([{ op: 'put', key: bench.key('entry'), bytes: entry, keepMs: SHORT_LIFE_MS }], undefined)
    assert.equal(await store.extend(bench.key('entry'), entry.subarray(0, 16), LONG_LIFE_MS), undefined)
    await bench.sleep(PAST_SHORT_LIFE_MS)
    const read = await store.read([bench.key('lease'), bench.key('entry')])
    assertBytes(read[0], lease)
    assertBytes(read[1], entry)
  }),
]
