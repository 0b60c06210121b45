// The site: `npm run docs` shows it while you write, `npm run docs:build` builds it into docs/.vitepress/dist.
import { readFileSync } from 'node:fs'
import { defineConfig } from 'vitepress'
import { anchorOf, inlinePicture, sidebarOf, siteLink } from '../../scripts/docs/site.js'
import { REPOSITORY } from '../../scripts/repository.js'

const sidebar = sidebarOf(readFileSync(new URL('../index.md', import.meta.url), 'utf8'))

/** What markdown-it hands to a rule, as far as the rules below read it. */
interface Environment {
  readonly relativePath: string
}

export default defineConfig({
  title: 'tiercache',
  description:
    'Multi-level caching for Node: memory, Redis and your loader behind one call, with invalidation that wins',
  lang: 'en',
  head: [['link', { rel: 'icon', type: 'image/svg+xml', href: '/favicon.svg' }]],
  themeConfig: {
    sidebar,
    outline: [2, 3],
    search: { provider: 'local' },
    nav: [
      { text: 'Five minutes', link: '/getting-started' },
      { text: 'Guides', link: '/guides/invalidation', activeMatch: '^/guides/' },
      { text: 'Runbook', link: '/runbook' },
      { text: 'API', link: '/api' },
    ],
    socialLinks: [{ icon: 'github', link: REPOSITORY }],
    editLink: { pattern: `${REPOSITORY}/edit/main/docs/:path`, text: 'Improve this page' },
  },
  markdown: {
    theme: { light: 'github-light-high-contrast', dark: 'github-dark-high-contrast' },
    anchor: { slugify: anchorOf },
    config(md) {
      md.core.ruler.push('beside-docs', ({ tokens, env }) => {
        const { relativePath } = env as Environment
        for (const token of tokens.flatMap(({ children }) => children ?? [])) {
          const href = token.attrGet('href')
          if (token.type === 'link_open' && href !== null) token.attrSet('href', siteLink(relativePath, href))
        }
      })
      const image = md.renderer.rules.image
      md.renderer.rules.image = (tokens, index, options, env: Environment, self) => {
        const picture = inlinePicture(env.relativePath, tokens[index]?.attrGet('src') ?? '')
        return picture ?? image?.(tokens, index, options, env, self) ?? ''
      }
    },
  },
})
