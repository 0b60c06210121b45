// The options of `createCache`, checked and with their defaults filled in.

import type { EventKeys } from '../events/event-keys.js'
import type { Tier } from '../events/events.js'
import { checkName, type Version } from '../keys/key.js'
import {
  checkBoolean,
  checkCount,
  checkMethods,
  checkNames,
  checkOneOf,
  invalid,
  withoutEffect,
} from '../option-rules.js'
import type { Bus, Clock } from '../ports.js'
import { checkExtensions } from '../values/extension.js'
import { ValueRules } from '../values/value-rules.js'
import { toMs } from './duration.js'
import type {
  BackgroundOptions,
  CacheOptions,
  Logger,
  MemoryOptions,
  RecoveryOptions,
  ValueSharing,
} from './options.js'
import { DEFAULT_POLICY, POLICY_OPTIONS, type Policy, resolvePolicy } from './policy.js'
import type { TierDefinition } from './tier-definition.js'

/** Every option of a cache with its default filled in. */
export interface CachePolicy {
  readonly name: string
  readonly version: Version | undefined
  /** `undefined`: no L1. */
  readonly memory: MemoryPolicy | undefined
  readonly l2: TierDefinition | undefined
  readonly bus: Bus | undefined
  readonly clock: Clock | undefined
  readonly values: ValueRules
  readonly random: () => number
  readonly recovery: RecoveryPolicy
  readonly background: BackgroundPolicy
  readonly closeTimeoutMs: number
  readonly eventKeys: EventKeys
  /** `undefined`: Node's own warnings are used; `false`: nothing is logged. */
  readonly logger: Logger | false | undefined
  /** The policy of calls without options. */
  readonly defaults: Policy
}

/** The limits of L1. Infinity: no such limit; at least one of `maxEntries` and `maxBytes` is finite. */
export interface MemoryLimits {
  readonly maxEntries: number
  readonly maxBytes: number
  /** Larger entries are not kept in L1. */
  readonly maxEntryBytes: number
  readonly values: ValueSharing
}

/** The options of L1 as numbers. */
export interface MemoryPolicy extends MemoryLimits {
  readonly maxStalenessMs: number
  /** Whether it estimates what a larger L1 would win. */
  readonly ghosts: boolean
}

/** `RecoveryOptions` as numbers. */
export interface RecoveryPolicy {
  readonly windowMs: number
  readonly maxOperations: number
  readonly maxBytes: number
}

/** `BackgroundOptions` as numbers. */
export interface BackgroundPolicy {
  readonly concurrency: number
  readonly maxPending: number
  readonly maxBytes: number
}

const MIB = 1024 * 1024
const DEFAULT_ENTRIES = 10_000
/** The default of `l1.maxBytes`, unless `1 / HEAP_PARTS` of the heap limit is less. */
const DEFAULT_BYTES = 128 * MIB
const HEAP_PARTS = 8
/** A Map cannot hold more. */
const MAX_ENTRIES = 2 ** 24

const CACHE_OPTIONS: readonly string[] = [
  'name',
  'version',
  'l1',
  'l2',
  'bus',
  'extend',
  'values',
  'clock',
  'random',
  'recovery',
  'background',
  'closeTimeout',
  'logger',
  'eventKeys',
]

const L1_OPTIONS = ['maxEntries', 'maxBytes', 'maxEntryBytes', 'ttl', 'maxStaleness', 'values', 'ghosts']
const ALL_OPTIONS: readonly string[] = [...CACHE_OPTIONS, ...POLICY_OPTIONS]

/**
 * Checks the options and fills in the defaults. Throws `INVALID_OPTION` or `INVALID_KEY`. The caller's object is read once and not kept.
 * `heapLimitBytes`, the limit of the heap, bounds L1 if the options do not.
 */
export function resolveCacheOptions(given: CacheOptions = {}, heapLimitBytes = Number.POSITIVE_INFINITY): CachePolicy {
  const options = checkNames(given, ALL_OPTIONS, 'createCache')
  const l1 = options.l1 === false ? false : checkNames(options.l1 ?? {}, L1_OPTIONS, 'l1')
  const memory = l1 === false ? undefined : resolveMemory(l1, heapLimitBytes)
  const l1TtlMs = l1 === false || l1.ttl === undefined ? DEFAULT_POLICY.l1TtlMs : toMs(l1.ttl, 'l1.ttl')
  const policy = {
    name: options.name === undefined ? 'tiercache' : checkName(options.name, 'name'),
    version: options.version,
    memory,
    l2: options.l2 === undefined ? undefined : checkTier(options.l2),
    bus: options.bus === undefined ? undefined : checkMethods(options.bus, 'bus', BUS_METHODS, 'a bus'),
    clock: options.clock === undefined ? undefined : checkMethods(options.clock, 'clock', CLOCK_METHODS, 'a clock'),
    values: new ValueRules(
      options.extend === undefined ? [] : checkExtensions(options.extend),
      checkOneOf(options.values ?? 'exact', 'values', ['exact', 'plain']),
    ),
    random: options.random === undefined ? Math.random : checkRandom(options.random),
    recovery: resolveRecovery(options.recovery ?? {}),
    background: resolveBackground(options.background ?? {}),
    closeTimeoutMs: toMs(options.closeTimeout ?? '5s', 'closeTimeout'),
    eventKeys: checkOneOf(options.eventKeys ?? 'plain', 'eventKeys', ['plain', 'hashed', 'omitted']),
    logger: options.logger === undefined ? undefined : checkLogger(options.logger),
    defaults: resolvePolicy(
      { ...DEFAULT_POLICY, l1TtlMs, missingTier: missingTierOf(options) },
      options,
      CACHE_OPTIONS,
    ),
  }
  refuseWithoutEffect(options, l1)
  return policy
}

