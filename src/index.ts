// The public face of `tiercache`: everything that users may import from the core.
export { Cache, type KeyValue } from './cache/cache.js'
export type { CacheStats } from './cache/cache-stats.js'
export type { ExplainedEntry, Explanation } from './cache/explain.js'
export type { Page, PageReadOptions, Pages, PagesDefinition } from './cache/pages.js'
export type { ReadyOptions } from './cache/ready.js'
export type { EndingResponse, OpenScope, ScopeEnd, ScopeOptions } from './cache/request-scope.js'
export { type OneOrMany, Source, type SourceReadOptions, type SourceResult } from './cache/source.js'
export type {
  SaveContext,
  SourceDefinition,
  SourceOptions,
  WriteBehindOptions,
  WriteMode,
} from './cache/source-definition.js'
export type { WarmEntry } from './cache/warm.js'
export type { CachedCalls, Wrapped, WrappedAs } from './cache/wrap.js'
export type { OfArguments, WrapOptions } from './cache/wrap-options.js'
export { createCache } from './create-cache.js'
export { AfterCommit, type Invalidated, type InvalidatedCalls, type InvalidatedList } from './flow/after-commit.js'
export type { BatchContext, BatchLoader } from './flow/batcher.js'
export { type BroadcastBusOptions, broadcastBus } from './flow/broadcast-bus.js'
export { type InProcessBus, inProcessBus } from './flow/in-process-bus.js'
export type { ManyLoader } from './flow/load-many.js'
export type { WriteResult } from './flow/outbox.js'
export type { Lookup } from './flow/read.js'
export type { Counters } from './flow/recorder.js'
export type { LatencySnapshot } from './flow/stats.js'
export type { WarmOptions, WarmReport } from './flow/warm.js'
export type { Duration } from './model/duration.js'
export { CacheError, type CacheErrorCode } from './model/errors.js'
export type { EventKeys } from './model/event-keys.js'
export type {
  CacheEventName,
  CacheEvents,
  EntryEvent,
  InvalidatedEvent,
  Listener,
  LoadReason,
  Tier,
} from './model/events.js'
export type { Extension } from './model/extension.js'
export type {
  BackgroundOptions,
  CacheOptions,
  CallOptions,
  FailureBackoff,
  LoadContext,
  Loader,
  Logger,
  MemoryOptions,
  NamespaceOptions,
  PolicyOptions,
  ReadOptions,
  RecoveryOptions,
  SingleFlight,
  StaleValue,
  Tags,
  Tiers,
  ValueSharing,
  WriteOptions,
} from './model/options.js'
export type {
  Bus,
  BusEvents,
  Bytes,
  Change,
  ChangeResult,
  Clock,
  Codec,
  Compressor,
  EnsuredTokens,
  Milliseconds,
  RemoteStore,
  StoreEvents,
  Token,
} from './model/ports.js'
export type { ReadCounts, TierCounts } from './model/read-counts.js'
export type { SchemaIssue, SchemaResult, StandardSchema } from './model/schema.js'
export type { NotKept } from './model/store-outcome.js'
export type {
  BreakerOptions,
  CompressOptions,
  ConnectedTier,
  EncryptOptions,
  TierDefinition,
  TierOptions,
} from './model/tier-definition.js'
export type { ValueMode } from './model/value-rules.js'
