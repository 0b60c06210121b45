// The bus on ioredis-mock, which has no blocking reads. All mocks of one host are in this process, and they report each change at once.
import { busKeyOf } from '../../model/keys/key.js'
import type { Bus, BusEvents, Bytes, Clock, Milliseconds } from '../../model/ports.js'
import { queueMicrotask } from '../../model/time/real-timers.js'
import { type MockClient, MockData } from './mock-client.js'
import { MockLog } from './mock-log.js'

/**
 * Delivers each announcement one microtask after it was made, before the code that awaits it goes on. So the bus is heard for ever.
 * A log that was removed (`flushall` between tests) is noticed at the next beat.
 */
export class MockBus implements Bus {
  readonly announces = 'store'
  readonly #client: MockClient
  readonly #everyMs: Milliseconds
  #log: MockLog | undefined
  #events: BusEvents | undefined
  #position: string | undefined
  #unwatch: (() => void) | undefined
  #cancelBeat: (() => void) | undefined

  constructor(client: MockClient, everyMs: Milliseconds) {
    this.#client = client
    this.#everyMs = everyMs
  }

  position(): string | undefined {
    return this.#position
  }

  start(channel: string, events: BusEvents, clock: Clock): void {
    this.#log = new MockLog(new MockData(this.#client), busKeyOf(channel))
    this.#events = events
    this.#begin(this.#log, 'listening begins')
    this.#unwatch = this.#log.watch(() => queueMicrotask(this.#look))
    queueMicrotask(this.#look)
    this.#beat(clock)
  }

  async publish(bytes: Bytes): Promise<void> {
    this.#log?.append(bytes)
  }

  async close(): Promise<void> {
    this.#unwatch?.()
    this.#cancelBeat?.()
    this.#events = undefined
  }

  #begin(log: MockLog, reason: string): void {
    this.#position = log.join()
    this.#events?.lost(reason)
  }

  readonly #look = (): void => {
    const log = this.#log
    if (log === undefined || this.#events === undefined) return
    const announced = log.after(this.#position as string)
    if (announced === undefined) this.#begin(log, 'the stream was removed or trimmed')
    else {
      this.#position = announced.position
      for (const bytes of announced.announcements) this.#events?.message(bytes)
    }
    this.#events?.heard(Number.POSITIVE_INFINITY)
  }

  #beat(clock: Clock): void {
    this.#cancelBeat = clock.after(this.#everyMs, () => {
      this.#look()
      this.#beat(clock)
    })
  }
}
