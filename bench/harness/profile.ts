// A CPU profile in a few lines: self time by file and by function.
import { existsSync, mkdtempSync, readFileSync } from 'node:fs'
import type { Profiler } from 'node:inspector'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ROOT, say } from './workbench.js'

type Frame = Profiler.ProfileNode['callFrame']

const AREAS = 12
const FILES = 22
const FUNCTIONS = 40

/** Profiles are kept, since the developer tools of a browser show more than a table. */
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
  const byArea = new Map<string, number>()
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
    add(byArea, areaOf(file, frame), took)
    add(byFile, file, took)
    add(
      byFunction,
      file === frame.functionName ? file : `${file}  ${frame.functionName || `line ${frame.lineNumber + 1}`}`,
      took,
    )
  })
  const areas = longest(byArea, total, AREAS).map((line) => line.trim().replace(/ {2,}/, ' '))
  say(
    [
      `    ${path}`,
      `    ${areas.join('; ')}`,
      ...longest(byFile, total, FILES),
      '',
      ...longest(byFunction, total, FUNCTIONS),
    ].join('\n'),
  )
}

function add(sums: Map<string, number>, name: string, took: number): void {
  sums.set(name, (sums.get(name) ?? 0) + took)
}

function longest(sums: ReadonlyMap<string, number>, total: number, count: number): string[] {
  const sorted = [...sums].sort(([, a], [, b]) => b - a).slice(0, count)
  return sorted.map(([name, took]) => `    ${((took * 100) / total).toFixed(1).padStart(5)} %  ${name}`)
}

/** A file of src/ for our own code, else a package, a module of Node, or V8's own name. */
function fileOf({ url, functionName, lineNumber }: Frame): string {
  if (url === '') return functionName.startsWith('(') ? functionName : '(native)'
  if (!url.startsWith('file:')) return url
  const path = relative(ROOT, fileURLToPath(url))
  const inPackages = path.lastIndexOf('node_modules/')
  if (inPackages >= 0) return path.slice(inPackages + 'node_modules/'.length)
  return sourceOf(path, lineNumber)
}

/** A name for a sentence: a folder of src/, a package, or what V8 or the kernel does. */
function areaOf(file: string, { functionName }: Frame): string {
  if (file === '(native)') return NATIVE[functionName] ?? 'other native code'
  if (file === '(garbage collector)') return 'garbage collection'
  if (file.startsWith('node:')) return file.includes('async_hooks') ? 'async hooks' : 'Node'
  if (file.startsWith('src/')) return file.split('/').slice(0, 2).join('/')
  return file.startsWith('@') ? file.split('/').slice(0, 2).join('/') : (file.split('/')[0] as string)
}

const NATIVE: Readonly<Record<string, string>> = {
  runMicrotasks: 'promise queue',
  writev: 'socket writes',
  writeBuffer: 'socket writes',
  writeUtf8String: 'socket writes',
  writeLatin1String: 'socket writes',
}

const sources = new Map<string, readonly string[]>()

/** The build writes a line `// src/…` before the code of each file. */
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
