// Store cases: holds that are planted a second time, after somebody changed what they concern.
import assert from 'node:assert/strict'
import { newToken } from '../../../model/labels.js'
import type { Change } from '../../../model/ports.js'
import { conformanceCase, LONG_LIFE_MS, newEntry, newStamp, PAST_SHORT_LIFE_MS, SHORT_LIFE_MS } from '../bench.js'
import { againCase, put, remove, worldOf } from './again.js'

const keepMs = LONG_LIFE_MS

export const heldAgainCases = [
  againCase('a deletion with a hold executed again causes misses and brings nothing back', async (world) => {
    const { store, other, keys } = world
    const holdMs = SHORT_LIFE_MS
    const fence = Buffer.concat([newStamp('fence'), Buffer.from('hold')])
    const lease = new Map(keys.map((key) => [key, newStamp('lease')]))
    const held = (key: string): Change => ({ op: 'delete', key, hold: { fence, keepMs: holdMs } })
    await world.again(
      () => world.apply(store, held),
      async () => {
        await world.apply(other, put(newEntry('set')))
        await world.apply(other, remove)
        await Promise.all(keys.map((key) => other.claim(key, lease.get(key)!, keepMs)))
      },
    )
    const fills = keys.map((key) => other.swap(key, lease.get(key)!, newEntry('filled'), keepMs))
    assert.deepEqual(
      await Promise.all(fills),
      keys.map(() => 'refused'),
    )
    await world.sleep(PAST_SHORT_LIFE_MS)
    assert.deepEqual(
      await world.read(),
      keys.map(() => undefined),
    )
  }),

  conformanceCase('a hold of a label executed again holds it once more, and no longer', ['again'], async (bench) => {
    const { store, other, again, sleep } = await worldOf(bench, 1)
    const label = bench.label()
    const ensure = async () => (await other.ensureTokens([label], [newToken()], keepMs, undefined)).tokens[0]
    let planted: string | undefined
    const between = async () => {
      await sleep(PAST_SHORT_LIFE_MS)
      planted = await ensure()
      assert.ok(planted)
    }
    await again(() => store.apply([{ op: 'invalidateLabel', label, holdMs: SHORT_LIFE_MS }], undefined), between)
    assert.equal(await ensure(), undefined)
    await sleep(PAST_SHORT_LIFE_MS)
    const next = await ensure()
    assert.ok(next !== undefined && next !== planted)
  }),
]
