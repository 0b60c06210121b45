// Every adapter through the conformance suite.
import { adapters, deviations } from './adapters/all.js'
import { httpConformance } from './http-conformance.js'

for (const adapter of adapters) httpConformance(adapter, deviations[adapter.name])
