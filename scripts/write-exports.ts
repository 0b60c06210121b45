// Writes package.json#bin, #exports and #typesVersions from the list of subpaths. Run `npm run exports` after a change to the list.

import { readFileSync, writeFileSync } from 'node:fs'
import { packageBin, packageExports, packageTypesVersions } from './subpaths.js'

const file = new URL('../package.json', import.meta.url)
const manifest = JSON.parse(readFileSync(file, 'utf8'))
manifest.bin = packageBin()
manifest.exports = packageExports()
manifest.typesVersions = packageTypesVersions()
writeFileSync(file, `${JSON.stringify(manifest, null, 2)}\n`)
