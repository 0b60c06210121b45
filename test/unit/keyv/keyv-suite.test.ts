// The public suite for stores of Keyv (`@keyv/test-suite`). Its part about iterators is left out: a cache shared with other processes cannot list its keys.
import { keyvApiTests, keyvNamespaceTest, keyvValueTests } from '@keyv/test-suite'
import Keyv from 'keyv'
import { createCache } from 'tiercache'
import { keyvStore } from 'tiercache/keyv'
import * as vitest from 'vitest'

const cache = createCache({ logger: false, ttl: '1h' })
const opts: Record<string, unknown> = {}

/** A store as a process has it: each test begins without the misses of the one before. */
const store = () => Object.assign(keyvStore(cache.namespace('keyv')), { opts })

vitest.describe('the API', () => keyvApiTests(vitest as never, Keyv, store as never))
vitest.describe('values', () => keyvValueTests(vitest as never, Keyv, store as never))
vitest.describe('namespaces', () => keyvNamespaceTest(vitest as never, Keyv, store as never))

vitest.afterAll(() => cache.close())
