// Finds a server program, or installs its Debian package if possible. Tests never skip because a server is missing.

import { execFileSync } from 'node:child_process'
import { accessSync, constants, existsSync, rmSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** The first of `names` that can be run, on the PATH and then in `folders`. */
export function findProgram(names: readonly string[], folders: readonly string[] = []): string | undefined {
  const places = [...(process.env.PATH ?? '').split(delimiter).filter(Boolean), ...folders]
  for (const name of names) {
    for (const folder of places) {
      const file = join(folder, name)
      if (isExecutable(file)) return file
    }
  }
  return undefined
}

/** Like `find()`, but after installation with apt-get if nothing is found. A failure is one sentence. */
export function findOrInstall(what: string, debianPackage: string, find: () => string | undefined): string {
  const present = find()
  if (present !== undefined) return present
  try {
    install(debianPackage)
  } catch (cause) {
    throw new Error(`these tests need ${what} on the PATH: install it, for example the package ${debianPackage}`, {
      cause,
    })
  }
  const installed = find()
  if (installed === undefined) throw new Error(`${debianPackage} was installed, but ${what} is not on the PATH`)
  return installed
}

const POLICY = '/usr/sbin/policy-rc.d'

function install(debianPackage: string): void {
  if (process.getuid?.() !== 0) throw new Error('only root can install packages')
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' }
  const aptGet = (...args: string[]) =>
    execFileSync('apt-get', ['-qq', '-o', 'DPkg::Lock::Timeout=120', ...args], {
      env,
      stdio: 'ignore',
      timeout: 300_000,
    })
  // The package's own service must not start, since tests use only the servers that they start.
  const policyIsOurs = !existsSync(POLICY)
  if (policyIsOurs) writeFileSync(POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755 })
  try {
    aptGet('update')
    aptGet('install', '-y', '--no-install-recommends', debianPackage)
  } finally {
    if (policyIsOurs) rmSync(POLICY, { force: true })
  }
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}
