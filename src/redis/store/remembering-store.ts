// Beside a tracking bus: a store that remembers what it changes, so that the bus knows its own writes from those of others.
import { tokenKeyOf } from '../../model/keys/key.js'
import type {
  Attempt,
  Bytes,
  Change,
  ChangeResult,
  EnsuredTokens,
  Milliseconds,
  RemoteStore,
  StoreEvents,
  Token,
} from '../../model/ports.js'
import type { OwnChanges } from './own-changes.js'

/** Passes everything on to `store` and notes in `own` what it is about to change, and which tokens it found. */
export class RememberingStore implements RemoteStore {
  readonly #store: RemoteStore
  readonly #own: OwnChanges
  readonly #name: string

  constructor(store: RemoteStore, own: OwnChanges, name: string) {
    this.#store = store
    this.#own = own
    this.#name = name
  }

  isReady(): boolean {
    return this.#store.isReady()
  }

  nowMs(): number {
    return this.#store.nowMs()
  }

  read(keys: readonly string[]): Promise<readonly (Bytes | undefined)[]> {
    return this.#store.read(keys)
  }

  claim(key: string, lease: Bytes, leaseMs: Milliseconds): Promise<Bytes> {
    this.#own.wrote(key, lease)
    return this.#store.claim(key, lease, leaseMs)
  }

  swap(key: string, expected: Bytes, next: Bytes | undefined, keepMs: Milliseconds): Promise<undefined | 'refused'> {
    if (next === undefined) this.#own.removed(key)
    else this.#own.wrote(key, next)
    return this.#store.swap(key, expected, next, keepMs)
  }

  extend(key: string, expected: Bytes, keepMs: Milliseconds): Promise<undefined | 'refused'> {
    this.#own.wrote(key, expected)
    return this.#store.extend(key, expected, keepMs)
  }

  apply(
    changes: readonly Change[],
    announcement: Bytes | undefined,
    attempt?: Attempt,
  ): Promise<readonly ChangeResult[]> {
    for (const change of changes) this.#note(change)
    return this.#store.apply(changes, announcement, attempt)
  }

  async readTokens(labels: readonly string[]): Promise<readonly (Token | undefined)[]> {
    const tokens = await this.#store.readTokens(labels)
    this.#found(labels, tokens)
    return tokens
  }

  async ensureTokens(
    labels: readonly string[],
    candidates: readonly Token[],
    keepMs: Milliseconds,
    since: string | undefined,
  ): Promise<EnsuredTokens> {
    this.#found(labels, candidates)
    const answer = await this.#store.ensureTokens(labels, candidates, keepMs, since)
    // Whoever renews the life of a token changes its key, and nothing that matters.
    this.#found(labels, answer.tokens)
    return answer
  }

  deleteByPrefix(prefix: string, signal?: AbortSignal, isMeant?: (head: Bytes) => boolean): Promise<number> {
    return this.#store.deleteByPrefix(prefix, signal, isMeant)
  }

  whenReady(signal?: AbortSignal): Promise<void> {
    return this.#store.whenReady(signal)
  }

  start(events: StoreEvents): void {
    this.#store.start(events)
  }

  close(): Promise<void> {
    return this.#store.close()
  }

  #note(change: Change): void {
    switch (change.op) {
      case 'put':
      case 'replace':
        this.#own.wrote(change.key, change.bytes)
        break
      case 'expire':
        this.#own.wrote(change.key, change.stamp)
        break
      case 'delete':
        this.#own.removed(change.key)
        break
      case 'invalidateLabel':
        this.#own.removed(tokenKeyOf(change.label, this.#name))
        break
      case 'expireLabel':
        // Its new soft half is made by the server, so this process meets it as a change of somebody else's: one look more.
        break
      default:
        change satisfies never
    }
  }

  #found(labels: readonly string[], tokens: readonly (Token | undefined)[]): void {
    for (const [i, token] of tokens.entries()) {
      if (token !== undefined) this.#own.wrote(tokenKeyOf(labels[i] as string, this.#name), token)
    }
  }
}
