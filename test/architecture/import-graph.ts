// Reads src/ with the TypeScript parser: which file imports which, types included, and which imports break the rules.

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { entries, programs } from '../../scripts/subpaths.js'

/** A source file, with its path relative to src/ and `/` as separator. */
export interface SourceModule {
  readonly path: string
  readonly tree: ts.SourceFile
  /** Imported files of src/ by path, type imports included. */
  readonly files: readonly string[]
  /** Other imported names, such as `node:fs` or `lru-cache`. */
  readonly packages: readonly string[]
}

const SRC = fileURLToPath(new URL('../../src', import.meta.url))

export function readSources(): SourceModule[] {
  const names = existsSync(SRC) ? (readdirSync(SRC, { recursive: true }) as string[]) : []
  return names
    .filter((name) => name.endsWith('.ts'))
    .sort()
    .map((name) => parseModule(name.split(sep).join('/'), readFileSync(join(SRC, name), 'utf8')))
}

export function parseModule(path: string, text: string): SourceModule {
  const tree = ts.createSourceFile(path, text, ts.ScriptTarget.ES2022, true)
  const specifiers = importsOf(tree)
  const relative = specifiers.filter((specifier) => specifier.startsWith('.'))
  return {
    path,
    tree,
    files: relative.map((specifier) => normalize(join(dirname(path), specifier)).replace(/\.js$/, '.ts')),
    packages: specifiers.filter((specifier) => !specifier.startsWith('.')),
  }
}

/** Every module name in `import`, `export … from`, `import()`, `import type` and `import('x').T`. */
function importsOf(tree: ts.SourceFile): string[] {
  const found = new Set<string>()
  visit(tree, (node) => {
    if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) add(node.moduleSpecifier)
    else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) add(node.arguments[0])
    else if (ts.isCallExpression(node) && node.expression.getText() === 'require') add(node.arguments[0])
    else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) add(node.argument.literal)
  })
  return [...found]

  function add(specifier: ts.Node | undefined): void {
    if (specifier !== undefined && ts.isStringLiteralLike(specifier)) found.add(specifier.text)
  }
}

export function visit(node: ts.Node, see: (node: ts.Node) => void): void {
  see(node)
  ts.forEachChild(node, (child) => visit(child, see))
}

/** Import cycles, each as the files of one loop. Empty if there is none. */
export function findCycles(modules: readonly SourceModule[]): string[][] {
  const imports = new Map(modules.map(({ path, files }) => [path, files]))
  const done = new Set<string>()
  const cycles: string[][] = []
  for (const { path } of modules) walk(path, [])
  return cycles

  function walk(path: string, trail: readonly string[]): void {
    const loop = trail.indexOf(path)
    if (loop >= 0) cycles.push([...trail.slice(loop), path])
    if (loop >= 0 || done.has(path)) return
    for (const next of imports.get(path) ?? []) walk(next, [...trail, path])
    done.add(path)
  }
}

/** From the bottom up: a place may import itself and what is left of it. */
export const LAYERS = ['model', 'codec', 'bus', 'tiers', 'flow', 'cache', 'create-cache.ts', 'index.ts'] as const

/** The rooms of a folder in the same order; `''` is the folder itself. */
export const ROOMS: Readonly<Record<string, readonly string[]>> = {
  model: ['text', '', 'time', 'values', 'keys', 'events', 'options'],
  codec: ['payload', 'envelope', ''],
  flow: [
    'events',
    'runtime',
    'tokens',
    'flights',
    'state',
    'sync',
    '',
    'entries',
    'leases',
    'load',
    'read',
    'streams',
    'write',
    'update',
  ],
  cache: ['registry', 'request-scope', 'explain', 'warm', 'wrap', 'source', ''],
  testing: ['memory', 'conformance', 'conformance/store', ''],
  redis: ['client', 'server', 'connection', 'adapters', 'store', 'bus', 'mock', ''],
  devtools: ['view', 'http', ''],
  http: [
    ...['rules', 'storage', 'exchange'],
    ...['adapters/node', 'adapters/common', 'adapters/fastify', 'adapters/hono', 'adapters/koa', 'adapters', ''],
  ],
  sql: ['statements', 'core', 'postgres', 'kysely', ''],
  semantic: ['guard', 'indexes', ''],
  cli: ['output', 'connection', 'checks', 'commands', 'devtools', ''],
}

/** Folders of programs: they import the public entries and nothing else of src/. */
export const PROGRAMS: readonly string[] = Object.values(programs)

/** Subpaths that build on another one, by its public entry. */
const STANDS_ON: Readonly<Record<string, readonly string[]>> = { nestjs: ['http/index.ts'] }

const PUBLIC_ENTRIES: readonly string[] = Object.values(entries()).map((source) => source.replace(/^src\//, ''))

/** The folder of a file, or the name of a file directly in src/. */
export const placeOf = (path: string): string => path.split('/')[0] as string

/** The room of a file in its folder; `''` for a file directly in the folder. */
export const roomOf = (path: string): string => path.split('/').slice(1, -1).join('/')

/** Imports that point up or into the folder of a subpath, as `a → b`. */
export function findWrongImports(modules: readonly SourceModule[]): string[] {
  return modules.flatMap(({ path, files }) =>
    files.filter((file) => !mayImport(path, file)).map((file) => `${path} → ${file}`),
  )
}

function mayImport(path: string, file: string): boolean {
  const [from, to] = [placeOf(path), placeOf(file)]
  if (PROGRAMS.includes(from) && from !== to) return PUBLIC_ENTRIES.includes(file)
  if (STANDS_ON[from]?.includes(file)) return true
  return from === to ? isBelow(ROOMS[from] ?? [''], roomOf(file), roomOf(path)) : mayImportPlace(from, to)
}

function isBelow(rooms: readonly string[], lower: string, upper: string): boolean {
  return rooms.includes(lower) && rooms.indexOf(lower) <= rooms.indexOf(upper)
}

/** Subpaths are beside the layers: they may import all layers, and no file outside may import them. */
function mayImportPlace(from: string, to: string): boolean {
  const layers: readonly string[] = LAYERS
  if (!layers.includes(to)) return false
  return !layers.includes(from) || layers.indexOf(to) < layers.indexOf(from)
}
