// Prepares a run: the packages of the bench, the built package, the worker programs as plain JavaScript
// (a loader that compiles on the fly would be measured as well).
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const BENCH = fileURLToPath(new URL('..', import.meta.url))
export const ROOT = fileURLToPath(new URL('../..', import.meta.url))
export const BUILT = join(BENCH, '.build')

/** Installs what is missing, and builds the package if it is older than its source. */
export function prepareWorkbench(): void {
  if (isOlder(join(BENCH, 'node_modules/.package-lock.json'), [join(BENCH, 'package.json')])) {
    say('installing the packages of bench/ (rivals, chart library)')
    execFileSync('npm', ['install', '--no-save'], { cwd: BENCH, stdio: ['ignore', 'ignore', 'inherit'] })
  }
  if (isOlder(join(ROOT, 'dist/index.js'), filesIn(join(ROOT, 'src')))) {
    say('building dist/')
    execFileSync('npm', ['run', 'build'], { cwd: ROOT, stdio: ['ignore', 'ignore', 'inherit'] })
  }
}

/** Compiles a program of bench/ without the packages, and returns the path of the result. It runs the build beside `built`. */
export async function compileProgram(source: string, built = BUILT): Promise<string> {
  const { build } = await import('esbuild')
  mkdirSync(built, { recursive: true })
  const outfile = join(built, `${source.replaceAll('/', '-').replace(/\.ts$/, '')}.js`)
  await build({
    entryPoints: [join(BENCH, source)],
    outfile,
    bundle: true,
    packages: 'external',
    external: ['../../dist/*'],
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'warning',
  })
  return outfile
}

export function say(text: string): void {
  process.stderr.write(`${text}\n`)
}

function isOlder(file: string, than: readonly string[]): boolean {
  if (!existsSync(file)) return true
  const builtAtMs = statSync(file).mtimeMs
  return than.some((other) => statSync(other).mtimeMs > builtAtMs)
}

function filesIn(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((one) => {
    const path = join(folder, one.name)
    return one.isDirectory() ? filesIn(path) : [path]
  })
}
