import { expect, test } from 'vitest'
import { isSchema } from '../../../src/model/values/schema.js'

const standard = { version: 1, vendor: 'test', validate: (value: unknown) => ({ value }) }

test('an object or a function with the property of Standard Schema is a schema', () => {
  expect(isSchema({ '~standard': standard })).toBe(true)
  expect(isSchema(Object.assign(() => {}, { '~standard': standard }))).toBe(true)
})

test.each([
  [undefined],
  [null],
  ['~standard'],
  [{}],
  [() => {}],
  [{ '~standard': null }],
  [{ '~standard': { ...standard, version: 2 } }],
  [{ '~standard': { ...standard, validate: true } }],
])('%o is not a schema', (value) => {
  expect(isSchema(value)).toBe(false)
})
