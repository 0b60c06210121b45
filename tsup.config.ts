// Builds dist/: ESM, CJS and types for every entry. Splitting keeps one copy of what entries share, so that a
// CacheError thrown by `tiercache/redis` is an instance of the CacheError of `tiercache`.

import { defineConfig, type Options } from 'tsup'
import { entries } from './scripts/subpaths.js'

const shared: Options = {
  entry: entries(),
  target: 'node20',
  platform: 'node',
  splitting: true,
  treeshake: false,
  sourcemap: false,
}

export default defineConfig([
  { ...shared, format: 'esm' },
  // p-limit is published as ESM only, which early releases of Node 20 cannot require(): the CJS build carries it.
  { ...shared, format: 'cjs', noExternal: ['p-limit'] },
  { ...shared, format: ['esm', 'cjs'], dts: { only: true } },
])
