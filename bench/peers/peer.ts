// What every rival and every floor is driven through, so that all of them do the same work. An adapter adds nothing of its own.

/** Which tiers a cache under test has. */
export type Tiers = 'l1' | 'l2' | 'both'

export interface OpenOptions {
  readonly tiers: Tiers
  /** Room in memory. */
  readonly maxEntries: number
  readonly ttlMs: number
  readonly redisPort: number
  /** What the name of the cache begins with: nobody else's in this server. */
  readonly prefix: string
  /** Whether other processes hear of writes. Only where there are two tiers. */
  readonly bus: boolean
  /** Carried by every entry. */
  readonly tags: readonly string[]
  /** The source of truth. */
  readonly load: (key: string) => unknown
}

/** A cache that was opened. What a library cannot do is left out. */
export interface PeerCache {
  /** Get or load. */
  read(key: string): Promise<unknown>
  /** What memory has, synchronously. */
  peek?(key: string): unknown
  /** Many at once, all of them cached already. */
  readMany?(keys: readonly string[]): Promise<readonly unknown[]>
  /** `tags` in place of those that every entry carries. */
  write?(key: string, value: unknown, tags?: readonly string[]): Promise<unknown>
  invalidateTags?(tags: readonly string[]): Promise<unknown>
  /** Ends when work begun behind an answered call is done. */
  settle?(): Promise<unknown>
  close(): Promise<unknown>
}

export interface Peer {
  readonly name: string
  /** The package whose version the results name. */
  readonly packageName: string
  /** Present where something must be known to read a figure. */
  readonly note?: string
  /** Tiers that the library can be configured to have. */
  readonly tiers: readonly Tiers[]
  readonly tags: boolean
  open(options: OpenOptions): Promise<PeerCache>
}
