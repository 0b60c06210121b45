// The architecture of docs/architecture.md as a test: layers, no cycles, and which part may use which package.

import { readFileSync } from 'node:fs'
import ts from 'typescript'
import { describe, expect, test } from 'vitest'
import { BUNDLED } from '../../scripts/bundled.js'
import { subpaths } from '../../scripts/subpaths.js'
import {
  findCycles,
  findWrongImports,
  LAYERS,
  PROGRAMS,
  parseModule,
  placeOf,
  ROOMS,
  readSources,
  roomOf,
  visit,
} from './import-graph.js'

const modules = readSources()
const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
const isCore = (path: string) => (LAYERS as readonly string[]).includes(placeOf(path))
const packageName = (specifier: string) => /^(@[^/]+\/)?[^/]+/.exec(specifier)?.[0] ?? specifier

describe('the source tree', () => {
  test('has sources to check', () => {
    expect(modules.length).toBeGreaterThan(0)
  })

  test('imports point down or stay in their room, and no file imports a subpath', () => {
    expect(findWrongImports(modules)).toEqual([])
  })

  test('has no import cycle, type imports included', () => {
    expect(findCycles(modules)).toEqual([])
  })

  test('every import names a file that exists', () => {
    const paths = new Set(modules.map(({ path }) => path))
    expect(modules.flatMap(({ files }) => files).filter((file) => !paths.has(file))).toEqual([])
  })

  test('every file is in a layer, or in the folder of a subpath or of a program', () => {
    const places = new Set<string>([...LAYERS, ...subpaths, ...PROGRAMS])
    expect(modules.map(({ path }) => path).filter((path) => !places.has(placeOf(path)))).toEqual([])
  })

  test('every file of a folder with rooms is in one of them, and no room is empty', () => {
    const rooms = new Set(modules.map(({ path }) => `${placeOf(path)}/${roomOf(path)}`))
    for (const [place, names] of Object.entries(ROOMS)) {
      const there = [...rooms].filter((room) => room.startsWith(`${place}/`)).sort()
      expect(there).toEqual(names.map((name) => `${place}/${name}`).sort())
    }
  })

  test('an index exists exactly where package.json#exports points', () => {
    const indexes = modules.map(({ path }) => path).filter((path) => /(^|\/)index\.ts$/.test(path))
    expect(indexes.sort()).toEqual(['index.ts', ...subpaths.map((name) => `${name}/index.ts`)].sort())
  })

  test('the model imports nothing but itself and modules of Node', () => {
    const model = modules.filter(({ path }) => placeOf(path) === 'model')
    expect(model.flatMap(({ packages }) => packages).filter((name) => !name.startsWith('node:'))).toEqual([])
  })

  test('the core imports only the runtime dependencies and what is bundled, subpaths also the peers', () => {
    const dependencies = [...Object.keys(manifest.dependencies), ...BUNDLED]
    const peers = Object.keys(manifest.peerDependencies)
    const foreign = modules.flatMap(({ path, packages }) => {
      const allowed = new Set(isCore(path) ? dependencies : [...dependencies, ...peers])
      const others = packages.filter((name) => !name.startsWith('node:') && !allowed.has(packageName(name)))
      return others.map((name) => `${path} → ${name}`)
    })
    expect(foreign).toEqual([])
  })

  test('writes nothing to the console', () => {
    expect(filesWith((node) => ts.isIdentifier(node) && node.text === 'console')).toEqual([])
  })

  test('calls timers and ticks as imported from Node, never the globals that fake timers replace', () => {
    const users = modules.filter(({ tree }) => usesGlobalTimers(tree)).map(({ path }) => path)
    expect(users).toEqual(['model/time/real-timers.ts'])
  })

  test('has no default export, enum or namespace', () => {
    const banned = filesWith(
      (node) =>
        ts.isExportAssignment(node) ||
        (node.kind === ts.SyntaxKind.DefaultKeyword && node.parent.kind !== ts.SyntaxKind.DefaultClause) ||
        ts.isEnumDeclaration(node) ||
        ts.isModuleDeclaration(node),
    )
    expect(banned).toEqual([])
  })
})

