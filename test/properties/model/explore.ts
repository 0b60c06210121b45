// Explores new histories on all cores, for as long as requested: `npm run histories -- --minutes 60`.
// It prints each violation with its shortest history and the command that repeats it.
import { fork } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import fc from 'fast-check'
import { historyProperty, type Violation, violationOf } from './property.js'

const HISTORIES_PER_SEED = 500
const USAGE = 'npm run histories -- --minutes N [--workers N], or --seed S --path P to play one again'

interface Told {
  readonly histories: number
  readonly violation: Violation | undefined
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string' },
      workers: { type: 'string' },
      seed: { type: 'string' },
      path: { type: 'string' },
      until: { type: 'string' },
    },
  })
  if (values.until !== undefined) return explore(Number(values.until))
  if (values.seed !== undefined) return playAgain(Number(values.seed), values.path)
  const minutes = Number(values.minutes ?? 1)
  const workers = Number(values.workers ?? availableParallelism())
  if (!(minutes > 0) || !Number.isInteger(workers) || workers < 1) throw new Error(USAGE)
  await supervise(minutes, workers)
}

async function supervise(minutes: number, workers: number): Promise<void> {
  const until = String(Date.now() + minutes * 60_000)
  let histories = 0
  let violations = 0
  const work = () =>
    new Promise<void>((resolve) => {
      const worker = fork(fileURLToPath(import.meta.url), ['--until', until], { execArgv: process.execArgv })
      worker.on('message', (told: Told) => {
        histories += told.histories
        if (told.violation === undefined) return
        violations++
        print(told.violation)
      })
      worker.on('exit', (code) => {
        if (code !== 0) violations++
        resolve()
      })
    })
  const report = setInterval(() => console.log(`${histories} histories, ${violations} violations`), 60_000)
  await Promise.all(Array.from({ length: workers }, work))
  clearInterval(report)
  console.log(`${histories} histories in ${minutes} minutes on ${workers} workers, ${violations} violations`)
  process.exitCode = violations === 0 && histories > 0 ? 0 : 1
}

/** A worker, which takes one seed after the other. */
async function explore(untilMs: number): Promise<void> {
  while (Date.now() < untilMs) {
    const seed = Math.floor(Math.random() * 2 ** 31)
    const limit = { interruptAfterTimeLimit: untilMs - Date.now(), markInterruptAsFailure: false }
    const found = await fc.check(historyProperty(), { seed, numRuns: HISTORIES_PER_SEED, ...limit })
    process.send?.({ histories: found.numRuns, violation: violationOf(found) } satisfies Told)
  }
  process.disconnect?.()
}

async function playAgain(seed: number, path: string | undefined): Promise<void> {
  const runs = path === undefined ? { numRuns: HISTORIES_PER_SEED } : { path, endOnFailure: true }
  const violation = violationOf(await fc.check(historyProperty(), { seed, ...runs }))
  if (violation !== undefined) print(violation)
  console.log(violation === undefined ? 'no violation' : 'violated')
  process.exitCode = violation === undefined ? 0 : 1
}

function print({ seed, path, history, message }: Violation): void {
  console.log(`\n${message}\n${history}\nAgain: npm run histories -- --seed ${seed} --path ${path}\n`)
}

await main()
