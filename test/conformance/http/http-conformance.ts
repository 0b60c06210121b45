// The conformance suite of the HTTP adapters: every case holds in every framework.
import { describe, test } from 'vitest'
import type { AppAdapter } from './app.js'
import { encodingCases } from './suite/encodings.js'
import { mutationCases } from './suite/mutations.js'
import { reuseCases } from './suite/reuse.js'
import { scopeCases } from './suite/scopes.js'
import { sharingCases } from './suite/sharing.js'
import type { HttpCase } from './suite/site.js'
import { trapCases } from './suite/traps.js'

const cases: readonly HttpCase[] = [
  ...reuseCases,
  ...sharingCases,
  ...mutationCases,
  ...trapCases,
  ...encodingCases,
  ...scopeCases,
]

/** Runs every case with one adapter. A case that cannot hold in a framework is named in `deviations` with the reason, and must fail. */
export function httpConformance(adapter: AppAdapter, deviations: Readonly<Record<string, string>> = {}): void {
  describe(adapter.name, () => {
    for (const { name, run } of cases) {
      const reason = deviations[name]
      if (reason === undefined) test(name, () => run(adapter))
      else test.fails(`${name} (deviates: ${reason})`, () => run(adapter))
    }
    test('every deviation is of a case', () => {
      const unknown = Object.keys(deviations).filter((name) => !cases.some((one) => one.name === name))
      if (unknown.length > 0) throw new Error(`no case is named ${unknown.join(', ')}`)
    })
  })
}