describe('the checks of this file', () => {
  test('find every kind of import', () => {
    const seen = parseModule(
      'cache/a.ts',
      `import './b.js'; import type { C } from '../model/c.js'; export * from '../d.js'
       export type { E } from './e.js'; const f = () => import('ioredis'); type G = import('./g/h.js').H`,
    )
    expect(seen.files).toEqual(['cache/b.ts', 'model/c.ts', 'd.ts', 'cache/e.ts', 'cache/g/h.ts'])
    expect(seen.packages).toEqual(['ioredis'])
  })

  test('find a cycle of type imports', () => {
    const knot = [
      parseModule('model/a.ts', "import type { B } from './b.js'"),
      parseModule('model/b.ts', "import type { C } from './c.js'"),
      parseModule('model/c.ts', "import type { A } from './a.js'"),
      parseModule('model/d.ts', "import { A } from './a.js'"),
    ]
    expect(findCycles(knot)).toEqual([['model/a.ts', 'model/b.ts', 'model/c.ts', 'model/a.ts']])
  })

  test('report a global timer and accept an imported one', () => {
    const uses = (text: string) => usesGlobalTimers(parseModule('model/a.ts', text).tree)
    expect(uses('setTimeout(() => {}, 1)')).toBe(true)
    expect(uses('process.nextTick(() => {})')).toBe(true)
    expect(uses('const nowMs = performance.now()')).toBe(true)
    expect(uses("import { setTimeout } from './real-timers.js'; setTimeout(() => {}, 1)")).toBe(false)
    expect(uses("import { performance } from 'node:perf_hooks'; performance.now()")).toBe(false)
    expect(uses('const clock = { setTimeout: 1 }; clock.setTimeout')).toBe(false)
  })

  test('report imports that point up or into a subpath', () => {
    const wrong = [
      parseModule('model/a.ts', "import { x } from '../flow/x.js'"),
      parseModule('flow/b.ts', "import type { x } from '../redis/x.js'; import { y } from '../model/y.js'"),
      parseModule('redis/c.ts', "import { x } from '../testing/x.js'; import { y } from '../codec/y.js'"),
      parseModule('cache/d.ts', "import { x } from '../index.js'"),
    ]
    expect(findWrongImports(wrong)).toEqual([
      'model/a.ts → flow/x.ts',
      'flow/b.ts → redis/x.ts',
      'redis/c.ts → testing/x.ts',
      'cache/d.ts → index.ts',
    ])
  })

  test('report what a program imports beside the public entries', () => {
    const wrong = [
      parseModule('cli/commands/a.ts', "import { x } from '../../index.js'; import { y } from '../../redis/index.js'"),
      parseModule('cli/b.ts', "import { x } from '../redis/options.js'; import { y } from '../model/y.js'"),
      parseModule('redis/c.ts', "import { x } from '../cli/run.js'"),
    ]
    expect(findWrongImports(wrong)).toEqual([
      'cli/b.ts → redis/options.ts',
      'cli/b.ts → model/y.ts',
      'redis/c.ts → cli/run.ts',
    ])
  })

  test('report imports that point up between the rooms of a folder', () => {
    const wrong = [
      parseModule('flow/tokens/a.ts', "import { x } from '../read/x.js'; import { y } from '../runtime/y.js'"),
      parseModule('flow/core.ts', "import { x } from './sync/x.js'; import { y } from './load/y.js'"),
      parseModule('flow/load/b.ts', "import { x } from './x.js'; import { y } from './inner/y.js'"),
    ]
    expect(findWrongImports(wrong)).toEqual([
      'flow/tokens/a.ts → flow/read/x.ts',
      'flow/core.ts → flow/load/y.ts',
      'flow/load/b.ts → flow/load/inner/y.ts',
    ])
  })
})

const FAKEABLE = new Set([
  ...['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'setImmediate', 'clearImmediate'],
  ...['queueMicrotask', 'performance', 'process.nextTick', 'process.hrtime'],
])

/** Whether a module uses a timer that it neither imports nor declares. */
function usesGlobalTimers(tree: ts.Node): boolean {
  const declared = new Set<string>()
  const used: string[] = []
  visit(tree, (node) => {
    if (ts.isImportSpecifier(node) || ts.isBindingElement(node) || ts.isVariableDeclaration(node)) {
      declared.add(node.name.getText())
    } else if (ts.isPropertyAccessExpression(node)) {
      used.push(node.getText(), node.expression.getText())
    } else if (ts.isCallExpression(node)) used.push(node.expression.getText())
  })
  return used.some((name) => FAKEABLE.has(name) && !declared.has(name))
}

function filesWith(matches: (node: ts.Node) => boolean): string[] {
  return modules
    .filter(({ tree }) => {
      let found = false
      visit(tree, (node) => {
        found ||= matches(node)
      })
      return found
    })
    .map(({ path }) => path)
}
