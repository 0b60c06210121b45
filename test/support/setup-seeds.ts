// Properties of fast-check play the seed of this run.
import fc from 'fast-check'
import { SEED } from './seed.js'

fc.configureGlobal({ seed: SEED })
