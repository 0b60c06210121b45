// Writes docs/reference from the types. Run `npm run reference` after a change to what an entry exports, or to its docs.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { readExports } from './exports.js'
import { pageNameOf, referencePage } from './reference.js'

const folder = new URL('../../docs/reference/', import.meta.url)
rmSync(folder, { recursive: true, force: true })
mkdirSync(folder)
for (const [entry, exports] of readExports()) {
  writeFileSync(new URL(pageNameOf(entry), folder), referencePage(entry, exports))
}
