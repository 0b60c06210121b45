// The machine of a run and the versions of packages, in a few words.
import { existsSync, readFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { join } from 'node:path'
import { BENCH, ROOT } from './workbench.js'

export interface Machine {
  /** Such as `AMD EPYC, 2 cores, 24 GiB`. */
  readonly machine: string
  readonly node: string
}

export function describeMachine(): Machine {
  const memoryGiB = Math.round(totalmem() / 2 ** 30)
  return {
    machine: `${cpus()[0]?.model ?? 'unknown'}, ${cpus().length} cores, ${memoryGiB} GiB`,
    node: process.version,
  }
}

/** Of packages that bench/ or the repository has. */
export function versionsOf(names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.map((name) => [name, versionOf(name)]))
}

function versionOf(name: string): string {
  const manifests = [BENCH, ROOT].map((folder) => join(folder, 'node_modules', name, 'package.json'))
  const found = manifests.find(existsSync)
  if (found === undefined) return 'unknown'
  return (JSON.parse(readFileSync(found, 'utf8')) as { version: string }).version
}
