// The page of the running demo in a real browser: what it shows is what the cache counts, although the demo goes on reading.

import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { scraped } from '../../demo/metrics.js'
import { startChild } from '../support/child.js'
import { openPage, startBrowser } from '../support/chromium.js'
import { waitFor } from '../support/wait.js'

const demo = new URL('../../demo/main.ts', import.meta.url)
const COUNTED = { reads: ['tiercache_reads_total'], loads: ['tiercache_loads_total', 'result="ok"'] } as const

let browser: Browser

beforeAll(async () => {
  browser = await startBrowser()
})

afterAll(() => browser?.close())

test('the page of the running demo shows what the cache counts', async () => {
  await using run = startChild(demo, { args: ['--serve'], env: { PORT: '0' } })
  const urlIn = (pattern: RegExp) => pattern.exec(run.stdout)?.[1] ?? ''
  await waitFor('the page to be served', () => urlIn(/The devtools page: (\S+)/) !== '', { limitMs: 50_000 })
  const metrics = urlIn(/while this runs: (\S+)/)
  await using watched = await openPage(browser, urlIn(/The devtools page: (\S+)/))
  const { page } = watched
  const columns = await page.locator('#paths thead th').allTextContents()
  const shown = async (column: string): Promise<number> => {
    const place = columns.findIndex((name) => name.trim() === column)
    const cells = await page.locator(`#paths-rows tr > :nth-child(${place + 1})`).allInnerTexts()
    return cells.reduce((sum, text) => sum + Number(text.replaceAll(',', '')), 0)
  }
  for (const [column, [metric, ...labels]] of Object.entries(COUNTED)) {
    await waitFor('the page to show figures', async () => (await shown(column)) > 0)
    // The page is at most a moment behind the cache, so what was counted lies between what it shows before and what it shows later.
    const before = await shown(column)
    const counted = await scraped(metrics, metric, ...labels)
    expect(counted, column).toBeGreaterThanOrEqual(before)
    await waitFor(`the page to show ${counted} ${column}`, async () => (await shown(column)) >= counted)
  }
  expect(watched.complaints).toEqual([])
  await run.kill('SIGINT')
  expect(await run.exit, run.stdout).toEqual({ code: 0, signal: null })
})
