import { describe, expect, test } from 'vitest'
import { table } from '../../../src/cli/output/table.js'
import { nameText, plural, safeText, sizeText, spanText } from '../../../src/cli/output/text.js'

describe('the name of a key or tag', () => {
  test.each([
    ['user:1', 'user:1'],
    ['größe/✓', 'größe/✓'],
    ['', '""'],
    ['two words', '"two words"'],
    ['a,b', '"a,b"'],
    ['say "hi"', '"say \\"hi\\""'],
    ['line\nbreak', '"line\\nbreak"'],
    ['\u001b[2Jgone', '"\\u001b[2Jgone"'],
    ['right\u202eleft', '"right\\u{202e}left"'],
    ['\ud800', '"\\ud800"'],
  ])('%j is shown as %s', (name, shown) => {
    expect(nameText(name)).toBe(shown)
  })

  test('is cut when it is long', () => {
    expect(nameText('x'.repeat(1_000))).toBe(`${'x'.repeat(200)}…`)
  })
})

test('a text of a server is one line that cannot steer a terminal', () => {
  expect(safeText('ERR a\r\n  b\u001b[31m\u2028c')).toBe('ERR a b\\u{1b}[31m\\u{2028}c')
})

test.each([
  [0, '0 ms'],
  [999.4, '999 ms'],
  [1_500, '1.5 s'],
  [59_000, '59 s'],
  [600_000, '10 min'],
  [7_200_000, '2 h'],
  [172_800_000, '2 d'],
  [Number.POSITIVE_INFINITY, 'for ever'],
])('%d ms is shown as %s', (ms, shown) => {
  expect(spanText(ms)).toBe(shown)
})

test.each([
  [512, '512 B'],
  [1_536, '1.5 KB'],
  [12 * 1024 ** 2, '12 MB'],
  [3 * 1024 ** 4, '3.0 TB'],
])('%d bytes are shown as %s', (bytes, shown) => {
  expect(sizeText(bytes)).toBe(shown)
})

test('a count agrees with its word', () => {
  expect([plural(1, 'key'), plural(1_234, 'key'), plural(2, 'entry', 'entries')]).toEqual([
    '1 key',
    '1,234 keys',
    '2 entries',
  ])
})

test('columns are aligned, numbers to the right, and no line ends with a space', () => {
  const rows = [
    ['name', 'count', 'note'],
    ['a', '12', ''],
    ['longer', '1,234', 'x'],
  ]
  expect(table(rows, { right: [1], indent: '  ' })).toBe('  name    count  note\n  a          12\n  longer  1,234  x')
})
