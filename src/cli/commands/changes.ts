// The commands that change something. Each is one call of the SDK, and its announcement reaches every process.
import type { WriteResult } from '../../index.js'
import type { Session } from '../connection/session.js'
import { type ExitCode, Failure, wrongUse } from '../output/failure.js'
import { nameText, plural, safeText } from '../output/text.js'
import type { Call, Command } from './command.js'

type Change = (call: Call, session: Session) => Promise<WriteResult>

const MANY = Number.POSITIVE_INFINITY

export const deleteKeys: Command = {
  name: 'delete',
  operands: '<key>...',
  minOperands: 0,
  maxOperands: MANY,
  summary: 'removes keys, in every process; or all that begin with --prefix',
  options: {
    prefix: {
      type: 'string',
      argument: '<prefix>',
      help: 'removes every key that begins so; looks at all keys of Redis',
    },
  },
  run: (call) => (call.text('prefix') === undefined ? deleteNamed(call) : deletePrefix(call)),
}

export const expire: Command = {
  name: 'expire',
  operands: '<key>...',
  minOperands: 1,
  maxOperands: MANY,
  summary: 'ends the freshness of keys: the next read loads, and may serve the old value if that fails',
  options: {},
  run: (call) => changed(call, 'expired', 'key', ({ operands, version }, { cache }) => cache.expire(operands, version)),
}

export const invalidateTags: Command = {
  name: 'invalidate-tags',
  operands: '<tag>...',
  minOperands: 1,
  maxOperands: MANY,
  summary: 'removes every entry that carries one of the tags, in the whole cache and in every process',
  options: {},
  run: (call) => changed(call, 'invalidated', 'tag', ({ operands }, { cache }) => cache.invalidateTags(operands)),
}

export const expireTags: Command = {
  name: 'expire-tags',
  operands: '<tag>...',
  minOperands: 1,
  maxOperands: MANY,
  summary: 'ends the freshness of every entry that carries one of the tags',
  options: {},
  run: (call) => changed(call, 'expired', 'tag', ({ operands }, { cache }) => cache.expireTags(operands)),
}

export const clear: Command = {
  name: 'clear',
  operands: '',
  minOperands: 0,
  maxOperands: 0,
  summary: 'removes every entry of the cache, or of --namespace, in every process; needs --yes',
  options: { yes: { type: 'boolean', help: 'says that everything may go' } },
  run: async (call) => {
    if (call.values.yes !== true) {
      throw wrongUse(
        'clear removes every entry, and every process then loads again. Nothing was done. Add --yes if you mean it',
      )
    }
    return call.inSession('change', async (session) => {
      const { cache } = session
      await confirmed(session, () => cache.clear())
      call.write(`cleared ${cache.path}`, { cleared: cache.path })
      return 0
    })
  },
}

function deleteNamed(call: Call): Promise<ExitCode> {
  if (call.operands.length === 0)
    throw wrongUse('delete needs at least one key, or --prefix. Type: tiercache delete --help')
  return changed(call, 'deleted', 'key', ({ operands, version }, { cache }) => cache.delete(operands, version))
}

async function deletePrefix(call: Call): Promise<ExitCode> {
  const prefix = call.text('prefix') as string
  if (prefix === '') throw wrongUse('An empty prefix fits every key. Type: tiercache clear --yes')
  if (call.operands.length > 0) throw wrongUse('delete takes keys or --prefix, not both')
  if (call.settings.entryVersion !== undefined) {
    throw wrongUse('--prefix and --entry-version cannot be combined. Give the keys themselves')
  }
  const signal = call.program.interruption()
  return call.inSession('change', async ({ cache }) => {
    const count = await cache.deleteByPrefix(prefix, { signal })
    call.write(`deleted ${plural(count, 'key')} of ${cache.path} that began with ${nameText(prefix)}`, {
      deleted: count,
      prefix,
      scope: cache.path,
    })
    return 0
  })
}

function changed(call: Call, done: string, what: 'key' | 'tag', change: Change): Promise<ExitCode> {
  return call.inSession('change', async (session) => {
    await confirmed(session, () => change(call, session))
    const { path } = what === 'key' ? session.cache : session.root
    call.write(`${done} ${plural(call.operands.length, what)} of ${path}`, { [done]: call.operands, scope: path })
    return 0
  })
}

/**
 * Makes a change and throws a `Failure` unless Redis confirms it. The journal of a service survives an outage; that of a command ends with
 * it. So "queued" means "not confirmed".
 */
async function confirmed(session: Session, change: () => Promise<WriteResult>): Promise<void> {
  let reason = ''
  session.root.on('degraded', ({ error }) => {
    reason = `: ${safeText(error.message)}`
  })
  if ((await change()) === 'applied') return
  const next =
    'It may have been made or not. Repeat the command, since to make it twice does no harm. To look for the cause, type: tiercache doctor'
  throw new Failure(3, `Redis did not confirm the change${reason}. ${next}`)
}
