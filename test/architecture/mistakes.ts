// Common mistakes with options and loaders, each as one statement with one error of the compiler. Text, since it must not compile.

export const MISTAKES: Readonly<Record<string, string>> = {
  'a ttl in words': `cache.getOrSet('k', async () => 1, { ttl: '5 minutes' })`,
  'a ttl with another unit': `cache.getOrSet('k', async () => 1, { ttl: '5min' })`,
  'a ttl that is any string': `cache.getOrSet('k', async () => 1, { ttl: String('5m') })`,
  'a ttl that is a bigint': `createCache({ ttl: 5n })`,
  'a misspelt option': `cache.getOrSet('k', async () => 1, { tll: '5m' })`,
  'a loader that is no function': `cache.getOrSet('k', 1)`,
  'a loader that is a promise': `cache.getOrSet('k', Promise.resolve(1))`,
  'a loader that returns another type': `const user: Promise<User> = cache.getOrSet('k', async () => ({ id: 'one' }))`,
  'a loader of another type than asked for': `cache.getOrSet<number>('k', async () => 'one')`,
  'tags that are one string': `cache.getOrSet('k', async () => 1, { tags: 'org:1' })`,
  'tags of numbers': `cache.getOrSet('k', async () => 1, { tags: [1] })`,
  'a function of tags that returns one string': `cache.getOrSet('k', find, { tags: (user) => 'org:' + user.id })`,
  'a function of tags that reads what is not there': `cache.getOrSet('k', find, { tags: (user) => [user.org] })`,
  'a key that is a number': `cache.getOrSet(1, async () => 1)`,
  'a loader of many that returns one': `cache.getOrSetMany(['k'], async () => 1)`,
  'a source without load': `cache.source('users', { ttl: '1m' })`,
  'a source whose save takes another value': `cache.source('users', { load: find, save: async (id: number, user: string) => {} })`,
  'a source whose ids differ': `cache.source('users', { load: find, remove: async (id: string) => {} })`,
  'an id of another type': `cache.source('users', { load: find }).get('one')`,
  'wrap without a name of a function': `cache.wrap(1, { name: 'f' })`,
  'a tier that is a client': `createCache({ l2: new Date() })`,
  'an option of the tier that is misspelt': `redisTier('redis://localhost', { timout: '1s' })`,
  'an L1 that is a number': `createCache({ l1: 1000 })`,
  'a set with a wrong ttl': `cache.set('k', 1, { ttl: true })`,
  'a schema of another type': `cache.getOrSet('k', find, { schema: 1 })`,
}

/** What stands before each mistake. */
export const BEFORE = `import { type Cache, createCache } from '../../src/index.js'
import { redisTier } from '../../src/redis/index.js'
interface User { readonly id: number }
declare const cache: Cache
declare const find: (id?: number | object) => Promise<User>
`
