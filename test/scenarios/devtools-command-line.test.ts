// `tiercache devtools`: the page of what stands in Redis, served by the command line, in a real browser.
import type { Browser } from 'playwright-core'
import { type Cache, createCache } from 'tiercache'
import { redisTier } from 'tiercache/redis'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openPage, startBrowser, type WatchedPage } from '../support/chromium.js'
import { type CommandResult, runCommand } from '../support/command-line.js'
import { startHttp } from '../support/http-server.js'
import { type RedisServer, startRedis } from '../support/redis-server.js'
import { waitFor } from '../support/wait.js'

let server: RedisServer
let browser: Browser
let cache: Cache

beforeAll(async () => {
  server = await startRedis()
  browser = await startBrowser()
  cache = createCache({ name: 'shop', ttl: '1h', l2: redisTier(server.url, { timeout: '5s' }), logger: false })
  await cache.ready()
  await cache.set('user:1', { name: 'Ann' }, { tags: ['org:7'] })
  await cache.set('{odd}%', 1, { tags: ['{tag}'] })
  await cache.namespace('catalog', { version: 3 }).set('item', 'tea', { tags: ['org:7'] })
})

afterAll(async () => {
  await cache?.close()
  await browser?.close()
  await server?.stop()
})

interface Running extends AsyncDisposable {
  readonly opened: WatchedPage
  /** Ends the command as Ctrl-C does. */
  stop(): Promise<CommandResult>
}

async function runDevtools(...options: string[]): Promise<Running> {
  const interruption = new AbortController()
  let out = ''
  const args = [
    'devtools',
    '--port',
    '0',
    '--json',
    '--url',
    server.url,
    '--name',
    'shop',
    '--timeout',
    '20s',
    ...options,
  ]
  const ended = runCommand(args, {
    signal: interruption.signal,
    onOut: (text) => {
      out = text
    },
  })
  await waitFor('the address of the page', () => out.includes('\n'))
  const opened = await openPage(browser, JSON.parse(out).url)
  const stop = async () => {
    interruption.abort()
    return ended
  }
  return {
    opened,
    stop,
    [Symbol.asyncDispose]: async () => {
      await stop()
      await opened[Symbol.asyncDispose]()
    },
  }
}

test('shows keys, tags, findings and announcements as they come, and says what it cannot see', async () => {
  await using running = await runDevtools()
  const { page, complaints } = running.opened
  await page.locator('#stored-keys-rows button', { hasText: 'user:1' }).waitFor()
  expect(await page.locator('#note').textContent()).toMatch(/Hits, loads, latencies .* are seen in that process only/)
  expect(await page.locator('#stored-scopes li').allTextContents()).toEqual(['shop2', 'shop/catalog@31'])
  expect((await page.locator('#stored-keys-rows li').allTextContents()).sort()).toEqual([
    ...['shop user:1', 'shop {odd}%', 'shop/catalog@3 item'],
  ])
  expect(await page.locator('#tags-rows .name').allTextContents()).toEqual(['org:7', '{tag}'])
  expect((await page.locator('#findings-rows li').allTextContents()).join()).toMatch(/the cache can use this Redis/)
  expect(
    await page.locator('#tiles:visible, #paths:visible, #hottest:visible, #memory:visible, #changes:visible').count(),
  ).toBe(0)
  await cache.invalidateTags(['org:9'])
  await page.locator('#news-rows li', { hasText: 'invalidateTags shop: org:9' }).waitFor()
  expect(complaints).toEqual([])
  const { code, err } = await running.stop()
  expect({ code, err }).toEqual({ code: 0, err: '' })
})

test('explains a key of a namespace, without its value unless values are asked for', async () => {
  await using running = await runDevtools()
  const { page } = running.opened
  await page.locator('#stored-keys-rows button', { hasText: 'item' }).click()
  await page.locator('#report', { hasText: 'L2 serves it' }).waitFor()
  expect(await page.locator('#report .chips li').allTextContents()).toContain('tag org:7: current')
  expect(await page.locator('#report .events').textContent()).toMatch(/set or delete shop\/catalog@3: item/)
  expect(await page.locator('#report').textContent()).not.toMatch(/L1 is off|'tea'/)
  await running.stop()
  await using showing = await runDevtools('--show-values')
  await showing.opened.page.locator('#stored-keys-rows button', { hasText: 'item' }).click()
  expect(await showing.opened.page.locator('#report pre').textContent()).toBe("'tea'")
})

test('changes something only with --allow-changes, and then in every process', async () => {
  await using running = await runDevtools('--allow-changes')
  const { page } = running.opened
  await cache.set('to-delete', 1)
  await page.getByLabel('Key', { exact: true }).fill('to-delete')
  await page.getByRole('button', { name: 'Explain', exact: true }).click()
  await page.getByRole('button', { name: 'Delete', exact: true }).click()
  await page.locator('#said', { hasText: 'delete to-delete: applied' }).waitFor()
  await waitFor('the process hearing of it', () => cache.peek('to-delete') === undefined)
  expect(await cache.get('to-delete')).toBeUndefined()
})

test('says that Redis is away, and goes on when it is back', async () => {
  await using running = await runDevtools()
  const { page } = running.opened
  await page.locator('#status', { hasText: 'connected' }).waitFor()
  await server.kill()
  await page.locator('#status', { hasText: 'not connected' }).waitFor()
  await server.start()
  await page.locator('#status', { hasText: /^connected$/ }).waitFor()
})

test('says which port is taken, and that a port is a number', async () => {
  await using other = await startHttp((_, response) => void response.end())
  const where = ['--url', server.url, '--name', 'shop']
  const taken = await runCommand(['devtools', '--port', new URL(other.origin).port, ...where])
  expect(taken).toMatchObject({ code: 3, err: expect.stringMatching(/another program has it. Add --port/) })
  const wrong = await runCommand(['devtools', '--port', '70000', ...where])
  expect(wrong).toMatchObject({ code: 2, err: expect.stringMatching(/--port must be a number from 0 to 65535/) })
})
