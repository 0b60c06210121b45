// The test for leaks notices a rule that is broken on purpose. The rules are replaced in this file alone.
import { afterEach, expect, test, vi } from 'vitest'
import { nodeAdapter } from './adapters/node.js'
import { findLeaks } from './leaks/run.js'

const broken = vi.hoisted(() => ({ rule: 'none' }))
afterEach(() => {
  broken.rule = 'none'
})

vi.mock('../../../src/http/rules/storable.js', async (load) => {
  const rules = await load<typeof import('../../../src/http/rules/storable.js')>()
  const refusalOf: typeof rules.refusalOf = (...asked) => {
    const refusal = rules.refusalOf(...asked)
    return refusal === broken.rule ? undefined : refusal
  }
  return { ...rules, refusalOf }
})

vi.mock('../../../src/http/storage/resource.js', async (load) => {
  const rules = await load<typeof import('../../../src/http/storage/resource.js')>()
  const resourceOf: typeof rules.resourceOf = (...asked) => {
    const resource = rules.resourceOf(...asked)
    if (typeof resource === 'string' || broken.rule !== 'per') return resource
    return { ...resource, key: resource.key.replace(/user:\w+/, 'user:') }
  }
  return { ...rules, resourceOf }
})

const REQUESTS = 400

test('with the rules as they are, nothing leaks', async () => {
  expect((await findLeaks(nodeAdapter, REQUESTS, 7)).leaks).toEqual([])
})

test.each([
  ['responses to credentials are stored', 'credentials'],
  ['private responses are stored for everybody', 'private'],
  ['the key lacks the user', 'per'],
])('it is noticed if %s', async (_, rule) => {
  broken.rule = rule
  expect((await findLeaks(nodeAdapter, REQUESTS, 7)).leaks).not.toEqual([])
})
