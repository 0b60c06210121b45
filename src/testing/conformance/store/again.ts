// Store cases: every command is executed a second time, after a change of the same key. Clients send again, and packets arrive late.
import assert from 'node:assert/strict'
import { newSoftHalf, newToken } from '../../../model/labels.js'
import type { Bytes, Change, RemoteStore } from '../../../model/ports.js'
import { type Bench, conformanceCase, LONG_LIFE_MS, newEntry, newStamp } from '../bench.js'

const keepMs = LONG_LIFE_MS

/** One key, and as many as fit into one script. */
const COUNTS = [1, 5]

interface World {
  readonly keys: readonly string[]
  /** The process whose commands are executed again. */
  readonly store: RemoteStore
  readonly other: RemoteStore
  /** Calls `work`, then `between`, then executes the commands of `work` again. */
  again(work: () => Promise<unknown>, between: () => Promise<unknown>): Promise<void>
  apply(store: RemoteStore, change: (key: string) => Change): Promise<unknown>
  read(): Promise<readonly (string | undefined)[]>
  sleep(ms: number): Promise<void>
}

/** Two processes and `count` keys. */
export async function worldOf(bench: Bench, count: number): Promise<World> {
  const { store, peer } = await bench.openStore()
  const { store: other } = await bench.openStore()
  const keys = Array.from({ length: count }, (_, i) => bench.key(`${count}-${i}`))
  return {
    keys,
    store,
    other,
    async again(work, between) {
      const execute = await peer.record?.(work)
      await between()
      await execute?.()
    },
    apply: (by, change) => by.apply(keys.map(change), undefined),
    read: async () => (await other.read(keys)).map(textOf),
    sleep: (ms) => bench.sleep(ms),
  }
}

function textOf(bytes: Bytes | undefined): string | undefined {
  return bytes && Buffer.from(bytes).toString('latin1')
}

/** A case of commands that are executed again, singly and in batches. */
export function againCase(name: string, work: (world: World) => Promise<void>) {
  return conformanceCase(name, ['again'], async (bench) => {
    for (const count of COUNTS) await work(await worldOf(bench, count))
  })
}

export const remove = (key: string): Change => ({ op: 'delete', key })
export const put =
  (bytes: Bytes) =>
  (key: string): Change => ({ op: 'put', key, bytes, keepMs })

