// The program in docs/guides/functions-and-decorators.md does what its comments say, with both standards of decorators.
import { readFileSync } from 'node:fs'
import { formatWithOptions } from 'node:util'
import * as tiercache from 'tiercache'
import * as decorators from 'tiercache/decorators'
import { expect, test } from 'vitest'
import { DECORATOR_STANDARDS, runText } from '../support/compiled.js'

const guide = readFileSync(new URL('../../docs/guides/functions-and-decorators.md', import.meta.url), 'utf8')
const lines = Array.from(guide.matchAll(/^```ts\n(.*?)^```$/gms), ([, block]) => block as string)
  .join('\n')
  .split('\n')
const promised = lines.flatMap((line) => /^\s*console\.log\(.*\) \/\/ (.*)$/.exec(line)?.[1] ?? [])

/** Imports stay at the top. The rest uses await, which a CommonJS module allows only in a function. */
const isImport = (line: string) => line.startsWith('import ')
const program = [
  ...lines.filter(isImport),
  'export async function run() {',
  ...lines.filter((line) => !isImport(line)),
  '}',
].join('\n')

test.each(DECORATOR_STANDARDS)(
  'the program of the guide prints what the guide says, with $standard decorators',
  async ({ compilerOptions }) => {
    const printed: string[] = []
    const console = { log: (...values: unknown[]) => printed.push(formatWithOptions({}, ...values)) }
    const modules = { tiercache, 'tiercache/decorators': decorators }
    const { run } = runText<{ run(): Promise<void> }>(program, 'guide.ts', compilerOptions, modules, { console })
    await run()
    expect(promised.length).toBeGreaterThan(10)
    expect(printed).toEqual(promised)
  },
)
