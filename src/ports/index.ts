// `tiercache/ports`: the types that a tier, a store, a bus, a codec or a clock of your own implements. `tiercache/testing` has cases that check
// stores and buses.

export type { ConnectedTier, TierDefinition } from '../model/options/tier-definition.js'
export type {
  Attempt,
  Bus,
  BusEvents,
  Bytes,
  Change,
  ChangeResult,
  Clock,
  Codec,
  Compressor,
  EnsuredTokens,
  Followed,
  Hold,
  Milliseconds,
  RecordingName,
  RemoteRecordings,
  RemoteStore,
  StoreEvents,
  Token,
} from '../model/ports.js'
