// What the compiler says of a common mistake is short: it names the option or argument, and there are at most four levels
// to read below the line of an overload.
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { errorsOfText } from '../support/compiled.js'
import { BEFORE, MISTAKES } from './mistakes.js'

const LEVELS = 4

const names = Object.keys(MISTAKES)
const text = BEFORE + names.map((name) => `{ ${MISTAKES[name]} }\n`).join('')
const firstLine = BEFORE.split('\n').length
const errors = errorsOfText(fileURLToPath(new URL('all-mistakes.ts', import.meta.url)), text)

describe.each(names)('the error of %s', (name) => {
  const own = errors.filter(({ line }) => line === firstLine + names.indexOf(name))

  test('is there', () => {
    expect(own).not.toEqual([])
  })

  test('has at most four levels', () => {
    for (const { message } of own) expect(levelsOf(message), message).toBeLessThanOrEqual(LEVELS)
  })
})

/** The compiler indents each level by two spaces. Where a method has overloads, two levels only say so. */
function levelsOf(message: string): number {
  const levels = Math.max(...message.split('\n').map((line) => 1 + (line.length - line.trimStart().length) / 2))
  return message.startsWith('No overload') ? levels - 2 : levels
}
