// The TypeScript examples of the docs as programs: one per page, in which each example sees what earlier ones declare.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))

/** What the examples of a page take for granted: the application around the cache. */
export const CONTEXT_FILE = join(ROOT, 'test/architecture/docs-context.ts')

const context = Array.from(
  readFileSync(CONTEXT_FILE, 'utf8').matchAll(/^export (?:declare )?(const|function|interface) (\w+)/gm),
  ([, kind, name = '']) => ({ name, isType: kind === 'interface' }),
)

/** `ts`: the language of an example. `typescript`: the same as NestJS compiles it, with legacy decorators and their metadata. */
export type ExampleLanguage = 'ts' | 'typescript'

/** Compiler options of the examples in a language. */
export const LANGUAGE_OPTIONS = {
  ts: {},
  typescript: { experimentalDecorators: true, emitDecoratorMetadata: true },
} as const

/** The pages that may have examples. Generated pages and installed packages are not among them. */
export const pages: readonly string[] = [
  'README.md',
  ...readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md') && !name.startsWith('node_modules') && !name.startsWith('reference/'))
    .map((name) => join('docs', name)),
]

export function readPage(page: string): string {
  return readFileSync(join(ROOT, page), 'utf8')
}

/** The examples of a page, one by one. */
export function examplesOf(text: string, language: ExampleLanguage = 'ts'): string[] {
  const fences = new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms')
  return Array.from(text.matchAll(fences), ([, block]) => block as string)
}

/**
 * The examples of a page as one program, line for line, so that an error has the line number of the page. Each example sees what
 * earlier ones declare, and may declare it again. `undefined` without examples. The program exports a function `page`.
 */
export function toProgram(text: string, language: ExampleLanguage = 'ts'): string | undefined {
  const imports: string[] = []
  const lines: string[] = []
  let state: 'text' | 'code' | 'other code' = 'text'
  let depth = 0
  let wholeImport: string[] | undefined
  for (const line of text.split('\n')) {
    const fence = /^\s*```(\w*)$/.exec(line)
    if (fence !== null && state === 'text') {
      const isCode = fence[1] === language
      state = isCode ? 'code' : 'other code'
      if (isCode) depth++
      lines.push(isCode ? '{' : '')
    } else if (fence !== null) {
      state = 'text'
      lines.push('')
    } else if (state === 'code' && (wholeImport !== undefined || line.startsWith('import '))) {
      wholeImport = [...(wholeImport ?? []), line.replace(/\/\/.*/, '')]
      if (/from '[^']*'|^import '[^']*'/.test(line)) {
        imports.push(wholeImport.join(' ').trimEnd())
        wholeImport = undefined
      }
      lines.push('')
    } else lines.push(state === 'code' ? line : '')
  }
  if (depth === 0) return undefined
  imports.unshift(`import { ${takenForGranted(lines.join('\n')).join(', ')} } from './docs-context.js'`)
  // The first line of a page is its title.
  lines[0] = `${[...new Set(imports)].join('; ')}; export async function page() {`
  return `${lines.join('\n')}${'}'.repeat(depth + 1)}`
}

function takenForGranted(program: string): string[] {
  const used = context.filter(({ name }) => new RegExp(`\\b${name}\\b`).test(program))
  return used.map(({ name, isType }) => (isType ? `type ${name}` : name))
}

/** The programs of all pages that have examples in this language, by page. */
export function programsIn(language: ExampleLanguage): Map<string, string> {
  const programs = new Map<string, string>()
  for (const page of pages) {
    // Each example of the README is a program of its own.
    const program = page === 'README.md' ? undefined : toProgram(readPage(page), language)
    if (program !== undefined) programs.set(page, program)
  }
  if (language === 'ts') {
    for (const [index, example] of examplesOf(readPage('README.md')).entries()) {
      programs.set(`README.md#${index + 1}`, example)
    }
  }
  return programs
}

/** A file name for the program of a page. */
export function fileNameOf(page: string): string {
  return `page-${page.replaceAll(/\W/g, '-')}.ts`
}

/**
 * What the comments of a program promise, in order: those behind a `console.log(…)`, and those that fill a line. Comments that
 * begin with an ellipsis promise nothing, and neither does a program without such a `console.log(…)`.
 */
export function promisesOf(lines: readonly string[]): string[] {
  const promises = lines.map((line) => ({
    logged: /console\.log\(.*\) \/\/ (?!…)(.*)$/.exec(line)?.[1],
    line: /^\/\/ (?!…)(.*)$/.exec(line)?.[1],
  }))
  if (promises.every(({ logged }) => logged === undefined)) return []
  return promises.flatMap(({ logged, line }) => logged ?? line ?? [])
}
