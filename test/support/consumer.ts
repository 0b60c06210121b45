// An empty project of a user that installs the packed package, to run and compile programs with what is published.

import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { promisify } from 'node:util'
import ts from 'typescript'
import { type Compiler, sharingFiles } from './compiled.js'
import { makeFolder, removeFolder } from './processes.js'

const run = promisify(execFile)

/** A new project with only `packages` (tarballs or registry names) installed. */
export async function createConsumer(packages: readonly string[]): Promise<Consumer> {
  const folder = makeFolder('consumer')
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'consumer', private: true, version: '1.0.0' }))
  const flags = ['--prefer-offline', '--no-audit', '--no-fund', '--no-package-lock', '--legacy-peer-deps']
  await run('npm', ['install', '--prefix', folder, ...flags, ...packages], { cwd: folder, env: npmEnvironment() })
  return new Consumer(folder)
}

export class Consumer {
  readonly folder: string

  constructor(folder: string) {
    this.folder = folder
  }

  /** Runs a program and returns what it printed. Rejects with its output if it fails. `.mjs` is ESM, `.cjs` CommonJS. */
  async runProgram(name: string, source: string, nodeArgs: readonly string[] = []): Promise<string> {
    this.write(name, source)
    const args = ['--unhandled-rejections=strict', ...nodeArgs, name]
    const { stdout } = await run(process.execPath, args, { cwd: this.folder, timeout: 60_000 })
    return stdout.trim()
  }

  /**
   * Type-checks a program under each of `names` as its user's compiler does, together with the declaration files of this package
   * (`skipLibCheck: false`). Those of other packages are read but not checked: they take most of the time and are not ours.
   * Returns the errors, line by line.
   */
  compile(
    names: readonly string[],
    source: string,
    compilerOptions: Readonly<Record<string, unknown>>,
    compiler: Compiler = ts,
  ): string {
    for (const name of names) this.write(name, source)
    return this.compileFiles(names, compilerOptions, compiler)
  }

  /** The same for files that are written already. */
  compileFiles(
    names: readonly string[],
    compilerOptions: Readonly<Record<string, unknown>>,
    compiler: Compiler = ts,
  ): string {
    const defaults = { strict: true, noEmit: true, skipLibCheck: false, target: 'ES2022', types: ['node'] }
    const { options, errors } = compiler.convertCompilerOptionsFromJson(
      { ...defaults, ...compilerOptions },
      this.folder,
      'tsconfig.json',
    )
    const roots = names.map((name) => join(this.folder, name))
    const host = sharingFiles(compiler.createCompilerHost(options), compiler)
    host.getCurrentDirectory = () => this.folder
    const program = compiler.createProgram(roots, options, host)
    const checked = program.getSourceFiles().filter(({ fileName }) => {
      return roots.includes(fileName) || fileName.includes('/node_modules/tiercache/')
    })
    if (checked.length <= roots.length) throw new Error('the program imports nothing of this package')
    const diagnostics = [
      ...errors,
      ...program.getOptionsDiagnostics(),
      ...program.getGlobalDiagnostics(),
      ...checked.flatMap((file) => [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)]),
    ]
    return compiler.formatDiagnostics(diagnostics, host)
  }

  /** The compiler that this project has installed. */
  typescript(): Compiler {
    return createRequire(join(this.folder, 'package.json'))('typescript') as Compiler
  }

  write(name: string, text: string): void {
    writeFileSync(join(this.folder, name), text)
  }

  stop(): void {
    removeFolder(this.folder)
  }
}

/** The environment without what `npm test` adds: an npm started by a test would take that for its own settings. */
export function npmEnvironment(): NodeJS.ProcessEnv {
  const { NODE_OPTIONS: _nodeOptions, ...environment } = process.env
  for (const name of Object.keys(environment)) {
    if (/^npm_(package|lifecycle|command|config_local_prefix|config_global_prefix|config_prefix)/.test(name)) {
      delete environment[name]
    }
  }
  return environment
}
