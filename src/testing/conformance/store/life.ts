// Store cases: readiness, outages, the store's clock, deleteByPrefix, closing.
import assert from 'node:assert/strict'
import { newToken } from '../../../model/labels.js'
import type { Bytes } from '../../../model/ports.js'
import { assertBytes, conformanceCase, LONG_LIFE_MS, newEntry, newStamp } from '../bench.js'

const keepMs = LONG_LIFE_MS

/** How far the estimates of two processes may differ: by the round trips of a busy machine. */
const CLOCK_TOLERANCE_MS = 1_000

export const lifeCases = [
  conformanceCase('a started store becomes ready, reports it and executes commands', [], async (bench) => {
    const { store, reports } = await bench.openStore()
    assert.equal(store.isReady(), true)
    await bench.until('ready is reported', () => reports.length > 0)
    assert.deepEqual(reports, ['ready same'])
    await store.apply([{ op: 'put', key: bench.key(), bytes: newEntry(), keepMs }], undefined)
    await store.whenReady()
  }),

  conformanceCase("every process has the same idea of the store's clock, and it moves", [], async (bench) => {
    const [one, other] = [await bench.openStore(), await bench.openStore()]
    const apartMs = one.store.nowMs() - other.store.nowMs()
    assert.ok(Math.abs(apartMs) < CLOCK_TOLERANCE_MS, `${apartMs} ms apart`)
    const beforeMs = one.store.nowMs()
    await bench.sleep(100)
    assert.ok(one.store.nowMs() - beforeMs >= 50, 'expected the clock to move by about 100 ms')
  }),

  conformanceCase(
    'deleteByPrefix removes every key with the prefix and no other, and returns how many it removed',
    [],
    async (bench) => {
      const { store } = await bench.openStore()
      const keys = Array.from({ length: 2_500 }, (_, index) => bench.key(`gone/${index}`))
      const others = [bench.key('gone'), bench.key('kept/gone/1'), `other-${bench.key('gone/1')}`]
      const puts = [...keys, ...others].map((key) => ({ op: 'put', key, bytes: newEntry(), keepMs }) as const)
      await store.apply(puts, undefined)
      assert.equal(await store.deleteByPrefix(bench.key('gone/')), keys.length)
      assert.ok((await store.read(keys)).every((bytes) => bytes === undefined))
      assert.ok((await store.read(others)).every((bytes) => bytes !== undefined))
      assert.equal(await store.deleteByPrefix(bench.key('gone/')), 0)
      for (const other of others) await store.deleteByPrefix(other)
    },
  ),

  conformanceCase('deleteByPrefix takes its prefix literally', [], async (bench) => {
    const { store } = await bench.openStore()
    const literal = ['a*', 'a?', 'a[b]', 'a\\', 'a^'].map((text) => bench.key(text))
    const near = ['ab', 'ac', 'abb', 'a'].map((text) => bench.key(text))
    const puts = [...literal, ...near].map((key) => ({ op: 'put', key, bytes: newEntry(), keepMs }) as const)
    await store.apply(puts, undefined)
    for (const prefix of literal) assert.equal(await store.deleteByPrefix(prefix), 1, prefix)
    assert.ok((await store.read(near)).every((bytes) => bytes !== undefined))
  }),

  conformanceCase(
    'deleteByPrefix with a filter removes only keys whose value begins with bytes that the filter accepts',
    [],
    async (bench) => {
      const { store } = await bench.openStore()
      const [meant, other] = [newEntry(), newEntry()]
      const keys = [bench.key('gone/1'), bench.key('gone/2')]
      await store.apply(
        [meant, other].map((bytes, i) => ({ op: 'put', key: keys[i] as string, bytes, keepMs }) as const),
        undefined,
      )
      const isMeant = (head: Bytes) => Buffer.compare(head.subarray(0, meant.length), meant) === 0
      assert.equal(await store.deleteByPrefix(bench.key('gone/'), undefined, isMeant), 1)
      const [first, second] = await store.read(keys)
      assert.equal(first, undefined)
      assertBytes(second, other)
    },
  ),

  conformanceCase('deleteByPrefix rejects when its signal is aborted', [], async (bench) => {
    const { store } = await bench.openStore()
    await assert.rejects(store.deleteByPrefix(bench.key(), AbortSignal.abort()))
  }),

  conformanceCase(
    'a closed store is not ready and rejects every command, and it can be closed again',
    [],
    async (bench) => {
      const { store } = await bench.openStore()
      await store.close()
      await store.close()
      assert.equal(store.isReady(), false)
      await assert.rejects(store.read([bench.key()]))
      await assert.rejects(store.claim(bench.key(), newStamp('lease'), keepMs))
      await assert.rejects(store.swap(bench.key(), newStamp('lease'), undefined, keepMs))
      await assert.rejects(store.extend(bench.key(), newStamp('lease'), keepMs))
      await assert.rejects(store.apply([{ op: 'delete', key: bench.key() }], undefined))
      await assert.rejects(store.readTokens([bench.label()]))
      await assert.rejects(store.ensureTokens([bench.label()], [newToken()], keepMs, undefined))
      await assert.rejects(store.whenReady(AbortSignal.timeout(1_000)))
    },
  ),

  conformanceCase('a store that was never started can be closed', [], async (bench) => {
    const { store } = await bench.connect()
    await store?.close()
  }),

  conformanceCase(
    'a store reports an outage, rejects commands during it, and works again afterwards',
    ['outage'],
    async (bench) => {
      const { store, reports, peer } = await bench.openStore()
      const { store: other } = await bench.openStore()
      const entry = newEntry()
      await peer.cut?.()
      await bench.until('the store is not ready', () => !store.isReady())
      await bench.until('the outage is reported', () => reports.includes('unready'))
      await assert.rejects(store.read([bench.key()]))
      await assert.rejects(store.apply([{ op: 'delete', key: bench.key() }], undefined))
      await assert.rejects(store.whenReady(AbortSignal.abort()))
      await other.apply([{ op: 'put', key: bench.key(), bytes: entry, keepMs }], undefined)
      await peer.restore?.()
      await bench.until('the store is ready', () => store.isReady())
      await bench.until('readiness is reported', () => reports.at(-1) === 'ready same')
      await store.whenReady()
      assertBytes((await store.read([bench.key()]))[0], entry)
    },
  ),

  conformanceCase(
    'whenReady resolves when the store becomes ready, and rejects when its signal aborts',
    ['outage'],
    async (bench) => {
      const { store, peer } = await bench.openStore()
      await peer.cut?.()
      await bench.until('the store is not ready', () => !store.isReady())
      const impatient = new AbortController()
      const patient = store.whenReady()
      const given = assert.rejects(store.whenReady(impatient.signal))
      impatient.abort()
      await given
      await peer.restore?.()
      await bench.until('the store is ready', () => store.isReady())
      await patient
    },
  ),

  conformanceCase('a store can be closed during an outage', ['outage'], async (bench) => {
    const { store, peer } = await bench.openStore()
    await peer.cut?.()
    await bench.until('the store is not ready', () => !store.isReady())
    await store.close()
    assert.equal(store.isReady(), false)
    await peer.restore?.()
  }),
]
