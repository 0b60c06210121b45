// How large the package is, as npm would publish it from a folder that has dist/. `npm run size` prints it.
import { execFileSync } from 'node:child_process'

export interface PackageSize {
  /** What is downloaded. */
  readonly packedBytes: number
  /** What lies in node_modules. */
  readonly unpackedBytes: number
  readonly files: readonly { readonly path: string; readonly size: number }[]
}

/** More than this is not published. A subpath that crosses it says why in its decision. */
export const LIMITS = { packedBytes: 1_250_000, unpackedBytes: 4_750_000 } as const

export function sizeOfPackage(folder: string, env: NodeJS.ProcessEnv = process.env): PackageSize {
  const args = ['pack', '--dry-run', '--ignore-scripts', '--json']
  const printed = execFileSync('npm', args, { cwd: folder, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
  const said: unknown = JSON.parse(printed)
  // npm 10 prints a list of packages, npm 11 may print them by name.
  const [packed] = Object.values(
    said as Record<string, { size: number; unpackedSize: number; files: PackageSize['files'] }>,
  )
  if (packed === undefined) throw new Error(`npm pack described no package in ${folder}`)
  return { packedBytes: packed.size, unpackedBytes: packed.unpackedSize, files: packed.files }
}
