// The package as it was at an earlier commit, built beside this one, so that both can be measured in the same moment.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { BUILT, compileProgram, ROOT, say } from './workbench.js'

const SOURCES = ['src', 'scripts', 'package.json', 'tsconfig.json', 'tsup.config.ts']

/** The program of the workers on the build of `ref`, such as a tag or a commit. Throws if git does not know it or it does not build. */
export async function programAt(ref: string): Promise<string> {
  const git = (...args: string[]) => execFileSync('git', args, { cwd: ROOT, maxBuffer: 1 << 28 })
  const commit = git('rev-parse', '--short=10', '--verify', `${ref}^{commit}`).toString().trim()
  const folder = join(BUILT, `at-${commit}`)
  // Written last, so that a build that broke off is done again.
  const done = join(folder, 'done')
  if (!existsSync(done)) {
    say(`building ${commit}`)
    rmSync(folder, { recursive: true, force: true })
    mkdirSync(folder, { recursive: true })
    execFileSync('tar', ['x', '-C', folder], { input: git('archive', commit, ...SOURCES) })
    execFileSync('npm', ['run', 'build'], { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] })
    writeFileSync(done, '')
  }
  // The workers import `../../dist` from where they are.
  return compileProgram('worker/worker.ts', join(folder, 'bench/.build'))
}
