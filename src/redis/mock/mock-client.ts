// ioredis-mock, the usual fake of ioredis in tests: how it is recognized, and its data as the store and the bus use them.

import { asBuffer } from '../../model/as-buffer.js'
import type { Bytes, Milliseconds } from '../../model/ports.js'

/** The parts of ioredis-mock 8 that are used: the data that all mocks of one host, port and db share. It is not imported. */
export interface MockClient {
  readonly connected: boolean
  /** Takes keys without the prefix of this client and adds it. Only `keys` returns keys with the prefix. */
  readonly data: {
    get(key: string): unknown
    set(key: string, value: unknown): void
    delete(key: string): void
    has(key: string): boolean
    keys(): string[]
  }
  readonly expires: {
    isExpired(key: string): boolean
    get(key: string): number
    set(key: string, atMs: number): void
    has(key: string): boolean
    delete(key: string): void
  }
  readonly context: { readonly modifiedKeyEvents: Emitter }
  readonly options: { readonly keyPrefix?: string | undefined }
  on(event: string, listener: () => void): unknown
  removeListener(event: string, listener: () => void): unknown
  connect(): unknown
}

interface Emitter {
  on(event: 'modified', listener: (key: string) => void): unknown
  removeListener(event: 'modified', listener: (key: string) => void): unknown
}

export function isMockClient(value: unknown): value is MockClient {
  if (value === null || typeof value !== 'object') return false
  const { connected, data, expires, context } = value as { [Key in keyof MockClient]?: Partial<MockClient[Key]> }
  return (
    typeof connected === 'boolean' &&
    typeof data?.get === 'function' &&
    typeof data.keys === 'function' &&
    typeof expires?.isExpired === 'function' &&
    typeof context?.modifiedKeyEvents?.on === 'function'
  )
}

/** One entry of the stream of announcements, as the mock's own XRANGE would return it. */
export type MockStreamEntry = readonly [id: string, fields: readonly (string | Buffer)[]]

/**
 * The data of a mock. Each call is one step. The mock's commands are not used: they convert values to UTF-8 (SETRANGE), ignore types, reuse
 * ids of stream entries, and run Lua in which two equal byte strings differ.
 */
export class MockData {
  readonly #client: MockClient

  constructor(client: MockClient) {
    this.#client = client
  }

  /** The bytes of the value; `undefined` if there is none or one of another type. Tests may have stored text. */
  bytes(key: string): Buffer | undefined {
    const value = this.#live(key)
    if (typeof value === 'string') return Buffer.from(value)
    return value instanceof Uint8Array ? asBuffer(value) : undefined
  }

  has(key: string): boolean {
    return this.#client.data.has(key)
  }

  put(key: string, bytes: Bytes, keepMs: Milliseconds): void {
    this.#client.data.set(key, asBuffer(bytes))
    this.keep(key, keepMs)
  }

  /** Replaces the value and leaves its life as it is. */
  replace(key: string, bytes: Bytes): void {
    this.#client.data.set(key, asBuffer(bytes))
  }

  keep(key: string, keepMs: Milliseconds): void {
    this.#client.expires.set(key, Date.now() + keepMs)
  }

  leftMs(key: string): Milliseconds {
    const { expires } = this.#client
    return expires.has(key) ? expires.get(key) - Date.now() : Number.POSITIVE_INFINITY
  }

  delete(key: string): void {
    this.#client.data.delete(key)
  }

  /** Without the client's prefix. */
  keys(): string[] {
    const { length } = this.#client.options.keyPrefix ?? ''
    return this.#client.data.keys().map((key) => key.slice(length))
  }

  /** Empty if there is no stream under the key. */
  stream(key: string): readonly MockStreamEntry[] {
    const value = this.#live(key)
    return Array.isArray(value) && Array.isArray(value[0]) ? (value as unknown[] as MockStreamEntry[]) : []
  }

  setStream(key: string, entries: readonly MockStreamEntry[]): void {
    this.#client.expires.delete(key)
    this.#client.data.set(key, entries)
  }

  /** Calls `run` after each change of `key`, until the function that it returns is called. */
  watch(key: string, run: () => void): () => void {
    const watched = (this.#client.options.keyPrefix ?? '') + key
    const { modifiedKeyEvents } = this.#client.context
    const onModified = (modified: string): void => {
      if (modified === watched) run()
    }
    modifiedKeyEvents.on('modified', onModified)
    return () => void modifiedKeyEvents.removeListener('modified', onModified)
  }

  #live(key: string): unknown {
    return this.#client.data.has(key) ? this.#client.data.get(key) : undefined
  }
}
