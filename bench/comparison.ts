<<<<<<< HEAD
// npm run bench:comparison [-- --only <question>]: asks every library what it does on a bad day, and writes the table of docs/comparison.md.
import { spawn } from 'node:child_process'
import { parseArgs } from 'node:util'
import { fillPage } from './harness/report.js'
import { BENCH, prepareWorkbench, say } from './harness/workbench.js'

const { values } = parseArgs({ options: { only: { type: 'string' } } })
prepareWorkbench()
const { PROBES } = await import('./comparison/probes.js')
const { RIVALS } = await import('./peers/peers.js')
const names = ['tiercache', ...RIVALS.map(({ name }) => name)]
const LIMIT_MS = 40_000

const asked = PROBES.filter(({ id }) => values.only === undefined || id === values.only)
const rows: string[][] = []
for (const { id, question, wanted } of asked) {
  const answers: string[] = []
  for (const name of names) answers.push(await ask(name, id))
  say(`${id}: ${names.map((name, i) => `${name} ${answers[i]}`).join('; ')}`)
  rows.push([question, wanted, ...answers])
}
const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
const head = ['', 'wanted', ...names.map((name) => (name === 'tiercache' ? '**tiercache**' : name))]
const table = [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
if (values.only === undefined) fillPage('docs/comparison.md', 'comparison', table)
else process.stdout.write(`${table}\n`)

/** The answer; or how the process ended without one. */
function ask(name: string, id: string): Promise<string> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, ['--import', 'tsx', `${BENCH}comparison/ask.ts`, name, id], {
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    let text = ''
    child.stdout.on('data', (chunk) => {
      text += chunk
    })
    const limit = setTimeout(() => child.kill('SIGKILL'), LIMIT_MS)
    child.on('exit', () => {
      clearTimeout(limit)
      resolve(/^ANSWER (.*)$/m.exec(text)?.[1] ?? 'ends the process')
    })
  })
}
=======
// npx tsx bench/comparison.ts: does the experiments that docs/comparison.md shows, with the published packages, and writes their outcomes.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { BENCH, prepareWorkbench, say } from './harness/workbench.js'

prepareWorkbench()
const { runComparison, tableOf } = await import('./comparison/run-comparison.js')

const outcomes = await runComparison()
writeFileSync(join(BENCH, 'results/comparison.json'), `${JSON.stringify(outcomes, null, 2)}\n`)
say(tableOf(outcomes))
process.exit(0) // Some of the others leave connections behind.
>>>>>>> h16pages
