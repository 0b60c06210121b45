// The docs match the code: they have every code and every export, and their links work.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { describe, expect, test } from 'vitest'
import { PAGES, RAW } from '../../scripts/repository.js'
import { entries } from '../../scripts/subpaths.js'
import { NOTICE_LEVELS } from '../../src/model/events/notices.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const read = (path: string) => readFileSync(join(root, path), 'utf8')
const markdown = (folder: string) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md') && !name.startsWith('node_modules'))
    .map((name) => join(folder, name))
const pages = ['README.md', 'CHANGELOG.md', 'CONTRIBUTING.md', 'SECURITY.md', ...markdown('docs')]
const roomPages = markdown('src')

const parse = (path: string) => ts.createSourceFile(path, read(path), ts.ScriptTarget.Latest, true)

/** The names that an entry exports, types included. */
function exportsOf(path: string): string[] {
  const names: string[] = []
  parse(path).forEachChild((each) => {
    if (ts.isExportDeclaration(each)) {
      expect(each.exportClause && ts.isNamedExports(each.exportClause), `${path} exports by name`).toBe(true)
      names.push(...(each.exportClause as ts.NamedExports).elements.map((element) => element.name.text))
    } else if (ts.isFunctionDeclaration(each) && each.modifiers?.[0]?.kind === ts.SyntaxKind.ExportKeyword) {
      names.push(each.name?.text ?? '')
    }
  })
  return names
}

