// docs/runbook.md names only what exists, and has a line for every fault that is tested.
import { readdirSync, readFileSync } from 'node:fs'
import { createCache, readMetrics } from 'tiercache'
import { expect, test } from 'vitest'
import { COMMANDS } from '../../src/cli/all.js'
import { COMMON_OPTIONS } from '../../src/cli/usage.js'
import { CELLS } from '../faults/matrix-cells.js'
import { faultRows, namesIn, RUNBOOK } from '../support/runbook.js'

const sections = RUNBOOK.split(/^## /m).slice(1)
const rows = faultRows()
const read = (page: string) => readFileSync(new URL(`../../${page}`, import.meta.url), 'utf8')

/** The alerts, with the page and the section to which each one links. */
const ALERTS = [...read('alerts/tiercache.yml').matchAll(/- alert: (\w+)[\s\S]*?runbook: (\S+)/g)].map(
  ([, alert = '', link = '']) => ({ alert, link }),
)

/** `TiercacheL1Evictions` is `tiercache-l1-evictions`. */
const kebab = (name: string) => name.replace(/(?<=[a-z0-9])(?=[A-Z])/g, '-').toLowerCase()

/** The cells of the rows of a section's table that begin with `about`. */
const cellsOf = (section: string, about: string) =>
  [...section.matchAll(new RegExp(`^\\| ${about} \\| (.*) \\|$`, 'gm'))].map(([, cell = '']) => cell)

test('every alert has a section under the anchor of its name', () => {
  const headings = sections.map((section) => section.slice(0, section.indexOf('\n')))
  const anchors = headings.map((heading) => heading.toLowerCase().replaceAll(' ', '-'))
  expect(ALERTS).toHaveLength(10)
  for (const { alert, link } of ALERTS) {
    expect(link).toBe(`docs/runbook.md#${kebab(alert)}`)
    const section = sections[anchors.indexOf(kebab(alert))]
    expect(section, alert).toContain(`Alert \`${alert}\``)
    for (const about of ['metrics', 'events', 'commands']) expect(cellsOf(section ?? '', about)).toHaveLength(1)
  }
})

test('every metric that it names exists', async () => {
  await using cache = createCache({ logger: false })
  const known = readMetrics(cache).map(({ name }) => name)
  const named = new Set([...RUNBOOK.matchAll(/\btiercache_\w+/g)].map(([name]) => name))
  expect(named.size).toBeGreaterThan(15)
  for (const name of named) expect(known).toContain(name)
})

test('every event and code that it names exists', () => {
  // Each row of docs/events.md begins with an event and what it carries, or with the code of a notice.
  const events = [...read('docs/events.md').matchAll(/^\| (`\w+` \|.*?) \|/gm)].flatMap(([, cells = '']) =>
    namesIn(cells),
  )
  const codes = [...read('docs/errors.md').matchAll(/^### `(\w+)`$/gm)].map(([, code]) => code)
  const known = new Set([...events, ...codes])
  const named = [
    ...rows.flatMap((row) => row.events),
    ...sections.flatMap((each) => cellsOf(each, 'events')).flatMap(namesIn),
  ]
  for (const name of named) expect(known, name).toContain(name)
  for (const [code] of RUNBOOK.matchAll(/\b[A-Z]+_[A-Z_0-9]+\b/g)) {
    expect([...known, 'REDIS_URL', 'TIERCACHE_NAME'], code).toContain(code)
  }
})

test('every command that it names exists, with its operands and options', () => {
  const lines = namesIn(RUNBOOK).filter((code) => code.startsWith('npx tiercache '))
  expect(lines.length).toBeGreaterThan(20)
  for (const line of lines) {
    const [name, ...rest] = line.slice('npx tiercache '.length).split(' ')
    const command = COMMANDS.find((each) => each.name === name)
    expect(command, line).toBeDefined()
    const known = Object.keys({ ...COMMON_OPTIONS, ...command?.options })
    for (const option of rest.filter((part) => part.startsWith('--'))) expect(known, line).toContain(option.slice(2))
    const operands = rest[0] === undefined || rest[0].startsWith('--') ? 0 : 1
    expect(operands, line).toBeGreaterThanOrEqual(name === 'delete' ? 1 : (command?.minOperands ?? 0))
    expect(operands, line).toBeLessThanOrEqual(command?.maxOperands ?? 0)
  }
})

test('every fault of the matrix has a line, and every other test of a fault is linked', () => {
  const named = rows.map(({ fault }) => fault)
  expect(named.filter((fault) => !fault.startsWith('['))).toEqual(expect.arrayContaining(CELLS.map(({ name }) => name)))
  const files = readdirSync(new URL('../faults', import.meta.url), { recursive: true, encoding: 'utf8' })
  for (const file of files.filter((name) => name.endsWith('.test.ts') && name !== 'matrix.test.ts')) {
    expect(RUNBOOK).toContain(`](../test/faults/${file})`)
  }
})

test('no line is about a fault that is not tested', () => {
  const faults = new Set(CELLS.map(({ name }) => name))
  for (const { fault } of rows)
    expect(faults.has(fault) || /\]\(\.\.\/test\/[\w/-]+\.test\.ts\)$/.test(fault), fault).toBe(true)
})
