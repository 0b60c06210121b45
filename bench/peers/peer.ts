// The interface to every rival and every floor, so that all of them do the same work. An adapter adds nothing of its own.

/** The tiers of a cache. */
export type Tiers = 'l1' | 'l2' | 'both'

/** What reads go through: the cache itself, a namespace of it, a wrapped function or a source. Only tiercache has them all. */
export type Face = 'root' | 'namespace' | 'wrap' | 'source'

export interface OpenOptions {
  readonly tiers: Tiers
  /** The number of entries for which memory has room. */
  readonly maxEntries: number
  readonly ttlMs: number
  readonly redisPort: number
  /** The beginning of the cache's name, unique in this server. */
  readonly prefix: string
  /** Whether other processes learn of writes. Only with two tiers. */
  readonly bus: boolean
  readonly face: Face
  /** The default of the library if it is not given and it has one; measuring needs a longer one. */
  readonly l2TimeoutMs?: number
  /** The tags of every entry. */
  readonly tags: readonly string[]
  /** The source of truth. */
  readonly load: (key: string) => unknown
}

/** An open cache. Calls that a library does not have are left out. */
export interface PeerCache {
  /** Get or load. */
  read(key: string): Promise<unknown>
  /** The value in memory, synchronously. */
  peek?(key: string): unknown
  /** Many keys at once, all of them cached. */
  readMany?(keys: readonly string[]): Promise<readonly unknown[]>
  /** `tags` replace those that every entry carries. */
  write?(key: string, value: unknown, tags?: readonly string[]): Promise<unknown>
  /** Removes one key, in whatever way the library documents. */
  remove?(key: string): Promise<unknown>
  invalidateTags?(tags: readonly string[]): Promise<unknown>
  /** Resolves when the work that continues after a call is done. */
  settle?(): Promise<unknown>
  close(): Promise<unknown>
}

export interface Peer {
  readonly name: string
  /** The package whose version is in the results. */
  readonly packageName: string
  /** What a reader must know about its figures, if anything. */
  readonly note?: string
  /** The tiers that the library can have. */
  readonly tiers: readonly Tiers[]
  readonly tags: boolean
  open(options: OpenOptions): Promise<PeerCache>
}
