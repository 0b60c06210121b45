// package.json matches what the build produces.

import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { BUNDLED, BUNDLED_IN_CJS, SENT_TO_BROWSERS } from '../../scripts/bundled.js'
import { entries, packageBin, packageExports, packageTypesVersions, programEntries } from '../../scripts/subpaths.js'

const root = new URL('../../', import.meta.url)
const read = (file: string) => readFileSync(new URL(file, root), 'utf8')
const manifest = JSON.parse(read('package.json'))

describe('package.json', () => {
  test('exports exactly the entries of the build, types first (if not: run `npm run exports`)', () => {
    expect(JSON.stringify(manifest.exports)).toBe(JSON.stringify(packageExports()))
    expect(manifest.typesVersions).toEqual(packageTypesVersions())
  })

  test('has exactly the programs of the build', () => {
    expect(manifest.bin).toEqual(packageBin())
  })

  test('every entry and every program has a source', () => {
    const missing = Object.values({ ...entries(), ...programEntries() }).filter(
      (source) => !existsSync(new URL(source, root)),
    )
    expect(missing).toEqual([])
  })

  test('installs no Redis client with the package', () => {
    expect(Object.keys(manifest.dependencies).sort()).toEqual(['lru-cache', 'p-limit'])
    expect(manifest.peerDependenciesMeta.ioredis.optional).toBe(true)
  })

  test('installs nothing that is bundled in both builds, and names every bundled package with its license', () => {
    expect(Object.keys(manifest.devDependencies)).toEqual(expect.arrayContaining([...BUNDLED, ...SENT_TO_BROWSERS]))
    expect(Object.keys(manifest.dependencies).filter((name) => BUNDLED.includes(name))).toEqual([])
    expect(manifest.files).toContain('THIRD-PARTY.md')
    for (const name of [...BUNDLED_IN_CJS, ...SENT_TO_BROWSERS]) {
      // GitHub writes some names with capitals.
      expect(read('THIRD-PARTY.md').toLowerCase()).toContain(`/${name})`)
    }
  })

  test('every file that a script calls exists', () => {
    const files = Object.values<string>(manifest.scripts).flatMap((script) => script.match(/\S+\.(ts|mjs|js)\b/g) ?? [])
    expect(files.filter((file) => !existsSync(new URL(file, root)))).toEqual([])
  })

  test('the lock file names no registry host', () => {
    expect(read('package-lock.json')).not.toMatch(/"resolved":/)
  })
})
