// Prints one line, `N passed, N failed`, from vitest's JSON reports: node scripts/count-tests.mjs <exit status> <report>...

import { existsSync, readFileSync } from 'node:fs'

const [status, ...files] = process.argv.slice(2)
const reports = files.filter((file) => existsSync(file)).map((file) => JSON.parse(readFileSync(file, 'utf8')))
const passed = reports.reduce((sum, report) => sum + report.numPassedTests, 0)
const failed = reports.reduce((sum, report) => sum + failures(report), 0)

// A step that failed without a failing test counts as a failure, too.
process.stdout.write(`\n${passed} passed, ${status !== '0' && failed === 0 ? 1 : failed} failed\n`)

/** A file that could not be loaded has no failed test of its own, so it counts as one failure. */
function failures(report) {
  const broken = report.testResults.filter(
    ({ status, assertionResults }) => status === 'failed' && assertionResults.length === 0,
  )
  return report.numFailedTests + broken.length
}
