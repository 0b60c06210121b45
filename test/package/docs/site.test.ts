// The site of the docs, built as `npm run docs:build` does, in a real browser.

import { execFile } from 'node:child_process'
import { cpSync, existsSync, readdirSync, readFileSync, symlinkSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { PAGES } from '../../../scripts/repository.js'
import { checkPage, openPage, startBrowser } from '../../support/chromium.js'
import { npmEnvironment } from '../../support/consumer.js'
import { makeFolder, removeFolder } from '../../support/processes.js'

const run = promisify(execFile)
const ROOT = fileURLToPath(new URL('../../..', import.meta.url))
const MEDIA: Record<string, string> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.woff2': 'font/woff2',
}
const NARROW = { width: 400, height: 800 }

let folder: string
let site: string
let pages: string[]
let server: Server
let origin: string
let browser: Browser

beforeAll(async () => {
  folder = makeFolder('site')
  for (const input of ['package.json', 'scripts', 'docs', 'bench/charts']) {
    cpSync(join(ROOT, input), join(folder, input), { recursive: true })
  }
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
  await run(join(ROOT, 'node_modules/.bin/vitepress'), ['build', 'docs'], { cwd: folder, env: npmEnvironment() })
  site = join(folder, 'docs/.vitepress/dist')
  pages = readdirSync(site, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.html'))
  server = createServer(({ url = '/' }, response) => {
    const { pathname } = new URL(url, 'http://site')
    const file = join(site, pathname === '/' ? 'index.html' : pathname)
    if (!existsSync(file)) return response.writeHead(404).end()
    return response.setHeader('content-type', MEDIA[extname(file)] ?? 'text/plain').end(readFileSync(file))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  browser = await startBrowser()
})

afterAll(async () => {
  await browser?.close()
  server?.close()
  if (folder !== undefined) removeFolder(folder)
})

const htmlOf = (page: string) => readFileSync(join(site, page), 'utf8')

/** The targets of the links of a page that are on the site, as its file and anchor, and those that lead into the repository. */
function linksOf(page: string): { inside: { file: string; anchor: string }[]; repository: string[] } {
  const hrefs = [...htmlOf(page).matchAll(/<(?:a|img|script|link)\b[^>]*? (?:href|src)="([^"]*)"/g)]
  const targets = hrefs.map(([, href = '']) => decodeURI(href.replaceAll('&amp;', '&')))
  const inside = targets
    .map((href) => new URL(href, `http://site/${page}`))
    .filter(({ host }) => host === 'site')
    .map(({ pathname, hash }) => ({
      file: pathname.slice(1) || 'index.html',
      anchor: decodeURIComponent(hash.slice(1)),
    }))
  return {
    inside,
    repository: targets.filter((href) => href.startsWith(PAGES)).map((href) => href.slice(PAGES.length)),
  }
}

test('no link is dead: not to a page, not to a heading, and not to a file of the repository', () => {
  const anchors = new Map(
    pages.map((page) => [page, new Set([...htmlOf(page).matchAll(/ id="([^"]+)"/g)].map(([, id]) => id))]),
  )
  const dead: string[] = []
  let checked = 0
  for (const page of pages.filter((name) => name !== '404.html')) {
    const { inside, repository } = linksOf(page)
    checked += inside.length + repository.length
    for (const { file, anchor } of inside) {
      const isThere = existsSync(join(site, file)) && (anchor === '' || anchors.get(file)?.has(anchor) === true)
      if (!isThere) dead.push(`${page} → ${file}#${anchor}`)
    }
    for (const path of repository) if (!existsSync(join(ROOT, path.replace(/#.*/, '')))) dead.push(`${page} → ${path}`)
  }
  expect(dead).toEqual([])
  expect(checked).toBeGreaterThan(1000)
})

test('the search finds a word and leads to where it is, by keyboard alone', async () => {
  await using watched = await openPage(browser, origin)
  const { page } = watched
  await page.keyboard.press('Control+k')
  await page.locator('input#localsearch-input').fill('resurrected')
  await page.locator('.results .result').first().waitFor()
  await page.keyboard.press('Enter')
  await page.waitForURL(/guarantees|why|glossary|architecture/)
  await expect.poll(() => page.locator('main').textContent()).toContain('resurrected')
  await page.keyboard.press('Control+k')
  await page.locator('input#localsearch-input').waitFor()
  await page.keyboard.press('Escape')
  await page.locator('input#localsearch-input').waitFor({ state: 'detached' })
  expect(watched.complaints).toEqual([])
  expect([...watched.origins]).toEqual([origin])
})

test('the first key leads past the menus, and the menu of a narrow page opens and closes by key', async () => {
  await using watched = await openPage(browser, `${origin}/guides/invalidation.html`, { viewport: NARROW })
  const { page } = watched
  await page.keyboard.press('Tab')
  expect(await page.evaluate('document.activeElement.textContent.trim()')).toBe('Skip to content')
  await page.keyboard.press('Enter')
  expect(await page.evaluate('document.activeElement.id')).toBe('VPContent')
  await page.locator('.VPLocalNav button.menu').focus()
  await page.keyboard.press('Enter')
  await page.locator('.VPSidebar.open').waitFor()
  await page.keyboard.press('Escape')
  await page.locator('.VPSidebar.open').waitFor({ state: 'detached' })
  expect(watched.complaints).toEqual([])
})

test('code is copied as it stands', async () => {
  await using watched = await openPage(browser, `${origin}/getting-started.html`, {
    permissions: ['clipboard-read', 'clipboard-write'],
  })
  const { page } = watched
  const block = page.locator('.language-ts').first()
  await block.hover()
  await block.locator('button.copy').click()
  await block.locator('button.copy.copied').waitFor()
  const copied = await page.evaluate<string>('navigator.clipboard.readText()')
  expect(copied.trim()).toBe((await block.locator('code').textContent())?.trim())
  expect(copied).toContain("import { createCache } from 'tiercache'")
})

test('every page fits into 400 pixels', async () => {
  await using watched = await openPage(browser, origin, { viewport: NARROW })
  const { page } = watched
  const wide: string[] = []
  for (const name of pages) {
    await page.goto(`${origin}/${name}`)
    const { overflowPixels } = await checkPage(page)
    if (overflowPixels > 0) wide.push(`${name}: ${overflowPixels} px`)
  }
  expect(wide).toEqual([])
  expect(watched.complaints).toEqual([])
})

describe.each(['light', 'dark'] as const)('in %s mode', (colorScheme) => {
  test('drawings have a name, and texts are readable', async () => {
    await using watched = await openPage(browser, `${origin}/concepts/ages.html`, { colorScheme })
    const { page } = watched
    expect(await page.locator('svg.picture title').count()).toBe(1)
    const checks = await checkPage(page)
    expect(checks).toMatchObject({ faint: [], nameless: [], sameIds: [], language: 'en' })
  })
})

test('dark mode is switched by a click, and stays', async () => {
  await using watched = await openPage(browser, origin, { colorScheme: 'light' })
  const { page } = watched
  const { ground } = await checkPage(page)
  await page.locator('.VPNavBarAppearance button').click()
  await expect.poll(async () => (await checkPage(page)).ground).not.toBe(ground)
  const { ground: dark } = await checkPage(page)
  await page.reload()
  expect((await checkPage(page)).ground).toBe(dark)
})
