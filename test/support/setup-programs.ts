// Global set-up of the test projects that start programs: bundles the programs once. With tsx each process would compile its sources
// for a second before its first line runs.

import { readdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'tsup'
import { BUNDLES } from './child.js'
import { makeFolder } from './processes.js'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const FOLDERS = ['test/scenarios/programs', 'test/faults/history', 'test/faults/soak', 'test/faults/sessions']

export async function setup(): Promise<void> {
  if (process.env[BUNDLES] !== undefined) return
  const folder = makeFolder('programs')
  const programs = FOLDERS.flatMap((name) => readdirSync(join(ROOT, name)).map((file) => `${name}/${file}`))
  const entry = Object.fromEntries(
    programs
      .filter((file) => /\/programs\/|\/worker\.ts$/.test(file))
      .map((file) => [file.replace(/\.ts$/, ''), join(ROOT, file)]),
  )
  await build({
    ...{ config: false, silent: true, entry, outDir: folder, tsconfig: join(ROOT, 'tsconfig.json') },
    ...{ format: 'esm', target: 'node20', platform: 'node', splitting: true, skipNodeModulesBundle: true },
    outExtension: () => ({ js: '.mjs' }),
  })
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
  process.env[BUNDLES] = folder
}
