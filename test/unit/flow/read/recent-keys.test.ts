import { describe, expect, test } from 'vitest'
import { RecentKeys } from '../../../../src/flow/read/recent-keys.js'
import { leavesNothing } from '../../../support/leaves-nothing.js'

const { l1Only } = leavesNothing()

const ownerOf = (localPrefix: string) => ({ space: { scope: 's', rootName: 's', localPrefix, scopeLabels: [] } })

describe('the local keys of recent keys and ids', () => {
  test('are returned for the owner and the id for which they were noted, and for no other', () => {
    const keys = new RecentKeys()
    const [a, b] = [ownerOf('a:'), ownerOf('b:')]
    keys.note(a, '1', 'a:"1"')
    keys.note(b, 1, 'b:1')
    expect(keys.of(a, '1')).toBe('a:"1"')
    expect(keys.of(b, 1)).toBe('b:1')
    const others = [keys.of(a, 1), keys.of(b, '1'), keys.of(ownerOf('a:'), '1'), keys.of(a, '2')]
    expect(others).toEqual([undefined, undefined, undefined, undefined])
  })

  test('are absent, never wrong, when others have taken their slots', () => {
    const keys = new RecentKeys()
    const owner = ownerOf('a:')
    for (let i = 0; i < 20_000; i++) keys.note(owner, `k${i}`, `a:k${i}`)
    const found = Array.from({ length: 20_000 }, (_, i) => keys.of(owner, `k${i}`))
    expect(found.filter((localKey, i) => localKey !== undefined && localKey !== `a:k${i}`)).toEqual([])
    expect(found.filter((localKey) => localKey !== undefined).length).toBeGreaterThan(1_000)
  })

  test('are not kept for long keys, which would make the table large', () => {
    const keys = new RecentKeys()
    const owner = ownerOf('a:')
    keys.note(owner, 'x'.repeat(300), `a:${'x'.repeat(300)}`)
    expect(keys.of(owner, 'x'.repeat(300))).toBeUndefined()
  })
})

describe('ids and arguments that are alike', () => {
  const alike = [0, -0, 1, '1', 'a b', '"a b"', '-0', Number.NaN, 'NaN', 1.5, '1.5', '']

  test('have entries of their own in a source and in a wrapped function, also when they are read again', async () => {
    const { cache } = l1Only()
    const shown = (id: unknown) => `${typeof id} ${Object.is(id, -0) ? '-0' : id}`
    const source = cache.source('s', { load: async (id: string | number) => shown(id) })
    const wrapped = cache.wrap(async (id: string | number) => shown(id), { name: 'w' })
    // One after the other: calls of both in turn would take each other's places in the table.
    for (const read of [(id: string | number) => source.get(id), wrapped]) {
      for (let round = 0; round < 3; round++) for (const id of alike) expect(await read(id)).toBe(shown(id))
    }
    expect(cache.stats().loads).toBe(2 * alike.length)
  })

  test('are apart from keys of a namespace with the same path', async () => {
    const { cache } = l1Only()
    const space = cache.namespace('n')
    await space.set('"a b"', 'quoted')
    await space.set('a b', 'plain')
    for (let round = 0; round < 3; round++) {
      expect(await space.getOrSet('a b', async () => 'loaded')).toBe('plain')
      expect(await space.getOrSet('"a b"', async () => 'loaded')).toBe('quoted')
    }
  })
})
