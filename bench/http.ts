// npm run bench:http [-- --short] [--only <framework> …] [--write]: what cached responses cost in each framework, beside the framework alone and the
// cache that its users usually take. Writes results/http.json and its table; --short (without --write) and --only
// write nothing. About five minutes, --short one.

import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { BENCH, compileProgram, prepareWorkbench, say } from './harness/workbench.js'
import type { FrameworkName } from './http/messages.js'

const { values: asked } = parseArgs({
  options: { short: { type: 'boolean' }, only: { type: 'string', multiple: true }, write: { type: 'boolean' } },
})

prepareWorkbench()
const { FRAMEWORKS } = await import('./http/contenders.js')
const { FULL, measureHttp, SHORT } = await import('./http/measure.js')
const { httpTable } = await import('./http/http-report.js')
const { writeResults } = await import('./harness/results.js')

const only = FRAMEWORKS.filter((one) => asked.only === undefined || asked.only.includes(one as FrameworkName))
if (only.length === 0) throw new Error(`expected --only of ${FRAMEWORKS.join(', ')}; got ${asked.only?.join(', ')}`)
const results = await measureHttp(await compileProgram('http/server.ts'), asked.short === true ? SHORT : FULL, only)
say(httpTable(results))
if ((asked.short !== true || asked.write === true) && asked.only === undefined) {
  writeResults(join(BENCH, 'results/http.json'), results)
  const { writeHttpReport } = await import('./harness/report.js')
  writeHttpReport()
}
