// The tables of faults in docs/runbook.md.
import { readFileSync } from 'node:fs'

export const RUNBOOK = readFileSync(new URL('../../docs/runbook.md', import.meta.url), 'utf8')

/** One fault, and what the page says of it. */
export interface FaultRow {
  /** As it is written, with its link if it has one. */
  readonly fault: string
  /** The events, and codes of outages and notices, that always come. */
  readonly events: readonly string[]
}

/** The rows of both tables. What stands behind "perhaps" need not come. */
export function faultRows(): readonly FaultRow[] {
  const lines = RUNBOOK.slice(RUNBOOK.indexOf('| when | events |')).split('\n')
  const rows = lines.filter((line) => line.startsWith('| ') && !line.startsWith('| when |'))
  return rows.map((line) => {
    const [fault = '', events = ''] = line.slice(2).split(' | ')
    return { fault, events: namesIn(events.split('perhaps')[0] ?? '') }
  })
}

/** What is written as code: `degraded`. */
export function namesIn(text: string): readonly string[] {
  return [...text.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name)
}
