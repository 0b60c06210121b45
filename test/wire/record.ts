// Writes the envelopes of entries.ts that are missing in v1/: npx tsx test/wire/record.ts
// It never overwrites one: stored envelopes must be readable for ever.
import { existsSync, writeFileSync } from 'node:fs'
import { createEntryCodec } from '../../src/codec/entry-codec.js'
import { ENTRIES } from './entries.js'

for (const { name, options, extensions, fields } of ENTRIES) {
  const file = new URL(`v1/${name}.hex`, import.meta.url)
  if (existsSync(file)) continue
  const hex = createEntryCodec(options, extensions).encode(fields).toString('hex')
  writeFileSync(file, `${hex.replace(/.{1,120}/g, '$&\n')}`)
  console.log(`recorded ${name}`)
}
