// Every TypeScript example of the docs compiles, as part of one program per page.
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { expect, test } from 'vitest'
import { CONTEXT_FILE, fileNameOf, LANGUAGE_OPTIONS, programsIn, toProgram } from '../support/docs/pages.js'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** The errors of the compiler in these programs, as `page:line message`. */
function typeErrors(programs: ReadonlyMap<string, string>, compilerOptions: ts.CompilerOptions = {}): string[] {
  const config = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile).config
  const { options } = ts.parseJsonConfigFileContent({ ...config, files: [], include: [] }, ts.sys, root)
  const examples: ts.CompilerOptions = { ...options, noEmit: true, ...compilerOptions }
  // The programs are in the folder of the context, but only in memory.
  const byFile = new Map(
    [...programs].map(([page, text]) => [join(dirname(CONTEXT_FILE), fileNameOf(page)), { page, text }]),
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

test('every TypeScript example of the docs compiles', () => {
  const programs = programsIn('ts')
  expect(programs.size).toBeGreaterThan(8)
  expect(typeErrors(programs)).toEqual([])
})

test('those that are marked as NestJS applications compile as these do', () => {
  const programs = programsIn('typescript')
  expect(programs.size).toBe(2)
  expect(typeErrors(programs, LANGUAGE_OPTIONS.typescript)).toEqual([])
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
