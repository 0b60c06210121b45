// No answer for one user ever reaches another. `npm run http:leaks` sends many more requests.
import { expect, test } from 'vitest'
import { adapters } from './adapters/all.js'
import { findLeaks } from './leaks/run.js'

test.each(adapters)('$name: 0 leaks between users in random requests', async (adapter) => {
  const { hits, leaks } = await findLeaks(adapter, 800, 7)
  expect(leaks).toEqual([])
  expect(hits).toBeGreaterThan(40)
})
