// Global set-up of the package tests: builds and packs the present sources in a separate folder,
// so that neither an old dist/ nor a build at the same time can affect the result.

import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, readdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { TestProject } from 'vitest/node'
import { npmEnvironment } from './consumer.js'
import { makeFolder } from './processes.js'

declare module 'vitest' {
  export interface ProvidedContext {
    /** Path of the packed package. */
    tarball: string
    /** The folder of the built package, with dist/. */
    builtPackage: string
  }
}

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const INPUTS = [
  'package.json',
  'tsconfig.json',
  'tsup.config.ts',
  'src',
  'scripts',
  'alerts',
  'dashboards',
  'README.md',
  'CHANGELOG.md',
  'LICENSE',
  'THIRD-PARTY.md',
]

export function setup(project: TestProject): void {
  const folder = makeFolder('package')
  for (const input of INPUTS) {
    if (existsSync(join(ROOT, input))) cpSync(join(ROOT, input), join(folder, input), { recursive: true })
  }
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
  run(join(ROOT, 'node_modules/.bin/tsup'), ['--silent'], folder)
  run('npm', ['pack', '--silent', '--ignore-scripts'], folder)
  const tarball = readdirSync(folder).find((name) => name.endsWith('.tgz'))
  if (tarball === undefined) throw new Error('npm pack made no tarball')
  project.provide('tarball', join(folder, tarball))
  project.provide('builtPackage', folder)
}

function run(program: string, args: readonly string[], cwd: string): void {
  try {
    execFileSync(program, args, { cwd, env: npmEnvironment(), encoding: 'utf8', stdio: 'pipe' })
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string }
    throw new Error(`${program} ${args.join(' ')} failed:\n${stdout}\n${stderr}`, { cause: error })
  }
}
