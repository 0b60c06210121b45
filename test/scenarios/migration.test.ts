// The programs in docs/migration, with the other package and with tiercache, print what their comments say.
import * as bentocache from 'bentocache'
import * as memoryDrivers from 'bentocache/drivers/memory'
import * as cacheManager from 'cache-manager'
import * as cacheable from 'cacheable'
import DataLoader from 'dataloader'
import * as keyv from 'keyv'
import * as tiercache from 'tiercache'
import { expect, test } from 'vitest'
import { runGuide } from '../support/guide.js'

const modules = {
  ...{ tiercache, bentocache, 'bentocache/drivers/memory': memoryDrivers, cacheable, keyv },
  ...{ 'cache-manager': cacheManager, dataloader: DataLoader },
}

test.each(['bentocache', 'cache-manager', 'cacheable', 'dataloader'])(
  'the programs before and after a migration from %s do what their comments say',
  async (name) => {
    const before = await runGuide(`../migration/${name}`, modules, { esModuleInterop: true }, 'js')
    expect(before.printed).toEqual(before.promised)
    const after = await runGuide(`../migration/${name}`, modules, { esModuleInterop: true })
    expect(after.printed).toEqual(after.promised)
    expect(after.promised).toEqual(before.promised)
  },
)
