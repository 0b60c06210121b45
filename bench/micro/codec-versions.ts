// The default codec beside another version of it, in one run. Check the other one out somewhere, and pass the file of its `createMsgpackCodec`:
// npx tsx bench/micro/codec-versions.ts /tmp/old/src/codec/msgpack.ts

import { pathToFileURL } from 'node:url'
import { createMsgpackCodec } from '../../src/codec/payload/msgpack.js'
import { CODEC_VALUES } from './codec-values.js'
import { compareVersions } from './compare-versions.js'

const [path = ''] = process.argv.slice(2)
const other = (await import(pathToFileURL(path).href)) as { createMsgpackCodec: typeof createMsgpackCodec }
const codecs = { other: other.createMsgpackCodec(), this: createMsgpackCodec() }

const table: Record<string, Record<string, string>> = {}
for (const [name, value] of Object.entries(CODEC_VALUES)) {
  const bytes = { other: codecs.other.encode(value), this: codecs.this.encode(value) }
  const encode = compareVersions(
    () => codecs.other.encode(value),
    () => codecs.this.encode(value),
  )
  // A view of its own each time: that is how a reply arrives.
  const decode = compareVersions(
    () => codecs.other.decode(bytes.other.subarray(0)),
    () => codecs.this.decode(bytes.this.subarray(0)),
  )
  table[name] = {
    'bytes (other)': String(bytes.other.length),
    bytes: String(bytes.this.length),
    'encode µs (other)': micros(encode.other),
    'encode µs': micros(encode.this),
    'encode ×': (encode.this / encode.other).toFixed(2),
    'decode µs (other)': micros(decode.other),
    'decode µs': micros(decode.this),
    'decode ×': (decode.this / decode.other).toFixed(2),
  }
}
console.table(table)

function micros(ns: number): string {
  return (ns / 1000).toFixed(2)
}
