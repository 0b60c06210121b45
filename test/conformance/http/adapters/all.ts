// Every adapter, for the suites that all of them have to pass.
import type { AppAdapter } from '../app.js'
import { express4Adapter, express5Adapter } from './express.js'
import { nodeAdapter } from './node.js'

export const adapters: readonly AppAdapter[] = [nodeAdapter, express5Adapter, express4Adapter]
