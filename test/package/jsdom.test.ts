// The built core in a realm like a browser's, as in Jest's jsdom environment: a window that lacks much of what Node has.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { type Context, Script } from 'node:vm'
import { JSDOM } from 'jsdom'
import { expect, inject, test } from 'vitest'

const MISSING = ['TextEncoder', 'TextDecoder', 'setImmediate', 'structuredClone', 'BroadcastChannel'] as const

/** Runs a file of the package and the files that it requires in the realm of a window. Modules of Node come from outside, as in Jest. */
function requireIn(realm: Context, file: string, loaded = new Map<string, { exports: unknown }>()): unknown {
  const known = loaded.get(file)
  if (known !== undefined) return known.exports
  const module = { exports: {} }
  loaded.set(file, module)
  const outside = createRequire(file)
  const inside = (specifier: string): unknown => {
    const resolved = outside.resolve(specifier)
    return resolved.startsWith('/') ? requireIn(realm, resolved, loaded) : outside(specifier)
  }
  const wrapped = `(function (exports, require, module) {${readFileSync(file, 'utf8')}\n})`
  new Script(wrapped, { filename: file }).runInContext(realm)(module.exports, inside, module)
  return module.exports
}

test('the core is imported and used in a window without TextEncoder, setImmediate and the like', async () => {
  const dom = new JSDOM('', { runScripts: 'outside-only' })
  const { window } = dom
  Object.assign(window, { process, Buffer })
  for (const name of MISSING) expect(window).not.toHaveProperty(name)
  const core = requireIn(
    dom.getInternalVMContext(),
    join(inject('builtPackage'), 'dist/index.cjs'),
  ) as typeof import('tiercache')
  const cache = core.createCache({ ttl: '1m' })
  let loads = 0
  const load = () => ({ id: ++loads })
  const caller = new window.AbortController()
  const read = () => cache.getOrSet('user:1', load, { signal: caller.signal, tags: ['t'] })
  expect([(await read()).id, (await read()).id]).toEqual([1, 1])
  expect(await cache.invalidateTags('t')).toBe('applied')
  expect((await read()).id).toBe(2)
  caller.abort()
  await expect(cache.getOrSet('other', load, { signal: caller.signal })).rejects.toMatchObject({
    name: 'AbortError',
  })
  await cache.close()
})
