#!/usr/bin/env node
// The program `tiercache`: connects `run` with this process.
import { readFileSync } from 'node:fs'
import type { Program } from './commands/command.js'
import { run } from './run.js'

const program: Program = {
  version: versionOfPackage,
  env: process.env,
  hasColours: process.stdout.isTTY === true && process.env.NO_COLOR === undefined,
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  interruption: () => {
    const interruption = new AbortController()
    // The second Ctrl-C ends the program as usual.
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interruption.abort())
    return interruption.signal
  },
}

// The reader of a pipe, such as `head`, may have seen enough.
process.stdout.on('error', () => process.exit(0))

process.exitCode = await run(process.argv.slice(2), program)

/** This file is `dist/cli.js` in the package. */
function versionOfPackage(): string {
  const manifest = readFileSync(new URL('../package.json', import.meta.url), 'utf8')
  return (JSON.parse(manifest) as { readonly version: string }).version
}
