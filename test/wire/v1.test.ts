// Envelopes of format version 1, as they were once stored, must be readable for ever.
import assert from 'node:assert'
import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { createEntryCodec } from '../../src/codec/entry-codec.js'
import { ENTRIES } from './entries.js'

const folder = new URL('v1/', import.meta.url)
const stored = (name: string) =>
  Buffer.from(readFileSync(new URL(`${name}.hex`, folder), 'utf8').replaceAll('\n', ''), 'hex')

test('every stored envelope has its entry, and every entry its envelope', () => {
  const names = readdirSync(folder).map((file) => file.replace('.hex', ''))
  expect(names.sort()).toEqual(ENTRIES.map(({ name }) => name).sort())
})

describe.each(ENTRIES)('the stored envelope "$name"', ({ name, options, extensions, fields, scopes }) => {
  const codec = createEntryCodec(options, extensions)

  test('decodes to its entry', () => {
    const opened = codec.open(stored(name), fields.key, scopes)
    if ('corrupt' in opened) throw new Error(`it is ${opened.corrupt}`)
    // The etag of an encrypted entry is known once its value is read.
    const value = opened.value()
    const { state, createdAtMs, freshForMs, staleForMs, usableForMs, loadMs, idleForMs, labels, etag } = opened
    assert.deepStrictEqual(
      { state, createdAtMs, freshForMs, staleForMs, usableForMs, loadMs, idleForMs, labels, etag, value },
      {
        state: fields.state ?? 'live',
        createdAtMs: fields.createdAtMs,
        freshForMs: fields.freshForMs,
        staleForMs: fields.staleForMs,
        usableForMs: fields.usableForMs,
        loadMs: fields.loadMs,
        idleForMs: fields.idleForMs ?? Number.POSITIVE_INFINITY,
        labels: fields.labels,
        etag: fields.etag,
        value: fields.value,
      },
    )
  })

  test('is not the entry of another key', () => {
    expect(codec.open(stored(name), `${fields.key}x`, scopes)).toEqual({ corrupt: 'checksum' })
  })
})

// The output of deflate may differ between releases of zlib, and encryption never writes the same bytes twice.
const repeatable = ENTRIES.filter(({ options }) => options.compress === false)

test.each(repeatable)(
  '"$name" is still written as it was, but for its random generation',
  ({ name, options, extensions, fields }) => {
    const written = createEntryCodec(options, extensions).encode(fields)
    expect(written.subarray(16).toString('hex')).toBe(stored(name).subarray(16).toString('hex'))
  },
)
