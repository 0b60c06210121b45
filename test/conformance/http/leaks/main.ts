// `npm run http:leaks`: 10,000 random requests through each adapter, or as many as the first argument says. Ends with 1 if anything leaked.
import { adapters } from '../adapters/all.js'
import { findLeaks } from './run.js'

const requests = Number(process.argv[2] ?? 10_000)
const seed = Number(process.env.SEED ?? 1)
for (const adapter of adapters) {
  const { leaks, hits } = await findLeaks(adapter, requests, seed)
  console.log(`${adapter.name}: ${requests} requests, ${hits} hits, ${leaks.length} leaks (SEED=${seed})`)
  for (const leak of leaks.slice(0, 10)) console.log(`  ${leak}`)
  if (leaks.length > 0) process.exitCode = 1
}
