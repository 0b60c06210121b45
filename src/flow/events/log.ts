// Writes the events that an operator should know of, once per kind, to a logger or as Node's own process warnings.
import type { CacheEventName, CacheEvents, Events } from '../../model/events/events.js'
import { noticeLevelOf } from '../../model/events/notices.js'
import { isOptionFailure } from '../../model/failed-option.js'
import type { Logger } from '../../model/options/options.js'
import { foreignText } from '../../model/text/foreign-text.js'
import { isAboutValue, kindOfRefusal } from '../../model/values/refused-value.js'

/** One line of the log. */
interface Line {
  readonly level: 'info' | 'warn' | 'error'
  readonly code: string
  readonly message: string
  readonly error?: Error | undefined
  /** Whether it becomes a process warning if no logger was given. */
  readonly isWarning?: boolean
  /** Distinguishes the causes of one code: each pair of `code` and `about` is written once. */
  readonly about?: string
}

/** The line for each event; `undefined` if this one needs none. */
type Lines = { readonly [Name in CacheEventName]?: (payload: CacheEvents[Name]) => Line | undefined }

const LINES: Lines = {
  degraded: ({ error }) => ({
    level: 'warn',
    code: error.code,
    message: `L2 is not used: ${foreignText(error.message)}`,
    error,
    isWarning: true,
  }),
  recovered: ({ degradedMs }) => ({
    level: 'info',
    code: 'RECOVERED',
    message: `L2 is used again, after ${Math.round(degradedMs)} ms`,
  }),
  // A failed option function, and a value that no tier can keep, have notices of their own.
  storeFailed: ({ scope, error }) =>
    isOptionFailure(codeOf(error, '')) || isAboutValue(error)
      ? undefined
      : {
          level: 'warn',
          code: codeOf(error, 'STORE_FAILED'),
          about: scope,
          error,
          isWarning: true,
          message: `a loaded value of ${scope} is kept in no tier, so each read loads it: ${foreignText(error.message)}`,
        },
  corrupt: ({ scope, error }) => ({
    level: 'warn',
    code: error.code,
    about: scope,
    error,
    isWarning: error.code === 'ENTRY_CORRUPT',
    message: `an entry of ${scope} in L2 cannot be used and counts as a miss: ${foreignText(error.message)}`,
  }),
  // After a miss the callers get the error themselves.
  loadFailed: ({ scope, reason, error }) =>
    reason === 'miss'
      ? undefined
      : {
          level: 'warn',
          code: codeOf(error, 'LOAD_FAILED'),
          about: scope,
          error,
          message: `a refresh of ${scope} failed: ${foreignText(error.message)}`,
        },
  saveFailed: ({ scope, error, attempt }) => ({
    level: 'warn',
    code: codeOf(error, 'SAVE_FAILED'),
    about: scope,
    error,
    message: `a queued change of ${scope} could not be saved (attempt ${attempt}) and will be retried: ${foreignText(error.message)}`,
  }),
  dropped: ({ what, why }) =>
    why === 'busy'
      ? {
          level: 'warn',
          code: 'DROPPED',
          about: what,
          message: `background work (${what}) was given up because too much was waiting; see the option background`,
        }
      : undefined,
  replayed: ({ changes, overflowed }) =>
    overflowed
      ? {
          level: 'warn',
          code: 'REPLAY_OVERFLOWED',
          message: `more changes waited for L2 than the journal holds, so the whole cache was cleared (${changes} replayed); see the option recovery`,
        }
      : undefined,
  busLost: ({ reason }) => ({
    level: 'warn',
    code: 'BUS_LOST',
    message: `changes of other processes may have been missed: ${foreignText(reason)}`,
  }),
  busRecovered: ({ lostMs }) => ({
    level: 'info',
    code: 'BUS_RECOVERED',
    message: `the bus is heard again, after ${Math.round(lostMs)} ms`,
  }),
  messageIgnored: ({ error }) => ({ level: 'info', code: error.code, message: foreignText(error.message), error }),
  listenerFailed: ({ event, error }) => ({
    level: 'error',
    code: 'LISTENER_FAILED',
    about: event,
    error,
    isWarning: true,
    message: `a listener of the event ${event} failed: ${foreignText(error.message)}`,
  }),
  notice: ({ code, detail, error }) => {
    const isWarning = noticeLevelOf(code) === 'warning'
    const about = aboutOf(code, detail, error)
    return { level: isWarning ? 'warn' : 'info', code, message: detail, error, isWarning, ...(about && { about }) }
  },
  closed: ({ lost, unsaved }) =>
    lost + unsaved > 0
      ? {
          level: 'error',
          code: 'CHANGES_LOST',
          isWarning: true,
          message: `closed with ${lost} changes that never reached L2 and ${unsaved} that never reached their source`,
        }
      : undefined,
}

