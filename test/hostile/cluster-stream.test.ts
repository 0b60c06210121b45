// Someone who can append to the stream of announcements of a cache on a cluster.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Fleet } from '../scenarios/fleet-of-caches.js'
import { waitFor } from '../support/wait.js'

const BUS = '{shop}#bus'
const LARGEST_ID = '18446744073709551615-18446744073709551615'

let fleet: Fleet

beforeAll(async () => {
  fleet = await Fleet.start('a cluster of three masters')
})

afterAll(() => fleet.stop())

test('on a cluster, a stream that can take no further id is replaced, and every write and invalidation reaches the other process', async () => {
  const [a, b] = await fleet.openTwo({ name: 'shop', logger: false })
  const node = await fleet.nodeOf(BUS)
  for (const change of [() => a.set('k', 'new'), () => a.invalidateTags('t'), () => a.delete('k'), () => a.clear()]) {
    expect(await a.set('k', 'old', { tags: ['t'] })).toBe('applied')
    expect(await b.get('k')).toBe('old')
    await waitFor('trust', () => b.stats().bus?.trusted)
    await node.command('XADD', BUS, LARGEST_ID, 'm', '{"v":1,"s":"stranger"}')
    expect(await change()).toBe('applied')
    await waitFor('the other process hearing of it', async () => (await b.get('k')) !== 'old')
  }
})
