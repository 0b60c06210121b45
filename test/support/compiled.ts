// Compiles a TypeScript file of a test in its own way, such as with legacy decorators, and runs it here with the modules it imports.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

/** How classes with decorators are compiled. */
export const DECORATOR_STANDARDS = [
  { standard: 'TC39', compilerOptions: {} },
  { standard: 'legacy', compilerOptions: { experimentalDecorators: true, emitDecoratorMetadata: true } },
] as const

/** What the file exports. `modules`: by the names that it imports them with; importing another one is an error. */
export function runCompiled<Exports>(
  file: URL,
  compilerOptions: ts.CompilerOptions,
  modules: Readonly<Record<string, unknown>>,
): Exports {
  return runText(readFileSync(file, 'utf8'), fileURLToPath(file), compilerOptions, modules)
}

/** The same for the text of a file; `globals` are names that it finds instead of the real ones. */
export function runText<Exports>(
  text: string,
  fileName: string,
  compilerOptions: ts.CompilerOptions,
  modules: Readonly<Record<string, unknown>>,
  globals: Readonly<Record<string, unknown>> = {},
): Exports {
  const { outputText } = ts.transpileModule(text, {
    fileName,
    compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.CommonJS, ...compilerOptions },
  })
  const exported = {}
  const require = (name: string): unknown => {
    if (Object.hasOwn(modules, name)) return modules[name]
    throw new Error(`${fileName} imports ${name}, which the test does not give it`)
  }
  // Its own scope, not its own realm: errors and promises are those of the test.
  const run = new Function('exports', 'require', ...Object.keys(globals), outputText)
  run(exported, require, ...Object.values(globals))
  return exported as Exports
}

/** What the compiler says of these files, line by line; empty when all is well. */
export function typeErrors(files: readonly URL[], compilerOptions: ts.CompilerOptions): string[] {
  const root = new URL('../../', import.meta.url)
  const config = ts.readConfigFile(fileURLToPath(new URL('tsconfig.json', root)), ts.sys.readFile).config
  const { options } = ts.parseJsonConfigFileContent({ ...config, files: [], include: [] }, ts.sys, fileURLToPath(root))
  const program = ts.createProgram(
    files.map((file) => fileURLToPath(file)),
    { ...options, ...compilerOptions },
  )
  return ts.getPreEmitDiagnostics(program).map(({ file, start = 0, messageText }) => {
    const line = file === undefined ? 0 : file.getLineAndCharacterOfPosition(start).line + 1
    return `${file?.fileName ?? ''}:${line} ${ts.flattenDiagnosticMessageText(messageText, ' ')}`
  })
}
