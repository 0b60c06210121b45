// `tiercache/keyv`: a store for Keyv over a cache.

export { KeyvStore, type KeyvStoreOptions, keyvStore } from './keyv-store.js'
