// The files of the page, as texts. In the build scripts/page-assets.ts puts the texts themselves in the place of this file: a published
// package reads nothing from disk, and a bundler of a service has nothing to copy.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

export interface Asset {
  readonly type: 'text/html' | 'text/css' | 'text/javascript' | 'image/svg+xml'
  readonly text: string
}

const { resolve } = createRequire(import.meta.url)
const own = (name: string) => readFileSync(new URL(`../page/${name}`, import.meta.url), 'utf8')
const css = (name: string): Asset => ({ type: 'text/css', text: own(name) })
const js = (name: string): Asset => ({ type: 'text/javascript', text: own(name) })

/** By the last part of their path. */
export const ASSETS: Readonly<Record<string, Asset>> = {
  'page.html': { type: 'text/html', text: own('page.html') },
  'login.html': { type: 'text/html', text: own('login.html') },
  'icon.svg': { type: 'image/svg+xml', text: own('icon.svg') },
  'page.css': css('page.css'),
  'uPlot.css': { type: 'text/css', text: readFileSync(resolve('uplot/dist/uPlot.min.css'), 'utf8') },
  'uPlot.js': { type: 'text/javascript', text: readFileSync(resolve('uplot/dist/uPlot.esm.js'), 'utf8') },
  'page.js': js('page.js'),
  'charts.js': js('charts.js'),
  'dom.js': js('dom.js'),
  'key-panel.js': js('key-panel.js'),
  'panels.js': js('panels.js'),
  'rates.js': js('rates.js'),
  'text.js': js('text.js'),
}
