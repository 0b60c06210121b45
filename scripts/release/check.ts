// Ends with an error if a tag may not be published: `npx tsx scripts/release/check.ts v1.2.3`.
import { readFileSync } from 'node:fs'
import { releaseProblems } from './problems.js'

const read = (file: string) => readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8')
const versionIn = (file: string) => (JSON.parse(read(file)) as { version: string }).version

const problems = releaseProblems({
  tag: process.argv[2] ?? '',
  version: versionIn('package.json'),
  lockedVersion: versionIn('package-lock.json'),
  changelog: read('CHANGELOG.md'),
})
for (const problem of problems) console.error(problem)
if (problems.length > 0) process.exitCode = 1
