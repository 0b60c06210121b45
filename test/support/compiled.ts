// Compiles a TypeScript file of a test with options of its own, such as legacy decorators, and runs it here with the modules that it imports.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

export type Compiler = typeof ts

/** How classes with decorators are compiled. */
export const DECORATOR_STANDARDS = [
  { standard: 'TC39', compilerOptions: {} },
  { standard: 'legacy', compilerOptions: { experimentalDecorators: true, emitDecoratorMetadata: true } },
] as const

/** Returns the exports of the file. `modules`: by the names of its imports; other imports are an error. */
export function runCompiled<Exports>(
  file: URL,
  compilerOptions: ts.CompilerOptions,
  modules: Readonly<Record<string, unknown>>,
): Exports {
  return runText(readFileSync(file, 'utf8'), fileURLToPath(file), compilerOptions, modules)
}

/** The same for the text of a file. `globals` replace the real ones. */
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
  // The code has its own scope but not its own realm, so errors and promises are those of the test.
  const run = new Function('exports', 'require', ...Object.keys(globals), outputText)
  run(exported, require, ...Object.values(globals))
  return exported as Exports
}

/** One error of the compiler: its levels are lines of `message`, of which those of overloads are separate. */
export interface CompilerError {
  readonly line: number
  readonly message: string
}

/** The errors of the compiler in a text, as if it stood in the file `fileName`. */
export function errorsOfText(fileName: string, text: string): CompilerError[] {
  const { options } = projectOptions()
  const host = sharingFiles(ts.createCompilerHost(options))
  const [read, exists] = [host.getSourceFile.bind(host), host.fileExists.bind(host)]
  host.fileExists = (name) => name === fileName || exists(name)
  host.getSourceFile = (name, version, ...others) =>
    name === fileName ? ts.createSourceFile(name, text, version) : read(name, version, ...others)
  const program = ts.createProgram([fileName], options, host)
  return ts.getPreEmitDiagnostics(program, program.getSourceFile(fileName)).map(({ file, start = 0, messageText }) => ({
    line: file === undefined ? 0 : file.getLineAndCharacterOfPosition(start).line + 1,
    message: ts.flattenDiagnosticMessageText(messageText, '\n'),
  }))
}

function projectOptions(): ts.ParsedCommandLine {
  const root = new URL('../../', import.meta.url)
  const config = ts.readConfigFile(fileURLToPath(new URL('tsconfig.json', root)), ts.sys.readFile).config
  return ts.parseJsonConfigFileContent({ ...config, files: [], include: [] }, ts.sys, fileURLToPath(root))
}

/** The errors of the compiler in these files, line by line. Files that they import are read but not checked. */
export function typeErrors(files: readonly URL[], compilerOptions: ts.CompilerOptions): string[] {
  const { options } = projectOptions()
  const paths = files.map((file) => fileURLToPath(file))
  const all = { ...options, ...compilerOptions }
  const program = ts.createProgram(paths, all, sharingFiles(ts.createCompilerHost(all)))
  const diagnostics = paths.flatMap((path) => ts.getPreEmitDiagnostics(program, program.getSourceFile(path)))
  return diagnostics.map(({ file, start = 0, messageText }) => {
    const line = file === undefined ? 0 : file.getLineAndCharacterOfPosition(start).line + 1
    return `${file?.fileName ?? ''}:${line} ${ts.flattenDiagnosticMessageText(messageText, ' ')}`
  })
}

/** Parsed declarations of the language and of Node, the same for every program of a compiler. */
const shared = new Map<string, ts.SourceFile | undefined>()

/** A compiler host whose programs share these parsed declarations. */
export function sharingFiles(host: ts.CompilerHost, compiler: Compiler = ts): ts.CompilerHost {
  const parse = host.getSourceFile.bind(host)
  host.getSourceFile = (fileName, version, ...others) => {
    if (!/\/node_modules\/(typescript\/lib|@types)\//.test(fileName)) return parse(fileName, version, ...others)
    const format = typeof version === 'object' ? version.impliedNodeFormat : undefined
    const id = `${compiler.version} ${format} ${fileName}`
    if (!shared.has(id)) shared.set(id, parse(fileName, version, ...others))
    return shared.get(id)
  }
  return host
}
