import { describe, expect, test } from 'vitest'
import { CacheError } from '../../../src/model/errors.js'
import { type Duration, parseDuration, toMs } from '../../../src/model/options/duration.js'

const refused = (value: unknown, rule?: 'positive' | 'zero-ok') => () => toMs(value as Duration, 'ttl', rule)

describe('a duration', () => {
  test.each<[Duration, number]>([
    [250, 250],
    ['250ms', 250],
    ['30s', 30_000],
    ['5m', 300_000],
    ['2h', 7_200_000],
    ['7d', 604_800_000],
    ['1.5s', 1_500],
    ['.5s', 500],
    ['0.07s', 70],
    ['1.1s', 1_100],
    ['0s', 0],
    [0, 0],
    [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY],
    [`${Number.POSITIVE_INFINITY}m`, Number.POSITIVE_INFINITY],
    [`${1e-7}d`, 9],
    [`${1e21}ms`, 1e21],
  ])('%s is %d ms', (written, ms) => {
    expect(toMs(written, 'ttl')).toBe(ms)
  })

  test('is whole milliseconds, and what is above 0 never becomes 0', () => {
    expect(toMs('1.6ms', 'ttl')).toBe(2)
    expect(toMs('0.2ms', 'ttl')).toBe(1)
    expect(toMs(0.001, 'ttl')).toBe(1)
  })

  test('of -0 is plain 0', () => {
    expect(toMs(-0, 'ttl')).toBe(0)
  })

  test.each([
    ['5 minutes'],
    [''],
    ['5'],
    ['5 m'],
    ['5M'],
    ['-5m'],
    ['1e3s'],
    ['-Infinityms'],
    ['NaNs'],
    ['5m\n'],
    ['１s'],
    [Number.NaN],
    [-1],
    [Number.NEGATIVE_INFINITY],
    [undefined],
    [null],
    [true],
    [5n],
    [new Date()],
    [{ valueOf: () => 5 }],
  ])('is not %s', (value) => {
    expect(refused(value)).toThrow(CacheError)
    expect(refused(value)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }))
  })

  test('that must be positive is not 0', () => {
    expect(refused(0, 'positive')).toThrow(/ttl must be a duration above 0/)
    expect(refused('0ms', 'positive')).toThrow(CacheError)
    expect(toMs('1ms', 'ttl', 'positive')).toBe(1)
  })

  test('that is refused is reported with the option, the expected form and the given value', () => {
    expect(refused('5 minutes')).toThrow(
      /^ttl must be a duration of 0 or more: milliseconds as a number, or a number with ms, s, m, h or d, such as '5m'; got "5 minutes"\. Did you mean '5m'\?$/,
    )
  })

  test.each([
    ['5min', "'5m'"],
    ['5 Minutes', "'5m'"],
    ['30 sec', "'30s'"],
    ['1.5 hours', "'1.5h'"],
    ['250msec', "'250ms'"],
    ['2 weeks', "'14d'"],
    ['5M', "'5m'"],
    ['5 m', "'5m'"],
    ['300', "300 (milliseconds) or '300s'"],
  ])('that is written as %j is refused with what was probably meant', (written, meant) => {
    expect(refused(written)).toThrow(`Did you mean ${meant}?`)
  })

  test.each([['soon'], ['5 parsecs'], [''], ['minutes'], ['-5m']])(
    'that is written as %j has no suggestion',
    (written) => {
      expect(refused(written)).not.toThrow(/Did you mean/)
    },
  )
})

describe('parseDuration', () => {
  test.each([
    ['5m', 300_000],
    ['250ms', 250],
    ['1.5h', 5_400_000],
    ['300000', 300_000],
    ['0.5', 1],
    ['.5s', 500],
    ['0', 0],
    ['Infinity', Number.POSITIVE_INFINITY],
  ])('takes the text %j, which is %d ms', (text, ms) => {
    expect(parseDuration(text)).toBe(ms)
  })

  test.each([
    ['5 m'],
    [' 5m'],
    ['5m\n'],
    [''],
    ['-1'],
    ['1e3'],
    ['0x10'],
    ['NaN'],
    ['-Infinity'],
    ['infinity'],
    ['never'],
    [undefined],
    [null],
    [300_000],
    [new String('5m')],
  ])('refuses %j', (text) => {
    expect(() => parseDuration(text as string)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }))
  })

  test('names what has the wrong value, and says what is expected and what was given', () => {
    expect(() => parseDuration('5 minutes', 'CACHE_TTL')).toThrow(
      "CACHE_TTL must be a duration: a number with ms, s, m, h or d, such as '5m', a number of milliseconds, such as '300000', or 'Infinity'; " +
        'got "5 minutes"',
    )
    expect(() => parseDuration('soon')).toThrow(/^the duration must be/)
  })

  test('returns what the option ttl takes', () => {
    expect(toMs(parseDuration('90s'), 'ttl')).toBe(90_000)
  })
})