export const againCases = [
  againCase(
    'a claim executed again after a deletion plants another lease, so that the earlier fill is refused',
    async (world) => {
      const { store, other, keys } = world
      let leases: readonly Bytes[] = []
      const claim = async () => {
        leases = await Promise.all(keys.map((key) => store.claim(key, newStamp('lease'), keepMs)))
      }
      await world.again(claim, () => world.apply(other, remove))
      const fills = await Promise.all(keys.map((key, i) => store.swap(key, leases[i]!, newEntry('late'), keepMs)))
      assert.deepEqual(
        fills,
        keys.map(() => 'refused'),
      )
    },
  ),

  againCase('a fill executed again after a deletion stores nothing', async (world) => {
    const { store, other, keys } = world
    const leases = await Promise.all(keys.map((key) => store.claim(key, newStamp('lease'), keepMs)))
    const fill = () => Promise.all(keys.map((key, i) => store.swap(key, leases[i]!, newEntry('filled'), keepMs)))
    await world.again(fill, () => world.apply(other, remove))
    assert.deepEqual(
      await world.read(),
      keys.map(() => undefined),
    )
  }),

  againCase('a renewal executed again after a deletion restores nothing', async (world) => {
    const { store, other, keys } = world
    const leases = await Promise.all(keys.map((key) => store.claim(key, newStamp('lease'), keepMs)))
    const renew = () => Promise.all(keys.map((key, i) => store.extend(key, leases[i]!, keepMs)))
    await world.again(renew, () => world.apply(other, remove))
    assert.deepEqual(
      await world.read(),
      keys.map(() => undefined),
    )
  }),

  // A life of 1 ms: the value would be gone at once.
  againCase('a touch executed again leaves the value that has replaced the entry, and its life', async (world) => {
    const { store, other, keys } = world
    const [older, newer] = [newEntry('older'), newEntry('newer')]
    await world.apply(store, put(older))
    const touch = () => Promise.all(keys.map((key) => store.extend(key, older.subarray(0, 16), 1)))
    await world.again(touch, () => world.apply(other, put(newer)))
    assert.deepEqual(
      await world.read(),
      keys.map(() => textOf(newer)),
    )
  }),

  againCase('the release of a lease executed again does not change what is there by then', async (world) => {
    const { store, other, keys } = world
    const leases = await Promise.all(keys.map((key) => store.claim(key, newStamp('lease'), keepMs)))
    const giveBack = () => Promise.all(keys.map((key, i) => store.swap(key, leases[i]!, undefined, keepMs)))
    const entry = newEntry('newer')
    await world.again(giveBack, () => world.apply(other, put(entry)))
    assert.deepEqual(
      await world.read(),
      keys.map(() => textOf(entry)),
    )
  }),

  againCase('a put executed again after a deletion stores nothing', async (world) => {
    await world.again(
      () => world.apply(world.store, put(newEntry('deleted'))),
      () => world.apply(world.other, remove),
    )
    assert.deepEqual(
      await world.read(),
      world.keys.map(() => undefined),
    )
  }),

  againCase('a put executed again after another put does not replace the newer value', async (world) => {
    const newer = newEntry('newer')
    await world.again(
      () => world.apply(world.store, put(newEntry('older'))),
      () => world.apply(world.other, put(newer)),
    )
    assert.deepEqual(
      await world.read(),
      world.keys.map(() => textOf(newer)),
    )
  }),

  againCase('a put executed again after a deletion and a fill does not replace the filled value', async (world) => {
    const { store, other, keys } = world
    const filled = newEntry('filled')
    const deleteAndFill = async () => {
      await world.apply(other, remove)
      const leases = await Promise.all(keys.map((key) => other.claim(key, newStamp('lease'), keepMs)))
      await Promise.all(keys.map((key, i) => other.swap(key, leases[i]!, filled, keepMs)))
    }
    await world.again(() => world.apply(store, put(newEntry('deleted'))), deleteAndFill)
    assert.deepEqual(
      await world.read(),
      keys.map(() => textOf(filled)),
    )
  }),

  againCase(
    "a writer's fence executed again after another writer stored does not let the first writer store",
    async (world) => {
      const { store, other } = world
      const [fence, newer] = [newStamp('fence'), newEntry('newer')]
      await world.again(
        () => world.apply(store, put(fence)),
        async () => {
          await world.apply(other, put(newer))
          await world.apply(other, remove)
        },
      )
      await world.apply(store, (key) => ({ op: 'replace', key, expected: fence, bytes: newEntry('older'), keepMs }))
      assert.deepEqual(
        await world.read(),
        world.keys.map(() => undefined),
      )
    },
  ),

  againCase('a replacement executed again after a deletion stores nothing', async (world) => {
    const { store, other } = world
    const fence = newStamp('fence')
    await world.apply(store, put(fence))
    const replace = (key: string): Change => ({
      op: 'replace',
      key,
      expected: fence,
      bytes: newEntry('written'),
      keepMs,
    })
    await world.again(
      () => world.apply(store, replace),
      () => world.apply(other, remove),
    )
    assert.deepEqual(
      await world.read(),
      world.keys.map(() => undefined),
    )
  }),

  againCase(
    'an expiry executed again after a newer value leaves it fresh, and an earlier refresh may not store',
    async (world) => {
      const { store, other, keys } = world
      await world.apply(store, put(newEntry('older')))
      const stamps = new Map(keys.map((key) => [key, newStamp('softlyExpired')]))
      const newer = newEntry('newer')
      await world.again(
        () => world.apply(store, (key) => ({ op: 'expire', key, stamp: stamps.get(key)! })),
        () => world.apply(other, put(newer)),
      )
      const refreshes = keys.map((key) => store.swap(key, stamps.get(key)!, newEntry('refreshed'), keepMs))
      assert.deepEqual(
        await Promise.all(refreshes),
        keys.map(() => 'refused'),
      )
      assert.deepEqual(
        await world.read(),
        keys.map(() => textOf(newer)),
      )
    },
  ),

  againCase('a removal executed again may remove a newer value, but restores nothing', async (world) => {
    await world.again(
      () => world.apply(world.store, remove),
      () => world.apply(world.other, put(newEntry('newer'))),
    )
    assert.deepEqual(
      await world.read(),
      world.keys.map(() => undefined),
    )
  }),

  conformanceCase('tokens planted again after an invalidation are different ones', ['again'], async (bench) => {
    const { store, other, again } = await worldOf(bench, 1)
    const labels = [bench.label('a'), bench.label('b')]
    let planted: readonly (string | undefined)[] = []
    const ensure = async () => {
      planted = (await store.ensureTokens(labels, labels.map(newToken), keepMs, undefined)).tokens
    }
    await again(ensure, () =>
      other.apply(
        labels.map((label) => ({ op: 'invalidateLabel', label })),
        undefined,
      ),
    )
    const now = await other.readTokens(labels)
    for (const [i, token] of now.entries()) assert.notEqual(token, planted[i])
  }),

  conformanceCase(
    'the soft expiry of a label executed again does not restore an earlier token',
    ['again'],
    async (bench) => {
      const { store, other, again } = await worldOf(bench, 1)
      const label = bench.label()
      const expire: Change = { op: 'expireLabel', label, soft: newSoftHalf() }
      await store.ensureTokens([label], [newToken()], keepMs, undefined)
      let before: string | undefined
      const between = async () => {
        ;[before] = await other.readTokens([label])
        await other.apply([{ op: 'expireLabel', label, soft: newSoftHalf() }], undefined)
      }
      await again(() => store.apply([expire], undefined), between)
      const [now] = await other.readTokens([label])
      assert.ok(now !== undefined && before !== undefined)
      assert.notEqual(now, before)
    },
  ),
]
