// The keys of a `MemoryServer`: values with an expiry, and a limit beyond which the least recently used ones are evicted.
import type { Milliseconds, Token } from '../../model/ports.js'
import type { AnnouncementLog } from './announcement-log.js'

/** The value of a key. `other` is any type that the cache does not use. */
export type MemoryValue =
  | { readonly type: 'bytes'; readonly bytes: Buffer }
  | { readonly type: 'token'; readonly token: Token }
  /** In the place of the token of a label that is held, and in that of the time at which the last hold ends. */
  | { readonly type: 'hold' }
  | { readonly type: 'log'; readonly log: AnnouncementLog }
  | { readonly type: 'other' }

interface Slot {
  readonly value: MemoryValue
  /** The first moment at which it no longer exists. */
  readonly expiresAtMs: number
}

/** A copy of all keys at one moment. */
export type KeyspaceSnapshot = ReadonlyMap<string, Slot>

export class MemoryKeyspace {
  /** Least recently used first. */
  private slots = new Map<string, Slot>()

  constructor(
    private readonly nowMs: () => number,
    private readonly maxKeys: number,
  ) {}

  get(key: string): MemoryValue | undefined {
    const slot = this.live(key)
    if (slot === undefined) return undefined
    this.slots.delete(key)
    this.slots.set(key, slot)
    return slot.value
  }

  /** The remaining life of a key; `undefined` if it does not exist. */
  leftMs(key: string): Milliseconds | undefined {
    const slot = this.live(key)
    return slot && slot.expiresAtMs - this.nowMs()
  }

  set(key: string, value: MemoryValue, keepMs: Milliseconds): void {
    this.slots.delete(key)
    this.slots.set(key, { value, expiresAtMs: this.nowMs() + keepMs })
    for (const oldest of this.slots.keys()) {
      if (this.slots.size <= this.maxKeys) return
      this.slots.delete(oldest)
    }
  }

  /** Changes the value but not the remaining life. */
  replace(key: string, value: MemoryValue): void {
    this.set(key, value, this.leftMs(key) ?? 0)
  }

  delete(key: string): boolean {
    return this.live(key) !== undefined && this.slots.delete(key)
  }

  keys(): string[] {
    return [...this.slots.keys()].filter((key) => this.live(key) !== undefined)
  }

  clear(): void {
    this.slots.clear()
  }

  snapshot(): KeyspaceSnapshot {
    return new Map([...this.slots].map(([key, slot]) => [key, { ...slot, value: copyOf(slot.value) }]))
  }

  restore(snapshot: KeyspaceSnapshot): void {
    this.slots = new Map([...snapshot].map(([key, slot]) => [key, { ...slot, value: copyOf(slot.value) }]))
  }

  private live(key: string): Slot | undefined {
    const slot = this.slots.get(key)
    if (slot === undefined || slot.expiresAtMs > this.nowMs()) return slot
    this.slots.delete(key)
    return undefined
  }
}

/** Only logs are changed in place. */
function copyOf(value: MemoryValue): MemoryValue {
  return value.type === 'log' ? { type: 'log', log: value.log.copy() } : value
}
