// Every adapter through the conformance suite.
import { adapters } from './adapters/all.js'
import { httpConformance } from './http-conformance.js'

for (const adapter of adapters) httpConformance(adapter)
