// The results of a run as JSON, with the machine, the versions and the commit, so that a figure can be reproduced.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Group } from '../workloads/workload.js'
import type { Environment } from './environment.js'
import type { Summary } from './statistics.js'
import { BENCH } from './workbench.js'

export interface ContenderResult {
  readonly label: string
  readonly peer: string
  readonly cost?: Summary
  /** The cost as a multiple of the cost of the base, by rounds. */
  readonly ratio?: Summary
  readonly details?: Readonly<Record<string, number | string>>
  /** Why there is no figure. */
  readonly failure?: string
}

export interface WorkloadResult {
  readonly id: string
  readonly group: Group
  readonly title: string
  readonly floor: string
  readonly reach: number
  readonly judged: 'ratio' | 'absolute'
  readonly unit: string
  readonly command: string
  readonly measuredAt: string
  readonly commit: string
  readonly slices: number
  readonly discarded: number
  /** Slices kept although the machine was busy. */
  readonly busy: number
  readonly contenders: readonly ContenderResult[]
}

export interface Results {
  readonly environment: Environment
  readonly workloads: readonly WorkloadResult[]
}

/** The results of a version of Node: by default of the one that runs. */
export function resultsPath(node = process.versions.node.split('.')[0]): string {
  return join(BENCH, `results/node${node}.json`)
}

export function readResults(path: string): Results | undefined {
  return readJson<Results>(path)
}

/** What was written to `path`; undefined if there is no such file. */
export function readJson<T>(path: string): T | undefined {
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as T) : undefined
}

/** A run of some workloads replaces their results and keeps the others. */
export function mergeResults(older: Results | undefined, newer: Results, order: readonly string[]): Results {
  const byId = new Map<string, WorkloadResult>()
  for (const one of [...(older?.workloads ?? []), ...newer.workloads]) byId.set(one.id, one)
  return { environment: newer.environment, workloads: order.flatMap((id) => byId.get(id) ?? []) }
}

export function writeResults(path: string, results: unknown): void {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, `${JSON.stringify(results, undefined, 2)}\n`)
}
