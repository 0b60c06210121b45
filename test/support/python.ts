// Programs of others: redis-cli, and a Python that has redis-py, each installed first where that is possible.
import { execFileSync } from 'node:child_process'
import { findOrInstall, findProgram } from './install.js'

/** Path of redis-cli (or valkey-cli). */
export function ensureRedisCli(): string {
  return findOrInstall('redis-cli or valkey-cli', 'redis-tools', () => findProgram(['redis-cli', 'valkey-cli']))
}

/** Path of a Python 3 that has redis-py. That of the Debian package is the system's own, whatever else is first on the PATH. */
export function ensurePython(): string {
  return findOrInstall('python3 with redis-py', 'python3-redis', () =>
    [findProgram(['python3']), '/usr/bin/python3'].find((python) => python !== undefined && hasRedis(python)),
  )
}

function hasRedis(python: string): boolean {
  try {
    execFileSync(python, ['-c', 'import redis'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
