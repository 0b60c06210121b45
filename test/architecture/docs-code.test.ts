// Every TypeScript example of the docs compiles, as part of one program per page.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { expect, test } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))
const contextFile = fileURLToPath(new URL('docs-context.ts', import.meta.url))
const context = Array.from(
  readFileSync(contextFile, 'utf8').matchAll(/^export (?:declare )?(const|function|interface) (\w+)/gm),
  ([, kind, name]) => (kind === 'interface' ? `type ${name}` : name),
)
const takeForGranted = `import { ${context.join(', ')} } from './docs-context.js'`

const pages = [
  'README.md',
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name)),
]

function readPage(page: string): string {
  return readFileSync(join(root, page), 'utf8')
}

/**
 * The examples of a page as one program, line for line, so that an error has the line number of the page. Each example sees what
 * earlier ones declare, and may declare it again. `undefined` without examples. Parts of the demo are checked with the demo.
 */
function toProgram(text: string, language = 'ts'): string | undefined {
  const imports = [takeForGranted]
  const lines: string[] = []
  let state: 'text' | 'code' | 'other code' = 'text'
  let depth = 0
  for (const line of text.split('\n')) {
    const fence = /^\s*```(\w*)$/.exec(line)
    if (fence !== null && state === 'text') {
      const isCode = fence[1] === language && !lines.at(-1)?.startsWith('// demo/')
      state = isCode ? 'code' : 'other code'
      if (isCode) depth++
      lines.push(isCode ? '{' : '')
    } else if (fence !== null) {
      state = 'text'
      lines.push('')
    } else if (state === 'code' && line.startsWith('import ')) {
      imports.push(line.replace(/\/\/.*/, ''))
      lines.push('')
    } else if (state === 'code') lines.push(line)
    else lines.push(line.startsWith('<!-- demo/') ? `// ${line.slice(5)}` : '')
  }
  if (depth === 0) return undefined
  // The first line of a page is its title.
  lines[0] = `${imports.join('; ')}; export async function page() {`
  return `${lines.join('\n')}${'}'.repeat(depth + 1)}`
}

/** The programs of all pages that have examples, by page. */
function programsIn(language: string): Map<string, string> {
  const programs = new Map<string, string>()
  for (const page of pages) {
    const program = toProgram(readPage(page), language)
    if (program !== undefined) programs.set(page, program)
  }
  return programs
}

/** The errors of the compiler in these programs, as `page:line message`. */
function typeErrors(programs: ReadonlyMap<string, string>, compilerOptions: ts.CompilerOptions = {}): string[] {
  const config = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile).config
  const { options } = ts.parseJsonConfigFileContent({ ...config, files: [], include: [] }, ts.sys, root)
  const examples: ts.CompilerOptions = { ...options, noEmit: true, ...compilerOptions }
  // The programs are in the folder of the context, but only in memory.
  const byFile = new Map(
    [...programs].map(([page, text]) => [join(contextFile, '..', fileNameOf(page)), { page, text }]),
  )
  const host = ts.createCompilerHost(examples, true)
  const { fileExists, readFile, getSourceFile } = host
  host.fileExists = (file) => byFile.has(file) || fileExists(file)
  host.readFile = (file) => byFile.get(file)?.text ?? readFile(file)
  host.getSourceFile = (file, ...rest) => {
    const virtual = byFile.get(file)
    if (virtual === undefined) return getSourceFile.call(host, file, ...rest)
    return ts.createSourceFile(file, virtual.text, ts.ScriptTarget.Latest, true)
  }
  const program = ts.createProgram([...byFile.keys()], examples, host)
  return ts.getPreEmitDiagnostics(program).map(({ file, start = 0, messageText }) => {
    const line = file === undefined ? 0 : file.getLineAndCharacterOfPosition(start).line + 1
    const page = file === undefined ? '' : (byFile.get(file.fileName)?.page ?? file.fileName)
    return `${page}:${line} ${ts.flattenDiagnosticMessageText(messageText, ' ')}`
  })
}

function fileNameOf(page: string): string {
  return `page-${page.replaceAll(/\W/g, '-')}.ts`
}

test('every TypeScript example of the docs compiles', () => {
  const programs = programsIn('ts')
  expect(programs.size).toBeGreaterThan(8)
  expect(typeErrors(programs)).toEqual([])
})

test('those that are marked as NestJS applications compile as these do', () => {
  const programs = programsIn('typescript')
  expect(programs.size).toBe(2)
  expect(typeErrors(programs, { experimentalDecorators: true, emitDecoratorMetadata: true })).toEqual([])
})

test('this check finds a mistake and reports its line', () => {
  const page = [
    '# Title',
    '',
    '```ts',
    "import { createCache } from 'tiercache'",
    '',
    'const cache = createCache()',
    '```',
  ]
  const wrong = ['Text.', '```ts', "const cache = createCache({ ttl: '5 minutes' })", "cache.peek('k')", '```']
  expect(typeErrors(new Map([['page.md', toProgram([...page, ...wrong].join('\n')) as string]]))).toEqual([
    expect.stringMatching(/^page\.md:10 Type '"5 minutes"' is not assignable/),
  ])
})
