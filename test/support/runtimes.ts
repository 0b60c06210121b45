// The programs of Bun and Deno. Both come as packages of the registry.
import { execFile } from 'node:child_process'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const require = createRequire(import.meta.url)

export interface Runtime {
  readonly name: string
  /** Runs a file of a project, and returns what it printed. Rejects with its output if it fails. */
  run(folder: string, file: string): Promise<string>
}

function runtime(name: string, program: string, args: readonly string[]): Runtime {
  return {
    name,
    run: async (folder, file) => {
      // A package whose program is JavaScript is run by Node, which starts the runtime.
      const [command, ...first] = program.endsWith('.cjs') ? [process.execPath, program] : [program]
      const env = { ...process.env, NO_COLOR: '1', DENO_NO_UPDATE_CHECK: '1' }
      const { stdout } = await run(command as string, [...first, ...args, file], { cwd: folder, env, timeout: 60_000 })
      return stdout.trim()
    },
  }
}

const programOf = (name: string): string => {
  const manifest = require.resolve(`${name}/package.json`)
  const { bin } = require(manifest) as { bin: string | Readonly<Record<string, string>> }
  return join(dirname(manifest), typeof bin === 'string' ? bin : (bin[name] as string))
}

export const runtimes: readonly Runtime[] = [
  runtime('Bun', programOf('bun'), ['run']),
  runtime('Deno', programOf('deno'), ['run', '--allow-all', '--node-modules-dir=manual']),
]
