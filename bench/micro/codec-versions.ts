// The default codec beside another version of it, in one run. Check the other one out somewhere, and pass the file of its `createMsgpackCodec`:
// npx tsx bench/micro/codec-versions.ts /tmp/old/src/codec/msgpack.ts

import { pathToFileURL } from 'node:url'
import { createMsgpackCodec } from '../../src/codec/payload/msgpack.js'
import { CODEC_VALUES } from './codec-values.js'

const ROUNDS = 40
const ROUND_MICROS = 20_000

const [path = ''] = process.argv.slice(2)
const other = (await import(pathToFileURL(path).href)) as { createMsgpackCodec: typeof createMsgpackCodec }
const codecs = { other: other.createMsgpackCodec(), this: createMsgpackCodec() }

const table: Record<string, Record<string, string>> = {}
for (const [name, value] of Object.entries(CODEC_VALUES)) {
  const bytes = { other: codecs.other.encode(value), this: codecs.this.encode(value) }
  const encode = compare(
    () => codecs.other.encode(value),
    () => codecs.this.encode(value),
  )
  // A view of its own each time: that is how a reply arrives.
  const decode = compare(
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

/** Nanoseconds of CPU per call, medians over rounds that take turns: so a machine that does other things as well changes little. */
function compare(runOther: () => unknown, runThis: () => unknown): { readonly other: number; readonly this: number } {
  const [others, ours]: [number[], number[]] = [[], []]
  for (let round = 0; round < ROUNDS; round++) {
    others.push(nsPerCall(runOther))
    ours.push(nsPerCall(runThis))
  }
  return { other: medianOf(others), this: medianOf(ours) }
}

function nsPerCall(run: () => unknown): number {
  let calls = 0
  const before = process.cpuUsage()
  let usedMicros = 0
  while (usedMicros < ROUND_MICROS) {
    for (let i = 0; i < 20; i++) run()
    calls += 20
    const { user, system } = process.cpuUsage(before)
    usedMicros = user + system
  }
  return (usedMicros * 1000) / calls
}

function medianOf(samples: readonly number[]): number {
  return [...samples].sort((a, b) => a - b)[samples.length >> 1] ?? Number.NaN
}

function micros(ns: number): string {
  return (ns / 1000).toFixed(2)
}
