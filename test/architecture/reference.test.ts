// docs/reference is what the types say now, and every export has a doc to put there.
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { beforeAll, expect, test } from 'vitest'
import { type Export, readExports } from '../../scripts/docs/exports.js'
import { pageNameOf, referencePage } from '../../scripts/docs/reference.js'

const folder = fileURLToPath(new URL('../../docs/reference/', import.meta.url))
let all: Map<string, Export[]>

beforeAll(() => {
  all = readExports()
}, 120_000)

test('every export of every entry says what it is', () => {
  const silent = [...all].flatMap(([entry, exports]) =>
    exports.filter(({ doc }) => doc === '').map(({ name }) => `${entry} ${name}`),
  )
  expect(silent).toEqual([])
})

test('docs/reference has a page for every entry, as the types are now (if not: run `npm run reference`)', () => {
  expect(readdirSync(folder).sort()).toEqual([...all.keys()].map(pageNameOf).sort())
  for (const [entry, exports] of all) {
    expect(readFileSync(`${folder}${pageNameOf(entry)}`, 'utf8'), entry).toBe(referencePage(entry, exports))
  }
})

test('a page has signatures, members with their types, and what is not HTML', () => {
  const members = [{ name: 'ttl', type: "Duration | 'a'", isOptional: true, doc: 'A <b>\nor `<c>`.' }]
  const one: Export = { name: 'Some', kind: 'interface', signature: '', doc: 'Of {{ a }}.', members }
  const page = referencePage('tiercache/redis', [one])
  expect(page).toContain("| `ttl?` | `Duration \\| 'a'` | A &lt;b> or `<c>`. |")
  expect(page).toContain('Of {&#123; a }}.')
})