/** After the event on the left, that on the right may be written again: the next outage is a new one. */
const ENDS: { readonly [Name in CacheEventName]?: CacheEventName } = {
  recovered: 'degraded',
  busRecovered: 'busLost',
  degraded: 'recovered',
  busLost: 'busRecovered',
}

/** Kinds beyond this many are not written, so that no set grows without bound. */
const MAX_KINDS = 1_000

/**
 * Writes the events of a cache to `logger`. Without a logger they become process warnings, each kind once per process, however many
 * caches report it. With `false` nothing is written. It listens to no event on the path of a hit.
 */
export function logEvents(
  events: Events,
  cache: string,
  logger: Logger | false | undefined,
  warned: Set<string> = warnedByProcess(),
): void {
  if (logger === false) return
  const written = new Map<string, Set<string>>()
  for (const event of Object.keys(LINES) as CacheEventName[]) {
    const lineOf = LINES[event] as (payload: unknown) => Line | undefined
    events.on(event, (payload) => {
      const line = lineOf(payload)
      if (line === undefined) return
      if (logger === undefined) {
        if (line.isWarning === true && isNew(warned, kindOf(line))) warn(cache, line)
        return
      }
      const ended = ENDS[event]
      if (ended !== undefined) written.delete(ended)
      const kinds = written.get(event) ?? new Set()
      written.set(event, kinds)
      if (isNew(kinds, kindOf(line))) write(logger, cache, event, line)
    })
  }
}

function kindOf({ code, about = '' }: Line): string {
  return `${code} ${about}`
}

function isNew(kinds: Set<string>, kind: string): boolean {
  if (kinds.has(kind) || kinds.size >= MAX_KINDS) return false
  kinds.add(kind)
  return true
}

function write(logger: Logger, cache: string, event: CacheEventName, line: Line): void {
  const { level, code, error } = line
  const fields = error === undefined ? { cache, event, code } : { cache, event, code, err: error }
  logger[level]?.(fields, `tiercache ${cache}: ${line.message}`)
}

function warn(cache: string, { code, message }: Line): void {
  process.emitWarning(`${cache}: ${message}`, { type: 'TiercacheWarning', code })
}

const WARNED = Symbol.for('tiercache.warned')

/**
 * The kinds that this process was warned of. The set is kept in `globalThis`: "once per process" covers all caches, and those of the
 * ESM and the CommonJS build do not share a module.
 */
function warnedByProcess(): Set<string> {
  const holder = globalThis as { [WARNED]?: Set<string> }
  holder[WARNED] ??= new Set()
  return holder[WARNED]
}

/** Distinguishes notices of one code. */
function aboutOf(code: string, detail: string, error: Error | undefined): string | undefined {
  // These notices come once per source, function, cache or key, which their detail names.
  if (isOptionFailure(code) || code === 'VALUE_CHANGED') return detail
  return code === 'VALUE_NOT_KEPT' && error !== undefined ? kindOfRefusal(error) : undefined
}

function codeOf(error: Error, otherwise: string): string {
  const { code } = error as { readonly code?: unknown }
  return error.name === 'CacheError' && typeof code === 'string' ? code : otherwise
}
