// docs/architecture.md and the pages of the rooms match the source tree: its picture, its imports, and every file that they name.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { subpaths } from '../../scripts/subpaths.js'
import { LAYERS, PROGRAMS, placeOf, ROOMS, readSources, roomOf } from './import-graph.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const read = (path: string) => readFileSync(join(root, path), 'utf8')

const modules = readSources()
const architecture = read('docs/architecture.md')
const roomPages = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((name) => /(^|\/)README\.md$/.test(name))
  .map((name) => join('src', name))

/** Files directly in flow/ form a room of their own. */
const CORE = 'core.ts'
const flowRooms = (ROOMS.flow ?? []).map((room) => (room === '' ? CORE : room))

describe('docs/architecture.md', () => {
  test('shows the layers and the rooms of flow from top to bottom, as they may import each other', () => {
    const picture = /^## The house\n.*?^```\n(.*?)^```/ms.exec(architecture)?.[1] ?? ''
    const folder = (name: string) => (name.endsWith('.ts') ? name : `${name}/`)
    const layers = [...LAYERS].reverse()
    const wanted = layers.flatMap((layer) => [layer, ...(layer === 'flow' ? [...flowRooms].reverse() : [])])
    const shown = [...picture.matchAll(/^ *│ +([\w-]+(?:\.ts|\/))/gm)].map(([, name]) => name)
    expect(shown).toEqual(wanted.map(folder))
    for (const subpath of [...subpaths, ...PROGRAMS]) expect(picture).toContain(`${subpath}/`)
  })

  test('has each import between two folders in its table, and no other', () => {
    expect(arrowsIn('folder')).toEqual(
      arrowsOf(({ path, files }) => files.map((file) => [placeOf(path), placeOf(file)])),
    )
  })

  test('has each import between two rooms of flow in its table, and no other', () => {
    const roomIn = (path: string) => (placeOf(path) === 'flow' ? roomOf(path) || CORE : undefined)
    const arrows = arrowsOf(({ path, files }) => files.map((file) => [roomIn(path), roomIn(file)]))
    expect(arrowsIn('room')).toEqual(arrows)
  })
})

describe('the pages of the rooms', () => {
  test('are there for every folder of src and for every room of flow', () => {
    const folders = [...LAYERS.filter((layer) => !layer.endsWith('.ts')), ...subpaths, ...PROGRAMS]
    const rooms = flowRooms.filter((room) => room !== CORE).map((room) => `flow/${room}`)
    const wanted = [...folders, ...rooms].map((folder) => `src/${folder}/README.md`)
    expect(wanted.filter((page) => !roomPages.includes(page))).toEqual([])
  })

  test('name only files and folders that exist, and so do the pages about the house', () => {
    const pages = [...roomPages, 'docs/architecture.md', 'docs/glossary.md', 'CONTRIBUTING.md']
    // The tables of the architecture page name rooms relative to src and to flow.
    const foldersOf = (page: string) => [dirname(page), '', 'src', 'src/flow']
    const missing = pages.flatMap((page) =>
      namedIn(read(page))
        .filter((name) => !foldersOf(page).some((folder) => existsSync(join(root, folder, name))))
        .map((name) => `${page} names ${name}`),
    )
    expect(missing).toEqual([])
  })

  test('these checks see a name', () => {
    const page = 'See `a.ts`, `b/c-d.test.ts` and `e/`, not `f()` nor [`g.ts`](g.ts).\n```\n`h.ts`\n```\n'
    expect(namedIn(page)).toEqual(['a.ts', 'b/c-d.test.ts', 'e/'])
  })
})

/** Files and folders in backticks. Links have their own check, and code blocks are skipped. */
function namedIn(page: string): string[] {
  const text = page.replaceAll(/^ *```.*?^ *```/gms, '').replaceAll(/\[[^\]]*\]\([^)]*\)/g, '')
  return [...text.matchAll(/`([\w./-]+(?:\.(?:ts|mjs|md)|\/))`/g)].map(([, name]) => name as string)
}

/** The rows of the table with this heading in its first column, as `from → to`. */
function arrowsIn(heading: string): string[] {
  const table =
    new RegExp(`^\\| ${heading} \\| imports \\|.*\\n.*\\n((?:\\|.*\\n)*)`, 'm').exec(architecture)?.[1] ?? ''
  const rows = table.split('\n').filter((row) => row !== '')
  return rows
    .flatMap((row) => {
      const [, from = '', to = ''] = row.split('|')
      return namesIn(to).map((name) => `${namesIn(from)[0]} → ${name}`)
    })
    .sort()
}

function namesIn(cell: string): string[] {
  return [...cell.matchAll(/`([^`]+?)\/?`/g)].map(([, name]) => name as string)
}

type Arrow = readonly [from: string | undefined, to: string | undefined]

function arrowsOf(of: (module: (typeof modules)[number]) => readonly Arrow[]): string[] {
  const arrows = modules.flatMap(of).filter(([from, to]) => from !== undefined && to !== undefined && from !== to)
  return [...new Set(arrows.map(([from, to]) => `${from} → ${to}`))].sort()
}
