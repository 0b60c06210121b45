// What the site does to the pages of docs/, which are written to be read on GitHub as well.
import { readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { PAGES } from '../repository.js'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

export interface SidebarGroup {
  readonly text: string
  readonly collapsed?: boolean
  readonly items: { readonly text: string; readonly link: string }[]
}

/** The sections of docs/index.md that list pages, in its order. */
export function sidebarOf(index: string): SidebarGroup[] {
  return index
    .split(/^## /m)
    .slice(1)
    .map((section) => {
      const heading = section.slice(0, section.indexOf('\n'))
      const links = [...section.matchAll(/^- \[([^\]]+)\]\(([^)]+)\.md\)/gm)]
      const items = links.map(([, text = '', link = '']) => ({ text, link: `/${link}` }))
      return { text: heading, collapsed: heading === 'Decisions' || heading === 'Types', items }
    })
}

/** The anchor that GitHub gives to a heading, so that a link to one works in both places. */
export function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .replaceAll(' ', '-')
}

/** A link from a page (a path within docs/) to a file beside docs/ leads to the repository. Others stay as they are. */
export function siteLink(page: string, href: string): string {
  if (!href.startsWith('../')) return href
  const target = relative(ROOT, join(ROOT, 'docs', dirname(page), href))
  return target.startsWith('docs/') ? href : `${PAGES}${target}`
}

/**
 * A drawing of docs/images as part of the page, so that it has the colours of the theme, and its words are read aloud.
 * `undefined` for other pictures.
 */
export function inlinePicture(page: string, src: string): string | undefined {
  if (!/(^|\/)images\/[^/]+\.svg$/.test(src)) return undefined
  const svg = readFileSync(join(ROOT, 'docs', dirname(page), src), 'utf8').trim()
  // Vue drops a <style> in a template. A blank line would end the block of HTML.
  return svg
    .replace('<style>', `<component :is="'style'">`)
    .replace('</style>', '</component>')
    .replaceAll(/\n+/g, '\n')
}
