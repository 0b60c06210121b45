// Envelopes beside those of another version, in one run: encoding an entry, and opening one and reading its value. Check the other version
// out somewhere, and pass its folder: npx tsx bench/micro/envelope-versions.ts /tmp/old

import { pathToFileURL } from 'node:url'
import { createEntryCodec, type EntryCodec, type EntryFields, type StoredEntry } from '../../src/codec/entry-codec.js'
import { CODEC_VALUES, entryOf, KEY, SCOPES, user } from './codec-values.js'
import { compareVersions } from './compare-versions.js'

const [folder = ''] = process.argv.slice(2)
const file = pathToFileURL(`${folder}/src/codec/entry-codec.ts`).href
const other = (await import(file)) as { createEntryCodec: typeof createEntryCodec }

const TAGS = Array.from({ length: 3 }, (_, i) => `t:org:${i}`)

const ENTRIES: Readonly<Record<string, EntryFields>> = {
  null: entryOf(null),
  '200 B': entryOf(user),
  '200 B, 3 tags': entryOf(user, TAGS),
  '200 B with a Date': entryOf({ ...user, createdAt: new Date(0) }),
  '4 KB': entryOf(CODEC_VALUES['page of 4 KB']),
  '50 KB': entryOf(CODEC_VALUES['page of 50 KB']),
}

const codecs = { other: other.createEntryCodec({ compress: false }), this: createEntryCodec({ compress: false }) }

/** Each reply of L2 is a buffer of its own, and its key is made anew. */
function read(codec: EntryCodec, bytes: Buffer): unknown {
  const opened = codec.open(bytes.subarray(0), KEY, SCOPES) as StoredEntry
  return opened.value()
}

const table: Record<string, Record<string, string>> = {}
for (const [name, entry] of Object.entries(ENTRIES)) {
  const bytes = codecs.this.encode(entry)
  const encode = compareVersions(
    () => codecs.other.encode(entry),
    () => codecs.this.encode(entry),
  )
  const open = compareVersions(
    () => codecs.other.open(bytes, entry.key, SCOPES),
    () => codecs.this.open(bytes, entry.key, SCOPES),
  )
  const readValue = compareVersions(
    () => read(codecs.other, bytes),
    () => read(codecs.this, bytes),
  )
  table[name] = { ...row('encode', encode), ...row('open', open), ...row('read', readValue) }
}
console.table(table)

function row(what: string, ns: { readonly other: number; readonly this: number }): Record<string, string> {
  return {
    [`${what} ns (other)`]: ns.other.toFixed(0),
    [`${what} ns`]: ns.this.toFixed(0),
    [`${what} ×`]: (ns.this / ns.other).toFixed(2),
  }
}
