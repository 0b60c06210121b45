// Puts the files of the devtools page into the build as texts, minified: nothing has to be read from disk or copied by anyone.
import type { Options } from 'tsup'
import { ASSETS, type Asset } from '../src/devtools/http/assets.js'

type Plugin = NonNullable<Options['esbuildPlugins']>[number]
type Build = Parameters<Plugin['setup']>[0]

const LOADERS: Readonly<Partial<Record<Asset['type'], 'css' | 'js'>>> = { 'text/css': 'css', 'text/javascript': 'js' }

/** Replaces src/devtools/http/assets.ts by a module that has the texts themselves. */
export const pageAssets: Plugin = {
  name: 'page-assets',
  setup(build) {
    build.onLoad({ filter: /devtools[\\/]http[\\/]assets\.ts$/ }, async () => {
      const files = await Promise.all(
        Object.entries(ASSETS).map(async ([name, { type, text }]) => [
          name,
          { type, text: await minify(build, type, text) },
        ]),
      )
      return { loader: 'ts', contents: `export const ASSETS = ${JSON.stringify(Object.fromEntries(files))}` }
    })
  },
}

async function minify({ esbuild }: Build, type: Asset['type'], text: string): Promise<string> {
  const loader = LOADERS[type]
  if (loader === undefined) return text
  const { code } = await esbuild.transform(text, { loader, minify: true, target: 'es2023', legalComments: 'inline' })
  return code
}
