// `npm run cache-tests`: the public suite for HTTP caches through each adapter, with what failed.
import { adapters } from '../adapters/all.js'
import { runCacheTests } from './run.js'

// The origin of the suite prints a line for each request that it did not expect.
const print = console.log
console.log = () => undefined
for (const adapter of adapters) {
  const { required, optimal, check } = await runCacheTests(adapter)
  print(
    `${adapter.name}: required ${required.passed}/${required.total}, optimal ${optimal.passed}/${optimal.total}, check ${check.passed}/${check.total}`,
  )
  for (const [kind, { failed }] of Object.entries({ required, optimal }))
    for (const [id, message] of Object.entries(failed)) print(`  ${kind} ${id}: ${message}`)
}
