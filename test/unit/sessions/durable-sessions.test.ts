// Sessions that a database keeps: it is changed first, and no process goes on with an old copy.
import { type SessionDatabase, sessionStore } from 'tiercache/sessions'
import { deferred } from 'tiercache/testing'
import { expect, test } from 'vitest'
import { leavesNothing } from '../../support/leaves-nothing.js'

const { fleet } = leavesNothing()

interface Item {
  readonly id: string
}

function database() {
  const sessions = new Map<string, Item[]>()
  let loads = 0
  const l3: SessionDatabase<Item> = {
    load: (id) => {
      loads++
      return sessions.get(id)?.slice()
    },
    append: (id, items) => {
      const there = sessions.get(id) ?? []
      sessions.set(id, [...there, ...items.filter((item) => !there.some((one) => one.id === item.id))])
    },
    end: (id) => sessions.delete(id),
  }
  return { l3, sessions, loads: () => loads }
}

const ids = (items: readonly Item[]) => items.map(({ id }) => id)

test('append changes the database first, then every process reads it once', async () => {
  const { a, b, clock } = await fleet()
  const { l3, loads } = database()
  const store = sessionStore<Item>(a.cache, { name: 'chats', l3 })
  const other = sessionStore<Item>(b.cache, { name: 'chats', l3 })
  expect(await store.items('c')).toEqual([])
  await other.append('c', [{ id: '1' }, { id: '2' }])
  await clock.advance(1)
  expect(ids(await store.items('c'))).toEqual(['1', '2'])
  expect(ids(await other.items('c', { last: 1 }))).toEqual(['2'])
  expect(loads()).toBe(2)
  await store.end('c')
  await clock.advance(1)
  expect(await other.items('c')).toEqual([])
})

test('a load that began before an append is kept nowhere', async () => {
  const { a, b, clock } = await fleet()
  const { l3 } = database()
  const [old, go] = [deferred<readonly Item[]>(), deferred<void>()]
  const load = () => {
    go.resolve()
    return old.promise
  }
  const slow = { ...l3, load }
  const reading = sessionStore<Item>(a.cache, { name: 'chats', l3: slow }).items('c')
  await go.promise
  await sessionStore<Item>(b.cache, { name: 'chats', l3 }).append('c', { id: '1' })
  await clock.advance(1)
  old.resolve([])
  expect(await reading).toEqual([])
  expect(ids(await sessionStore<Item>(a.cache, { name: 'chats', l3 }).items('c'))).toEqual(['1'])
})

test('what the database throws is thrown, and the copies are removed, since the change may have been made', async () => {
  const { a, clock } = await fleet()
  const { l3, sessions } = database()
  const append = (id: string, items: readonly Item[]) => {
    l3.append(id, items)
    throw new RangeError('the link broke after the commit')
  }
  const store = sessionStore<Item>(a.cache, { name: 'chats', l3: { ...l3, append } })
  await store.items('c')
  await expect(store.append('c', { id: '1' })).rejects.toThrow('the link broke')
  await clock.advance(1)
  expect(sessions.get('c')).toHaveLength(1)
  expect(ids(await store.items('c'))).toEqual(['1'])
})

test('items are trimmed to the bounds, and the database keeps them all', async () => {
  const { a } = await fleet()
  const { l3, sessions } = database()
  const store = sessionStore<Item>(a.cache, { name: 'chats', l3, maxItems: 2 })
  await store.append('c', [{ id: '1' }, { id: '2' }, { id: '3' }])
  expect(ids(await store.items('c'))).toEqual(['2', '3'])
  expect(sessions.get('c')).toHaveLength(3)
})