describe('docs/errors.md', () => {
  test('has a section for every code, and none for a code that does not exist', () => {
    const codes: string[] = []
    parse('src/model/errors.ts').forEachChild((each) => {
      if (!ts.isTypeAliasDeclaration(each) || each.name.text !== 'CacheErrorCode' || !ts.isUnionTypeNode(each.type))
        return
      codes.push(...each.type.types.map((type) => type.getText().slice(1, -1)))
    })
    const documented = [...read('docs/errors.md').matchAll(/^### `([A-Z0-9_]+)`$/gm)].map(([, code]) => code)
    expect(codes.length).toBeGreaterThan(10)
    expect([...documented].sort()).toEqual([...codes].sort())
  })

  test('says for each what to do next', () => {
    const sections = read('docs/errors.md').split(/^### /m).slice(1)
    for (const section of sections) expect(section).toContain('**Next:**')
  })
})

describe('docs/api.md', () => {
  test('names every export of every entry', () => {
    const text = read('docs/api.md')
    for (const path of Object.values(entries())) {
      const names = exportsOf(path)
      expect(names.length).toBeGreaterThan(0)
      const missing = names.filter((name) => !new RegExp(`\\b${name}\\b`).test(text))
      expect(missing, `exports of ${path} that docs/api.md does not name`).toEqual([])
    }
  })
})

describe('docs/events.md', () => {
  const page = read('docs/events.md')

  test('has a row for every event, with all that it carries, and none for an event that does not exist', () => {
    const events = membersOf('src/model/events/events.ts', 'CacheEvents')
    const rows = new Map(rowsOf(page, 'event').map(([name = '', carries = '']) => [name.slice(1, -1), carries]))
    expect(events.size).toBeGreaterThan(15)
    expect([...rows.keys()].sort()).toEqual([...events.keys()].sort())
    for (const [name, properties] of events) {
      for (const property of properties)
        expect(rows.get(name), `${name} carries ${property}`).toContain(`\`${property}\``)
    }
  })

  test('has a row for every notice, with its level', () => {
    const documented = Object.fromEntries(rowsOf(page, 'code').map(([code = '', level]) => [code.slice(1, -1), level]))
    expect(documented).toEqual(NOTICE_LEVELS)
  })
})

test('every notice that the code reports has a level, and every level belongs to a notice', () => {
  const all = sources('src').filter((path) => !path.endsWith('model/events/notices.ts'))
  const text = all.map(read).join('\n')
  const reported = [...text.matchAll(/\b(?:notice|report)\(\s*(?:[^,'()]*\? )?'([A-Z0-9_]+)'(?: : '([A-Z0-9_]+)')?/g)]
  const codes = new Set(reported.flatMap(([, one, other]) => [one, other]).filter((code) => code !== undefined))
  expect(codes.size).toBeGreaterThan(3)
  const levels = Object.keys(NOTICE_LEVELS)
  const errors = [...read('docs/errors.md').matchAll(/^### `([A-Z0-9_]+)`$/gm)].map(([, code]) => code ?? '')
  for (const code of codes) expect([...levels, ...errors]).toContain(code)
  for (const code of levels) expect(text, `${code} is reported somewhere`).toContain(`'${code}'`)
})

describe('README.md', () => {
  const readme = read('README.md')

  test('has code on screen by its eighth line', () => {
    expect(readme.split('\n').slice(0, 8).join('\n')).toContain('```ts\n')
  })

  test('continues with what happens over time, when not to use the cache, and what it costs, in this order', () => {
    const headings = [...readme.matchAll(/^## (.*)$/gm)].map(([, heading]) => heading)
    expect(headings.slice(0, 3)).toEqual(['What happens over time', 'When not to use it', 'What it costs'])
  })

  test('installs the package, and closes what it opens, in its first lines', () => {
    const first = readme.split('\n').slice(0, 20).join('\n')
    expect(first).toContain('npm install tiercache')
    expect(first).toContain('.close()')
  })

  test('says how to try the demo and the tests', () => {
    for (const command of ['npm install && npm run demo', 'npm install && npm test']) expect(readme).toContain(command)
  })

  test('has only links that work outside the repository', () => {
    const inside = linksIn(readme).filter(([, target = '']) => !/^https:/.test(target))
    expect(inside.map(([link]) => link)).toEqual([])
  })
})

test('docs/index.md, from which the site takes its sidebar, has every page', () => {
  const listed = linksIn(read('docs/index.md')).map(([, target = '']) => join('docs', target))
  expect(listed.sort()).toEqual(
    markdown('docs')
      .filter((page) => page !== 'docs/index.md')
      .sort(),
  )
})

test('every link between the docs, and from the docs to code and tests, leads to an existing file and heading', () => {
  const broken: string[] = []
  for (const page of [...pages, ...roomPages]) {
    for (const [, link = '', anchor] of linksIn(read(page))) {
      const target = [PAGES, RAW].reduce((rest, start) => rest.replace(start, '/'), link)
      if (/^[a-z]+:/.test(target)) continue
      const path = target === '' ? page : target.startsWith('/') ? target.slice(1) : join(dirname(page), target)
      if (!existsSync(join(root, path))) broken.push(`${page} → ${path}`)
      else if (anchor !== undefined && !anchorsOf(path).has(anchor)) broken.push(`${page} → ${path}#${anchor}`)
    }
  }
  expect(broken).toEqual([])
})

test('no page refers to what is not in this repository', () => {
  const stray = [...pages, ...roomPages].filter((page) => /\bPEERS\b/.test(read(page)))
  expect(stray).toEqual([])
})

test('every guarantee links to the tests that prove it', () => {
  const sections = read('docs/guarantees.md')
    .split(/^## /m)
    .filter((section) => /^G\d+ /.test(section))
  expect(sections.map((section) => section.slice(0, section.indexOf(' ')))).toEqual(
    Array.from({ length: 11 }, (_, i) => `G${i + 1}`),
  )
  for (const section of sections) expect(section).toMatch(/\]\(\.\.\/test\//)
})

/** Links and pictures, as target and anchor. */
function linksIn(page: string): RegExpExecArray[] {
  return [...withoutCode(page).matchAll(/\]\(([^)#\s]*)(?:#([^)\s]*))?\)/g)]
}

/** The anchors that GitHub generates for the headings of a page. */
function anchorsOf(page: string): Set<string> {
  const headings = [...withoutCode(read(page)).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => heading)
  return new Set(
    headings.map((heading) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  )
}

function withoutCode(page: string): string {
  return page.replaceAll(/^ *```.*?^ *```/gms, '')
}

/** The members of an interface, with the properties that their types list. */
function membersOf(path: string, name: string): Map<string, string[]> {
  const members = new Map<string, string[]>()
  parse(path).forEachChild((each) => {
    if (!ts.isInterfaceDeclaration(each) || each.name.text !== name) return
    for (const member of each.members) {
      const properties: string[] = []
      const visit = (node: ts.Node): void => {
        if (ts.isPropertySignature(node)) properties.push(node.name.getText())
        else node.forEachChild(visit)
      }
      member.forEachChild(visit)
      members.set(member.name?.getText() ?? '', properties)
    }
  })
  return members
}

/** The cells of the rows of the table with this heading in its first column. */
function rowsOf(page: string, heading: string): string[][] {
  const table = page.split(/\n\n/).find((part) => part.startsWith(`| ${heading} |`)) ?? ''
  return table
    .split('\n')
    .slice(2)
    .map((row) =>
      row
        .split(/(?<!\\)\|/)
        .slice(1, -1)
        .map((cell) => cell.trim()),
    )
}

function sources(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(folder, name))
}
