// The devtools page in a real browser, over a service with traffic.
import type { Browser, Page } from 'playwright-core'
import { type Cache, createCache } from 'tiercache'
import { type DevtoolsHandler, type DevtoolsOptions, devtools, devtoolsOf } from 'tiercache/devtools'
import { deferred, MemoryServer, type MemoryTier, memoryTier } from 'tiercache/testing'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { checkPage, openPage, startBrowser, type WatchedPage } from '../support/chromium.js'
import { type HttpServer, startHttp } from '../support/http-server.js'
import { waitFor } from '../support/wait.js'

const ODD_KEY = '<img src=x onerror=alert(1)> "\'&amp;'

let browser: Browser
const opened: { cache: Cache; handler: DevtoolsHandler; server: HttpServer }[] = []

beforeAll(async () => {
  browser = await startBrowser()
})

afterAll(() => browser?.close())

afterEach(async () => {
  for (const { cache, handler, server } of opened.splice(0)) {
    handler.close()
    await cache.close()
    await server[Symbol.asyncDispose]()
  }
})

interface Service {
  readonly cache: Cache
  readonly tier: MemoryTier
  readonly url: string
}

/** A service with its page under /devtools. */
async function serve(options: DevtoolsOptions = {}): Promise<Service> {
  const tier = memoryTier(new MemoryServer())
  const cache = createCache({ name: 'shop', l2: tier, ttl: '1h', staleIfError: '2h', logger: false })
  const handler = devtools(cache, options)
  const server = await startHttp((request, response) => {
    if (request.url?.startsWith('/devtools')) handler(request, response)
    else response.writeHead(404).end()
  })
  opened.push({ cache, handler, server })
  await cache.ready()
  return { cache, tier, url: `${server.origin}/devtools` }
}

async function makeTraffic({ cache }: Service): Promise<void> {
  const users = cache.source('users', { load: async (id: number) => id, tags: (id) => [`org:${id % 3}`], version: 3 })
  for (let round = 0; round < 12; round++) {
    for (let id = 0; id < 8; id++) await users.get(id)
    await cache.getOrSet('product:1', () => 'tea', { tags: ['catalog'] })
    await cache.getOrSet(ODD_KEY, () => 'odd', { tags: [ODD_KEY] })
  }
  await cache.get('absent')
  await cache.getOrSet('failing', () => Promise.reject(new Error('hunter2'))).catch(() => undefined)
  await cache.drain()
}

const textsOf = (page: Page, selector: string) => page.locator(selector).allInnerTexts()

/** The table of namespaces, as path → cells. */
async function tableOf(page: Page): Promise<Record<string, string[]>> {
  const rows = await page.locator('#paths-rows tr, #paths-total tr').all()
  const cells = await Promise.all(
    rows.map(async (row) => (await row.locator('th, td').allInnerTexts()).map((text) => text.trim())),
  )
  return Object.fromEntries(cells.map(([path = '', ...rest]) => [path, rest]))
}

/** The same figures, made from `stats()`. */
function expectedTable(cache: Cache): Record<string, unknown[]> {
  const stats = cache.stats()
  const rowOf = ({ reads, hitRatio, loads, loadFailures }: typeof stats) => [
    ...[`${reads.total}`, `${(Math.floor(hitRatio * 1_000) / 10).toFixed(1)}%`, `${reads.hit.l1}`, `${reads.hit.l2}`],
    ...['0', `${reads.joined}`, `${loads}`, `${loadFailures}`, expect.stringMatching(/^[\d.]+ m?s$/)],
  ]
  const rows = Object.entries(stats.byPath).map(([path, counts]) => [path, rowOf(counts as typeof stats)])
  return Object.fromEntries([...rows, ['together', rowOf(stats)]])
}

const settled = async (page: Page, service: Service) =>
  waitFor('the page showing the last reads', async () => {
    const together = (await tableOf(page)).together
    return together?.[0] === String(service.cache.stats().reads.total)
  })

function expectQuiet({ complaints, origins }: WatchedPage, url: string): void {
  expect(complaints).toEqual([])
  expect([...origins]).toEqual([new URL(url).origin])
}

