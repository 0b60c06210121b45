// The same source type-checks with TC39 and with legacy decorators.
import { expect, test } from 'vitest'
import { DECORATOR_STANDARDS, typeErrors } from '../support/compiled.js'

const files = ['../types/decorators.test-d.ts', '../unit/decorators/fixtures/classes.ts'].map(
  (file) => new URL(file, import.meta.url),
)

test.each(DECORATOR_STANDARDS)('the decorators type-check as $standard', ({ compilerOptions }) => {
  expect(typeErrors(files, compilerOptions)).toEqual([])
})

test('the NestJS application type-checks as its users compile it', () => {
  const app = new URL('../scenarios/fixtures/nest-app.ts', import.meta.url)
  expect(typeErrors([app], { experimentalDecorators: true, emitDecoratorMetadata: true })).toEqual([])
})
