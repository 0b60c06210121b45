// Every workload, in the order of the tables.
import { FLEET } from './fleet.js'
import { FOOTPRINT } from './footprint.js'
import { MEMORY } from './memory.js'
import { PROMISES } from './promises.js'
import { REDIS } from './redis.js'
import type { Workload } from './workload.js'

export const WORKLOADS: readonly Workload[] = [...MEMORY, ...REDIS, ...PROMISES, ...FLEET, ...FOOTPRINT]