describe('the page', () => {
  test('shows what stats() returns, and the hottest keys, tags and ages', async () => {
    const service = await serve()
    await using opened = await openPage(browser, service.url)
    const { page } = opened
    await page.locator('#status', { hasText: 'ok' }).waitFor()
    await makeTraffic(service)
    await settled(page, service)
    expect(await tableOf(page)).toEqual(expectedTable(service.cache))
    expect(await page.title()).toBe('shop · tiercache')
    const hottest = (await textsOf(page, '#hottest-rows li')).map((text) => text.replace(/\s+/g, ' '))
    expect(hottest).toContain('shop product:1 12')
    expect(hottest).toContain(`shop ${ODD_KEY} 12`)
    expect(await textsOf(page, '#tags-rows .name')).toEqual(expect.arrayContaining(['catalog', 'org:0', ODD_KEY]))
    const { looked, states } = service.cache.inspect().l1
    expect(await page.locator('#memory-size').textContent()).toBe(`${looked} entries by age`)
    expect(await textsOf(page, '#ages-legend li')).toEqual([`fresh ${states.fresh}`])
    expect(await page.locator('.u-wrap canvas').count()).toBe(2)
    expectQuiet(opened, service.url)
  })

  test('shows loads under way, and what waits while Redis is away', async () => {
    const service = await serve()
    const { cache, tier } = service
    await using opened = await openPage(browser, service.url)
    const { page } = opened
    const value = deferred<number>()
    const loading = cache.getOrSet('slow', () => value.promise)
    await page.locator('#flights-rows li', { hasText: 'slow' }).waitFor()
    expect((await textsOf(page, '#flights-rows .figure'))[0]).toMatch(/^loading \(miss\)/)
    value.resolve(1)
    await loading
    await page.locator('#flights-rows', { hasText: 'No load is running.' }).waitFor()
    tier.cut()
    await cache.delete('product:1')
    await page.locator('#status', { hasText: 'degraded' }).waitFor()
    await page.locator('#waiting-rows li', { hasText: 'product:1' }).waitFor()
    expect(await textsOf(page, '#waiting-rows .figure')).toEqual(['delete'])
    expect(await page.locator('#detail').textContent()).toMatch(/^L2 is not used: /)
    tier.restore()
    await page.locator('#status', { hasText: 'ok' }).waitFor()
    await page.locator('#waiting-rows', { hasText: 'Every change has reached L2.' }).waitFor()
    expect((await textsOf(page, '#news-rows li')).join()).toMatch(/L2 is used again/)
    expectQuiet(opened, service.url)
  })

  test('explains a key, with its life, and can be used by keyboard alone', async () => {
    const service = await serve()
    await makeTraffic(service)
    await using opened = await openPage(browser, service.url)
    const { page } = opened
    await page.keyboard.press('Tab')
    expect(await page.locator(':focus').textContent()).toBe('Skip to the content')
    await page.keyboard.press('Tab')
    expect(await page.locator(':focus').textContent()).toBe('Pause')
    await page.getByLabel('Key', { exact: true }).focus()
    await page.keyboard.type('product:1')
    await page.keyboard.press('Enter')
    await page.locator('#report', { hasText: 'L1 serves it' }).waitFor()
    expect(await textsOf(page, '#report .chips li')).toEqual(['tag catalog: current', 'scope shop: current'])
    expect(await textsOf(page, '#report .life p')).toEqual([
      expect.stringMatching(/^L1: fresh/),
      expect.stringMatching(/^L2: fresh/),
    ])
    expect(await page.locator('#report button, #report pre, #changes:visible').count()).toBe(0)
    // A key in a list is a button.
    await page.locator('#recent-rows button', { hasText: '<img' }).focus()
    await page.keyboard.press('Enter')
    await waitFor('the other key', async () => (await page.getByLabel('Key', { exact: true }).inputValue()) === ODD_KEY)
    await page.locator('#report .quiet', { hasText: ODD_KEY }).waitFor()
    expectQuiet(opened, service.url)
  })

  test('changes something only if that is allowed, and shows values only if that is', async () => {
    const service = await serve({ allowChanges: true, showValues: true })
    await makeTraffic(service)
    const { cache, url } = service
    await using opened = await openPage(browser, url)
    const { page } = opened
    await page.getByLabel('Key', { exact: true }).fill('product:1')
    await page.getByRole('button', { name: 'Explain', exact: true }).click()
    expect(await page.locator('#report pre').textContent()).toBe("'tea'")
    await page.getByRole('button', { name: 'Delete', exact: true }).click()
    await page.locator('#said', { hasText: 'delete product:1: applied' }).waitFor()
    expect(cache.peek('product:1')).toBeUndefined()
    await page.locator('#report', { hasText: 'delete product:1 by this process' }).waitFor()
    await page.getByLabel('Tags, separated by spaces').fill('org:0 org:1')
    await page.getByRole('button', { name: 'Invalidate', exact: true }).click()
    await page.locator('#news-rows', { hasText: 'invalidateTags org:0, org:1 by this process' }).waitFor()
    expect(await cache.namespace('users', { version: 3 }).get('0')).toBeUndefined()
    // Dialogs are dismissed, so nothing is cleared.
    await page.locator('#clear-form').getByLabel('Namespace').fill('shop')
    await page.getByRole('button', { name: 'Clear', exact: true }).click()
    expect(opened.complaints).toEqual([expect.stringMatching(/^dialog: Remove every entry of shop /)])
    expect(cache.peek(ODD_KEY)).toBe('odd')
  })

  test('never shows what the error of a loader says', async () => {
    const service = await serve()
    await using opened = await openPage(browser, service.url)
    await opened.page.locator('#status', { hasText: 'ok' }).waitFor()
    await makeTraffic(service)
    await opened.page.locator('#news-rows', { hasText: 'the load (miss) failed' }).waitFor()
    await opened.page.getByLabel('Key', { exact: true }).fill('failing')
    await opened.page.keyboard.press('Enter')
    await opened.page.locator('#report', { hasText: 'The last load failed' }).waitFor()
    expect(await opened.page.content()).not.toContain('hunter2')
  })
})

