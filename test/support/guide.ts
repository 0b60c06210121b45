// Runs the TypeScript of a guide as one program, and returns what it printed and what its comments promise.
import { readFileSync } from 'node:fs'
import { formatWithOptions } from 'node:util'
import type ts from 'typescript'
import { runText } from './compiled.js'
import { promisesOf } from './docs/pages.js'

export interface GuideRun {
  /** What the comments promise: those behind a `console.log(…)`, and those that fill a line. */
  readonly promised: readonly string[]
  readonly printed: readonly string[]
}

/** Runs the program of `docs/guides/<name>.md`. `modules` are the modules that it may import. */
export async function runGuide(
  name: string,
  modules: Readonly<Record<string, unknown>>,
  compilerOptions: ts.CompilerOptions = {},
): Promise<GuideRun> {
  const guide = readFileSync(new URL(`../../docs/guides/${name}.md`, import.meta.url), 'utf8')
  const blocks = Array.from(guide.matchAll(/^```ts\n(.*?)^```$/gms), ([, block]) => block as string)
  const lines = blocks.join('\n').split('\n')
  // Imports stay at the top. The rest uses await, which a CommonJS module allows only in a function.
  const isImport = (line: string) => line.startsWith('import ')
  const rest = lines.filter((line) => !isImport(line))
  const program = [...lines.filter(isImport), 'export async function run() {', ...rest, '}'].join('\n')
  const printed: string[] = []
  const console = { log: (...values: unknown[]) => printed.push(formatWithOptions({}, ...values)) }
  const { run } = runText<{ run(): Promise<void> }>(program, `${name}.ts`, compilerOptions, modules, { console })
  await run()
  return { promised: promisesOf(lines), printed }
}
