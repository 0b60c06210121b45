// The package as npm installs it on a machine that knows nothing of it.
import { execFile } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, describe, expect, inject, test } from 'vitest'
import { newestSection, releaseProblems } from '../../scripts/release/problems.js'
import { LIMITS, sizeOfPackage } from '../../scripts/release/size.js'
import { npmEnvironment } from '../support/consumer.js'
import { makeFolder, removeFolder } from '../support/processes.js'

const run = promisify(execFile)
const folders: string[] = []

afterEach(() => {
  for (const folder of folders.splice(0)) removeFolder(folder)
})

/** Runs `npm install` in an empty folder, with npm's own defaults, and returns what it says and what it installs. */
async function install(...packages: readonly string[]): Promise<{ said: string; installed: string[] }> {
  const folder = makeFolder('install')
  folders.push(folder)
  writeFileSync(join(folder, 'package.json'), '{}')
  const args = ['install', '--prefer-offline', '--loglevel=warn', ...packages]
  const { stdout, stderr } = await run('npm', args, { cwd: folder, env: npmEnvironment() })
  const installed = readdirSync(join(folder, 'node_modules')).filter((name) => !name.startsWith('.'))
  return { said: stdout + stderr, installed: installed.sort() }
}

describe('npm install', () => {
  test('warns of nothing, and installs two small packages and what one of them needs', async () => {
    const { said, installed } = await install(inject('tarball'))
    expect(said).not.toMatch(/warn|deprecated|ERR/i)
    expect(installed).toEqual(['lru-cache', 'p-limit', 'tiercache', 'yocto-queue'])
  })

  test('warns of nothing with a client of Redis beside it', async () => {
    const { said, installed } = await install(inject('tarball'), 'ioredis')
    expect(said).not.toMatch(/warn|deprecated|ERR/i)
    expect(installed).toEqual(expect.arrayContaining(['ioredis', 'tiercache']))
  })

  test('would warn of what this looks for', async () => {
    const folder = makeFolder('deprecated')
    folders.push(folder)
    const manifest = { name: 'odd', version: '1.0.0', engines: { node: '>=99' } }
    writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest))
    expect((await install(folder)).said).toMatch(/warn/i)
  })
})

test('the package stays within its limits, and has no source, test or map', () => {
  const { packedBytes, unpackedBytes, files } = sizeOfPackage(inject('builtPackage'), npmEnvironment())
  expect(packedBytes).toBeLessThanOrEqual(LIMITS.packedBytes)
  expect(unpackedBytes).toBeLessThanOrEqual(LIMITS.unpackedBytes)
  const paths = files.map(({ path }) => path)
  expect(paths).toEqual(
    expect.arrayContaining(['README.md', 'CHANGELOG.md', 'LICENSE', 'dist/index.js', 'dashboards/tiercache.json']),
  )
  expect(paths.filter((path) => /^(src|test|docs)\/|\.map$|(?<!\.d)\.ts$/.test(path))).toEqual([])
})

describe('a release', () => {
  const changelog = '## [Unreleased]\n\n## [1.2.3] - 2026-01-31\n\n- A.\n\n## [1.2.2] - 2026-01-01\n'
  const release = { tag: 'v1.2.3', version: '1.2.3', lockedVersion: '1.2.3', changelog }

  test('needs the same version in its tag, its manifests and the changelog, with its date', () => {
    expect(releaseProblems(release)).toEqual([])
    expect(releaseProblems({ ...release, tag: 'v1.2.4' })).toEqual([expect.stringContaining('the tag must be v1.2.3')])
    expect(releaseProblems({ ...release, lockedVersion: '1.2.2' })).toEqual([expect.stringContaining('package-lock')])
    expect(releaseProblems({ ...release, changelog: '## [Unreleased]\n' })).toEqual([expect.stringContaining('none')])
    const undated = changelog.replace('2026-01-31', 'not yet published')
    expect(releaseProblems({ ...release, changelog: undated })).toEqual([expect.stringContaining('needs its date')])
  })

  test('of the present version is being written', () => {
    const read = (file: string) => readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8')
    const { version } = JSON.parse(read('package.json'))
    expect(newestSection(read('CHANGELOG.md'))?.version).toBe(version)
    expect(JSON.parse(read('package-lock.json')).version).toBe(version)
    const workflow = read('.github/workflows/release.yml')
    const steps = ['id-token: write', 'npx tsx scripts/release/check.ts "$GITHUB_REF_NAME"', 'npm publish --provenance']
    for (const step of steps) expect(workflow).toContain(step)
  })
})