describe.each(['light', 'dark'] as const)('in %s mode', (colorScheme) => {
  test.each([1280, 400])(
    'at %i pixels, everything can be read and used, and nothing scrolls sideways',
    async (width) => {
      const service = await serve({ allowChanges: true, showValues: true })
      await makeTraffic(service)
      await using opened = await openPage(browser, service.url, { colorScheme, viewport: { width, height: 800 } })
      const { page } = opened
      await page.locator('#recent-rows button').first().waitFor()
      await page.getByLabel('Key', { exact: true }).fill('product:1')
      await page.getByRole('button', { name: 'Explain', exact: true }).click()
      await page.locator('#report pre').waitFor()
      expect(await checkPage(page)).toEqual({
        ...{ faint: [], nameless: [], sameIds: [], skipsHeading: false, language: 'en', overflowPixels: 0 },
        ground: colorScheme === 'dark' ? 'rgb(17, 21, 27)' : 'rgb(246, 247, 248)',
      })
      expectQuiet(opened, service.url)
    },
  )
})

describe('a page that is open', () => {
  test('is watched for, and not while it is paused, nor after it was closed', async () => {
    const watching: boolean[] = []
    const { cache } = await serve()
    const handler = devtoolsOf({
      path: 'shop',
      note: 'A view of its own.',
      watch: () => {
        watching.push(true)
        return () => void watching.push(false)
      },
      snapshot: () => ({ atMs: Date.now(), events: [] }),
      report: async (_, key) => ({
        explanation: await cache.explain(key),
        value: undefined,
        events: [],
        reads: undefined,
      }),
      change: async () => undefined,
    })
    await using server = await startHttp(handler)
    const isWatched = (wanted: readonly boolean[]) => waitFor(`${wanted}`, () => `${watching}` === `${wanted}`)
    const opened = await openPage(browser, server.origin)
    await isWatched([true])
    expect(await opened.page.locator('#note').textContent()).toBe('A view of its own.')
    expect(await opened.page.locator('#tiles:visible, #paths:visible, #hottest:visible, #memory:visible').count()).toBe(
      0,
    )
    await opened.page.getByRole('button', { name: 'Pause', exact: true }).click()
    await isWatched([true, false])
    await opened.page.getByRole('button', { name: 'Continue', exact: true }).click()
    await isWatched([true, false, true])
    await opened[Symbol.asyncDispose]()
    await isWatched([true, false, true, false])
    handler.close()
  })

  test('asks for the token first, if there is one', async () => {
    const token = 'a-token-of-enough-characters'
    const { url } = await serve({ token })
    await using opened = await openPage(browser, url)
    const { page } = opened
    await page.getByLabel('Token').fill('a-wrong-one')
    await page.keyboard.press('Enter')
    await page.waitForLoadState()
    expect(await page.locator('#path').count()).toBe(0)
    await page.getByLabel('Token').fill(token)
    await page.keyboard.press('Enter')
    await page.locator('#status', { hasText: 'ok' }).waitFor()
    expect(page.url()).not.toContain(token)
  })
})
