// The public API: everything that users can import from `tiercache`.

export { type BroadcastBusOptions, broadcastBus } from './bus/broadcast-bus.js'
export { type InProcessBus, inProcessBus } from './bus/in-process-bus.js'
export { AfterCommit, type Invalidated, type InvalidatedCalls, type InvalidatedList } from './cache/after-commit.js'
export { Cache, type KeyValue } from './cache/cache.js'
export type { CacheStats, GhostStats, PathStats } from './cache/cache-stats.js'
export type { ExplainedEntry, Explanation } from './cache/explain/explain.js'
export type {
  CacheInspection,
  InspectedChange,
  InspectedEntry,
  InspectedFlight,
  InspectOptions,
} from './cache/explain/inspect.js'
export type { CacheHealth } from './cache/health.js'
export type { MetricLabels, MetricSample } from './cache/metric-families.js'
export { type MetricDistribution, type MetricFamily, readMetrics } from './cache/metrics.js'
export type { Page, PageReadOptions, Pages, PagesDefinition } from './cache/pages.js'
export type { ReadyOptions } from './cache/ready.js'
export type {
  EndingResponse,
  OpenRequestScope,
  RequestScopeOptions,
  ScopeEnd,
} from './cache/request-scope/request-scope.js'
export type {
  SaveContext,
  SourceDefinition,
  SourceOptions,
  WriteBehindOptions,
  WriteMode,
} from './cache/source/definition.js'
export { type OneOrMany, Source, type SourceReadOptions, type SourceResult } from './cache/source/source.js'
export { CacheStreams, type StreamOptions } from './cache/streams.js'
export type { WarmEntry } from './cache/warm/warm.js'
export type { WarmOptions, WarmReport } from './cache/warm/warm-run.js'
export type { OfArguments, WrapOptions } from './cache/wrap/options.js'
export type { CachedCalls, Wrapped, WrappedAs } from './cache/wrap/wrap.js'
export { createCache } from './create-cache.js'
export type { Counters } from './flow/events/counters.js'
export type { LatencySnapshot } from './flow/events/histogram.js'
export type { ChangeTrace, JoinTrace, L2Trace, LoadTrace } from './flow/events/traces.js'
export type { BatchContext, BatchLoader } from './flow/load/batcher.js'
export type { Lookup } from './flow/read/look-up.js'
export type { Reserved, Slot } from './flow/read/reserve.js'
export type { ServedEntry } from './flow/read/served-entry.js'
export type { StreamJudge } from './flow/streams/live-stream.js'
export type { PartSource, StreamContext, StreamLoader } from './flow/streams/source-reader.js'
export { type StreamOrigin, StreamRead } from './flow/streams/stream-read.js'
export type { WriteResult } from './flow/sync/outbox.js'
export { CacheError, type CacheErrorCode } from './model/errors.js'
export type { EventKeys } from './model/events/event-keys.js'
export type {
  CacheEventName,
  CacheEvents,
  EntryEvent,
  InvalidatedEvent,
  Listener,
  LoadReason,
  Tier,
} from './model/events/events.js'
export type { ReadCounts, TierCounts } from './model/events/read-counts.js'
export type { NotKept, Stored, StoreOutcome } from './model/events/store-outcome.js'
export { type Duration, parseDuration } from './model/options/duration.js'
export type { HoldOptions } from './model/options/hold.js'
export type {
  BackgroundOptions,
  CacheOptions,
  CallOptions,
  FailureBackoff,
  FillOptions,
  LoadContext,
  Loader,
  Logger,
  MemoryOptions,
  NamespaceOptions,
  PolicyOptions,
  PullOptions,
  ReadOptions,
  RecoveryOptions,
  ReserveOptions,
  SingleFlight,
  StaleValue,
  Tags,
  Tiers,
  UpdateContext,
  UpdateOptions,
  ValueSharing,
  WriteOptions,
} from './model/options/options.js'
export type { BreakerOptions, CompressOptions, EncryptOptions, TierOptions } from './model/options/tier-definition.js'
export type { Extension } from './model/values/extension.js'
export type { SchemaIssue, SchemaResult, StandardSchema } from './model/values/schema.js'
export type { ValueMode } from './model/values/value-rules.js'
