// Builds dist/: ESM, CJS and types for every entry. Splitting keeps one copy of what entries share, so that a
// CacheError thrown by `tiercache/redis` is an instance of the CacheError of `tiercache`.

import { defineConfig, type Options } from 'tsup'
import { BUNDLED, BUNDLED_IN_CJS } from './scripts/bundled.js'
import { pageAssets } from './scripts/page-assets.js'
import { entries, programEntries } from './scripts/subpaths.js'

const shared: Options = {
  entry: entries(),
  target: 'node20',
  platform: 'node',
  splitting: true,
  treeshake: false,
  sourcemap: false,
  esbuildPlugins: [pageAssets],
}

export default defineConfig([
  { ...shared, entry: { ...entries(), ...programEntries() }, format: 'esm', noExternal: BUNDLED },
  // `treeshake` has Rollup write the CommonJS; tsup's own writer of split CommonJS moves public class fields into the
  // constructor but leaves private ones, so that a private field set from a public one meets `undefined`.
  { ...shared, format: 'cjs', noExternal: BUNDLED_IN_CJS, treeshake: true },
  { ...shared, format: ['esm', 'cjs'], dts: { only: true } },
])
