// Store cases: keys and labels that are held, so that nothing is stored under a key and no label has a token.
import assert from 'node:assert/strict'
import { newSoftHalf, newToken } from '../../../model/labels.js'
import type { Change, RemoteStore } from '../../../model/ports.js'
import {
  assertApplied,
  assertBytes,
  type Bench,
  conformanceCase,
  LONG_LIFE_MS,
  newEntry,
  newStamp,
  PAST_SHORT_LIFE_MS,
  SHORT_LIFE_MS,
} from '../bench.js'

const keepMs = LONG_LIFE_MS

/** A fence that is longer than a stamp. */
const newFence = () => Buffer.concat([newStamp('fence'), Buffer.from('hold')])
const held = (key: string, fence: Uint8Array, holdMs = keepMs): Change => ({
  op: 'delete',
  key,
  hold: { fence, keepMs: holdMs },
})
const heldLabel = (label: string, holdMs = keepMs): Change => ({ op: 'invalidateLabel', label, holdMs })

async function apply(store: RemoteStore, ...changes: Change[]): Promise<void> {
  assertApplied(await store.apply(changes, undefined), changes.length)
}

async function ensure({ store }: { readonly store: RemoteStore }, label: string, since?: string) {
  const { tokens, holdEndedAgoMs } = await store.ensureTokens([label], [newToken()], keepMs, since)
  return { token: tokens[0], holdEndedAgoMs }
}

/** A case in which one process holds a label that had a token, and another one looks. */
function labelCase(
  name: string,
  work: (held: { label: string; bench: Bench; one: RemoteStore; other: { store: RemoteStore } }) => Promise<void>,
  holdMs = keepMs,
) {
  return conformanceCase(name, [], async (bench) => {
    const [one, other] = [await bench.openStore(), await bench.openStore()]
    const label = bench.label()
    assert.match(String((await ensure(other, label)).token), /^[0-9a-f]{32}$/)
    await apply(one.store, heldLabel(label, holdMs))
    await work({ label, bench, one: one.store, other })
  })
}

