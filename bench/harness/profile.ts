// What a CPU profile says, in a few lines: where the time went by itself, by file and by function.
import { existsSync, mkdtempSync, readFileSync } from 'node:fs'
import type { Profiler } from 'node:inspector'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ROOT, say } from './workbench.js'

type Frame = Profiler.ProfileNode['callFrame']

const FILES = 22
const FUNCTIONS = 40

/** Profiles are kept: a browser's developer tools show what a table cannot. */
export function profileFolder(): string {
  return mkdtempSync(join(tmpdir(), 'tiercache-profiles-'))
}

export function sayProfile(path: string): void {
  if (!existsSync(path)) {
    say(`    no profile was written to ${path}`)
    return
  }
  const profile = JSON.parse(readFileSync(path, 'utf8')) as Profiler.Profile
  const frames = new Map(profile.nodes.map(({ id, callFrame }) => [id, callFrame]))
  const byFile = new Map<string, number>()
  const byFunction = new Map<string, number>()
  let total = 0
  profile.samples?.forEach((id, i) => {
    const frame = frames.get(id) as Frame
    // Between slices other libraries work.
    if (frame.functionName === '(idle)') return
    const took = profile.timeDeltas?.[i] ?? 0
    const file = fileOf(frame)
    total += took
    add(byFile, file, took)
    add(
      byFunction,
      file === frame.functionName ? file : `${file}  ${frame.functionName || `line ${frame.lineNumber + 1}`}`,
      took,
    )
  })
  say([`    ${path}`, ...longest(byFile, total, FILES), '', ...longest(byFunction, total, FUNCTIONS)].join('\n'))
}

function add(sums: Map<string, number>, name: string, took: number): void {
  sums.set(name, (sums.get(name) ?? 0) + took)
}

function longest(sums: ReadonlyMap<string, number>, total: number, count: number): string[] {
  const sorted = [...sums].sort(([, a], [, b]) => b - a).slice(0, count)
  return sorted.map(([name, took]) => `    ${((took * 100) / total).toFixed(1).padStart(5)} %  ${name}`)
}

/** A file of src/ where the code is ours, a package, a module of Node, or what V8 calls itself. */
function fileOf({ url, functionName, lineNumber }: Frame): string {
  if (url === '') return functionName.startsWith('(') ? functionName : '(native)'
  if (!url.startsWith('file:')) return url
  const path = relative(ROOT, fileURLToPath(url))
  const inPackages = path.lastIndexOf('node_modules/')
  if (inPackages >= 0) return path.slice(inPackages + 'node_modules/'.length)
  return sourceOf(path, lineNumber)
}

const sources = new Map<string, readonly string[]>()

/** The build writes a line `// src/…` before what it took from each file. */
function sourceOf(path: string, line: number): string {
  let lines = sources.get(path)
  if (lines === undefined) {
    lines = readFileSync(join(ROOT, path), 'utf8').split('\n')
    sources.set(path, lines)
  }
  for (let i = line; i >= 0; i--) {
    const name = /^\/\/ (\S+\.ts)$/.exec(lines[i] as string)?.[1]
    if (name !== undefined) return name
  }
  return path
}
