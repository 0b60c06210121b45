// The pages of docs/migration, run with the other package and with this one: each line prints what its comment promises.
import * as bentocache from 'bentocache'
import * as bentoMemory from 'bentocache/drivers/memory'
import * as cacheManager from 'cache-manager'
import * as cacheable from 'cacheable'
import dataloader from 'dataloader'
import * as tiercache from 'tiercache'
import * as tiercacheTesting from 'tiercache/testing'
import { expect, test } from 'vitest'
import { runGuide } from '../support/guide.js'

const MODULES = {
  tiercache,
  'tiercache/testing': tiercacheTesting,
  bentocache,
  'bentocache/drivers/memory': bentoMemory,
  'cache-manager': cacheManager,
  cacheable,
  dataloader: { __esModule: true, default: dataloader },
}

test.each(['cache-manager', 'bentocache', 'cacheable', 'dataloader'])('from %s', async (name) => {
  const { promised, printed } = await runGuide(`../migration/${name}`, MODULES)
  expect(promised.length).toBeGreaterThan(6)
  expect(printed).toEqual(promised)
})
