// Sends the pages that are open what they show, once a second. Without a page nothing runs and nothing is watched.
import { clearInterval, setInterval } from 'node:timers'
import type { DevtoolsView } from '../view/view.js'
import type { Stream } from './exchange.js'

const EVERY_MS = 1_000
/** Pages that can be open at once. */
export const MAX_PAGES = 16

interface Page {
  send(text: string): void
  end(): void
}

/**
 * Invariant: while a page is open, and only then, the view is watched and the timer runs. All pages share one snapshot, so the cost does
 * not grow with their number.
 */
export class Feed {
  readonly #view: DevtoolsView
  readonly #pages = new Set<Page>()
  #stop: (() => void) | undefined
  #isBusy = false

  constructor(view: DevtoolsView) {
    this.#view = view
  }

  get isFull(): boolean {
    return this.#pages.size >= MAX_PAGES
  }

  /** The stream of one page, as Server-Sent Events. */
  readonly open: Stream = (send, end) => {
    const page = { send, end }
    this.#pages.add(page)
    this.#stop ??= this.#start()
    void this.#tick()
    return () => this.#remove(page)
  }

  /** Ends all pages. */
  close(): void {
    for (const page of [...this.#pages]) {
      this.#remove(page)
      page.end()
    }
  }

  #start(): () => void {
    const endWatching = this.#view.watch(() => this.close())
    const timer = setInterval(() => void this.#tick(), EVERY_MS)
    timer.unref()
    return () => {
      clearInterval(timer)
      endWatching()
    }
  }

  #remove(page: Page): void {
    this.#pages.delete(page)
    if (this.#pages.size > 0) return
    this.#stop?.()
    this.#stop = undefined
  }

  /** A view that takes longer than a second is not asked twice at once. */
  async #tick(): Promise<void> {
    if (this.#isBusy) return
    this.#isBusy = true
    const text = await this.#next()
    this.#isBusy = false
    for (const page of this.#pages) page.send(text)
  }

  async #next(): Promise<string> {
    try {
      return `event: snapshot\ndata: ${JSON.stringify(await this.#view.snapshot())}\n\n`
    } catch (error) {
      return `event: trouble\ndata: ${JSON.stringify(error instanceof Error ? error.message : 'unknown')}\n\n`
    }
  }
}
