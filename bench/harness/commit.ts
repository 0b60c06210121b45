// The commit that is measured. Apart, because it needs no package of bench/.
import { execFileSync } from 'node:child_process'
import { ROOT } from './workbench.js'

/** The measured commit, with a mark if src/ differs from it. */
export function commitOf(): string {
  const git = (...args: string[]) => execFileSync('git', args, { cwd: ROOT, encoding: 'utf8' }).trim()
  try {
    return git('rev-parse', '--short=10', 'HEAD') + (git('status', '--porcelain', '--', 'src') === '' ? '' : '+')
  } catch {
    return 'unknown'
  }
}
