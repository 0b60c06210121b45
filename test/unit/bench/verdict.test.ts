// The verdict of bench:check, on costs that vary as they do on a machine that also does other things.
import { describe, expect, test } from 'vitest'
import { FEWEST_LAUNCHES, judge, MOST_LAUNCHES, typicalOf } from '../../../bench/harness/verdict.js'
import { mulberry32 } from '../../support/random.js'

/** Launches until the verdict is sure, each off by up to `noise` either way. */
function launched(multiple: number, noise: number, random: () => number): { verdict: string; launches: number } {
  const multiples: number[] = []
  for (;;) {
    multiples.push(multiple * Math.exp((random() * 2 - 1) * noise))
    const verdict = judge(multiples)
    if (verdict !== 'unsure') return { verdict, launches: multiples.length }
  }
}

describe('the verdict of bench:check', () => {
  const random = mulberry32(7)

  test.each([0.02, 0.06, 0.12])('a third more is worse and the same cost is the same, with noise of %s', (noise) => {
    for (let i = 0; i < 500; i++) {
      expect(launched(4 / 3, noise, random).verdict).toBe('worse')
      expect(launched(1, noise, random).verdict).toBe('same')
    }
  })

  test('a smaller cost is never worse', () => {
    for (let i = 0; i < 500; i++) expect(launched(0.7, 0.25, random).verdict).toBe('same')
  })

  test('it takes few launches when they agree, more when they do not, and ends', () => {
    expect(launched(1, 0.01, random).launches).toBe(FEWEST_LAUNCHES)
    const scattered = [1, 1.4, 1, 1.4, 1, 1.4, 1, 1.4]
    expect(judge(scattered.slice(0, 4))).toBe('unsure')
    expect(scattered).toHaveLength(MOST_LAUNCHES)
    expect(judge(scattered)).toBe('worse')
  })

  test('a library that fails in two launches is worse, and one failure is no verdict', () => {
    expect(judge([Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY])).toBe('worse')
    expect(judge([1, 1, Number.POSITIVE_INFINITY])).toBe('unsure')
    expect(judge([1, 1, Number.POSITIVE_INFINITY, 1])).toBe('same')
  })

  test('the typical multiple is the geometric mean', () => {
    expect(typicalOf([0.5, 2])).toBeCloseTo(1)
  })
})
