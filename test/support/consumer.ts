// An empty project of a user's that installs the packed package, to run and compile programs against what is published.

import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { makeFolder, removeFolder } from './processes.js'

const run = promisify(execFile)
const TSC = fileURLToPath(new URL('../../node_modules/typescript/bin/tsc', import.meta.url))

/** A new project with `packages` (tarballs or registry names) installed, and nothing else. */
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

  /** Runs a program and answers what it printed; its failure rejects with what it wrote. `.mjs` is ESM, `.cjs` CommonJS. */
  async runProgram(name: string, source: string, nodeArgs: readonly string[] = []): Promise<string> {
    this.write(name, source)
    const args = ['--unhandled-rejections=strict', ...nodeArgs, name]
    const { stdout } = await run(process.execPath, args, { cwd: this.folder, timeout: 60_000 })
    return stdout.trim()
  }

  /** Compiles a program under each of `names` as its user would, our declaration files included; answers the complaints. */
  async compile(
    names: readonly string[],
    source: string,
    compilerOptions: Readonly<Record<string, unknown>>,
    compiler: string = TSC,
  ): Promise<string> {
    for (const name of names) this.write(name, source)
    const defaults = { strict: true, noEmit: true, skipLibCheck: false, target: 'ES2022', types: ['node'] }
    const tsconfig = { compilerOptions: { ...defaults, ...compilerOptions }, files: names }
    this.write('tsconfig.json', JSON.stringify(tsconfig))
    try {
      await run(process.execPath, [compiler, '-p', '.'], { cwd: this.folder })
      return ''
    } catch (error) {
      return (error as { stdout: string }).stdout
    }
  }

  /** The compiler that this project has installed itself. */
  typescript(): string {
    return join(this.folder, 'node_modules/typescript/bin/tsc')
  }

  write(name: string, text: string): void {
    writeFileSync(join(this.folder, name), text)
  }

  stop(): void {
    removeFolder(this.folder)
  }
}

/** The environment without what `npm test` adds to it: an npm started by a test would take it for its own settings. */
export function npmEnvironment(): NodeJS.ProcessEnv {
  const { NODE_OPTIONS: _nodeOptions, ...environment } = process.env
  for (const name of Object.keys(environment)) {
    if (/^npm_(package|lifecycle|command|config_local_prefix|config_global_prefix|config_prefix)/.test(name)) {
      delete environment[name]
    }
  }
  return environment
}
