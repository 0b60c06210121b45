// Every command, in the order of the overview.
import { clear, deleteKeys, expire, expireTags, invalidateTags } from './changes.js'
import type { Command } from './command.js'
import { doctor } from './doctor.js'
import { explain } from './explain.js'
import { get } from './get.js'
import { stats } from './stats.js'
import { tail } from './tail.js'
import { top } from './top.js'

export const COMMANDS: readonly Command[] = [
  ...[get, explain, stats, tail, top, doctor],
  ...[deleteKeys, expire, invalidateTags, expireTags, clear],
]
