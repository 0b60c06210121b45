// `tiercache get`: the value of a key, as Redis has it.
import { inspect } from 'node:util'
import type { Session } from '../connection/session.js'
import type { ExitCode } from '../output/failure.js'
import { Failure } from '../output/failure.js'
import { nameText, safeText, spanText } from '../output/text.js'
import type { Call, Command } from './command.js'

export const get: Command = {
  name: 'get',
  operands: '<key>',
  minOperands: 1,
  maxOperands: 1,
  summary: 'prints the value of a key; never loads',
  details:
    'Exit code 1 if Redis has no value for it. A value that is no longer fresh is printed with a remark on stderr.',
  options: {},
  run: (call) => call.inSession('read', (session) => print(call, session)),
}

async function print(call: Call, { cache }: Session): Promise<ExitCode> {
  const key = call.operands[0] as string
  let unreadable: string | undefined
  cache.on('corrupt', ({ error }) => {
    unreadable = error.message
  })
  const found = await cache.lookup(key, call.version)
  if (!found.found) return notFound(call, cache, unreadable)
  const { value, ...about } = found
  const shown = inspect(value, { depth: null, maxArrayLength: null, maxStringLength: null, breakLength: 100 })
  call.write(shown, { key, scope: cache.path, ...about, value })
  if (about.state !== 'fresh') {
    const served =
      about.state === 'stale' ? 'it is served while one refresh runs' : 'it is served only if loading fails'
    call.remark(`The value is ${spanText(about.ageMs)} old and no longer fresh: ${served}.`)
  }
  return 0
}

/** "Nothing there" and "could not be read" are different answers to an operator. */
async function notFound(call: Call, cache: Session['cache'], unreadable: string | undefined): Promise<ExitCode> {
  const key = call.operands[0] as string
  const { l2 } = await cache.explain(key, call.version)
  if (l2.state === 'unavailable') {
    throw new Failure(3, 'Redis did not answer in time. Try again with a longer --timeout, or type: tiercache doctor')
  }
  if (call.isJson) call.write('', { key, scope: cache.path, found: false, l2: l2.state })
  const name = nameText(key)
  if (unreadable !== undefined)
    call.remark(`Redis has an entry of ${name} that cannot be read here: ${safeText(unreadable)}`)
  else call.remark(`${cache.path} has no value for ${name}. Why: tiercache explain ${name}`)
  return 1
}