export const holdCases = [
  conformanceCase('delete with a hold plants a fence, under which a claim plants no lease', [], async (bench) => {
    const { store } = await bench.openStore()
    const [key, fence] = [bench.key(), newFence()]
    await apply(store, { op: 'put', key, bytes: newEntry(), keepMs }, held(key, fence))
    assertBytes((await store.read([key]))[0], fence)
    assertBytes(await store.claim(key, newStamp('lease'), keepMs), fence)
  }),

  conformanceCase('delete with a hold ends the right of a load that had a lease', [], async (bench) => {
    const { store } = await bench.openStore()
    const [key, fence] = [bench.key(), newFence()]
    const lease = await store.claim(key, newStamp('lease'), keepMs)
    await apply(store, held(key, fence))
    assert.equal(await store.swap(key, lease, newEntry('late'), keepMs), 'refused')
    assertBytes((await store.read([key]))[0], fence)
  }),

  conformanceCase('a held key is free again when its time is over', [], async (bench) => {
    const { store } = await bench.openStore()
    await apply(store, held(bench.key(), newFence(), SHORT_LIFE_MS))
    await bench.sleep(PAST_SHORT_LIFE_MS)
    assert.deepEqual(await store.read([bench.key()]), [undefined])
  }),

  conformanceCase('a key is held by one delete of many, and not by the others', [], async (bench) => {
    const { store } = await bench.openStore()
    const keys = Array.from({ length: 20 }, (_, i) => bench.key(i))
    const fence = newFence()
    await apply(store, ...keys.map((key): Change => ({ op: 'put', key, bytes: newEntry(), keepMs })))
    await apply(store, ...keys.map((key, i): Change => (i === 7 ? held(key, fence) : { op: 'delete', key })))
    for (const [i, bytes] of (await store.read(keys)).entries()) assertBytes(bytes, i === 7 ? fence : undefined)
  }),

  conformanceCase('no removal ends a hold: delete, expire, replace', [], async (bench) => {
    const { store } = await bench.openStore()
    const [key, fence] = [bench.key(), newFence()]
    await apply(store, held(key, fence))
    const removals: Change[] = [
      { op: 'delete', key },
      { op: 'expire', key, stamp: newStamp('softlyExpired') },
      { op: 'replace', key, expected: newStamp('fence'), bytes: newEntry('late'), keepMs },
    ]
    for (const removal of removals) {
      await apply(store, removal)
      assertBytes((await store.read([key]))[0], fence, removal.op)
    }
  }),

  conformanceCase('a put ends the hold of its key', [], async (bench) => {
    const { store } = await bench.openStore()
    const entry = newEntry('set')
    await apply(store, held(bench.key(), newFence()), { op: 'put', key: bench.key(), bytes: entry, keepMs })
    assertBytes((await store.read([bench.key()]))[0], entry)
  }),

  conformanceCase('a longer hold of a key extends it, and a shorter one does not shorten it', [], async (bench) => {
    const { store } = await bench.openStore()
    const [extended, kept] = [bench.key('extended'), bench.key('kept')]
    const fences = [newFence(), newFence()] as const
    await apply(store, held(extended, newFence(), SHORT_LIFE_MS), held(extended, fences[0]))
    await apply(store, held(kept, fences[1]), held(kept, newFence(), SHORT_LIFE_MS))
    await bench.sleep(PAST_SHORT_LIFE_MS)
    for (const [i, bytes] of (await store.read([extended, kept])).entries()) assertBytes(bytes, fences[i])
  }),

  conformanceCase(
    'a fence that is longer than a stamp and lives longer than any hold is removed',
    [],
    async (bench) => {
      const { store } = await bench.openStore()
      for (const standingMs of [11 * 60_000, Number.POSITIVE_INFINITY]) {
        await apply(store, { op: 'put', key: bench.key(), bytes: newFence(), keepMs: standingMs })
        await apply(store, { op: 'delete', key: bench.key() })
        assert.deepEqual(await store.read([bench.key()]), [undefined])
      }
    },
  ),

  labelCase('a held label has no token and gets none', async ({ label, one, other }) => {
    assert.deepEqual(await other.store.readTokens([label]), [undefined])
    assert.equal((await ensure(other, label)).token, undefined)
    assert.equal((await ensure({ store: one }, label)).token, undefined)
    assert.deepEqual(await other.store.readTokens([label]), [undefined])
  }),

  labelCase(
    'asking for the token of a held label does not prolong its hold; afterwards it gets a new token',
    async ({ label, bench, other }) => {
      assert.equal((await ensure(other, label)).token, undefined)
      await bench.sleep(PAST_SHORT_LIFE_MS)
      assert.match(String((await ensure(other, label)).token), /^[0-9a-f]{32}$/)
    },
    SHORT_LIFE_MS,
  ),

  labelCase('no other change of a label ends its hold, and no shorter hold', async ({ label, bench, one, other }) => {
    await apply(one, { op: 'invalidateLabel', label })
    await apply(one, { op: 'expireLabel', label, soft: newSoftHalf() })
    await apply(one, heldLabel(label, SHORT_LIFE_MS))
    await bench.sleep(PAST_SHORT_LIFE_MS)
    assert.equal((await ensure(other, label)).token, undefined)
  }),

  labelCase(
    'a longer hold of a label extends it',
    async ({ label, bench, one, other }) => {
      await apply(one, heldLabel(label))
      await bench.sleep(PAST_SHORT_LIFE_MS)
      assert.equal((await ensure(other, label)).token, undefined)
    },
    SHORT_LIFE_MS,
  ),

  labelCase('other labels are not held', async ({ bench, other }) => {
    const labels = [bench.label('free'), bench.label(), bench.label('free too')]
    const { tokens } = await other.store.ensureTokens(labels, labels.map(newToken), keepMs, undefined)
    assert.deepEqual(
      tokens.map((token) => token !== undefined),
      [true, false, true],
    )
  }),

  labelCase(
    'ensureTokens says whether a hold of any label lasts, and how long ago the last one ended',
    async ({ bench, other }) => {
      const lasting = (await ensure(other, bench.label('any'))).holdEndedAgoMs
      assert.ok(lasting !== undefined && lasting <= 0, `${lasting}`)
      await bench.sleep(PAST_SHORT_LIFE_MS)
      const ended = (await ensure(other, bench.label('any'))).holdEndedAgoMs
      assert.ok(ended !== undefined && ended > 0 && ended < 60_000, `${ended}`)
    },
    SHORT_LIFE_MS,
  ),

  conformanceCase('ensureTokens says nothing of holds if there was none', [], async (bench) => {
    const one = await bench.openStore()
    assert.equal((await ensure(one, bench.label())).holdEndedAgoMs, undefined)
  }),
]
