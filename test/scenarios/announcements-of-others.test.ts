// What docs/wire-format.md shows for a shell and for Python, run as it stands there: every process of the cache sees the change.
import { execFile } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import type { Cache } from 'tiercache'
import { deferred } from 'tiercache/testing'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { makeFolder, removeFolder } from '../support/processes.js'
import { ensurePython, ensureRedisCli } from '../support/python.js'
import { waitFor } from '../support/wait.js'
import { Fleet } from './fleet-of-caches.js'

const run = promisify(execFile)
const PAGE = readFileSync(new URL('../../docs/wire-format.md', import.meta.url), 'utf8')
const blocks = (language: string): string[] =>
  [...PAGE.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms'))].map(([, text]) => text as string)

let fleet: Fleet
let caches: [Cache, Cache]
let env: Record<string, string>
const folder = makeFolder('others')

beforeAll(async () => {
  fleet = await Fleet.start('one server')
  caches = await fleet.openTwo()
  const path = `${dirname(ensureRedisCli())}:${process.env.PATH}`
  env = { PATH: path, REDIS_URL: `redis://127.0.0.1:${fleet.nodes[0]?.port}` }
})

beforeEach(async () => {
  const [a, b] = caches
  const { invalidations } = b.stats()
  await a.clear()
  await waitFor('the other process hearing of it', () => b.stats().invalidations > invalidations)
})

afterAll(async () => {
  await fleet.stop()
  removeFolder(folder)
})

/** Both processes have these entries in memory. Keys of the namespace begin with its name and a colon. */
async function warm(keys: readonly string[], tags: readonly string[] = []): Promise<void> {
  for (const key of keys) await inside(caches[0], key).set(nameIn(key), key, { tags })
  for (const cache of caches) {
    await waitFor('warm memories', async () => {
      for (const key of keys) await inside(cache, key).get(nameIn(key))
      return keys.every((key) => has(cache, key))
    })
  }
}

const NAMESPACE = 'catalog@3:'
const inside = (cache: Cache, key: string): Cache =>
  key.startsWith(NAMESPACE) ? cache.namespace('catalog', { version: 3 }) : cache
const nameIn = (key: string): string => (key.startsWith(NAMESPACE) ? key.slice(NAMESPACE.length) : key)
const has = (cache: Cache, key: string): boolean => inside(cache, key).peek(nameIn(key)) !== undefined

/** Neither the memories nor Redis have them. The memories forget at the announcement; only a test that fails waits for the limit. */
async function areGone(keys: readonly string[]): Promise<void> {
  await waitFor('both memories forgetting', () => caches.every((cache) => keys.every((key) => !has(cache, key))), {
    limitMs: 5_000,
  })
  for (const cache of caches) for (const key of keys) expect(await inside(cache, key).get(nameIn(key))).toBeUndefined()
}

const stay = (keys: readonly string[]) =>
  expect(caches.map((cache) => keys.filter((key) => has(cache, key)))).toEqual([keys, keys])

describe('from a shell', () => {
  const example = (what: string): string => {
    const found = blocks('sh').find((text) => text.startsWith(`# ${what}`))
    if (found === undefined) throw new Error(`the page has no example for ${what}`)
    return found
  }

  test('a tag is invalidated', async () => {
    await warm(['user:1', 'user:2'], ['org:7'])
    await warm(['user:3'], ['org:8'])
    await run('sh', ['-c', example('a tag')], { env })
    await areGone(['user:1', 'user:2'])
    stay(['user:3'])
  })

  test('a key is deleted, and one of a namespace', async () => {
    await warm(['user:1', 'user:2', `${NAMESPACE}item:1`, `${NAMESPACE}item:2`])
    await run('sh', ['-c', example('a key')], { env })
    await areGone(['user:1', `${NAMESPACE}item:1`])
    stay(['user:2', `${NAMESPACE}item:2`])
  })

  test('the whole cache is cleared', async () => {
    await warm(['user:1', `${NAMESPACE}item:1`])
    await run('sh', ['-c', example('everything')], { env })
    await areGone(['user:1', `${NAMESPACE}item:1`])
  })

  test('the event names who announced it', async () => {
    const senders: unknown[] = []
    const stop = caches[1].on('invalidated', ({ sender }) => senders.push(sender))
    await run('sh', ['-c', example('a tag')], { env })
    await waitFor('the event', () => senders.length > 0)
    stop()
    expect(senders).toEqual(['night-job'])
  })

  test('a load that began before keeps its value nowhere', async () => {
    const value = deferred<string>()
    const begun = deferred<void>()
    const load = (): Promise<string> => {
      begun.resolve()
      return value.promise
    }
    const loading = caches[0].getOrSet('user:1', load, { tags: ['org:7'] })
    await begun.promise
    const { invalidations } = caches[0].stats()
    await run('sh', ['-c', example('a tag')], { env })
    await waitFor('the announcement', () => caches[0].stats().invalidations > invalidations)
    value.resolve('old')
    expect(await loading).toBe('old')
    await caches[0].drain()
    expect(await caches[1].get('user:1')).toBeUndefined()
  })
})

describe('from Python', () => {
  const program = blocks('python').join('\n')

  /** Runs calls of the page's functions. */
  async function python(calls: string): Promise<void> {
    const file = join(folder, 'others.py')
    writeFileSync(file, `${program}\n${calls}\n`)
    await run(ensurePython(), [file], { env })
  }

  test('tags are invalidated, whatever characters they have', async () => {
    const tags = ['org:7', '{a}%b', 'größe ✓', 'x'.repeat(600)]
    for (const [i, tag] of tags.entries()) await warm([`k${i}`], [tag])
    await warm(['stays'], ['org:8'])
    await python(`invalidate_tags(client, "shop", ${JSON.stringify(tags)}, "loader.py")`)
    await areGone(tags.map((_, i) => `k${i}`))
    stay(['stays'])
  })

  test('keys are deleted, whatever characters they have, and those of a namespace', async () => {
    const keys = ['user:1', '{a}%b', 'größe ✓', 'y'.repeat(600)]
    await warm([...keys, `${NAMESPACE}item:1`, 'stays'])
    await python(
      `delete_keys(client, "shop", ${JSON.stringify(keys)}, "loader.py")\n` +
        'delete_keys(client, "shop", ["item:1"], "loader.py", scope="shop/catalog@3")',
    )
    await areGone([...keys, `${NAMESPACE}item:1`])
    stay(['stays'])
  })
})