/** Refuses options that need a tier that this cache does not have, which would otherwise be ignored silently. */
function refuseWithoutEffect({ l2, bus, recovery, l1Ttl }: CacheOptions, l1: MemoryOptions | false): void {
  if (l2 === undefined && recovery !== undefined) throw withoutEffect('recovery', 'without l2')
  if (l2 === undefined && bus === undefined && l1 !== false && l1.maxStaleness !== undefined) {
    throw withoutEffect('l1.maxStaleness', 'without l2 or bus')
  }
  if (l1 === false && l1Ttl !== undefined) throw withoutEffect('l1Ttl', 'with l1: false')
}

/** The tier that a cache lacks, if it has the other one. Without any tier nothing is kept, so `tiers` is not checked. */
function missingTierOf({ l1, l2 }: CacheOptions): Tier | undefined {
  if (l1 !== false) return l2 === undefined ? 'l2' : undefined
  return l2 === undefined ? undefined : 'l1'
}

const BUS_METHODS = ['start', 'publish', 'position', 'close']
const CLOCK_METHODS = ['nowMs', 'after']

function resolveMemory(options: MemoryOptions, heapLimitBytes: number): MemoryPolicy {
  const { maxEntries, maxBytes, maxEntryBytes, maxStaleness = '3s', values = 'shared', ghosts = false } = options
  const bytesByDefault = Math.max(MIB, Math.min(DEFAULT_BYTES, Math.floor(heapLimitBytes / HEAP_PARTS)))
  const bytes = maxBytes === undefined ? bytesByDefault : checkCount(maxBytes, 'l1.maxBytes', 1, Infinity)
  const byDefault = maxBytes !== undefined && Number.isFinite(bytes) ? Infinity : DEFAULT_ENTRIES
  return {
    maxEntries: maxEntries === undefined ? byDefault : checkCount(maxEntries, 'l1.maxEntries', 1, MAX_ENTRIES),
    maxBytes: bytes,
    maxEntryBytes: maxEntryBytes === undefined ? Infinity : checkCount(maxEntryBytes, 'l1.maxEntryBytes', 1, Infinity),
    maxStalenessMs: toMs(maxStaleness, 'l1.maxStaleness'),
    values: checkOneOf(values, 'l1.values', ['shared', 'frozen', 'checked', 'cloned']),
    ghosts: checkBoolean(ghosts, 'l1.ghosts'),
  }
}

function resolveRecovery(options: RecoveryOptions): RecoveryPolicy {
  const names = ['window', 'maxOperations', 'maxBytes']
  const { window = '10s', maxOperations = 10_000, maxBytes = 16 * MIB } = checkNames(options, names, 'recovery')
  const windowMs = toMs(window, 'recovery.window')
  if (windowMs === Infinity) throw invalid('recovery.window', 'finite, since what happened in it is remembered', window)
  return {
    windowMs,
    maxOperations: checkCount(maxOperations, 'recovery.maxOperations', 1, MAX_ENTRIES),
    maxBytes: checkCount(maxBytes, 'recovery.maxBytes', 0, Number.MAX_SAFE_INTEGER),
  }
}

function resolveBackground(options: BackgroundOptions): BackgroundPolicy {
  const names = ['concurrency', 'maxPending', 'maxBytes']
  const { concurrency = 16, maxPending = 10_000, maxBytes = 64 * MIB } = checkNames(options, names, 'background')
  return {
    concurrency: checkCount(concurrency, 'background.concurrency', 1, 100_000),
    maxPending: checkCount(maxPending, 'background.maxPending', 0, MAX_ENTRIES),
    maxBytes: checkCount(maxBytes, 'background.maxBytes', 0, Number.MAX_SAFE_INTEGER),
  }
}

function checkTier(tier: TierDefinition): TierDefinition {
  return checkMethods(tier, 'l2', ['connect'], 'a tier such as redisTier(client), from tiercache/redis')
}

function checkRandom(random: () => number): () => number {
  if (typeof random === 'function') return random
  throw invalid('random', 'a function that returns a number from 0 (inclusive) to 1 (exclusive)', random)
}

const LOGGER =
  'an object with the methods warn and error (debug and info are optional), such as console or pino(), or false'

function checkLogger(logger: Logger | false): Logger | false {
  if (logger === false) return false
  checkMethods(logger, 'logger', ['warn', 'error'], LOGGER)
  if (logger.info !== undefined) checkMethods(logger, 'logger', ['info'], LOGGER)
  return logger
}
