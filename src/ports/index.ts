// `tiercache/ports`: what a store, a bus, a codec or a clock of your own has to be. Types only; `tiercache/testing` has the cases that check one.
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
} from '../model/ports.js'
