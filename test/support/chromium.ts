// A browser for a test: Chromium without a window, with an empty profile, installed first where that is possible.
import { readFileSync } from 'node:fs'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { findOrInstall, findProgram } from './install.js'

/** Path of Chromium. */
export function ensureChromium(): string {
  return findOrInstall('chromium', 'chromium', () => findProgram(['chromium', 'chromium-browser', 'google-chrome']))
}

const ARGUMENTS = [
  ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
  ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
]

/** Starts a browser. It ends with this process at the latest. */
export function startBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: ensureChromium(), args: ARGUMENTS })
}

/** A page, with what went wrong in it and what it asked for. */
export interface WatchedPage extends AsyncDisposable {
  readonly page: Page
  /** Errors and warnings of the console, violations of the policy among them, exceptions and dialogs. */
  readonly complaints: readonly string[]
  /** The origins that it asked for anything. */
  readonly origins: ReadonlySet<string>
}

export async function openPage(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
): Promise<WatchedPage> {
  const context = await browser.newContext(options)
  const page = await context.newPage()
  const complaints: string[] = []
  const origins = new Set<string>()
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text())
  })
  page.on('pageerror', (error) => complaints.push(error.message))
  page.on('dialog', (dialog) => {
    complaints.push(`dialog: ${dialog.message()}`)
    void dialog.dismiss()
  })
  page.on('request', (request) => origins.add(new URL(request.url()).origin))
  await page.goto(url)
  return { page, complaints, origins, [Symbol.asyncDispose]: () => context.close() }
}

/** What cannot be read or used in a page. */
export interface PageChecks {
  /** Texts whose contrast with their background is below 4.5 (WCAG 2.2, 1.4.3), as `ratio text`. */
  readonly faint: readonly string[]
  /** Controls and pictures that have no name for a screen reader. */
  readonly nameless: readonly string[]
  readonly sameIds: readonly string[]
  readonly skipsHeading: boolean
  readonly language: string
  /** By how much the page is wider than its window. */
  readonly overflowPixels: number
  /** The colour of its background. */
  readonly ground: string
}

/** Checks the page as it is now. */
export function checkPage(page: Page): Promise<PageChecks> {
  return page.evaluate<PageChecks>(readFileSync(new URL('./in-page/checks.js', import.meta.url), 'utf8'))
}
