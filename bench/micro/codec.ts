// The codec compared with JSON and msgpackr, and what an envelope adds. JSON keeps neither types nor checks; msgpackr does not check.
// Run: npx tsx bench/micro/codec.ts

import { bench, boxplot, do_not_optimize, run, summary } from 'mitata'
import { Packr } from 'msgpackr'
import { createEntryCodec, type StoredEntry } from '../../src/codec/entry-codec.js'
import { createMsgpackCodec } from '../../src/codec/payload/msgpack.js'
import { CODEC_VALUES, entryOf, KEY, SCOPES, user } from './codec-values.js'

const codec = createMsgpackCodec()
const packr = new Packr({ useRecords: true })

for (const [name, value] of Object.entries(CODEC_VALUES)) {
  const json = JSON.stringify(value)
  const encoded = codec.encode(value)
  const packed = Buffer.from(packr.pack(value))
  console.log(`${name}: JSON ${json.length} B, this codec ${encoded.length} B, msgpackr ${packed.length} B`)
  boxplot(() => {
    summary(() => {
      bench(`${name}: JSON.stringify`, () => do_not_optimize(JSON.stringify(value))).baseline(true)
      bench(`${name}: encode`, () => do_not_optimize(codec.encode(value)))
      bench(`${name}: msgpackr pack`, () => do_not_optimize(packr.pack(value)))
    })
    summary(() => {
      bench(`${name}: JSON.parse`, () => do_not_optimize(JSON.parse(json))).baseline(true)
      // A new view each time, as for each reply.
      bench(`${name}: decode`, () => do_not_optimize(codec.decode(encoded.subarray(0))))
      bench(`${name}: msgpackr unpack`, () => do_not_optimize(packr.unpack(packed.subarray(0))))
    })
  })
}

const TAGS = Array.from({ length: 10 }, (_, i) => `t:org:${i}`)
const entryCodec = createEntryCodec({ compress: false })
const encryptedCodec = createEntryCodec({
  compress: false,
  encrypt: { keys: { k1: Buffer.alloc(32, 1) }, active: 'k1' },
})

const empty = entryOf(null, [])
const tagged = entryOf(null, TAGS)
const full = entryOf(user, [])
const opened = (bytes: Uint8Array) => entryCodec.open(bytes, KEY, SCOPES) as StoredEntry
const [emptyBytes, taggedBytes, fullBytes] = [empty, tagged, full].map((entry) => entryCodec.encode(entry)) as [
  Buffer,
  Buffer,
  Buffer,
]
const encryptedBytes = encryptedCodec.encode(full)

boxplot(() => {
  bench('envelope: encode null', () => do_not_optimize(entryCodec.encode(empty)))
  bench('envelope: encode null with 10 tags', () => do_not_optimize(entryCodec.encode(tagged)))
  bench('envelope: encode 200 B', () => do_not_optimize(entryCodec.encode(full)))
  bench('envelope: encode 200 B, encrypted', () => do_not_optimize(encryptedCodec.encode(full)))
  bench('envelope: open', () => do_not_optimize(opened(emptyBytes)))
  bench('envelope: open with 10 tags', () => do_not_optimize(opened(taggedBytes)))
  bench('envelope: open and decode 200 B', () => do_not_optimize(opened(fullBytes).value()))
  bench('envelope: open and decode 200 B, encrypted', () =>
    do_not_optimize((encryptedCodec.open(encryptedBytes, KEY, SCOPES) as StoredEntry).value()),
  )
})

const { benchmarks } = await run()

/** The median in ns: the mean of a small benchmark is mostly garbage collection. */
function medianOf(name: string): number {
  const [trial] = benchmarks.find(({ alias }) => alias === name)?.runs ?? []
  return trial?.stats?.p50 ?? Number.NaN
}

console.log('\nMultiples of JSON.stringify and JSON.parse, by medians:')
console.table(
  Object.fromEntries(
    Object.keys(CODEC_VALUES).map((name) => {
      const multiple = (of: string, floor: string) =>
        (medianOf(`${name}: ${of}`) / medianOf(`${name}: ${floor}`)).toFixed(2)
      return [
        name,
        {
          encode: multiple('encode', 'JSON.stringify'),
          'msgpackr pack': multiple('msgpackr pack', 'JSON.stringify'),
          decode: multiple('decode', 'JSON.parse'),
          'msgpackr unpack': multiple('msgpackr unpack', 'JSON.parse'),
        },
      ]
    }),
  ),
)
