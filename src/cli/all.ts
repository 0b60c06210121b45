// Every command, in the order of the overview.
import { clear, deleteKeys, expire, expireTags, invalidateTags } from './commands/changes.js'
import type { Command } from './commands/command.js'
import { doctor } from './commands/doctor.js'
import { explain } from './commands/explain.js'
import { get } from './commands/get.js'
import { stats } from './commands/stats.js'
import { tail } from './commands/tail.js'
import { top } from './commands/top.js'
import { devtools } from './devtools/devtools.js'

export const COMMANDS: readonly Command[] = [
  ...[get, explain, stats, tail, top, doctor, devtools],
  ...[deleteKeys, expire, invalidateTags, expireTags, clear],
]
