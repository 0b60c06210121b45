// What the declarations export as values exists when the program runs, and nothing else does, in every entry, ESM and CommonJS.
import { join } from 'node:path'
import ts from 'typescript'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { entries } from '../../scripts/subpaths.js'
import { type Consumer, createConsumer } from '../support/consumer.js'

let consumer: Consumer
let program: ts.Program

/** What `tiercache/nestjs` imports. */
const NEST = ['@nestjs/common@12', '@nestjs/core@12', 'reflect-metadata', 'rxjs@7']

beforeAll(async () => {
  consumer = await createConsumer([inject('tarball'), 'ioredis@6', ...NEST, '@types/node@20'])
  program = declarations()
})

afterAll(() => consumer?.stop())

const names = Object.keys(entries())
const specifierOf = (name: string) => (name === 'index' ? 'tiercache' : `tiercache/${name}`)

/** The declarations of all entries, parsed once. */
function declarations(): ts.Program {
  const files = names.flatMap((name) => [fileOf(name, 'd.ts'), fileOf(name, 'd.cts')])
  return ts.createProgram(files, {
    module: ts.ModuleKind.Node16,
    moduleResolution: ts.ModuleResolutionKind.Node16,
    target: ts.ScriptTarget.ES2022,
    types: ['node'],
    typeRoots: [join(consumer.folder, 'node_modules/@types')],
  })
}

function fileOf(name: string, extension: 'd.ts' | 'd.cts'): string {
  return join(consumer.folder, `node_modules/tiercache/dist/${name}.${extension}`)
}

/** The names that a declaration file exports as values. */
function declaredValues(file: string): string[] {
  const checker = program.getTypeChecker()
  const source = program.getSourceFile(file)
  const module = source && checker.getSymbolAtLocation(source)
  if (module === undefined) throw new Error(`${file} is no module`)
  return checker
    .getExportsOfModule(module)
    .filter((exported) => !exported.declarations?.some((at) => ts.isExportSpecifier(at) && isTypeOnly(at)))
    .filter((exported) => {
      const isAlias = (exported.flags & ts.SymbolFlags.Alias) !== 0
      return ((isAlias ? checker.getAliasedSymbol(exported) : exported).flags & ts.SymbolFlags.Value) !== 0
    })
    .map(({ name }) => name)
    .sort()
}

function isTypeOnly(specifier: ts.ExportSpecifier): boolean {
  return specifier.isTypeOnly || specifier.parent.parent.isTypeOnly
}

test.each(names)('the ESM entry %s exports exactly the values that its declarations name', async (name) => {
  const text = `import * as all from '${specifierOf(name)}'; console.log(JSON.stringify(Object.keys(all)))`
  const exported: string[] = JSON.parse(await consumer.runProgram('exports.mjs', text))
  const declared = declaredValues(fileOf(name, 'd.ts'))
  // `ports` has types only.
  expect(declared.length > 0).toBe(name !== 'ports')
  expect(exported.filter((one) => one !== 'default').sort()).toEqual(declared)
})

test.each(names)('the CommonJS entry %s exports exactly the values that its declarations name', async (name) => {
  const text = `console.log(JSON.stringify(Object.keys(require('${specifierOf(name)}'))))`
  const exported: string[] = JSON.parse(await consumer.runProgram('exports.cjs', text))
  expect(exported.sort()).toEqual(declaredValues(fileOf(name, 'd.cts')))
})

test('the exported classes work with instanceof and injection and cannot be constructed with new', async () => {
  const text = `
    import { AfterCommit, Cache, createCache, Source } from 'tiercache'
    const cache = createCache()
    const made = [cache, cache.namespace('n'), cache.source('s', { load: () => 1 }), cache.afterCommit()]
    const is = made.map((one) => [Cache, Source, AfterCommit].map((type) => one instanceof type))
    const injected = new Map([[Cache, cache]]).get(Cache) === cache
    const refused = [Cache, Source, AfterCommit].map((type) => {
      try { new type() } catch (error) { return error.code + ' ' + error.message }
    })
    console.log(JSON.stringify({ is, injected, refused }))
    await cache.close()
  `
  expect(JSON.parse(await consumer.runProgram('classes.mjs', text))).toEqual({
    is: [
      [true, false, false],
      [true, false, false],
      [false, true, false],
      [false, false, true],
    ],
    injected: true,
    refused: [
      'INVALID_OPTION expected createCache(options); got new Cache(), which only the cache itself can call',
      'INVALID_OPTION expected cache.source(name, definition); got new Source(), which only the cache itself can call',
      'INVALID_OPTION expected cache.afterCommit(); got new AfterCommit(), which only the cache itself can call',
    ],
  })
})
